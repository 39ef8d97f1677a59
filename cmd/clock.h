/*
 * The time, for deadlines.
 */

#ifndef CMD_CLOCK_H
#define CMD_CLOCK_H

#include <stdint.h>
#include <time.h>

/* By CLOCK_MONOTONIC, in milliseconds. */
static inline int64_t
clock_now(void)
{
	struct timespec t;

	/* This clock is always there. */
	(void)clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

#endif
