/*
 * The store: what the service manager keeps of offers, a descriptor and a name
 * for each, as FDSTORE= in sd_notify(3) has it.
 */

#ifndef DAEMON_MONITOR_STORE_H
#define DAEMON_MONITOR_STORE_H

#include <stdbool.h>

#include "daemon/keepsake.h"
#include "os/notify.h"

/*
 * Is fd what k, of which nothing has been checked, says: the socket of an
 * offer, of this user, that has not ended?  Returns NULL, or what is wrong.
 */
const char *store_fault(const struct keepsake *k, int fd);

/* Does a descriptor with this name come from the store? */
bool store_is_name(const char *name);

/* Set *k from such a name.  Returns 0, or -1 if it is not one of ours. */
int store_parse_name(const char *name, struct keepsake *k);

/*
 * Write what the service manager is told, so that it does what k, which is
 * good, says; fd goes with it if it is to be kept.
 */
void store_write(const struct keepsake *k, int fd,
    char text[static NOTIFY_TEXT_MAX]);

#endif
