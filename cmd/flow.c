/*
 * One direction of a conversation.  Where one end is a pipe the kernel moves
 * the pages (splice(2)); else they go through a buffer.
 */

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cmd/flow.h"

static int
flow_find_kind(int fd, enum flow_kind *kind)
{
	struct stat st;

	if (fstat(fd, &st) == -1)
		return -1;
	*kind = S_ISSOCK(st.st_mode) ? FLOW_SOCKET :
	    S_ISFIFO(st.st_mode)     ? FLOW_PIPE :
				       FLOW_OTHER;
	return 0;
}

int
flow_init(struct flow *flow, int from, int to)
{
	*flow = (struct flow){ .from = from, .to = to };
	if (flow_find_kind(from, &flow->from_kind) == -1 ||
	    flow_find_kind(to, &flow->to_kind) == -1)
		return -1;
	/* One that is a pipe at both ends has no socket, and is none of ours. */
	flow->splice =
	    flow->from_kind == FLOW_PIPE || flow->to_kind == FLOW_PIPE;
	if (flow->splice)
		return 0;
	flow->buf = malloc(FLOW_SIZE);
	return flow->buf == NULL ? -1 : 0;
}

void
flow_clear(struct flow *flow)
{
	free(flow->buf);
	flow->buf = NULL;
}

static void
flow_fail(struct flow *flow, enum flow_state state, int error)
{
	flow->state = state;
	flow->error = error;
}

/* The end of input has come: pass it on, where that is possible. */
static void
flow_end(struct flow *flow)
{
	if (flow->error != 0) {
		flow->state = FLOW_CUT;
		return;
	}
	flow->state = FLOW_OVER;
	if (flow->to_kind == FLOW_SOCKET && shutdown(flow->to, SHUT_WR) == -1 &&
	    errno != EINVAL)
		flow_fail(flow, FLOW_UNHEARD, errno);
}

static bool
flow_must_wait(int error)
{
	return error == EAGAIN || error == EINTR;
}

/*
 * splice(2) stops at urgent data as at an end; recv(2) steps over it.  Returns
 * whether that is so, and from then on bytes go through a buffer.
 */
static bool
flow_leave_mark(struct flow *flow)
{
	const int saved = errno;

	/* Only a socket of TCP has such a mark. */
	if (flow->from_kind != FLOW_SOCKET || sockatmark(flow->from) != 1) {
		errno = saved;
		return false;
	}
	flow->splice = false;
	flow->state = FLOW_READ;
	flow->buf = malloc(FLOW_SIZE);
	if (flow->buf == NULL)
		flow_fail(flow, FLOW_CUT, errno);
	return true;
}

/*
 * splice(2) does not say which side it waits for.  So each side is polled in
 * turn, until there are bytes and room at a time.
 */
static void
flow_splice(struct flow *flow)
{
	ssize_t n;

	n = splice(flow->from, NULL, flow->to, NULL, FLOW_SIZE,
	    SPLICE_F_NONBLOCK | SPLICE_F_MOVE);
	if (n > 0) {
		flow->moved += (uint64_t)n;
		flow->state = FLOW_READ;
	} else if (flow_leave_mark(flow))
		return;
	else if (n == 0)
		flow_end(flow);
	else if (flow_must_wait(errno))
		flow->state = flow->state == FLOW_READ ? FLOW_WRITE : FLOW_READ;
	else if (flow->from_kind == FLOW_PIPE || errno == EPIPE)
		flow_fail(flow, FLOW_UNHEARD, errno);
	else
		flow_fail(flow, FLOW_CUT, errno);
}

/* Fill the buffer, which is empty. */
static void
flow_read(struct flow *flow)
{
	ssize_t n;

	if (flow->from_kind == FLOW_SOCKET)
		n = recv(flow->from, flow->buf, FLOW_SIZE, MSG_DONTWAIT);
	else
		n = read(flow->from, flow->buf, FLOW_SIZE);
	if (n == -1) {
		if (!flow_must_wait(errno))
			flow_fail(flow, FLOW_CUT, errno);
		return;
	}
	if (n == 0) {
		flow_end(flow);
		return;
	}
	flow->at = 0;
	flow->end = (size_t)n;
	flow->state = FLOW_WRITE;
}

/* A terminal may wait for its person, and so do we then; a pipe has room. */
static void
flow_write(struct flow *flow)
{
	const char *p = flow->buf + flow->at;
	size_t len = flow->end - flow->at;
	ssize_t n;

	if (flow->to_kind == FLOW_PIPE && len > PIPE_BUF)
		len = PIPE_BUF;
	if (flow->to_kind == FLOW_SOCKET)
		n = send(flow->to, p, len, MSG_DONTWAIT | MSG_NOSIGNAL);
	else
		n = write(flow->to, p, len);
	if (n == -1) {
		if (!flow_must_wait(errno))
			flow_fail(flow, FLOW_UNHEARD, errno);
		return;
	}
	flow->moved += (uint64_t)n;
	flow->at += (size_t)n;
	if (flow->at == flow->end)
		flow->state = FLOW_READ;
}

void
flow_poll(const struct flow *flow, struct pollfd *from, struct pollfd *to)
{
	/* What is not read is not watched: its end would wake us for ever. */
	if (flow->state == FLOW_READ) {
		from->fd = flow->from;
		from->events |= POLLIN;
	}
	/* What is not written to is: it says so when nobody listens. */
	if (flow_is_done(flow))
		return;
	to->fd = flow->to;
	if (flow->state == FLOW_WRITE)
		to->events |= POLLOUT;
}

static int
flow_socket_error(int fd)
{
	socklen_t len = sizeof(int);
	int error = 0;

	if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &len) == -1 ||
	    error == 0)
		return EPIPE;
	return error;
}

void
flow_step(struct flow *flow, short from, short to)
{
	const short over = POLLERR | POLLHUP | POLLNVAL;

	if (flow_is_done(flow))
		return;
	if (flow->state == FLOW_READ && (to & over) != 0) {
		flow_fail(flow, FLOW_UNHEARD, flow_socket_error(flow->to));
		return;
	}
	if (flow->state == FLOW_READ ? (from & (POLLIN | over)) == 0 :
				       (to & (POLLOUT | over)) == 0)
		return;
	if (flow->splice) {
		flow_splice(flow);
		return;
	}
	if (flow->state == FLOW_READ)
		flow_read(flow);
	if (flow->state == FLOW_WRITE)
		flow_write(flow);
}

bool
flow_is_done(const struct flow *flow)
{
	return flow->state == FLOW_OVER || flow->state == FLOW_CUT ||
	    flow->state == FLOW_UNHEARD;
}
