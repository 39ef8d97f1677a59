/*
 * Waiting for many descriptors at once: epoll, edge-triggered.
 */

#ifndef OS_LOOP_H
#define OS_LOOP_H

#include <stdint.h>

/* What is waited for, and what has been seen; a set of bits. */
enum loop_what {
	LOOP_READ = 1, /* bytes, a connection, or an end */
	LOOP_WRITE = 2,
	LOOP_END = 4,   /* seen only: the peer has ended, or all is dead */
	LOOP_URGENT = 8 /* seen only: TCP urgent data is pending */
};

/*
 * Who an event is for.  Within one batch of events a slot can be freed and
 * taken again: the generation tells the new occupant from the old.
 */
struct loop_id {
	uint32_t slot;
	uint32_t generation;
};

struct loop_event {
	struct loop_id id;
	unsigned int seen; /* enum loop_what */
};

/* The most events of one batch. */
#define LOOP_BATCH 256

/*
 * Returns a descriptor for the functions below, which is the caller's to
 * close, or -1 with errno.
 */
int loop_new(void);

/*
 * Report the edges of fd, and what is there already as the first edge.  It
 * must be non-blocking, and read or written until EAGAIN.  Closing fd, if
 * this is its only descriptor, ends the watch.  Returns 0, or -1 with errno.
 */
int loop_watch(int loop, int fd, struct loop_id id, unsigned int what);

/*
 * Change what is waited for; what is there already is reported anew.
 * Returns as loop_watch() does.
 */
int loop_rewatch(int loop, int fd, struct loop_id id, unsigned int what);

/*
 * Report for as long as fd is readable, not only once: for listeners.
 * Returns as loop_watch() does.
 */
int loop_watch_level(int loop, int fd, struct loop_id id);

/*
 * The same for one that several processes watch, of which one at least is
 * woken, and not all.  Returns as loop_watch() does.
 */
int loop_watch_shared(int loop, int fd, struct loop_id id);

/*
 * Report only that nothing will come from fd and nothing can go there any
 * more, for as long as it is watched.  Returns as loop_watch() does.
 */
int loop_watch_end(int loop, int fd, struct loop_id id);

/* Watch fd no more.  Returns as loop_watch() does. */
int loop_forget(int loop, int fd);

/*
 * Wait until something is seen or timeout_ms have passed; -1 is for ever.
 * Returns the number of events, 0 also if a signal came; or -1 with errno.
 */
int loop_wait(int loop, struct loop_event ev[static LOOP_BATCH],
    int timeout_ms);

#endif
