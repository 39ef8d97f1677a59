/*
 * The time, for deadlines.
 */

#include <time.h>

#include "lib/clock.h"

int64_t
tcpmux_clock_now(void)
{
	struct timespec t;

	/* This clock is always there. */
	(void)clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}
