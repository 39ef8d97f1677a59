/*
 * What a daemon does in a second: the difference between what it says of
 * itself now and what it said before.
 */

#ifndef CMD_CTL_RATES_H
#define CMD_CTL_RATES_H

#include <stddef.h>
#include <stdint.h>

#include "cmd/snapshot.h"

/* Something that is counted. */
struct rate {
	uint64_t total;
	double per_second; /* 0 as long as it is not known */
};

/* A service. */
struct rates_row {
	const struct snapshot_line *line;
	const char *name;
	struct rate requests, refused, in, out;
};

/* In which order services are shown; the largest first, but for names. */
enum rates_order {
	RATES_BY_REQUESTS,
	RATES_BY_REFUSED,
	RATES_BY_CURRENT,
	RATES_BY_IN,
	RATES_BY_OUT,
	RATES_BY_TOTAL,
	RATES_BY_NAME,
	RATES_ORDERS, /* how many there are */
};

/* All zero is one of which nothing is known yet. */
struct rates {
	struct snapshot snapshot;
	const struct snapshot_line *daemon; /* or NULL, as total */
	const struct snapshot_line *total;
	struct rates_row *rows;         /* in the order of their names */
	const struct rates_row **order; /* in the order that was wanted */
	size_t n;
	struct rate accepted, requests, refused, in, out;
	struct rate cpu; /* microseconds */
	uint64_t rss_kb;
	size_t processes;
};

/*
 * Go on to a newer snapshot, which is taken and emptied.  A daemon that has
 * started anew has no rates at first.  Returns 0, or -1 with errno (ENOMEM),
 * and then r is as it was.
 */
int rates_take(struct rates *r, struct snapshot *s);

void rates_clear(struct rates *r);

void rates_sort(struct rates *r, enum rates_order order);

#endif
