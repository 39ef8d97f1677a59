/*
 * How long something took, from how often it took so long at the most.
 */

#ifndef CMD_HISTOGRAM_H
#define CMD_HISTOGRAM_H

#include <stddef.h>
#include <stdint.h>

#include "cmd/snapshot.h"

/* The most bounds of a histogram. */
#define HISTOGRAM_MAX 64

struct histogram {
	size_t n;                       /* bounds; there is one count more */
	uint64_t bounds[HISTOGRAM_MAX]; /* in microseconds */
};

/* The bounds of a snapshot, or none. */
void histogram_init(struct histogram *h, const struct snapshot *s);

/*
 * The bound, in microseconds, within which so many of a hundred were, of the
 * service of a line.  Returns 0 if it has none, and UINT64_MAX if that is
 * above all bounds.
 */
uint64_t histogram_quantile(const struct histogram *h,
    const struct snapshot_line *service, unsigned int percent);

#endif
