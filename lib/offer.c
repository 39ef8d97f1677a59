/*
 * Offering a service to the daemon of this machine, and taking the connections
 * that it hands over.
 */

#include <errno.h>
#include <poll.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "lib/caller.h"
#include "lib/channel.h"
#include "lib/clock.h"
#include "lib/control.h"
#include "lib/escape.h"
#include "tcpmux.h"

/* Room for any reply, each byte of it as \xHH, and a NUL. */
#define TEXT_MAX (TCPMUX_REPLY_MAX * 4 + 1)

/* How long tcpmux_listen() waits for the daemon, and a later offer. */
#define LISTEN_MS 10000
#define ANSWER_MS 30000

/* From one try to the next: at first, and at most if nobody is there, or no. */
#define PAUSE_MS         50
#define PAUSE_ABSENT_MS  1000
#define PAUSE_REFUSED_MS 5000

#define ALL_FLAGS                                                          \
	(TCPMUX_OFFER_SHARE | TCPMUX_OFFER_REPLACE | TCPMUX_OFFER_HIDDEN | \
	    TCPMUX_OFFER_WAIT)

enum offer_state {
	OFFER_PAUSING, /* until the timer rings; then it is made again */
	OFFER_ASKING,  /* the daemon has it, and has not answered */
	OFFER_UP,      /* connections come */
	OFFER_OVER,    /* refused, or ended by the daemon, for good */
};

struct tcpmux_offer {
	enum offer_state state;
	int epoll;    /* the channel, while there is one, and the timer */
	int timer;    /* the end of a pause, or of patience */
	int channel;  /* to the daemon, or -1 */
	int pause;    /* the next one, in milliseconds */
	int trouble;  /* an enum tcpmux_err: why it pauses */
	int saved;    /* and its errno */
	bool is_made; /* tcpmux_listen() has returned it */
	unsigned int flags;
	struct control control;
	char name[TCPMUX_OFFER_NAME_MAX + 1];
	char text[TEXT_MAX];
};

/* Let the timer ring after so long; 0 is never. */
static void
offer_set_timer(const struct tcpmux_offer *o, int ms)
{
	const struct itimerspec when = { .it_value = { .tv_sec = ms / 1000,
					     .tv_nsec =
						 ms % 1000 * 1000000L } };

	/* Cannot fail: the timer is ours and the time is valid. */
	(void)timerfd_settime(o->timer, 0, &when, NULL);
}

static bool
offer_has_rung(const struct tcpmux_offer *o)
{
	uint64_t times;

	return read(o->timer, &times, sizeof(times)) == sizeof(times);
}

/* Watch fd, which is the channel or the timer. */
static int
offer_watch(const struct tcpmux_offer *o, int fd)
{
	struct epoll_event ev = { .events = EPOLLIN };

	return epoll_ctl(o->epoll, EPOLL_CTL_ADD, fd, &ev);
}

/* Leave the channel, which is no longer of use, if there is one. */
static void
offer_hang_up(struct tcpmux_offer *o)
{
	if (o->channel == -1)
		return;
	/* A child may have it too, so closing it does not end the watch. */
	(void)epoll_ctl(o->epoll, EPOLL_CTL_DEL, o->channel, NULL);
	(void)close(o->channel); /* nothing of ours is on its way */
	o->channel = -1;
}

/* Try again later: sooner at first, and at the most after longest_ms. */
static void
offer_pause(struct tcpmux_offer *o, int trouble, int longest_ms)
{
	offer_hang_up(o);
	o->state = OFFER_PAUSING;
	o->trouble = trouble;
	if (o->pause > longest_ms)
		o->pause = longest_ms;
	offer_set_timer(o, o->pause);
	o->pause *= 2;
}

/* Write the request; REPLACE is for the first offer only. */
static int
offer_send(const struct tcpmux_offer *o)
{
	char request[TCPMUX_REQUEST_MAX + 1];
	ssize_t n;
	int len;

	len = snprintf(request, sizeof(request), "offer%s%s%s/%s\r\n",
	    o->flags & TCPMUX_OFFER_SHARE ? ",share" : "",
	    o->flags & TCPMUX_OFFER_REPLACE ? ",replace" : "",
	    o->flags & TCPMUX_OFFER_HIDDEN ? ",hidden" : "", o->name);
	n = send(o->channel, request, (size_t)len, MSG_NOSIGNAL);
	/* A daemon that has closed already may have said why: that is read. */
	return n == len || errno == EPIPE || errno == ECONNRESET ? 0 : -1;
}

/* Keep what the daemon has said, or what is wrong. */
static void
offer_note(struct tcpmux_offer *o, struct tcpmux_span text)
{
	tcpmux_escape(o->text, sizeof(o->text), text.p, text.len);
}

/* Keep why the control socket cannot be asked. */
static void
offer_note_error(struct tcpmux_offer *o)
{
	char text[256];

	/* What does not fit is cut. */
	(void)snprintf(text, sizeof(text), "%s: %s",
	    tcpmux_control_path(&o->control), strerrordesc_np(o->saved));
	offer_note(o, (struct tcpmux_span){ text, strlen(text) });
}

