/*
 * The time: for deadlines, and of day for the log.
 */

#ifndef OS_CLOCK_H
#define OS_CLOCK_H

#include <stdint.h>
#include <time.h>

/* Milliseconds since some moment in the past; never goes back. */
static inline int64_t
clock_now(void)
{
	struct timespec ts;

	/* Cannot fail: the clock exists and ts is valid. */
	(void)clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

/* The same in microseconds. */
static inline int64_t
clock_us(void)
{
	struct timespec ts;

	/* Cannot fail: the clock exists and ts is valid. */
	(void)clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * 1000000 + ts.tv_nsec / 1000;
}

/* Milliseconds since 1970, UTC; may be set back. */
static inline int64_t
clock_wall(void)
{
	struct timespec ts;

	/* Cannot fail: the clock exists and ts is valid. */
	(void)clock_gettime(CLOCK_REALTIME, &ts);
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

#endif
