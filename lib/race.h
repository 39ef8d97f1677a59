/*
 * Which address is tried when (RFC 8305, "Happy Eyeballs"): the order of the
 * attempts alone, without a socket and with time as an argument.
 */

#ifndef LIB_RACE_H
#define LIB_RACE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/address.h"

/* How long an answer for IPv4 waits for the one for IPv6: section 3. */
#define RACE_RESOLUTION_MS 50

/* How long an attempt is alone before the next one begins: section 5. */
#define RACE_ATTEMPT_MS 250

enum race_family {
	RACE_IPV6, /* the first to be tried; Unix sockets, too */
	RACE_IPV4,
	RACE_FAMILIES,
};

struct race {
	struct race_runners {
		bool is_awaited; /* the lookup has not answered yet */
		const struct address *addresses;
		size_t n, next;
	} runners[RACE_FAMILIES];
	enum race_family turn;
	bool has_begun;
	int64_t resolution_due; /* IPv4 may begin alone */
	int64_t attempt_due;    /* the next attempt may begin */
	size_t running;
};

/* No family is awaited, and none has addresses. */
void tcpmux_race_init(struct race *r);

/* There will be an answer for this family. */
void tcpmux_race_await(struct race *r, enum race_family family);

/*
 * The n addresses of a family, which stay the caller's and where they are;
 * 0 if it has none.
 */
void tcpmux_race_enter(struct race *r, enum race_family family,
    const struct address *addresses, size_t n, int64_t now);

/*
 * Returns an address to be tried now; ask again for more.  Returns NULL if
 * there is none, and sets *due to when there is one if nothing happens until
 * then, or INT64_MAX.
 */
const struct address *tcpmux_race_next(struct race *r, int64_t now,
    int64_t *due);

/* An attempt has failed: the next one begins at once. */
void tcpmux_race_fail(struct race *r, int64_t now);

/* The last attempt could not begin: it shall at the time due. */
void tcpmux_race_defer(struct race *r, int64_t due);

/* Nothing runs, nothing is left, and nothing will come. */
bool tcpmux_race_is_lost(const struct race *r);

#endif
