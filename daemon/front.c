/*
 * The front: accepts connections, keeps each in a slot until its deadline,
 * and lets conn.c take every step of theirs.
 *
 * All memory is one array of slots, sized at the start.  A slot in use is in
 * one of two queues.  All that wait in a queue wait equally long, so its
 * first is the next to be late.
 */

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sysexits.h>
#include <unistd.h>

#include "daemon/front.h"
#include "os/clock.h"
#include "os/log.h"
#include "os/loop.h"
#include "os/sandbox.h"

/* No slot; and events that are for no slot. */
#define SLOT_NONE     UINT32_MAX
#define SLOT_CONTROL  (UINT32_MAX - 1)
#define SLOT_LISTENER (UINT32_MAX - 1 - LISTENERS_MAX)

/* Slots at the most. */
#define SLOTS_MAX (1U << 20)

/*
 * Descriptors that are for other things: the standard three, the loop, the
 * monitor's socket, and the connection that has no slot yet.
 */
#define FDS_RESERVED 6

/* Connections accepted at a time, before the others have their turn. */
#define ACCEPT_MAX 64

/* Out of descriptors or memory, accepting rests for so long. */
#define PAUSE_MS 100

/* Told to end, the front has so long to say so to those who wait. */
#define STOP_MS 1000

struct queue {
	uint32_t first, last;
};

struct front {
	const struct mux *mux;
	const struct listeners *listeners;
	int loop;
	struct conn *conns; /* the slots */
	uint32_t nconns;
	uint32_t used;        /* slots used at least once */
	uint32_t free;        /* first free one of those */
	struct queue waiting; /* for a request, or to reply */
	struct queue lingering;
	int64_t now;
	int64_t resume; /* accept again; 0: accepting */
	int64_t stop;   /* end at the latest; 0: not yet */
};

/* All that is left to the front once it accepts strangers. */
static const struct sandbox_call calls[] = {
	{ SYS_recvfrom, 1, { { 4, 0 } } },    /* from nowhere else */
	{ SYS_epoll_pwait, 1, { { 4, 0 } } }, /* with no signal mask */
	/* with no address to write; these flags */
	{ SYS_accept4, 2, { { 1, 0 }, { 3, SOCK_NONBLOCK | SOCK_CLOEXEC } } },
	{ .nr = SYS_close },
	{ SYS_ioctl, 1, { { 1, SIOCATMARK } } },
	{ SYS_sendto, 1, { { 4, 0 } } }, /* to nowhere else */
	{ .nr = SYS_epoll_ctl },
	{ SYS_shutdown, 1, { { 1, SHUT_WR } } },
	{ SYS_setsockopt, 2, { { 1, IPPROTO_TCP }, { 2, TCP_NODELAY } } },
	{ SYS_setsockopt, 2, { { 1, SOL_SOCKET }, { 2, SO_RCVLOWAT } } },
	{ .nr = SYS_clock_gettime },
	{ .nr = SYS_exit_group },
};

static void
queue_append(struct front *f, struct queue *q, struct conn *c)
{
	const uint32_t slot = (uint32_t)(c - f->conns);

	c->prev = q->last;
	c->next = SLOT_NONE;
	if (q->last == SLOT_NONE)
		q->first = slot;
	else
		f->conns[q->last].next = slot;
	q->last = slot;
}

static void
queue_remove(struct front *f, struct queue *q, struct conn *c)
{
	if (c->prev == SLOT_NONE)
		q->first = c->next;
	else
		f->conns[c->prev].next = c->next;
	if (c->next == SLOT_NONE)
		q->last = c->prev;
	else
		f->conns[c->next].prev = c->prev;
}

static struct queue *
queue_of(struct front *f, const struct conn *c)
{
	return c->state == CONN_LINGER ? &f->lingering : &f->waiting;
}

/* Take a free slot, or NULL. */
static struct conn *
slot_take(struct front *f)
{
	struct conn *c;

	if (f->free != SLOT_NONE) {
		c = &f->conns[f->free];
		f->free = c->next;
	} else if (f->used < f->nconns)
		c = &f->conns[f->used++];
	else
		return NULL;
	return c;
}

/* Close a connection that is in no queue, and give its slot back. */
static void
front_close(struct front *f, struct conn *c)
{
	(void)close(c->fd); /* a socket's close has nothing to report */
	c->generation++;
	c->next = f->free;
	f->free = (uint32_t)(c - f->conns);
	if (f->resume != 0)
		f->resume = f->now;
}

