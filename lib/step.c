/*
 * The steps of a call: from dialling to the socket behind the last reply, or
 * to the end of a list.
 *
 * All that it waits for is in one epoll: the lookups and attempts of the
 * dial, the socket that has won, and a timer for whatever comes first, the
 * deadline or the next attempt.
 */

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "lib/call.h"
#include "lib/clock.h"
#include "lib/escape.h"

/* Of what is not TCPMUX, as many bytes are shown. */
#define CALL_SHOWN_MAX 64

void
tcpmux_call_arm(const struct tcpmux_call *call, int64_t due)
{
	struct itimerspec t;

	memset(&t, 0, sizeof(t));
	if (due != INT64_MAX) {
		t.it_value.tv_sec = due > 0 ? due / 1000 : 0;
		t.it_value.tv_nsec = due > 0 ? due % 1000 * 1000000 : 0;
		if (t.it_value.tv_sec == 0 && t.it_value.tv_nsec == 0)
			t.it_value.tv_nsec = 1; /* 0 is never */
	}
	/* It cannot fail with a timer and such a time. */
	(void)timerfd_settime(call->timer, TFD_TIMER_ABSTIME, &t, NULL);
}

__attribute__((format(printf, 2, 3))) static void
say(struct tcpmux_call *call, const char *format, ...)
{
	char text[1024];
	va_list ap;

	va_start(ap, format);
	if (vsnprintf(text, sizeof(text), format, ap) < 0)
		text[0] = '\0';
	va_end(ap);
	tcpmux_escape(call->text, sizeof(call->text), text, strlen(text));
}

static void
show(struct tcpmux_call *call, const char *p, size_t len)
{
	tcpmux_escape(call->text, sizeof(call->text), p,
	    len < CALL_SHOWN_MAX ? len : CALL_SHOWN_MAX);
}

/* Have fd, and nothing of it but events, in the epoll. */
static int
watch(struct tcpmux_call *call, uint32_t events)
{
	struct epoll_event event = { .events = events, .data.fd = call->fd };

	if (epoll_ctl(call->epoll,
		call->is_watched ? EPOLL_CTL_MOD : EPOLL_CTL_ADD, call->fd,
		&event) == -1)
		return -1;
	call->is_watched = true;
	return 0;
}

static void
unwatch(struct tcpmux_call *call)
{
	/* It is there, and in no other way can this fail. */
	if (call->is_watched)
		(void)epoll_ctl(call->epoll, EPOLL_CTL_DEL, call->fd, NULL);
	call->is_watched = false;
}

static void
let_go(struct tcpmux_call *call)
{
	if (call->fd == -1)
		return;
	unwatch(call);
	if (!call->is_lent)
		(void)close(call->fd); /* nothing of it is wanted */
	call->fd = -1;
}

/* The call is over, and this is how. */
static enum call_state
end(struct tcpmux_call *call, int result)
{
	call->result = result;
	call->error = errno;
	tcpmux_dial_clear(&call->dial);
	if (result != 0 || call->nnames == 0)
		let_go(call);
	else
		unwatch(call);
	return CALL_OVER;
}

static enum call_state
fail_system(struct tcpmux_call *call)
{
	const int error = errno;

	say(call, "%s", strerrordesc_np(error));
	errno = error;
	return end(call, TCPMUX_ERR_SYSTEM);
}

static enum call_state
fail_dial(struct tcpmux_call *call, int result)
{
	const struct dial *d = &call->dial;

	if (result == TCPMUX_ERR_HOST) {
		say(call, "%.300s: %s", call->host, tcpmux_dial_reason(d));
		return end(call, result);
	}
	tcpmux_address_print(&d->failed, call->address);
	errno = d->error;
	if (result == TCPMUX_ERR_SYSTEM)
		return fail_system(call);
	say(call, "%s: %s", call->address, strerrordesc_np(d->error));
	errno = d->error;
	return end(call, result);
}

static enum call_state
step_dial(struct tcpmux_call *call, int64_t *due)
{
	int fd;

	fd = tcpmux_dial_step(&call->dial, tcpmux_clock_now(), due);
	if (call->dial.last.len > 0)
		tcpmux_address_print(&call->dial.last, call->address);
	if (fd == TCPMUX_ERR_AGAIN)
		return CALL_DIAL;
	if (fd < 0)
		return fail_dial(call, fd);
	tcpmux_dial_clear(&call->dial);
	call->fd = call->talk.fd = fd;
	return CALL_SEND;
}

static enum call_state
step_send(struct tcpmux_call *call)
{
	const bool is_eager = (call->flags & TCPMUX_CALL_EAGER) != 0;
	size_t last = call->place;

	if (is_eager && call->nnames > 0)
		last = call->nnames - 1;
	if (tcpmux_talk_send(&call->talk, call->ends[last]) == TCPMUX_ERR_AGAIN)
		return watch(call, EPOLLOUT) == 0 ? CALL_SEND :
						    fail_system(call);
	if (watch(call, EPOLLIN) == -1)
		return fail_system(call);
	return call->nnames == 0 ? CALL_LIST : CALL_REPLY;
}

/* Dial again, for the names that are left. */
static enum call_state
move(struct tcpmux_call *call, struct tcpmux_span host, uint16_t port)
{
	char *copy;

	copy = strndup(host.p, host.len);
	if (copy == NULL)
		return fail_system(call);
	let_go(call);
	free(call->host);
	call->host = copy;
	call->has_moved = true;
	call->address[0] = '\0';
	memset(&call->talk, 0, sizeof(call->talk));
	call->talk.out = call->out;
	call->talk.sent = call->place == 0 ? 0 : call->ends[call->place - 1];
	/* Only unix:PATH can be refused, and this is none. */
	(void)tcpmux_dial_begin(&call->dial, copy, port, call->flags);
	return CALL_DIAL;
}

