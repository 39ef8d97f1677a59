/*
 * The relay: takes connections from the queue, keeps each conversation in a
 * slot, and lets session.c take every step of it.
 *
 * All memory is sized at the start.  The slots, and what has been counted in
 * the meter for each, stand in memory that the monitor shares: it tells whoever
 * asks of them, and gives back what was counted, should the relay die.
 */

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <time.h>
#include <unistd.h>

#include "daemon/process.h"
#include "daemon/relay/confine.h"
#include "daemon/relay/memory.h"
#include "daemon/relay/relay.h"
#include "daemon/relay/session.h"
#include "daemon/relay/wheel.h"
#include "daemon/report.h"
#include "os/clock.h"
#include "os/log.h"
#include "os/loop.h"

/* No slot; and events that are for no slot. */
#define SLOT_NONE    UINT32_MAX
#define SLOT_CONTROL (UINT32_MAX - 1)
#define SLOT_QUEUE   (UINT32_MAX - 2)

/* Connections taken at a time, before the others have their turn. */
#define TAKE_MAX 16

/* A + that waits for company waits so long; and so many of them may. */
#define CORK_MS  2
#define CORK_MAX 1024

/* Sessions whose + waits; all wait equally long. */
struct corked {
	struct cork {
		uint32_t slot;
		uint32_t generation;
		int64_t due;
	} v[CORK_MAX];
	uint32_t first, n;
};

struct relay {
	const struct generation *generation;
	int loop;
	int control;
	struct pulse *pulse;
	struct relay_memory *shared;
	struct session *sessions; /* the slots */
	struct hold *holds;       /* of the slots */
	uint32_t nslots;
	uint32_t numbered; /* generations given so far */
	uint32_t used;     /* slots used at least once */
	uint32_t free;     /* first free one of those */
	uint32_t active;   /* slots in use */
	bool taking;       /* the queue is watched */
	bool draining;     /* nothing more is to come */
	bool empty;        /* nothing waits in the queue, and will not */
	struct wheel wheel;
	struct corked corked;
	struct report report;
	struct session_ground ground;
};

/* Take a free slot; there is one. */
static uint32_t
slot_take(struct relay *r)
{
	const uint32_t slot = r->free;

	r->active++;
	if (slot == SLOT_NONE) {
		r->sessions[r->used].generation = ++r->numbered;
		r->shared->used = r->used + 1;
		return r->used++;
	}
	r->free = r->sessions[slot].next;
	return slot;
}

static bool
is_full(const struct relay *r)
{
	return r->active == r->nslots;
}

/* What is to be logged of a session that is over. */
static void
relay_report(struct relay *r, const struct session *s)
{
	const struct generation *g = r->generation;
	const struct service *service = &g->table->services[s->service];
	const enum log_level level =
	    s->refused ? LOG_REFUSALS : LOG_CONNECTIONS;
	struct record record = record_empty;

	if (!report_wants(&r->report, level, r->ground.now))
		return;
	memcpy(record.peer, s->peer.address, ADDRESS_BYTES);
	record.peer_port = s->peer.port;
	if (s->listener < g->listeners.n)
		record.listener = g->listeners.v[s->listener].text;
	record.name.p = service->name;
	record.name.len = strlen(service->name);
	record.verdict = session_verdict(s);
	record.reason = s->reason;
	record.by = service_kind_name(service->kind);
	if (service->kind == SERVICE_RELAY &&
	    s->backend < service->relay.nbackends && !s->refused)
		record.to = service->relay.backends[s->backend].text;
	if (!s->refused) {
		record.in = (int64_t)s->flow[SIDE_CLIENT].moved;
		/* What echo has moved, has gone both ways. */
		record.out =
		    (int64_t)s
			->flow[service->kind == SERVICE_ECHO ? SIDE_CLIENT :
							       SIDE_SERVER]
			.moved;
	}
	record.ms = r->ground.now - s->accepted;
	report_add(&r->report, &record);
}

/* Close a session, and give its slot back. */
static void
relay_close(struct relay *r, uint32_t slot)
{
	struct session *s = &r->sessions[slot];

	session_close(s, &r->ground);
	relay_report(r, s);
	wheel_set(&r->wheel, slot, WHEEL_NEVER);
	hold_release(&r->holds[slot], r->generation);
	s->generation = ++r->numbered;
	s->state = SESSION_OVER; /* as others can see */
	s->next = r->free;
	r->free = slot;
	r->active--;
}

