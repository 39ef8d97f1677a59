/*
 * A pool of pipes to splice through: made when they are needed, and kept, a
 * few of them, while they are empty.
 */

#ifndef OS_PIPE_H
#define OS_PIPE_H

#include <stdbool.h>
#include <stdint.h>

/* The most pipes of one pool, and the most that it keeps unused. */
#define PIPES_MAX  256
#define PIPES_IDLE 8

/*
 * What a pipe should hold, in bytes: the most that the kernel gives to anybody
 * by default, or else a quarter of it; and what it holds at least.
 */
#define PIPE_SIZE     1048576
#define PIPE_SIZE_LOW 262144
#define PIPE_SIZE_MIN 65536

/* No pipe. */
#define PIPE_NONE UINT16_MAX

struct pipe {
	int input;  /* non-blocking, as its output is */
	int output; /* where what was written is read again */
};

struct pipes {
	uint16_t max;   /* pipes at a time */
	uint16_t nidle; /* open, empty, and nobody's */
	uint16_t nfree; /* places without a pipe */
	uint16_t rest;  /* how often not to try, after the kernel refused */
	uint16_t idle[PIPES_MAX];
	uint16_t free[PIPES_MAX];
	struct pipe v[PIPES_MAX];
};

/* Begin without any pipe; there will be max, at most PIPES_MAX, of them. */
void pipes_init(struct pipes *p, uint16_t max);

/*
 * Would pipes_take() give a pipe now?  Makes one if there is none: the kernel
 * has a limit for each user, and may refuse.
 */
bool pipes_ready(struct pipes *p);

/* Take an empty pipe, p->v[] of the result; or PIPE_NONE. */
uint16_t pipes_take(struct pipes *p);

/* Give one back, which is empty; or one that may not be, to be closed. */
void pipes_give(struct pipes *p, uint16_t pipe);
void pipes_drop(struct pipes *p, uint16_t pipe);

#endif
