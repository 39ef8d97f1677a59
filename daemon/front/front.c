/*
 * The front: accepts connections, keeps each in a slot until its deadline,
 * lets conn.c take every step of theirs, and hands them over.
 */

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sysexits.h>
#include <unistd.h>

#include "daemon/front/accept.h"
#include "daemon/front/confine.h"
#include "daemon/front/conn_log.h"
#include "daemon/front/front.h"
#include "daemon/front/give.h"
#include "daemon/front/slots.h"
#include "daemon/front/takers.h"
#include "daemon/process.h"
#include "os/clock.h"
#include "os/log.h"
#include "os/loop.h"

/* The registrar has so long to say who takes connections. */
#define TAKERS_MS 2000

/* Told to end, the front has so long to say so to those who wait. */
#define STOP_MS 1000

/* See to it that the loop reports what c wants.  Returns 0, or -1. */
static int
front_watch(const struct front *f, struct conn *c, enum conn_want want)
{
	const struct loop_id id = { slots_number(&f->slots, c), c->generation };
	const unsigned int watched = c->watched;
	unsigned int what = LOOP_READ;

	if (want != WANT_READ)
		what |= LOOP_WRITE;
	/* To watch anew reports anew, which only a turn to come asks for. */
	if (want != WANT_TURN && (watched & what) == what)
		return 0;
	c->watched = (uint8_t)(watched | what);
	if (watched == 0)
		return loop_watch(f->loop, c->fd, id, what);
	return loop_rewatch(f->loop, c->fd, id, c->watched);
}

/* End a connection that is in no queue, and give its slot back. */
static void
front_close(struct front *f, struct conn *c)
{
	conn_log_end(c, &f->mux);
	conn_leave(c, f->mux.g->meter);
	(void)close(c->fd); /* a socket's close has nothing to report */
	slots_give(&f->slots, c);
	*f->full = 0;
	if (f->resume != 0)
		f->resume = f->mux.now;
}

/* Hand c over, or refuse it; returns what it wants then. */
static enum conn_want
front_hand(struct front *f, struct conn *c)
{
	int why;

	/* A watch would outlive the close, and report what is not ours. */
	if (c->watched != 0) {
		(void)loop_forget(f->loop, c->fd); /* it is watched */
		c->watched = 0;
	}
	why = give_connection(c, &f->mux);
	if (why == 0 && c->state == CONN_HAND)
		return WANT_NOTHING;
	if (why == GIVE_SOON)
		return WANT_TURN;
	if (why != 0)
		conn_refuse(c, &f->mux, (enum refusal)why);
	return conn_step(c, &f->mux, 0);
}

/* Let c go on, and put it where it belongs then. */
static void
front_step(struct front *f, struct conn *c, unsigned int seen)
{
	struct slots_queue *q = slots_queue_of(&f->slots, c);
	const int64_t deadline = c->deadline;
	enum conn_want want;

	want = conn_step(c, &f->mux, seen);
	while (want == WANT_HAND)
		want = front_hand(f, c); /* twice, if it says + */
	if (want == WANT_NOTHING || front_watch(f, c, want) == -1) {
		slots_remove(&f->slots, q, c);
		front_close(f, c);
	} else if (c->deadline != deadline ||
	    slots_queue_of(&f->slots, c) != q) {
		slots_remove(&f->slots, q, c);
		slots_append(&f->slots, slots_queue_of(&f->slots, c), c);
	}
}

/* Refuse a connection that waits; one that reads no reply just goes. */
static void
front_refuse(struct front *f, struct conn *c, enum refusal why)
{
	if (c->state == CONN_LINE || c->state == CONN_HAND) {
		conn_refuse(c, &f->mux, why);
		front_step(f, c, 0);
	} else {
		slots_remove(&f->slots, &f->slots.waiting, c);
		front_close(f, c);
	}
}

/*
 * Every slot is taken: the oldest waiting connection goes (T5).  It may
 * linger, in the place of the one that has lingered longest.
 */
static void
front_evict(struct front *f)
{
	struct slots_queue *q = &f->slots.waiting;
	struct conn *c = slots_first(&f->slots, q);

	if (c != NULL)
		front_refuse(f, c, REFUSE_BUSY);
	if (f->slots.free != SLOT_NONE)
		return;
	if (slots_first(&f->slots, &f->slots.lingering) != NULL)
		q = &f->slots.lingering;
	c = slots_first(&f->slots, q);
	slots_remove(&f->slots, q, c);
	front_close(f, c);
}