/* See to it that the loop reports what s wants of one side. */
static int
relay_watch(const struct relay *r, uint32_t slot, enum session_side side)
{
	struct session *s = &r->sessions[slot];
	const struct loop_id id = { slot * SIDES + side, s->generation };
	const unsigned int watched = s->watched[side];
	const unsigned int want = watched | s->want[side];
	const bool turn = session_has_turn(s, side);

	/* To watch anew reports anew, which only a turn to come asks for. */
	if (want == 0 || (want == watched && !turn))
		return 0;
	s->watched[side] = (uint8_t)want;
	if (watched == 0)
		return loop_watch(r->loop, s->fd[side], id, want);
	return loop_rewatch(r->loop, s->fd[side], id, want);
}

/* Remember that the + of a session waits, so that it does not for long. */
static void
relay_cork(struct relay *r, uint32_t slot)
{
	struct corked *c = &r->corked;

	c->v[(c->first + c->n++) % CORK_MAX] = (struct cork){ slot,
		r->sessions[slot].generation, r->ground.now + CORK_MS };
	r->ground.may_cork = c->n < CORK_MAX;
}

/* Send each + that has waited long enough. */
static void
relay_uncork(struct relay *r)
{
	struct corked *c = &r->corked;
	const struct cork *it;

	for (; c->n > 0; c->n--, c->first = (c->first + 1) % CORK_MAX) {
		it = &c->v[c->first];
		if (it->due > r->ground.now)
			break;
		if (r->sessions[it->slot].generation == it->generation)
			session_uncork(&r->sessions[it->slot]);
	}
	r->ground.may_cork = c->n < CORK_MAX;
}

static bool
is_conversing(uint8_t state)
{
	return state == SESSION_BOTH || state == SESSION_HALF;
}

/* A session has gone on: put it where it belongs now. */
static void
relay_settle(struct relay *r, uint32_t slot, uint8_t before)
{
	struct session *s = &r->sessions[slot];

	if (s->state == SESSION_OVER ||
	    relay_watch(r, slot, SIDE_CLIENT) == -1 ||
	    relay_watch(r, slot, SIDE_SERVER) == -1) {
		relay_close(r, slot);
		return;
	}
	if (s->state != before || s->state == SESSION_DIAL)
		wheel_set(&r->wheel, slot, session_due(s, &r->ground));
	if (s->corked && is_conversing(s->state) && !is_conversing(before))
		relay_cork(r, slot);
}

static void
relay_step(struct relay *r, uint32_t slot, enum session_side side,
    unsigned int what)
{
	struct session *s = &r->sessions[slot];
	const uint8_t before = s->state;
	unsigned int seen[SIDES] = { 0, 0 };

	seen[side] = what;
	session_step(s, &r->ground, seen);
	relay_settle(r, slot, before);
}

static void
relay_admit(struct relay *r, int fd, const struct tcpmux_handover *h)
{
	const struct generation *g = r->generation;
	const struct service *service = &g->table->services[h->service];
	const uint32_t slot = slot_take(r);
	struct hold *c = &r->holds[slot];
	int why;

	*c = (struct hold){ HELD_SOURCE, h->service, h->source };
	why = meter_enter_service(g->meter, service->meter, h->source,
	    service->max, service->max_per_source, service->rate,
	    r->ground.now);
	if (why == 0)
		c->held = HELD_SERVICE;
	session_init(&r->sessions[slot], &r->ground, fd, h, why);
	session_step(&r->sessions[slot], &r->ground,
	    (const unsigned int[SIDES]){ 0, 0 });
	relay_settle(r, slot, SESSION_OVER);
}

/* Take some of what waits in the queue. */
static void
relay_take(struct relay *r, unsigned int seen)
{
	const struct generation *g = r->generation;
	struct tcpmux_handover h;
	int fd, i;

	for (i = 0; i < TAKE_MAX && !is_full(r); i++) {
		fd = handover_take(g->relay.receive, &h, g->table->nservices);
		if (fd != -1)
			relay_admit(r, fd, &h);
		/* An empty message looks like the end, but is not. */
		else if (errno == EAGAIN ||
		    (errno == EPIPE && (r->draining || (seen & LOOP_END)))) {
			r->empty = r->draining || errno == EPIPE;
			return;
		}
	}
}

/*
 * Watch the queue while there is a free slot, and leave it to the other
 * relays while there is none.
 */
static void
relay_attend(struct relay *r)
{
	const struct loop_id id = { SLOT_QUEUE, 0 };
	const bool wanted = !is_full(r) && !r->empty;
	const int queue = r->generation->relay.receive;

	if (wanted == r->taking)
		return;
	/* If either fails it is tried again, at the next turn. */
	if (wanted ? loop_watch_level(r->loop, queue, id) == 0 :
		     loop_forget(r->loop, queue) == 0)
		r->taking = wanted;
}

/* Reset what the administrator wants to end: it never looks complete. */
static void
relay_kick(struct relay *r, const struct control_kick *k)
{
	uint32_t slot;

	for (slot = 0; slot < r->used; slot++) {
		struct session *s = &r->sessions[slot];

		if (s->state == SESSION_OVER ||
		    (k->whole != 0 ?
			    s->service != k->place :
			    slot != k->place || s->generation != k->number))
			continue;
		session_kick(s);
		relay_close(r, slot);
	}
}

