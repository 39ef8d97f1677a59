/*
 * The life of one connection in the front, as a state machine.
 */

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stddef.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include "daemon/front/conn.h"
#include "daemon/front/conn_log.h"
#include "daemon/front/count.h"
#include "daemon/front/decide.h"
#include "daemon/front/help.h"
#include "daemon/front/reply.h"
#include "daemon/front/takers.h"
#include "os/loop.h"
#include "table/limits.h"
#include "table/proxy.h"

/* States passed in one step, so that one client cannot keep the front. */
#define STEPS_MAX 16

/* The most bytes thrown away in one call. */
#define THROW_MAX 65536

static void
set_peer(struct conn *c, const struct sockaddr_storage *ss)
{
	const struct sockaddr_in *in = (const void *)ss;
	const struct sockaddr_in6 *in6 = (const void *)ss;

	if (ss->ss_family == AF_INET6) {
		memcpy(c->peer, &in6->sin6_addr, sizeof(c->peer));
		c->port = ntohs(in6->sin6_port);
		return;
	}
	address_set_mapped(c->peer, &in->sin_addr);
	c->port = ntohs(in->sin_port);
}

/* Count c's source.  Returns 0, or why it may not be (enum refusal). */
static int
enter_source(struct conn *c, const struct mux *m)
{
	const struct table *t = m->g->table;

	return meter_enter_source(m->g->meter, c->peer, t->max_per_source,
	    t->rate_per_source, m->now, &c->source);
}

void
conn_init(struct conn *c, int fd, const struct sockaddr_storage *peer,
    uint8_t listener, const struct mux *m)
{
	const struct table *t = m->g->table;
	int why;

	c->fd = fd;
	c->state = CONN_LINE;
	c->deadline = m->now + t->request_ms;
	c->accepted = (uint64_t)m->us & CONN_AGE_MASK;
	c->source = METER_NONE;
	c->service = SERVICE_NONE;
	c->done = 0;
	c->flags = 0;
	c->watched = 0;
	c->listener = listener;
	set_peer(c, peer);
	count_accepted(m);
	if (!meter_enter(m->g->meter, t->max)) {
		conn_refuse(c, m, REFUSE_BUSY);
		return;
	}
	c->flags |= CONN_COUNTED;
	if (conn_listen(c, m)->proxied) {
		/* The source is not who connects, but whom the header tells. */
		c->state = CONN_PROXY;
		return;
	}
	why = enter_source(c, m);
	if (why != 0)
		conn_refuse(c, m, (enum refusal)why);
}

void
conn_leave(struct conn *c, struct meter *meter)
{
	if (c->flags & CONN_COUNTED)
		meter_leave(meter);
	if (c->source != METER_NONE)
		meter_leave_source(meter, c->source);
	c->flags &= (uint8_t)~CONN_COUNTED;
	c->source = METER_NONE;
}

struct tcpmux_span
conn_name(const struct conn *c, const struct mux *m)
{
	const char *name;

	if (c->service >= TAKERS_OFFERED)
		return offers_name(takers_offers(m->takers),
		    c->service - TAKERS_OFFERED);
	name = m->g->table->services[c->service].name;
	return (struct tcpmux_span){ name, strlen(name) };
}

static enum conn_state
reply(struct conn *c, unsigned int what)
{
	c->reply = (uint8_t)what;
	c->done = 0;
	return CONN_REPLY;
}

static enum conn_state
refuse(struct conn *c, const struct mux *m, struct tcpmux_span name,
    enum refusal why)
{
	count_refusal(m, c->service, why);
	conn_log(c, m, name, "refused", words_reason(why));
	return reply(c, why);
}

void
conn_refuse(struct conn *c, const struct mux *m, enum refusal why)
{
	struct tcpmux_span name = { NULL, 0 };

	if (c->state == CONN_HAND)
		name = conn_name(c, m);
	if (c->flags & CONN_GREETED) {
		/* Never + and then - (rule 28). */
		count_refusal(m, c->service, why);
		conn_log(c, m, name, "closed", words_reason(why));
		c->state = CONN_OVER;
		return;
	}
	c->state = (uint8_t)refuse(c, m, name, why);
}

