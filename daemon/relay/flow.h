/*
 * Moving bytes one way, from one stream socket to another or the same one.
 *
 * Little is copied through a buffer that all flows share; much is spliced
 * through a pipe, which a flow has only while there is something in it.
 */

#ifndef DAEMON_RELAY_FLOW_H
#define DAEMON_RELAY_FLOW_H

#include <stdbool.h>
#include <stdint.h>

#include "os/pipe.h"

/* Bytes of the buffer. */
#define FLOW_BUFFER 65536

/* No bound on the bytes of a flow. */
#define FLOW_UNBOUNDED UINT64_MAX

enum flow_state {
	FLOW_INPUT,  /* waits for bytes */
	FLOW_OUTPUT, /* waits until they can be sent */
	FLOW_TURN,   /* waits for nothing: it has had its share, for now */
	FLOW_ENDED,  /* input has ended, and all of it was sent */
	FLOW_BROKEN  /* input or output has failed */
};

struct flow {
	uint64_t moved;   /* bytes that have been sent */
	uint32_t held;    /* bytes in its pipe */
	uint16_t pipe;    /* PIPE_NONE: it has none */
	uint8_t state;    /* enum flow_state */
	bool bulk : 1;    /* bytes come in large pieces */
	bool spliced : 1; /* both sockets are non-blocking by now */
	bool greedy : 1;  /* a short read is not the last of what there is */
};

/* What all flows of a process share. */
struct moving {
	struct pipes pipes;
	char buffer[FLOW_BUFFER];
};

void flow_init(struct flow *f);

/*
 * Is there anything to do, when the loop has seen this (enum loop_what) of
 * the sockets from which it comes and to which it goes?  Keeps in mind what
 * later steps must know of it.
 */
bool flow_is_ready(struct flow *f, unsigned int seen_from,
    unsigned int seen_to);

/*
 * There may be input that the loop does not tell: none at all of it, if told
 * is true, since it has done so already.
 */
void flow_retry(struct flow *f, bool told);

/*
 * Move what can be moved without waiting, but no byte after the first bound
 * ones, which are the whole flow then.  Returns and sets f->state.
 */
enum flow_state flow_step(struct flow *f, struct moving *m, int from, int to,
    uint64_t bound);

/* Forget what has not been sent. */
void flow_clear(struct flow *f, struct moving *m);

#endif