static void
relay_order(struct relay *r)
{
	struct order order;

	switch (process_full_order(r->control, &order)) {
	case ORDER_KICK:
		relay_kick(r, &order.kick);
		break;
	case ORDER_DRAIN:
		r->draining = true;
		relay_take(r, 0);
		break;
	case ORDER_END:
		report_flush(&r->report);
		_exit(EX_OK);
	default:
		break;
	}
}

static void
relay_event(struct relay *r, const struct loop_event *ev)
{
	const uint32_t slot = ev->id.slot / SIDES;

	if (ev->id.slot == SLOT_CONTROL)
		relay_order(r);
	else if (ev->id.slot == SLOT_QUEUE)
		relay_take(r, ev->seen);
	else if (r->sessions[slot].generation == ev->id.generation)
		relay_step(r, slot, ev->id.slot % SIDES, ev->seen);
}

/* Let time do its work: no state lasts for ever. */
static void
relay_expire(struct relay *r)
{
	uint32_t slot;
	uint8_t before;

	while ((slot = wheel_pop(&r->wheel, r->ground.now)) != WHEEL_NONE) {
		before = r->sessions[slot].state;
		session_late(&r->sessions[slot], &r->ground);
		wheel_set(&r->wheel, slot,
		    session_due(&r->sessions[slot], &r->ground));
		relay_settle(r, slot, before);
	}
}

/* Milliseconds until something is due, for loop_wait(). */
static int
relay_timeout(const struct relay *r)
{
	const int ms = wheel_wait(&r->wheel, r->ground.now);
	int64_t left;

	if (r->corked.n == 0)
		return ms;
	left = r->corked.v[r->corked.first].due - r->ground.now;
	return ms != -1 && ms < left ? ms : (int)left;
}

static void
relay_loop(struct relay *r)
{
	struct loop_event ev[LOOP_BATCH];
	int i, n;

	while (!r->empty || r->active > 0) {
		relay_attend(r);
		report_flush(&r->report);
		n = loop_wait(r->loop, ev, pulse_timeout(relay_timeout(r)));
		if (n == -1)
			_exit(EX_OSERR);
		r->ground.now = clock_now();
		pulse_beat(r->pulse, r->ground.now);
		for (i = 0; i < n; i++) {
			relay_event(r, &ev[i]);
			pulse_beat(r->pulse, r->ground.now);
		}
		/* What was left of the queue by then is now in slots. */
		if (r->draining && !r->empty)
			relay_take(r, 0);
		relay_uncork(r);
		relay_expire(r);
	}
	report_flush(&r->report);
}

static void
make_slots(struct relay *r, void *memory)
{
	uint16_t pipes;
	void *items;

	memory_share(&pipes, &r->nslots);
	if (r->nslots == 0)
		log_fatal(EX_OSERR,
		    "too few open files for a relay: "
		    "raise the limit, ulimit -n");
	pipes_init(&r->ground.moving.pipes, pipes);
	r->shared = memory;
	r->sessions = r->shared->sessions;
	r->holds = memory_holds(r->shared, r->nslots);
	/* Pages of slots that were never used take no memory. */
	items = calloc(1, WHEEL_SIZE(r->nslots));
	if (items == NULL)
		log_fatal(EX_OSERR, "no memory for %u conversations",
		    (unsigned int)r->nslots);
	wheel_init(&r->wheel, items, r->ground.now);
}

void
relay_run(const struct generation *g, int control, void *memory,
    struct pulse *pulse)
{
	static struct relay r;
	const struct loop_id id = { SLOT_CONTROL, 0 };

	r.generation = g;
	r.control = control;
	r.pulse = pulse;
	r.free = SLOT_NONE;
	r.ground.table = g->table;
	r.ground.resolved = g->resolved;
	r.ground.stats = g->part;
	r.ground.now = clock_now();
	r.ground.may_cork = true;
	make_slots(&r, memory);
	report_init(&r.report, g);
	r.loop = loop_new();
	if (r.loop == -1 || loop_watch_level(r.loop, control, id) == -1)
		log_fatal(EX_OSERR, "epoll: %s", strerror(errno));
	/* A pipe that is spliced to a dead socket raises it. */
	if (signal(SIGPIPE, SIG_IGN) == SIG_ERR)
		log_fatal(EX_OSERR, "signal: %s", strerror(errno));
	tzset(); /* reads a file, and is called by gmtime_r() at last */
	relay_confine(g, pulse);
	process_ready(control, pulse);
	relay_loop(&r);
	_exit(EX_OK);
}