/* See to it that the loop reports what c wants.  Returns 0, or -1. */
static int
front_watch(const struct front *f, struct conn *c, enum conn_want want)
{
	const struct loop_id id = { (uint32_t)(c - f->conns), c->generation };
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

/* Let c go on, and put it where it belongs then. */
static void
front_step(struct front *f, struct conn *c, unsigned int seen)
{
	struct queue *q = queue_of(f, c);
	const int64_t deadline = c->deadline;
	enum conn_want want;

	want = conn_step(c, f->mux, seen, f->now);
	if (want == WANT_NOTHING || front_watch(f, c, want) == -1) {
		queue_remove(f, q, c);
		front_close(f, c);
	} else if (c->deadline != deadline || queue_of(f, c) != q) {
		queue_remove(f, q, c);
		queue_append(f, queue_of(f, c), c);
	}
}

/* Refuse a connection that waits; one that reads no reply just goes. */
static void
front_refuse(struct front *f, struct conn *c, enum refusal why)
{
	if (c->state == CONN_LINE) {
		conn_refuse(c, f->mux, why);
		front_step(f, c, 0);
	} else {
		queue_remove(f, &f->waiting, c);
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
	struct queue *q;
	struct conn *c;

	if (f->waiting.first != SLOT_NONE)
		front_refuse(f, &f->conns[f->waiting.first], REFUSE_BUSY);
	if (f->free != SLOT_NONE)
		return;
	q = f->lingering.first != SLOT_NONE ? &f->lingering : &f->waiting;
	c = &f->conns[q->first];
	queue_remove(f, q, c);
	front_close(f, c);
}

static void
front_admit(struct front *f, int fd)
{
	struct conn *c;

	c = slot_take(f);
	if (c == NULL) {
		front_evict(f);
		c = slot_take(f);
	}
	conn_init(c, fd, f->mux, f->now);
	queue_append(f, &f->waiting, c);
	/* The request has often come already, and needs no loop then. */
	front_step(f, c, 0);
}

/* Rest until a descriptor is closed, or for PAUSE_MS. */
static void
front_pause(struct front *f)
{
	size_t i;

	if (f->resume != 0)
		return;
	for (i = 0; i < f->listeners->n; i++)
		/* It may not be watched, and then there is nothing to do. */
		(void)loop_forget(f->loop, f->listeners->v[i].fd);
	f->resume = f->now + PAUSE_MS;
}

/* Accept again; and again later, if the kernel has no memory even for this. */
static void
front_resume(struct front *f)
{
	size_t i;

	f->resume = 0;
	for (i = 0; i < f->listeners->n; i++) {
		const struct loop_id id = { SLOT_LISTENER + (uint32_t)i, 0 };

		if (loop_watch_level(f->loop, f->listeners->v[i].fd, id) ==
		    -1) {
			front_pause(f);
			return;
		}
	}
}

/* Accept some of what waits at a listener; true if there may be more. */
static bool
front_accept(struct front *f, int listener)
{
	const int flags = SOCK_NONBLOCK | SOCK_CLOEXEC;
	int fd, i;

	for (i = 0; i < ACCEPT_MAX; i++) {
		fd = accept4(listener, NULL, NULL, flags);
		if (fd == -1) {
			if (errno != EAGAIN && errno != ECONNABORTED)
				front_pause(f);
			return false;
		}
		front_admit(f, fd);
	}
	return true;
}

/* End those that are late: no state lasts for ever. */
static void
front_expire(struct front *f)
{
	struct conn *c;
	uint32_t slot;

	while (f->waiting.first != SLOT_NONE) {
		slot = f->waiting.first;
		c = &f->conns[slot];
		if (c->deadline > f->now)
			break;
		/* What came in time is answered, however late it is seen. */
		front_step(f, c, 0);
		if (f->waiting.first == slot && c->deadline <= f->now)
			front_refuse(f, c, REFUSE_LATE);
	}
	while (f->lingering.first != SLOT_NONE) {
		c = &f->conns[f->lingering.first];
		if (c->deadline > f->now)
			break;
		queue_remove(f, &f->lingering, c);
		front_close(f, c);
	}
}

/* Told to end: take in whoever has connected, and let nobody wait. */
static void
front_stop(struct front *f)
{
	bool more;
	size_t i;

	f->stop = f->now + STOP_MS;
	for (i = 0; i < f->listeners->n; i++) {
		do
			more = front_accept(f, f->listeners->v[i].fd);
		while (more && clock_now() < f->stop);
	}
	front_pause(f);
	while (f->waiting.first != SLOT_NONE)
		front_refuse(f, &f->conns[f->waiting.first], REFUSE_STOPPING);
}

static void
front_event(struct front *f, const struct loop_event *ev)
{
	const uint32_t slot = ev->id.slot;

	if (slot == SLOT_CONTROL) {
		if (f->stop == 0)
			front_stop(f);
	} else if (slot >= SLOT_LISTENER) {
		/* If there is more, the loop reports it again. */
		if (f->resume == 0)
			(void)front_accept(f,
			    f->listeners->v[slot - SLOT_LISTENER].fd);
	} else if (f->conns[slot].generation == ev->id.generation)
		front_step(f, &f->conns[slot], ev->seen);
}

static bool
is_over(const struct front *f)
{
	if (f->stop == 0)
		return false;
	return f->now >= f->stop ||
	    (f->waiting.first == SLOT_NONE && f->lingering.first == SLOT_NONE);
}

/* Milliseconds until something is due, for loop_wait(). */
static int
front_timeout(const struct front *f)
{
	int64_t due = f->stop != 0 ? f->stop : INT64_MAX;

	if (f->waiting.first != SLOT_NONE &&
	    f->conns[f->waiting.first].deadline < due)
		due = f->conns[f->waiting.first].deadline;
	if (f->lingering.first != SLOT_NONE &&
	    f->conns[f->lingering.first].deadline < due)
		due = f->conns[f->lingering.first].deadline;
	if (f->stop == 0 && f->resume != 0 && f->resume < due)
		due = f->resume;
	if (due == INT64_MAX)
		return -1;
	return due > f->now ? (int)(due - f->now) : 0;
}

static void
front_loop(struct front *f)
{
	struct loop_event ev[LOOP_BATCH];
	int i, n;

	while (!is_over(f)) {
		n = loop_wait(f->loop, ev, front_timeout(f));
		if (n == -1)
			_exit(EX_OSERR);
		f->now = clock_now();
		for (i = 0; i < n; i++)
			front_event(f, &ev[i]);
		front_expire(f);
		if (f->stop == 0 && f->resume != 0 && f->resume <= f->now)
			front_resume(f);
	}
}

/* The slots, as many as there can be connections. */
static void
make_slots(struct front *f, rlim_t nofile)
{
	const rlim_t others = FDS_RESERVED + f->listeners->n;

	if (nofile <= others)
		log_fatal(EX_OSERR,
		    "%llu open files are too few: "
		    "raise the limit, ulimit -n",
		    (unsigned long long)nofile);
	f->nconns = SLOTS_MAX;
	if (nofile - others < SLOTS_MAX)
		f->nconns = (uint32_t)(nofile - others);
	/* Pages of slots that were never used take no memory. */
	f->conns = calloc(f->nconns, sizeof(*f->conns));
	if (f->conns == NULL)
		log_fatal(EX_OSERR, "no memory for %u connections",
		    (unsigned int)f->nconns);
}

/*
 * Keep the open sockets, and no other way to the world; the first half of
 * the sandbox is the monitor's, and inherited.
 */
static void
confine(rlim_t nofile)
{
	const size_t ncalls = sizeof(calls) / sizeof(calls[0]);

	if (sandbox_enter(nofile, calls, ncalls) == -1)
		log_fatal(EX_OSERR, "cannot confine the front: %s",
		    strerror(errno));
}

void
front_run(const struct mux *m, const struct listeners *l, int control)
{
	const struct loop_id id = { SLOT_CONTROL, 0 };
	struct front f = {
		.mux = m,
		.listeners = l,
		.free = SLOT_NONE,
		.waiting = { SLOT_NONE, SLOT_NONE },
		.lingering = { SLOT_NONE, SLOT_NONE },
	};
	struct rlimit nofile;

	if (getrlimit(RLIMIT_NOFILE, &nofile) == -1)
		log_fatal(EX_OSERR, "getrlimit: %s", strerror(errno));
	make_slots(&f, nofile.rlim_cur);
	f.loop = loop_new();
	if (f.loop == -1 || loop_watch(f.loop, control, id, LOOP_READ) == -1)
		log_fatal(EX_OSERR, "epoll: %s", strerror(errno));
	confine(nofile.rlim_cur);

	f.now = clock_now();
	front_resume(&f);
	if (send(control, "", 1, MSG_NOSIGNAL) == 1)
		front_loop(&f);
	_exit(EX_OK);
}
