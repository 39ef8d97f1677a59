/*
 * The life of one connection in the front, as a state machine.
 */

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stddef.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include "daemon/conn.h"
#include "os/loop.h"
#include "table/limits.h"

/* States passed in one step, so that one client cannot keep the front. */
#define STEPS_MAX 16

/* The most bytes thrown away in one call. */
#define THROW_MAX 65536

void
conn_init(struct conn *c, int fd, const struct mux *m, int64_t now)
{
	c->fd = fd;
	c->state = CONN_LINE;
	c->deadline = now + m->wait_ms;
	c->thrown = 0;
	c->replied = false;
	c->nodelay = false;
	c->widened = false;
	c->watched = 0;
}

static enum conn_state
refuse(struct conn *c, const struct mux *m, enum refusal why)
{
	c->answer = words_refuse(m->words, why);
	return CONN_REPLY;
}

void
conn_refuse(struct conn *c, const struct mux *m, enum refusal why)
{
	c->state = refuse(c, m, why);
}

/*
 * Is the next byte an urgent one?  Then the peeked line lacks it.  Urgent
 * data further on cuts the peeked line short, and epoll tells of it.  Where
 * the kernel cannot say, the line is not to be trusted.
 */
static bool
is_at_mark(int fd)
{
	int at_mark;

	return ioctl(fd, SIOCATMARK, &at_mark) == -1 || at_mark != 0;
}

/* Rule 30: a second reply would wait for the ACK of the first. */
static int
send_at_once(int fd)
{
	const int on = 1;

	return setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
}

/* Take exactly the n bytes of the line from the socket: rule 20. */
static enum conn_state
consume_line(struct conn *c, const struct mux *m, size_t n,
    struct tcpmux_span name)
{
	if (is_at_mark(c->fd))
		return refuse(c, m, REFUSE_URGENT);
	if (recv(c->fd, NULL, n, MSG_TRUNC) != (ssize_t)n)
		return CONN_OVER;
	if (c->replied && !c->nodelay) {
		if (send_at_once(c->fd) == -1)
			return CONN_OVER;
		c->nodelay = true;
	}
	c->answer = words_answer(m->words, name);
	return CONN_REPLY;
}

/*
 * Half a line that stays in the socket can hold on to the whole segment that
 * it came in, with most of a small receive buffer, and so keep the window
 * shut before its other half.  SO_RCVLOWAT makes the kernel widen the buffer
 * without fixing its size, as SO_RCVBUF would, and is then put back.
 */
static void
widen_window(int fd)
{
	const int wide = 1048576, factory = 1;

	/* If it cannot be widened, then there is the deadline. */
	(void)setsockopt(fd, SOL_SOCKET, SO_RCVLOWAT, &wide, sizeof(wide));
	(void)setsockopt(fd, SOL_SOCKET, SO_RCVLOWAT, &factory,
	    sizeof(factory));
}

static enum conn_state
read_line(struct conn *c, const struct mux *m, unsigned int seen, int64_t now)
{
	char buf[TCPMUX_REQUEST_MAX];
	struct tcpmux_span name;
	ssize_t len, n;

	len = recv(c->fd, buf, sizeof(buf), MSG_PEEK);
	if (len == 0 || (len == -1 && errno != EAGAIN))
		return CONN_OVER;
	n = tcpmux_parse_request(buf, len == -1 ? 0 : (size_t)len, m->flags,
	    &name);
	if (n > 0)
		return consume_line(c, m, (size_t)n, name);
	if (n < 0)
		return refuse(c, m, (enum refusal)(-n));
	if (seen & LOOP_URGENT)
		return refuse(c, m, REFUSE_URGENT);
	if ((seen & LOOP_END) == 0) {
		/* Only behind other requests can a half line be costly. */
		if (len > 0 && c->replied && !c->widened) {
			widen_window(c->fd);
			c->widened = true;
		}
		return CONN_LINE;
	}
	/* No reply to half a line (rule 26), but no reset, either. */
	c->deadline = now + LIMIT_LINGER_MS;
	return CONN_LINGER;
}

/* Say what is left of the answer. */
static enum conn_state
write_reply(struct conn *c, const struct mux *m, int64_t now)
{
	const bool last = c->answer.then == ANSWER_CLOSE;
	ssize_t n;

	/* The last reply and the FIN behind it share one segment. */
	n = send(c->fd, c->answer.text.p, c->answer.text.len,
	    MSG_NOSIGNAL | (last ? MSG_MORE : 0));
	if (n == -1)
		return errno == EAGAIN ? CONN_REPLY : CONN_OVER;
	c->answer.text.p += n;
	c->answer.text.len -= (size_t)n;
	if (c->answer.text.len > 0)
		return CONN_REPLY;

	if (!last) {
		c->deadline = now + m->wait_ms;
		c->replied = true;
		return CONN_LINE;
	}
	if (shutdown(c->fd, SHUT_WR) == -1)
		return CONN_OVER;
	c->deadline = now + LIMIT_LINGER_MS;
	return CONN_LINGER;
}

/* Throw away what the client still sends, but not for ever. */
static enum conn_state
linger(struct conn *c)
{
	ssize_t n;

	while ((n = recv(c->fd, NULL, THROW_MAX, MSG_TRUNC)) > 0) {
		c->thrown += (uint32_t)n;
		if (c->thrown >= LIMIT_LINGER_BYTES)
			return CONN_OVER;
	}
	return n == -1 && errno == EAGAIN ? CONN_LINGER : CONN_OVER;
}

enum conn_want
conn_step(struct conn *c, const struct mux *m, unsigned int seen, int64_t now)
{
	int steps;

	for (steps = 0; steps < STEPS_MAX; steps++) {
		switch (c->state) {
		case CONN_LINE:
			c->state = read_line(c, m, seen, now);
			if (c->state == CONN_LINE)
				return WANT_READ;
			break;
		case CONN_REPLY:
			c->state = write_reply(c, m, now);
			if (c->state == CONN_REPLY)
				return WANT_WRITE;
			break;
		case CONN_LINGER:
			c->state = linger(c);
			if (c->state == CONN_LINGER)
				return WANT_READ;
			break;
		case CONN_OVER:
			return WANT_NOTHING;
		}
	}
	return c->state == CONN_OVER ? WANT_NOTHING : WANT_TURN;
}