/* Go to the daemon and ask, or pause if that cannot be. */
static void
offer_ask(struct tcpmux_offer *o)
{
	o->channel = tcpmux_control_dial(&o->control);
	if (o->channel == -1 || offer_watch(o, o->channel) == -1 ||
	    offer_send(o) == -1)
		goto fail;
	o->state = OFFER_ASKING;
	offer_set_timer(o, ANSWER_MS);
	return;
fail:
	o->saved = errno;
	offer_note_error(o);
	offer_pause(o,
	    o->saved == ENOENT || o->saved == ENOTDIR ||
		    o->saved == ECONNREFUSED ?
		TCPMUX_ERR_NO_DAEMON :
		TCPMUX_ERR_SYSTEM,
	    PAUSE_ABSENT_MS);
}

/* Could it be otherwise in a while, now that the daemon has said -? */
static bool
may_change(struct tcpmux_span reason)
{
	static const char *const words[] = { "busy", "late", "stopping",
		"taken" };
	const char *space = memchr(reason.p, ' ', reason.len);
	const size_t len =
	    space != NULL ? (size_t)(space - reason.p) : reason.len;
	size_t i;

	for (i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (len == strlen(words[i]) &&
		    memcmp(words[i], reason.p, len) == 0)
			return true;
	return false;
}

/* The daemon has answered. */
static void
offer_take_answer(struct tcpmux_offer *o, struct tcpmux_reply reply)
{
	offer_note(o, reply.text);
	if (reply.sign == '+') {
		offer_set_timer(o, 0);
		o->pause = PAUSE_MS;
		/* Another daemon is not to get it while this one starts. */
		tcpmux_control_stay(&o->control);
		o->flags &= ~(unsigned int)TCPMUX_OFFER_REPLACE;
		o->state = OFFER_UP;
	} else if (o->is_made && may_change(reply.text)) {
		offer_pause(o, TCPMUX_ERR_REFUSED, PAUSE_REFUSED_MS);
	} else {
		offer_set_timer(o, 0);
		offer_hang_up(o);
		o->state = OFFER_OVER;
	}
}

/* Go as far as it goes without waiting, until it is up or over. */
static void
offer_step(struct tcpmux_offer *o)
{
	struct channel_message m;
	int fd;

	if (o->state == OFFER_PAUSING && offer_has_rung(o))
		offer_ask(o);
	if (o->state != OFFER_ASKING)
		return;
	switch (tcpmux_channel_receive(o->channel, &m, &fd)) {
	case CHANNEL_LINE:
		offer_take_answer(o, m.reply);
		break;
	case CHANNEL_CONNECTION:
		(void)close(fd); /* nobody has said that the name is ours */
		break;
	case CHANNEL_END:
		offer_pause(o, TCPMUX_ERR_CLOSED, PAUSE_ABSENT_MS);
		break;
	case CHANNEL_FULL:
	case CHANNEL_NOTHING:
		if (offer_has_rung(o))
			offer_pause(o, TCPMUX_ERR_TIMEOUT, PAUSE_ABSENT_MS);
		break;
	}
}

/* Take a connection, and set *m; or say TCPMUX_ERR_AGAIN, or what is wrong. */
static int
offer_take(struct tcpmux_offer *o, struct channel_message *m)
{
	enum channel_what what;
	int fd;

	if (o->state != OFFER_UP)
		offer_step(o);
	if (o->state == OFFER_OVER)
		return TCPMUX_ERR_REFUSED;
	if (o->state != OFFER_UP)
		return TCPMUX_ERR_AGAIN;
	do { /* whatever a daemon of tomorrow may say with + */
		what = tcpmux_channel_receive(o->channel, m, &fd);
	} while (what == CHANNEL_LINE && m->reply.sign == '+');
	switch (what) {
	case CHANNEL_CONNECTION:
		return fd;
	case CHANNEL_LINE:
		offer_note(o, m->reply.text);
		offer_hang_up(o);
		o->state = OFFER_OVER;
		return TCPMUX_ERR_REFUSED;
	case CHANNEL_FULL:
		return TCPMUX_ERR_SYSTEM;
	case CHANNEL_END:
		offer_pause(o, TCPMUX_ERR_CLOSED, PAUSE_ABSENT_MS);
		break;
	case CHANNEL_NOTHING:
		break;
	}
	return TCPMUX_ERR_AGAIN;
}

/* Wait until there is something to do, or until end; -1 is for ever. */
static int
offer_wait(const struct tcpmux_offer *o, int64_t end)
{
	struct pollfd p = { .fd = o->epoll, .events = POLLIN };
	int64_t rest = -1;
	int n;

	if (end != -1) {
		rest = end - tcpmux_clock_now();
		if (rest <= 0)
			return TCPMUX_ERR_AGAIN;
	}
	n = poll(&p, 1, (int)rest);
	return n == -1 ? TCPMUX_ERR_SYSTEM : 0;
}

static struct tcpmux_offer *
offer_new(const char *name, unsigned int flags)
{
	struct tcpmux_offer *o;
	int saved;

	o = calloc(1, sizeof(*o));
	if (o == NULL)
		return NULL;
	o->channel = -1;
	o->pause = PAUSE_MS;
	o->flags = flags;
	memcpy(o->name, name, strlen(name)); /* it fits: tcpmux_listen() */
	o->timer = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
	o->epoll = epoll_create1(EPOLL_CLOEXEC);
	if (o->timer == -1 || o->epoll == -1 || offer_watch(o, o->timer) == -1)
		goto fail;
	return o;
fail:
	saved = errno;
	tcpmux_close(o);
	errno = saved;
	return NULL;
}

/* Wait until the daemon has answered, or it is clear that none will. */
static int
offer_await_answer(struct tcpmux_offer *o)
{
	const bool is_patient = (o->flags & TCPMUX_OFFER_WAIT) != 0;
	const int64_t end = tcpmux_clock_now() + LISTEN_MS;

	for (offer_ask(o); o->state != OFFER_UP; offer_step(o)) {
		if (o->state == OFFER_OVER)
			return TCPMUX_ERR_REFUSED;
		if (o->state == OFFER_PAUSING &&
		    o->trouble == TCPMUX_ERR_NO_DAEMON)
			return is_patient ? 0 : o->trouble;
		/* EAGAIN is a daemon that has no time now. */
		if (o->state == OFFER_PAUSING &&
		    o->trouble == TCPMUX_ERR_SYSTEM && o->saved != EAGAIN) {
			errno = o->saved;
			return o->trouble;
		}
		if (offer_wait(o, end) == TCPMUX_ERR_AGAIN)
			return is_patient ? 0 : TCPMUX_ERR_TIMEOUT;
	}
	return 0;
}

int
tcpmux_listen(const char *control, const char *name, unsigned int flags,
    struct tcpmux_offer **offer)
{
	struct control places;
	struct tcpmux_offer *o;
	int r;

	*offer = NULL;
	r = tcpmux_check_name((struct tcpmux_span){ name, strlen(name) });
	if (r != 0)
		return r;
	if (strlen(name) > TCPMUX_OFFER_NAME_MAX)
		return TCPMUX_ERR_LONG;
	if ((flags & ~(unsigned int)ALL_FLAGS) != 0 ||
	    tcpmux_control_find(&places, control) == -1)
		return TCPMUX_ERR_ARGUMENT;
	o = offer_new(name, flags);
	if (o == NULL)
		return TCPMUX_ERR_SYSTEM;
	o->control = places;
	r = offer_await_answer(o);
	if (r != 0 && r != TCPMUX_ERR_REFUSED)
		goto fail;
	o->is_made = true;
	*offer = o;
	return r;
fail:
	tcpmux_close(o);
	return r;
}

void
tcpmux_close(struct tcpmux_offer *offer)
{
	const int saved = errno;

	if (offer == NULL)
		return;
	/* No more than that: a child may close what its parent still uses. */
	if (offer->channel != -1)
		(void)close(offer->channel);
	if (offer->timer != -1)
		(void)close(offer->timer);
	if (offer->epoll != -1)
		(void)close(offer->epoll);
	free(offer);
	errno = saved;
}

int
tcpmux_offer_fd(const struct tcpmux_offer *offer)
{
	return offer->epoll;
}

int
tcpmux_accept_silent(struct tcpmux_offer *offer, struct tcpmux_caller *caller,
    int timeout_ms)
{
	const int64_t end =
	    timeout_ms < 0 ? -1 : tcpmux_clock_now() + timeout_ms;
	struct channel_message m;
	int r, waited;

	if (caller != NULL && caller->size < CALLER_SIZE_MIN)
		return TCPMUX_ERR_ARGUMENT;
	for (;;) {
		r = offer_take(offer, &m);
		if (r >= 0 && caller != NULL)
			tcpmux_caller_fill(caller, &m, r);
		if (r != TCPMUX_ERR_AGAIN)
			return r;
		waited = offer_wait(offer, end);
		if (waited != 0)
			return waited;
	}
}

int
tcpmux_accept(struct tcpmux_offer *offer, struct tcpmux_caller *caller,
    int timeout_ms)
{
	const int64_t end =
	    timeout_ms < 0 ? -1 : tcpmux_clock_now() + timeout_ms;
	int64_t rest = timeout_ms;
	int fd;

	for (;;) {
		fd = tcpmux_accept_silent(offer, caller, (int)rest);
		if (fd < 0 || tcpmux_reply(fd, '+', "OK FINE") == 0)
			return fd;
		(void)close(fd); /* its peer has gone already */
		if (end != -1)
			rest = end > tcpmux_clock_now() ?
			    end - tcpmux_clock_now() :
			    0;
	}
}

int
tcpmux_offer_is_up(const struct tcpmux_offer *offer)
{
	return offer->state == OFFER_UP;
}

const char *
tcpmux_offer_text(const struct tcpmux_offer *offer)
{
	return offer->text;
}
