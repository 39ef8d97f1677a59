/*
 * The time, for deadlines.
 */

#ifndef LIB_CLOCK_H
#define LIB_CLOCK_H

#include <stdint.h>

/* By CLOCK_MONOTONIC, in milliseconds. */
int64_t tcpmux_clock_now(void);

#endif
