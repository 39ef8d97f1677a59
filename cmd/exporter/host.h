/*
 * Which names a client may have called us by.
 *
 * A page of a stranger can have its own name looked up as a loopback address,
 * and then its script is let to read what we say (DNS rebinding).  The browser
 * still tells the name that it knows: it is in Host.
 */

#ifndef CMD_EXPORTER_HOST_H
#define CMD_EXPORTER_HOST_H

#include <stdbool.h>
#include <stddef.h>

/*
 * Is the value of Host, which may be NULL, localhost, an address of the
 * loopback network or one of n names, with or without a port?
 */
bool host_is_ours(const char *host, const char *const *names, size_t n);

#endif
