/*
 * The registrar: dials the programs that take connections themselves, and
 * passes what it has dialled to the fronts.
 */

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sysexits.h>
#include <unistd.h>

#include "daemon/handover.h"
#include "daemon/process.h"
#include "daemon/registrar.h"
#include "daemon/takers.h"
#include "os/clock.h"
#include "os/log.h"
#include "os/loop.h"
#include "os/message.h"

/* The first wait before a program is dialled again, and the longest. */
#define DIAL_FIRST_MS 50
#define DIAL_LAST_MS  1000

/* A front that has no room for a message has it after so long. */
#define TELL_MS 10

/* The fronts of one generation, and those that took their places. */
#define CHANNELS_MAX 1024

/* Events for no taker. */
#define SLOT_CONTROL UINT32_MAX

/* One service's program. */
struct taker {
	uint32_t service;
	uint32_t generation; /* of its socket, for the loop */
	int fd;              /* -1: not there */
	int64_t due;         /* when it is dialled again */
	int64_t wait;
};

/* One front's channel. */
struct channel {
	int fd;
	uint32_t next; /* the next taker to tell of; ntakers + 1: all told */
};

struct registrar {
	const struct generation *g;
	int control;
	int loop;
	int64_t now;
	struct taker *takers;
	uint32_t ntakers;
	struct channel channels[CHANNELS_MAX];
	uint32_t nchannels;
};

static const struct sandbox_call calls[] = {
	{ SYS_socket, 3,
	    { { 0, AF_UNIX },
		{ 1, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK },
		{ 2, 0 } } },
	{ .nr = SYS_connect },
	{ SYS_setsockopt, 2, { { 1, SOL_SOCKET }, { 2, SO_SNDBUF } } },
	{ SYS_sendmsg, 1, { { 2, MSG_DONTWAIT | MSG_NOSIGNAL } } },
	{ SYS_recvmsg, 1, { { 2, MSG_DONTWAIT | MSG_CMSG_CLOEXEC } } },
	{ SYS_epoll_pwait, 1, { { 4, 0 } } },
	{ .nr = SYS_epoll_ctl },
	{ .nr = SYS_close },
	{ .nr = SYS_clock_gettime },
	{ .nr = SYS_exit_group },
};

/* Returns a connected socket, or -1 with errno. */
static int
dial(const char *path)
{
	const int flags = SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK;
	const int room = HANDOVER_SNDBUF;
	struct sockaddr_un sun = { .sun_family = AF_UNIX };
	int fd, saved;

	/* The configuration has no longer path. */
	memcpy(sun.sun_path, path, strnlen(path, sizeof(sun.sun_path) - 1));
	fd = socket(AF_UNIX, flags, 0);
	if (fd == -1)
		return -1;
	if (setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &room, sizeof(room)) == -1 ||
	    connect(fd, (struct sockaddr *)&sun, sizeof(sun)) == -1)
		goto fail;
	return fd;
fail:
	saved = errno;
	(void)close(fd); /* nobody has seen it */
	errno = saved;
	return -1;
}

/* Tell a front of what it has not been told of; it may have no room yet. */
static void
channel_tell(const struct registrar *r, struct channel *c)
{
	struct taker_message m;
	int fd;

	for (; c->next <= r->ntakers; c->next++) {
		fd = -1;
		m.service = SERVICE_NONE;
		if (c->next < r->ntakers) {
			m.service = r->takers[c->next].service;
			fd = r->takers[c->next].fd;
			if (fd == -1)
				continue;
		}
		if (message_send(c->fd, &m, sizeof(m), fd) == 0)
			continue;
		if (errno == EAGAIN || errno == ETOOMANYREFS)
			return;
		(void)close(c->fd); /* that front is gone */
		c->fd = -1;
		c->next = r->ntakers;
	}
}

/* Tell every front of taker i, which has just been dialled. */
static void
tell_all(struct registrar *r, uint32_t i)
{
	uint32_t k;

	for (k = 0; k < r->nchannels; k++) {
		if (r->channels[k].fd == -1)
			continue;
		if (r->channels[k].next > i)
			r->channels[k].next = i;
		channel_tell(r, &r->channels[k]);
	}
}

static const char *
name_of(const struct registrar *r, const struct taker *t)
{
	return r->g->table->services[t->service].name;
}

/* It is not there, or not any more: dial again, after a while. */
static void
taker_wait(struct registrar *r, struct taker *t)
{
	t->due = r->now + t->wait;
	t->wait = t->wait * 2 < DIAL_LAST_MS ? t->wait * 2 : DIAL_LAST_MS;
}

static void
taker_dial(struct registrar *r, uint32_t i)
{
	struct taker *t = &r->takers[i];
	const char *path = r->g->table->services[t->service].socket;
	const struct loop_id id = { i, t->generation };

	t->fd = dial(path);
	if (t->fd == -1) {
		if (t->wait == DIAL_FIRST_MS)
			log_say("service %s: nobody is at %s: %s",
			    name_of(r, t), path, strerror(errno));
		taker_wait(r, t);
		return;
	}
	if (loop_watch_level(r->loop, t->fd, id) == -1) {
		(void)close(t->fd); /* nobody has been told of it */
		t->fd = -1;
		taker_wait(r, t);
		return;
	}
	if (t->wait != DIAL_FIRST_MS)
		log_say("service %s: somebody is at %s again", name_of(r, t),
		    path);
	t->wait = DIAL_FIRST_MS;
	tell_all(r, i);
}

