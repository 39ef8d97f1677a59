/*
 * The header of the PROXY protocol, versions 1 and 2: parse and format.
 *
 * Pure, and allocates nothing.  As published by HAProxy, "The PROXY
 * protocol", versions 1 and 2, 2020/03/05.
 */

#ifndef TABLE_PROXY_H
#define TABLE_PROXY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "table/access.h"

/* The longest header that is taken: version 2 with its extensions. */
#define PROXY_HEADER_MAX 536

/* The longest that is written. */
#define PROXY_FORMAT_MAX 108

/* IPv4 in its mapped form; ports in host byte order. */
struct proxy {
	bool known; /* else UNKNOWN or LOCAL: the connection's own ends hold */
	uint8_t from[ADDRESS_BYTES];
	uint8_t to[ADDRESS_BYTES];
	uint16_t from_port;
	uint16_t to_port;
};

/*
 * Parse a header of either version from the first len bytes at buf.  Returns
 * the bytes it takes and sets *p; 0 if more bytes could make one; or -1 if
 * none could, or only one longer than PROXY_HEADER_MAX.
 */
ssize_t proxy_parse(const char *buf, size_t len, struct proxy *p);

/*
 * Write the header of version 1 or 2 into buf.  Returns its length.
 */
size_t proxy_format(const struct proxy *p, int version,
    char buf[static PROXY_FORMAT_MAX]);

#endif