void
front_admit(struct front *f, int fd, const struct sockaddr_storage *peer,
    uint8_t listener)
{
	struct conn *c;

	c = slots_take(&f->slots);
	if (c == NULL) {
		front_evict(f);
		c = slots_take(&f->slots);
	}
	conn_init(c, fd, peer, listener, &f->mux);
	slots_append(&f->slots, &f->slots.waiting, c);
	/* The request has often come already, and needs no loop then. */
	front_step(f, c, 0);
}

/* End those that are late: no state lasts for ever. */
static void
front_expire(struct front *f)
{
	struct slots *s = &f->slots;
	struct conn *c;

	while ((c = slots_first(s, &s->waiting)) != NULL &&
	    c->deadline <= f->mux.now) {
		pulse_beat(f->pulse, f->mux.now); /* there may be a million */
		/* What came in time is answered, however late it is seen. */
		front_step(f, c, 0);
		if (slots_first(s, &s->waiting) == c &&
		    c->deadline <= f->mux.now)
			front_refuse(f, c, REFUSE_LATE);
	}
	while ((c = slots_first(s, &s->lingering)) != NULL &&
	    c->deadline <= f->mux.now) {
		slots_remove(s, &s->lingering, c);
		front_close(f, c);
	}
}

static void
front_refuse_all(struct front *f)
{
	struct conn *c;

	while ((c = slots_first(&f->slots, &f->slots.waiting)) != NULL) {
		pulse_beat(f->pulse, f->mux.now); /* there may be a million */
		front_refuse(f, c, REFUSE_STOPPING);
	}
}

/* Told to end: take in whoever has connected, and let nobody wait. */
static void
front_stop(struct front *f)
{
	uint8_t i;
	bool more;

	f->stop = f->mux.now + STOP_MS;
	for (i = 0; i < f->mux.g->listeners.n && !f->draining; i++) {
		do
			more = accept_some(f, i);
		while (more && clock_now() < f->stop);
	}
	accept_pause(f);
	front_refuse_all(f);
}

/* Told to finish: who has connected is served, the next by somebody else. */
static void
front_drain(struct front *f)
{
	accept_pause(f);
	f->draining = true;
	/* Whoever goes on asking for tcpmux has had his time twice. */
	f->refuse = f->mux.now + 2 * (int64_t)f->mux.g->table->request_ms;
}

/* A listening socket is to be closed: whoever has connected is taken in. */
static void
front_close_listener(struct front *f, uint8_t listener)
{
	if (listener >= f->mux.g->listeners.n)
		return;
	while (accept_some(f, listener))
		;
}

/* The administrator wants this one to end. */
static void
front_kick(struct front *f, struct conn *c)
{
	slots_remove(&f->slots, slots_queue_of(&f->slots, c), c);
	conn_kick(c, &f->mux);
	front_close(f, c);
}

/* Those of a service: they are here only while its taker is about to come. */
static void
front_kick_service(struct front *f, uint32_t service)
{
	struct conn *c = slots_first(&f->slots, &f->slots.waiting), *next;

	for (; c != NULL; c = next) {
		next = c->next == SLOT_NONE ? NULL : &f->slots.conns[c->next];
		if (c->state == CONN_HAND && c->service == service)
			front_kick(f, c);
	}
}

static void
front_kick_some(struct front *f, const struct control_kick *k)
{
	struct conn *c = slots_find(&f->slots, k->place, k->number);

	if (k->whole != 0)
		front_kick_service(f, k->place);
	else if (c != NULL)
		front_kick(f, c);
}

/* Do what the monitor says, all of it: an edge tells of it once. */
static void
front_obey(struct front *f)
{
	struct order order;

	for (;;) {
		switch (process_full_order(f->control, &order)) {
		case ORDER_NONE:
			return;
		case ORDER_CLOSE:
			front_close_listener(f, order.listener);
			break;
		case ORDER_KICK:
			front_kick_some(f, &order.kick);
			break;
		case ORDER_DRAIN:
			front_drain(f);
			break;
		case ORDER_END:
			if (f->stop == 0)
				front_stop(f);
			return;
		}
	}
}

/* Hear the registrar.  If it has given us up, as we heard nothing: end. */
static void
front_hear(struct front *f, unsigned int seen)
{
	(void)takers_receive(f->mux.takers); /* all or not */
	if ((seen & LOOP_END) == 0 || f->stop != 0)
		return;
	f->draining = true; /* who has yet to be accepted has better luck */
	front_stop(f);
}

