/*
 * Inherited: the sockets that the service manager has opened for us, by name
 * and by address, and those of offers that it has kept.  They are its own, too,
 * so we never end them.
 */

#ifndef DAEMON_MONITOR_INHERITED_H
#define DAEMON_MONITOR_INHERITED_H

#include <stdbool.h>
#include <stddef.h>

#include "daemon/keepsake.h"
#include "os/activation.h"
#include "os/socket.h"

enum inherited_kind {
	INHERITED_NOTHING, /* it was of no use, and is closed */
	INHERITED_LISTENER,
	INHERITED_CONTROL, /* the control socket */
	INHERITED_OFFER
};

struct inherited_socket {
	enum inherited_kind kind;
	int fd;
	const char *name;
	struct address address;      /* of a listener */
	bool takes_both;             /* of IPv6, and takes IPv4 as well */
	char text[ADDRESS_TEXT_MAX]; /* the address, for log lines */
};

struct inherited {
	struct inherited_socket *v;
	size_t n;
	struct kept *kept; /* those of v that are offers */
	size_t nkept;
	struct activation from;
};

/* The name of the control socket, if the service manager opens it. */
#define INHERITED_CONTROL_NAME "control"

/*
 * Take what there is, and say what is of no use.  Returns 0; or -1 after
 * saying why it cannot be known.
 */
int inherited_read(struct inherited *in);

/* The listening socket at an address, which may be one that takes both. */
const struct inherited_socket *inherited_at(const struct inherited *in,
    const struct address *a);

/*
 * The next listening socket of this name, in steps from 0; or NULL.
 */
const struct inherited_socket *inherited_named(const struct inherited *in,
    const char *name, size_t *step);

/* The listening control socket, or -1. */
int inherited_control(const struct inherited *in);

/* Close the sockets of the offers: they are somebody's, or nobody's. */
void inherited_close_kept(struct inherited *in);

#endif