void
conn_kick(struct conn *c, const struct mux *m)
{
	struct tcpmux_span name = { NULL, 0 };

	if (c->state == CONN_HAND)
		name = conn_name(c, m);
	conn_log(c, m, name, "closed", "kicked");
	c->state = CONN_OVER;
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

/* Take exactly n bytes, which have been peeked at, from the socket. */
static bool
consume(const struct conn *c, size_t n)
{
	return recv(c->fd, NULL, n, MSG_TRUNC | MSG_DONTWAIT) == (ssize_t)n;
}

static bool
set_nodelay(int fd, int on)
{
	return setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on)) == 0;
}

/* Do what the rules say to c, that has asked for name. */
static enum conn_state
answer(struct conn *c, const struct mux *m, struct tcpmux_span name)
{
	const struct verdict v = decide_request(c, m, name);

	count_request(m, &v);
	c->service = v.service;
	switch (v.what) {
	case VERDICT_HELP:
		conn_log(c, m, (struct tcpmux_span){ "help", 4 }, "answered",
		    NULL);
		c->service = HELP_BEGIN;
		return reply(c, REPLY_HELP);
	case VERDICT_NEXT:
		return reply(c, REPLY_OK);
	case VERDICT_HAND_OVER:
		return CONN_HAND;
	case VERDICT_REFUSE:
		break;
	}
	return refuse(c, m, name, v.why);
}

/* Take exactly the n bytes of the line from the socket: rule 20. */
static enum conn_state
consume_line(struct conn *c, const struct mux *m, size_t n,
    struct tcpmux_span name)
{
	static const struct tcpmux_span none;

	if (is_at_mark(c->fd))
		return refuse(c, m, none, REFUSE_URGENT);
	if (!consume(c, n))
		return CONN_OVER;
	/* Rule 30: a second reply would wait for the ACK of the first. */
	if ((c->flags & (CONN_REPLIED | CONN_NODELAY)) == CONN_REPLIED) {
		if (!set_nodelay(c->fd, 1))
			return CONN_OVER;
		c->flags |= CONN_NODELAY;
	}
	return answer(c, m, name);
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

/* No reply to half a line (rule 26), but no reset, either. */
static enum conn_state
end_early(struct conn *c, const struct mux *m)
{
	conn_log_end(c, m);
	c->done = 0;
	c->deadline = m->now + LIMIT_LINGER_MS;
	return CONN_LINGER;
}

static enum conn_state
read_line(struct conn *c, const struct mux *m, unsigned int seen)
{
	const unsigned int flags =
	    conn_listen(c, m)->lenient ? TCPMUX_LENIENT : TCPMUX_STRICT;
	static const struct tcpmux_span none;
	char buf[TCPMUX_REQUEST_MAX];
	struct tcpmux_span name;
	ssize_t len, n;

	len = recv(c->fd, buf, sizeof(buf), MSG_PEEK | MSG_DONTWAIT);
	if (len == 0 || (len == -1 && errno != EAGAIN))
		return CONN_OVER;
	n = tcpmux_parse_request(buf, len == -1 ? 0 : (size_t)len, flags,
	    &name);
	if (n > 0) {
		if (len > n)
			c->flags |= CONN_EARLY;
		return consume_line(c, m, (size_t)n, name);
	}
	if (n < 0)
		return refuse(c, m, (struct tcpmux_span){ buf, (size_t)len },
		    (enum refusal)(-n));
	if (seen & LOOP_URGENT)
		return refuse(c, m, none, REFUSE_URGENT);
	if (seen & LOOP_END)
		return end_early(c, m);
	/* Only behind other requests can a half line be costly. */
	if (len > 0 && (c->flags & CONN_REPLIED) &&
	    (c->flags & CONN_WIDENED) == 0) {
		widen_window(c->fd);
		c->flags |= CONN_WIDENED;
	}
	return CONN_LINE;
}

/* The header tells who is behind the proxy: that is the peer from here on. */
static enum conn_state
consume_header(struct conn *c, const struct mux *m, size_t n,
    const struct proxy *p)
{
	int why;

	if (is_at_mark(c->fd) || !consume(c, n))
		return CONN_OVER;
	if (p->known) {
		struct conn_local *local = &m->locals[c - m->conns];

		memcpy(c->peer, p->from, sizeof(c->peer));
		c->port = p->from_port;
		memcpy(local->address, p->to, sizeof(local->address));
		local->port = p->to_port;
		c->flags |= CONN_LOCAL;
	}
	why = enter_source(c, m);
	if (why != 0) {
		conn_refuse(c, m, (enum refusal)why);
		return (enum conn_state)c->state;
	}
	return CONN_LINE;
}

/* Whose header is not believed, or is none, gets no answer: he is no client. */
static enum conn_state
read_header(struct conn *c, const struct mux *m, unsigned int seen)
{
	const struct access *trust = &conn_listen(c, m)->trust;
	char buf[PROXY_HEADER_MAX];
	struct proxy p;
	ssize_t len, n;

	if (trust->nfrom == 0 || !access_allows(trust, c->peer))
		return CONN_OVER;
	len = recv(c->fd, buf, sizeof(buf), MSG_PEEK | MSG_DONTWAIT);
	if (len == 0 || (len == -1 && errno != EAGAIN))
		return CONN_OVER;
	n = proxy_parse(buf, len == -1 ? 0 : (size_t)len, &p);
	if (n > 0)
		return consume_header(c, m, (size_t)n, &p);
	if (n < 0 || (seen & (LOOP_URGENT | LOOP_END)))
		return CONN_OVER;
	return CONN_PROXY;
}

/* Say what is left of the answer; *want is set if the client must read. */
static enum conn_state
write_reply(struct conn *c, const struct mux *m, enum conn_want *want)
{
	bool whole;

	if (reply_send(c, m, &whole) == -1) {
		*want = WANT_WRITE;
		return errno == EAGAIN ? CONN_REPLY : CONN_OVER;
	}
	if (!whole)
		return CONN_REPLY;
	if (c->reply == REPLY_GREETING) {
		c->flags |= CONN_GREETED;
		return CONN_HAND;
	}
	if (c->reply == REPLY_OK) {
		c->deadline = m->now + m->g->table->request_ms;
		c->flags |= CONN_REPLIED;
		c->flags &= (uint8_t)~CONN_EARLY;
		c->service = SERVICE_NONE;
		return CONN_LINE;
	}
	if (shutdown(c->fd, SHUT_WR) == -1)
		return CONN_OVER;
	c->done = 0;
	c->deadline = m->now + LIMIT_LINGER_MS;
	return CONN_LINGER;
}

/* Throw away what the client still sends, but not for ever. */
static enum conn_state
linger(struct conn *c)
{
	ssize_t n;

	while (
	    (n = recv(c->fd, NULL, THROW_MAX, MSG_TRUNC | MSG_DONTWAIT)) > 0) {
		c->done += (uint32_t)n;
		if (c->done >= LIMIT_LINGER_BYTES)
			return CONN_OVER;
	}
	return n == -1 && errno == EAGAIN ? CONN_LINGER : CONN_OVER;
}

/* Take one step; *want is set if that leads nowhere yet. */
static enum conn_state
step(struct conn *c, const struct mux *m, unsigned int seen,
    enum conn_want *want)
{
	const enum conn_state before = (enum conn_state)c->state;
	enum conn_state after = before;