static void
front_event(struct front *f, const struct loop_event *ev)
{
	const uint32_t slot = ev->id.slot;

	if (slot == SLOT_CONTROL)
		front_obey(f);
	else if (slot == SLOT_CHANNEL)
		front_hear(f, ev->seen);
	else if (slot >= SLOT_LISTENER) {
		/* If there is more, the loop reports it again. */
		if (f->resume == 0)
			(void)accept_some(f, (uint8_t)(slot - SLOT_LISTENER));
	} else if (f->slots.conns[slot].generation == ev->id.generation)
		front_step(f, &f->slots.conns[slot], ev->seen);
}

static bool
is_over(const struct front *f)
{
	if (f->stop == 0 && !f->draining)
		return false;
	return (f->stop != 0 && f->mux.now >= f->stop) ||
	    (f->slots.waiting.first == SLOT_NONE &&
		f->slots.lingering.first == SLOT_NONE);
}

static int64_t
earlier(int64_t a, int64_t b)
{
	return a < b ? a : b;
}

/* Milliseconds until something is due, for loop_wait(). */
static int
front_timeout(const struct front *f)
{
	const struct conn *waits = slots_first(&f->slots, &f->slots.waiting);
	const struct conn *lingers =
	    slots_first(&f->slots, &f->slots.lingering);
	int64_t due = f->stop != 0 ? f->stop : INT64_MAX;

	if (waits != NULL)
		due = earlier(due, waits->deadline);
	if (lingers != NULL)
		due = earlier(due, lingers->deadline);
	if (f->draining)
		due = earlier(due, f->refuse);
	else if (f->stop == 0 && f->resume != 0)
		due = earlier(due, f->resume);
	if (due == INT64_MAX)
		return -1;
	return due > f->mux.now ? (int)(due - f->mux.now) : 0;
}

static void
front_loop(struct front *f)
{
	struct loop_event ev[LOOP_BATCH];
	int i, n;

	while (!is_over(f)) {
		report_flush(&f->report);
		n = loop_wait(f->loop, ev, pulse_timeout(front_timeout(f)));
		if (n == -1)
			_exit(EX_OSERR);
		f->mux.now = clock_now();
		pulse_beat(f->pulse, f->mux.now);
		for (i = 0; i < n; i++) {
			front_event(f, &ev[i]);
			/* Each may take a while, as a list of many names. */
			pulse_beat(f->pulse, f->mux.now);
		}
		front_expire(f);
		if (f->draining && f->mux.now >= f->refuse) {
			f->refuse = INT64_MAX;
			front_refuse_all(f);
		}
		if (f->stop == 0 && !f->draining && f->resume != 0 &&
		    f->resume <= f->mux.now)
			accept_resume(f);
	}
	report_flush(&f->report);
}

static void
make_slots(struct front *f, void *memory)
{
	if (slots_init(&f->slots, f->mux.g, memory) == -1)
		log_fatal(EX_OSERR,
		    "too few open files or too little memory for clients: "
		    "raise the limit, ulimit -n");
	f->mux.conns = f->slots.conns;
	f->mux.locals = f->slots.locals;
}

/* Wait for the takers, but not for a registrar that is stuck; or end. */
static void
await_takers(struct front *f)
{
	const int64_t until = clock_now() + TAKERS_MS;
	struct loop_event ev[LOOP_BATCH];
	int64_t left = TAKERS_MS;

	while (!takers_receive(f->mux.takers) && left > 0) {
		if (loop_wait(f->loop, ev, (int)left) == -1 ||
		    process_order(f->control) != ORDER_NONE)
			_exit(EX_OK);
		left = until - clock_now();
	}
}

void
front_run(const struct generation *g, uint32_t number, int control, int channel,
    void *memory, struct pulse *pulse)
{
	struct front f = {
		.mux = { .g = g, .report = &f.report },
		.control = control,
		.pulse = pulse,
		.full = &g->full[number],
	};

	make_slots(&f, memory);
	f.mux.takers = takers_new(g, channel);
	if (f.mux.takers == NULL)
		log_fatal(EX_OSERR, "no memory for takers");
	f.loop = loop_new();
	if (f.loop == -1 ||
	    loop_watch(f.loop, control, (struct loop_id){ SLOT_CONTROL, 0 },
		LOOP_READ) == -1 ||
	    (channel != -1 &&
		loop_watch(f.loop, channel, (struct loop_id){ SLOT_CHANNEL, 0 },
		    LOOP_READ) == -1))
		log_fatal(EX_OSERR, "epoll: %s", strerror(errno));
	report_init(&f.report, g);
	front_confine(g, pulse);

	if (channel != -1)
		await_takers(&f);
	f.mux.now = clock_now();
	accept_resume(&f);
	process_ready(control, pulse);
	front_loop(&f);
	_exit(EX_OK);
}
