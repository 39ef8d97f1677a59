/*
 * Moving bytes one way.
 *
 * Nothing is read before all that was read earlier has been sent, so a flow
 * waits for one thing at a time.  What was read and cannot be sent is kept in
 * a pipe; where the kernel gives none, input is only peeked at and left where
 * it is until it has been sent.
 */

#include <errno.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "daemon/relay/flow.h"
#include "os/loop.h"
#include "os/stream.h"

/* Pieces moved in one step, so that one flow cannot keep the process. */
#define PIECES_MAX 16

/* The most bytes of one spliced piece. */
#define PIECE_SIZE 1048576

/* A piece of this size makes a flow bulk; smaller ones are copied again. */
#define PIECE_BULK 16384

void
flow_init(struct flow *f)
{
	*f = (struct flow){ .pipe = PIPE_NONE, .state = FLOW_INPUT };
}

void
flow_retry(struct flow *f, bool told)
{
	f->state = FLOW_TURN;
	f->greedy = told;
}

bool
flow_is_ready(struct flow *f, unsigned int seen_from, unsigned int seen_to)
{
	/* An end or urgent byte that is there already is not told again. */
	if (seen_from & (LOOP_END | LOOP_URGENT))
		f->greedy = true;
	switch (f->state) {
	case FLOW_INPUT:
		return (seen_from & (LOOP_READ | LOOP_END)) != 0;
	case FLOW_OUTPUT:
		return (seen_to & (LOOP_WRITE | LOOP_END)) != 0;
	case FLOW_TURN:
		return true;
	default:
		return false;
	}
}

void
flow_clear(struct flow *f, struct moving *m)
{
	if (f->pipe != PIPE_NONE)
		pipes_drop(&m->pipes, f->pipe);
	f->pipe = PIPE_NONE;
	f->held = 0;
}

/* What a call that has failed is waiting for, if it only had to wait. */
static enum flow_state
failed(enum flow_state waiting)
{
	return errno == EAGAIN ? waiting : FLOW_BROKEN;
}

/* Send what is in the pipe; FLOW_TURN if nothing is left. */
static enum flow_state
send_held(struct flow *f, struct moving *m, int to)
{
	const int output = m->pipes.v[f->pipe].output;
	ssize_t n;

	while (f->held > 0) {
		n = splice(output, NULL, to, NULL, f->held,
		    SPLICE_F_MOVE | SPLICE_F_NONBLOCK);
		if (n == -1)
			return failed(FLOW_OUTPUT);
		f->held -= (uint32_t)n;
		f->moved += (uint64_t)n;
	}
	pipes_give(&m->pipes, f->pipe);
	f->pipe = PIPE_NONE;
	return FLOW_TURN;
}

/* Keep len bytes at p, which could not be sent, in a pipe. */
static enum flow_state
hold(struct flow *f, struct moving *m, const char *p, size_t len)
{
	f->pipe = pipes_take(&m->pipes); /* there is one: pipes_ready() */
	/* All of it fits into an empty pipe. */
	if (write(m->pipes.v[f->pipe].input, p, len) != (ssize_t)len)
		return FLOW_BROKEN;
	f->held = (uint32_t)len;
	return FLOW_OUTPUT;
}

/* Move a piece through the buffer; FLOW_TURN if there may be more. */
static enum flow_state
copy_piece(struct flow *f, struct moving *m, int from, int to, size_t size)
{
	const bool keep = !pipes_ready(&m->pipes);
	ssize_t n, sent;

	n = recv(from, m->buffer, size, MSG_DONTWAIT | (keep ? MSG_PEEK : 0));
	if (n == 0)
		return FLOW_ENDED;
	if (n == -1)
		return failed(FLOW_INPUT);
	sent = send(to, m->buffer, (size_t)n, MSG_DONTWAIT | MSG_NOSIGNAL);
	if (sent == -1 && errno != EAGAIN)
		return FLOW_BROKEN;
	if (sent == -1)
		sent = 0;
	f->moved += (uint64_t)sent;
	if (keep && sent > 0 &&
	    recv(from, m->buffer, (size_t)sent, MSG_DONTWAIT) != sent)
		return FLOW_BROKEN;
	if (sent < n)
		return keep ? FLOW_OUTPUT :
			      hold(f, m, m->buffer + sent, (size_t)(n - sent));
	f->bulk = n >= PIECE_BULK;
	/* The rest, should there be one, is reported by the loop. */
	return (size_t)n < size && !f->greedy ? FLOW_INPUT : FLOW_TURN;
}

/* The same through a pipe, which the flow holds. */
static enum flow_state
splice_piece(struct flow *f, struct moving *m, int from, int to, size_t size)
{
	ssize_t n;

	n = splice(from, NULL, m->pipes.v[f->pipe].input, NULL, size,
	    SPLICE_F_MOVE | SPLICE_F_NONBLOCK);
	if (n > 0) {
		f->bulk = n >= PIECE_BULK;
		f->held = (uint32_t)n;
		return send_held(f, m, to);
	}
	pipes_give(&m->pipes, f->pipe);
	f->pipe = PIPE_NONE;
	if (n == -1 && errno != EAGAIN)
		return FLOW_BROKEN;
	/*
	 * In front of urgent data splice() says that there is nothing, or that
	 * this is the end; recv() steps over it, or says the same.
	 */
	return copy_piece(f, m, from, to,
	    size < FLOW_BUFFER ? size : FLOW_BUFFER);
}

/* Take what splicing needs; false if it cannot be had. */
static bool
can_splice(struct flow *f, struct moving *m, int from, int to)
{
	if (!f->spliced &&
	    (stream_set_nonblocking(from) == -1 ||
		stream_set_nonblocking(to) == -1))
		return false;
	f->spliced = true;
	f->pipe = pipes_take(&m->pipes);
	return f->pipe != PIPE_NONE;
}

static size_t
lesser(uint64_t left, size_t size)
{
	return left < size ? (size_t)left : size;
}

static enum flow_state
move_piece(struct flow *f, struct moving *m, int from, int to, uint64_t bound)
{
	const uint64_t left = bound - f->moved - f->held;

	if (f->held > 0)
		return send_held(f, m, to);
	if (left == 0)
		return FLOW_ENDED;
	if (f->bulk && can_splice(f, m, from, to))
		return splice_piece(f, m, from, to, lesser(left, PIECE_SIZE));
	return copy_piece(f, m, from, to, lesser(left, FLOW_BUFFER));
}

enum flow_state
flow_step(struct flow *f, struct moving *m, int from, int to, uint64_t bound)
{
	enum flow_state state = FLOW_TURN;
	int i;

	for (i = 0; i < PIECES_MAX && state == FLOW_TURN; i++)
		state = move_piece(f, m, from, to, bound);
	f->state = (uint8_t)state;
	return state;
}