/* The service is elsewhere: go there, if that is wanted, but once. */
static enum call_state
judge_moved(struct tcpmux_call *call, struct tcpmux_span to)
{
	struct tcpmux_span host;
	uint16_t port;

	tcpmux_escape(call->text, sizeof(call->text), to.p, to.len);
	if (!tcpmux_address_split(to, &host, &port)) {
		show(call, to.p - 1, to.len + 1);
		return end(call, TCPMUX_ERR_FOREIGN);
	}
	if ((call->flags & TCPMUX_CALL_FOLLOW) == 0 || call->is_lent ||
	    call->has_moved)
		return end(call, TCPMUX_ERR_MOVED);
	return move(call, host, port);
}

/* Put the socket back into the state in which others expect it. */
static enum call_state
succeed(struct tcpmux_call *call)
{
	int flags;

	if (!call->is_lent) {
		flags = fcntl(call->fd, F_GETFL);
		if (flags == -1 ||
		    fcntl(call->fd, F_SETFL, flags & ~O_NONBLOCK) == -1)
			return fail_system(call);
	}
	return end(call, 0);
}

static enum call_state
step_reply(struct tcpmux_call *call)
{
	const bool is_lenient = (call->flags & TCPMUX_CALL_LENIENT) != 0;
	struct talk *t = &call->talk;
	struct tcpmux_reply reply;
	int result;

	result = tcpmux_talk_reply(t, is_lenient, &reply);
	switch (result) {
	case TCPMUX_ERR_AGAIN:
		return CALL_REPLY;
	case TCPMUX_ERR_MOVED:
		return judge_moved(call, reply.text);
	case TCPMUX_ERR_SYSTEM:
		return fail_system(call);
	case TCPMUX_ERR_LF:
		say(call,
		    "the reply ends with LF alone, which "
		    "TCPMUX_CALL_LENIENT takes");
		return end(call, TCPMUX_ERR_FOREIGN);
	case 0:
		break;
	default:
		show(call, t->line, t->have);
		return end(call, result);
	}
	tcpmux_escape(call->text, sizeof(call->text), reply.text.p,
	    reply.text.len);
	if (reply.sign == '-')
		return end(call, TCPMUX_ERR_REFUSED);
	if (++call->place < call->nnames)
		return CALL_SEND;
	return succeed(call);
}

static enum call_state
end_list(struct tcpmux_call *call, int result)
{
	const struct list *l = &call->list;

	if (result == TCPMUX_ERR_SYSTEM)
		return fail_system(call);
	if (result == TCPMUX_ERR_REFUSED)
		tcpmux_escape(call->text, sizeof(call->text), l->remark + 1,
		    l->remark_len - 1);
	else if (result == TCPMUX_ERR_FOREIGN && l->remark_len == 0)
		say(call, "the list is too long");
	else if (result != 0)
		show(call, l->remark, l->remark_len);
	return end(call, result);
}

static enum call_state
step_list(struct tcpmux_call *call)
{
	char buf[4096];
	ssize_t n;
	int result;

	for (;;) {
		n = tcpmux_talk_read(&call->talk, buf, sizeof(buf));
		if (n == TCPMUX_ERR_AGAIN)
			return CALL_LIST;
		if (n == TCPMUX_ERR_SYSTEM)
			return fail_system(call);
		result = n > 0 ? tcpmux_list_feed(&call->list, buf, (size_t)n) :
				 tcpmux_list_end(&call->list, n != 0);
		if (n <= 0 || result != 0)
			return end_list(call, result);
	}
}

/* One thing at a time; the same state again is to wait. */
static enum call_state
advance(struct tcpmux_call *call, int64_t *due)
{
	switch (call->state) {
	case CALL_DIAL:
		return step_dial(call, due);
	case CALL_SEND:
		return step_send(call);
	case CALL_REPLY:
		return step_reply(call);
	case CALL_LIST:
		return step_list(call);
	case CALL_OVER:
		break;
	}
	return CALL_OVER;
}

static enum call_state
expire(struct tcpmux_call *call)
{
	const char *address = call->address;

	if (call->state != CALL_DIAL)
		say(call, "no reply%s%s", address[0] != '\0' ? " from " : "",
		    address);
	else if (call->dial.last.len > 0)
		say(call, "%s does not answer", address);
	else
		say(call, "%.300s is still being looked up", call->host);
	return end(call, TCPMUX_ERR_TIMEOUT);
}

int
tcpmux_call_step(struct tcpmux_call *call)
{
	enum call_state before;
	int64_t due;

	do {
		due = INT64_MAX;
		before = call->state;
		call->state = advance(call, &due);
	} while (call->state != before);
	if (call->state != CALL_OVER && tcpmux_clock_now() >= call->deadline)
		call->state = expire(call);
	if (call->state == CALL_OVER)
		due = INT64_MAX;
	else if (due > call->deadline)
		due = call->deadline;
	tcpmux_call_arm(call, due);
	if (call->error != 0)
		errno = call->error;
	return call->result;
}

int
tcpmux_call_wait(struct tcpmux_call *call)
{
	struct pollfd watched = { .fd = call->epoll, .events = POLLIN };
	int result;

	while ((result = tcpmux_call_step(call)) == TCPMUX_ERR_AGAIN)
		/* If it cannot wait for want of memory, it tries again. */
		(void)poll(&watched, 1, -1);
	return result;
}