/* What a program says to us means nothing; its end does. */
static void
taker_event(struct registrar *r, uint32_t i)
{
	struct taker *t = &r->takers[i];
	char byte;
	ssize_t n;

	/* One at a time, so that it cannot keep us from all the others. */
	n = message_receive(t->fd, &byte, 1, NULL);
	if (n > 0 || (n == -1 && (errno == EAGAIN || errno == EMSGSIZE)))
		return;
	(void)close(t->fd); /* it is at its end */
	t->fd = -1;
	t->generation++;
	/* Soon: it may be starting again, or closing whatever comes. */
	t->due = r->now + DIAL_FIRST_MS;
}

static void
add_channel(struct registrar *r, int fd)
{
	struct channel *c;
	uint32_t i;

	/* A front that has gone makes room: to tell it something shows it. */
	tell_all(r, r->ntakers);
	for (i = 0; i < r->nchannels && r->channels[i].fd != -1; i++)
		;
	if (i == CHANNELS_MAX) {
		(void)close(fd); /* that front will wait in vain */
		return;
	}
	if (i == r->nchannels)
		r->nchannels++;
	c = &r->channels[i];
	c->fd = fd;
	c->next = 0;
	channel_tell(r, c);
}

/* Do what the monitor says. */
static void
obey(struct registrar *r)
{
	ssize_t n;
	char order;
	int fd;

	while ((n = message_receive(r->control, &order, 1, &fd)) == 1) {
		if (order == CONTROL_DRAIN)
			_exit(EX_OK);
		if (order == REGISTRAR_FRONT && fd != -1)
			add_channel(r, fd);
		else if (fd != -1)
			(void)close(fd); /* of an order that is none */
	}
	if (n == 0 || errno != EAGAIN)
		_exit(EX_OK);
}

/* Dial and tell what is due; returns when to do so again, for loop_wait(). */
static int
do_due(struct registrar *r)
{
	int64_t next = INT64_MAX;
	uint32_t i;

	for (i = 0; i < r->ntakers; i++) {
		if (r->takers[i].fd == -1 && r->takers[i].due <= r->now)
			taker_dial(r, i);
		if (r->takers[i].fd == -1 && r->takers[i].due < next)
			next = r->takers[i].due;
	}
	for (i = 0; i < r->nchannels; i++) {
		if (r->channels[i].next > r->ntakers)
			continue;
		channel_tell(r, &r->channels[i]);
		if (r->channels[i].next <= r->ntakers &&
		    r->now + TELL_MS < next)
			next = r->now + TELL_MS;
	}
	if (next == INT64_MAX)
		return -1;
	return next > r->now ? (int)(next - r->now) : 0;
}

static _Noreturn void
registrar_loop(struct registrar *r)
{
	struct loop_event ev[LOOP_BATCH];
	uint32_t slot;
	int i, n;

	for (;;) {
		n = loop_wait(r->loop, ev, do_due(r));
		if (n == -1)
			_exit(EX_OSERR);
		r->now = clock_now();
		for (i = 0; i < n; i++) {
			slot = ev[i].id.slot;
			if (slot == SLOT_CONTROL)
				obey(r);
			else if (r->takers[slot].fd != -1 &&
			    r->takers[slot].generation == ev[i].id.generation)
				taker_event(r, slot);
		}
	}
}

/* A place for each service whose program takes connections. */
static void
make_takers(struct registrar *r)
{
	const struct table *t = r->g->table;
	uint32_t i;

	r->takers = calloc(t->nservices, sizeof(*r->takers));
	if (r->takers == NULL)
		log_fatal(EX_OSERR, "no memory for %u services",
		    (unsigned int)t->nservices);
	for (i = 0; i < t->nservices; i++)
		if (t->services[i].kind == SERVICE_SOCKET)
			r->takers[r->ntakers++] = (struct taker){
				.service = i,
				.fd = -1,
				.wait = DIAL_FIRST_MS,
			};
}

void
registrar_run(const struct generation *g, int control)
{
	const struct loop_id id = { SLOT_CONTROL, 0 };
	const struct process_rules rules = {
		.name = "tcpmuxd-regis",
		.files = true,
		.calls = calls,
		.ncalls = sizeof(calls) / sizeof(calls[0]),
	};
	static struct registrar r;

	r.g = g;
	r.control = control;
	make_takers(&r);
	r.loop = loop_new();
	if (r.loop == -1 || loop_watch(r.loop, control, id, LOOP_READ) == -1)
		log_fatal(EX_OSERR, "epoll: %s", strerror(errno));
	process_confine(g, &rules);
	r.now = clock_now();
	(void)do_due(&r); /* the next time is soon enough */
	process_ready(control);
	registrar_loop(&r);
}
