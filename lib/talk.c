/*
 * Sending requests and reading replies, byte for byte.
 *
 * A reply is looked at first (MSG_PEEK) and read then.  As long as it is not
 * whole, all that has come is part of it and can be taken; so the socket is
 * drained, and who polls it is not woken for bytes that it knows.  Of the
 * rest exactly the line is taken: what is behind it is the service's.
 */

#include <errno.h>
#include <string.h>
#include <sys/socket.h>

#include "lib/talk.h"

/* Has the other side gone, rather than this one failed? */
static bool
is_gone(int error)
{
	switch (error) {
	case ECONNRESET:
	case EPIPE:
	case ETIMEDOUT:
	case EHOSTUNREACH:
	case ENETUNREACH:
	case ECONNABORTED:
		return true;
	default:
		return false;
	}
}

static ssize_t
receive(const struct talk *t, char *buf, size_t size, int flags)
{
	ssize_t n;

	do
		n = recv(t->fd, buf, size, flags | MSG_DONTWAIT);
	while (n == -1 && errno == EINTR);
	if (n >= 0)
		return n;
	if (errno == EAGAIN)
		return TCPMUX_ERR_AGAIN;
	return is_gone(errno) ? TCPMUX_ERR_CLOSED : TCPMUX_ERR_SYSTEM;
}

int
tcpmux_talk_send(struct talk *t, size_t end)
{
	ssize_t n;

	while (t->sent < end) {
		n = send(t->fd, t->out + t->sent, end - t->sent,
		    MSG_NOSIGNAL | MSG_DONTWAIT);
		if (n >= 0) {
			t->sent += (size_t)n;
		} else if (errno == EAGAIN) {
			return TCPMUX_ERR_AGAIN;
		} else if (errno != EINTR) {
			/* A refusal may have come before it closed. */
			t->sent = end;
		}
	}
	return 0;
}

/*
 * A @ and HOST:PORT stand where a reply should.  Returns what the parsers do.
 */
static ssize_t
parse_moved(const char *buf, size_t len, unsigned int flags,
    struct tcpmux_reply *reply)
{
	struct tcpmux_span line;
	ssize_t n;

	n = tcpmux_parse_request(buf, len, flags, &line);
	if (n > 0) {
		reply->sign = '@';
		reply->text.p = line.p + 1;
		reply->text.len = line.len - 1;
	}
	return n;
}

/* Nothing comes behind a refusal, so that how it ends does no harm. */
static ssize_t
parse(const char *buf, size_t len, bool is_lenient, struct tcpmux_reply *reply)
{
	const unsigned int flags =
	    is_lenient || buf[0] == '-' ? TCPMUX_LENIENT : TCPMUX_STRICT;

	if (buf[0] == '@')
		return parse_moved(buf, len, flags, reply);
	return tcpmux_parse_reply(buf, len, flags, reply);
}

/* Some servers send a NUL behind each line; take it if it is there. */
static void
drop_nul(const struct talk *t)
{
	char c;

	if (receive(t, &c, 1, MSG_PEEK) == 1 && c == '\0')
		(void)receive(t, &c, 1, 0); /* it is there */
}

/* Take what is known to be the line's. */
static int
take(struct talk *t, size_t end)
{
	ssize_t n;

	while (t->have < end) {
		n = receive(t, t->line + t->have, end - t->have, 0);
		if (n <= 0)
			return n == 0 ? TCPMUX_ERR_CLOSED : (int)n;
		t->have += (size_t)n;
	}
	return 0;
}

int
tcpmux_talk_reply(struct talk *t, bool is_lenient, struct tcpmux_reply *reply)
{
	ssize_t n, end;
	size_t seen;
	int error;

	for (;;) {
		if (is_lenient && t->had_reply && t->have == 0)
			drop_nul(t);
		n = receive(t, t->line + t->have, sizeof(t->line) - t->have,
		    MSG_PEEK);
		if (n <= 0)
			return n == 0 ? TCPMUX_ERR_CLOSED : (int)n;
		seen = t->have + (size_t)n;
		end = parse(t->line, seen, is_lenient, reply);
		if (end < 0) {
			t->have = seen;
			return end == TCPMUX_ERR_LF ? TCPMUX_ERR_LF :
						      TCPMUX_ERR_FOREIGN;
		}
		error = take(t, end == 0 ? seen : (size_t)end);
		if (error != 0)
			return error;
		if (end > 0)
			break;
	}
	if (is_lenient && reply->sign == '+' && end > 1 &&
	    t->line[end - 2] == '\r')
		drop_nul(t);
	t->have = 0;
	t->had_reply = true;
	return reply->sign == '@' ? TCPMUX_ERR_MOVED : 0;
}

ssize_t
tcpmux_talk_read(const struct talk *t, char *buf, size_t size)
{
	return receive(t, buf, size, 0);
}
