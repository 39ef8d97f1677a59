/*
 * Bytes that go from one descriptor to another, and then the end: one
 * direction of a conversation.  It never waits for a socket or a pipe, and
 * never changes the flags of a descriptor that others may share.
 */

#ifndef CMD_FLOW_H
#define CMD_FLOW_H

#include <poll.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum flow_state {
	FLOW_READ,  /* waits for input */
	FLOW_WRITE, /* waits for room */
	FLOW_OVER,  /* has come to its end, and has said so */
	FLOW_CUT,   /* input failed, and its end is not to be trusted: error */
	FLOW_UNHEARD, /* nobody takes the output any more: error */
};

/* What a descriptor is, as far as it makes a difference here. */
enum flow_kind {
	FLOW_SOCKET,
	FLOW_PIPE,
	FLOW_OTHER, /* a file, a terminal, a device */
};

struct flow {
	int from, to; /* both are the caller's */
	enum flow_kind from_kind, to_kind;
	enum flow_state state;
	bool splice;    /* a pipe is at one end: the kernel moves the bytes */
	int error;      /* errno, for FLOW_CUT and FLOW_UNHEARD; set before,
	                   it makes the end of input FLOW_CUT */
	char *buf;      /* of FLOW_SIZE bytes, if it does not splice */
	size_t at, end; /* what of it is still to be written */
	uint64_t moved; /* bytes, in all */
};

/* How much is moved at a time. */
#define FLOW_SIZE ((size_t)128 << 10)

/*
 * Begin.  A socket that is to be spliced must not block: the caller has set
 * its O_NONBLOCK.  Returns 0, or -1 with errno (ENOMEM, EBADF).
 */
int flow_init(struct flow *flow, int from, int to);
void flow_clear(struct flow *flow);

/*
 * Add what to poll for.  Both places may be the same one, or shared with
 * another flow; they begin with a descriptor of -1 and no events.
 */
void flow_poll(const struct flow *flow, struct pollfd *from, struct pollfd *to);

/* Go one step on what poll() has found of each. */
void flow_step(struct flow *flow, short from, short to);

/* Is there nothing more to come? */
bool flow_is_done(const struct flow *flow);

#endif
