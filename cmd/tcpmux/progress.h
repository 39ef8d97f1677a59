/*
 * What -v shows of a transfer: bytes each way and the rate, every second on a
 * terminal, and once at the end.
 */

#ifndef CMD_TCPMUX_PROGRESS_H
#define CMD_TCPMUX_PROGRESS_H

#include <stdbool.h>
#include <stdint.h>

struct progress {
	bool on;       /* say something at the end */
	bool live;     /* and every second: standard error is a terminal */
	int64_t since; /* milliseconds, as all times here */
	int64_t shown; /* when it was last */
	uint64_t then; /* the bytes of both directions at that time */
};

/* One that is not live says nothing before the end. */
void progress_init(struct progress *progress, bool on, bool live);

/* How long to poll, in milliseconds, until the next line is due; or -1. */
int progress_wait(const struct progress *progress);

/* Show how many bytes went up and down, if it is time. */
void progress_show(struct progress *progress, uint64_t up, uint64_t down);

/* The last line. */
void progress_end(struct progress *progress, uint64_t up, uint64_t down);

#endif
