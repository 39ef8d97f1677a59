/*
 * Connections that are refused: each is told why, and what it still sends is
 * thrown away for a bounded time, as a close at once could destroy the reply
 * (PROTOCOL.md, rule 24).
 */

#ifndef CMD_OFFER_REFUSE_H
#define CMD_OFFER_REFUSE_H

#include <stdint.h>
#include <sys/types.h>

/* When they are all taken, the oldest makes room. */
#define REFUSE_MAX 64

/* So long, and so many bytes, each may take. */
#define REFUSE_MS    2000
#define REFUSE_BYTES 65536

struct refused {
	int fd; /* or -1 */
	ssize_t thrown;
	int64_t deadline;
};

struct refusals {
	int loop; /* to poll for input; then call refuse_step() */
	unsigned int next;
	unsigned int count;
	struct refused places[REFUSE_MAX];
};

/* Returns 0, or -1 with errno. */
int refuse_init(struct refusals *r);

/* Say - and text to fd, and own it; it may be blocking. */
void refuse_take_fd(struct refusals *r, int fd, const char *text);

/*
 * Throw away what has come, and end what is over.  Returns the milliseconds
 * until it is to be called at the latest, or -1.
 */
int refuse_step(struct refusals *r);

#endif