	*want = WANT_READ;
	switch (before) {
	case CONN_PROXY:
		after = read_header(c, m, seen);
		break;
	case CONN_LINE:
		after = read_line(c, m, seen);
		break;
	case CONN_HAND:
		*want = WANT_HAND;
		break;
	case CONN_REPLY:
		*want = WANT_TURN;
		after = write_reply(c, m, want);
		break;
	case CONN_LINGER:
		after = linger(c);
		break;
	case CONN_OVER:
		*want = WANT_NOTHING;
		break;
	}
	if (after != before)
		*want = WANT_TURN;
	return after;
}

enum conn_want
conn_step(struct conn *c, const struct mux *m, unsigned int seen)
{
	enum conn_want want = WANT_TURN;
	int steps;

	for (steps = 0; steps < STEPS_MAX && want == WANT_TURN; steps++)
		c->state = (uint8_t)step(c, m, seen, &want);
	if (c->state == CONN_OVER)
		return WANT_NOTHING;
	return want;
}

void
conn_greet(struct conn *c)
{
	c->state = (uint8_t)reply(c, REPLY_GREETING);
}

bool
conn_restore(struct conn *c)
{
	if ((c->flags & CONN_NODELAY) && !set_nodelay(c->fd, 0))
		return false;
	c->flags &= (uint8_t)~CONN_NODELAY;
	return true;
}

void
conn_pass(struct conn *c, const struct mux *m)
{
	count_hand_over(c, m);
	c->flags = CONN_LOGGED;
	c->source = METER_NONE;
}

void
conn_finish(struct conn *c, const struct mux *m)
{
	conn_leave(c, m->g->meter);
	conn_log(c, m, conn_name(c, m), "handed-over", NULL);
	conn_pass(c, m);
}
