/*
 * The registrar: knows the programs that take connections themselves, and
 * tells the fronts of them.  This is its life; what it does, its parts do.
 */

#include <errno.h>
#include <linux/sockios.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sysexits.h>
#include <unistd.h>

#include "daemon/process.h"
#include "daemon/registrar/applicant.h"
#include "daemon/registrar/claims.h"
#include "daemon/registrar/dialler.h"
#include "daemon/registrar/errands.h"
#include "daemon/registrar/estate.h"
#include "daemon/registrar/offer.h"
#include "daemon/registrar/registrar.h"
#include "daemon/registrar/room.h"
#include "daemon/registrar/unread.h"
#include "os/clock.h"
#include "os/log.h"
#include "os/loop.h"
#include "os/message.h"

/* Out of descriptors or memory, accepting rests for so long. */
#define PAUSE_MS 100

/* Fronts that are late hold up the next offer for so long, but no longer. */
#define LATE_MS  100
#define LATER_MS 1

/* How long to wait for the first order of the monitor. */
#define FIRST_MS 5000

/* Events for no taker. */
#define SLOT_CONTROL  UINT32_MAX
#define SLOT_LISTENER (UINT32_MAX - 1)
#define SLOT_ERRANDS  (UINT32_MAX - 1 - ERRANDS_OPEN_MAX)

enum registrar_state {
	REGISTRAR_STARTING, /* another may yet go on in our place */
	REGISTRAR_SERVING,
	REGISTRAR_GIVEN /* another has it all, and may yet fail */
};

/* In which order events are handled. */
enum turn {
	TURN_END,
	TURN_HEAR,
	TURN_ACCEPT
};

struct registrar {
	struct registry r;
	enum registrar_state state;
	int control;
	int quiet; /* a loop for times when all others have to wait */
	struct applicants *applicants;
	struct estate *estate;
	int64_t resume; /* accept again; 0: accepting */
	int64_t late;   /* since when fronts are late; 0: they are not */
};

static const struct sandbox_call calls[] = {
	{ SYS_socket, 3,
	    { { 0, AF_UNIX },
		{ 1, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK },
		{ 2, 0 } } },
	{ .nr = SYS_connect },
	{ SYS_accept4, 3,
	    { { 1, 0 }, { 2, 0 }, { 3, SOCK_CLOEXEC | SOCK_NONBLOCK } } },
	{ SYS_getsockopt, 2, { { 1, SOL_SOCKET }, { 2, SO_PEERCRED } } },
	{ SYS_getsockopt, 2, { { 1, SOL_SOCKET }, { 2, SO_PEERGROUPS } } },
	{ SYS_setsockopt, 2, { { 1, SOL_SOCKET }, { 2, SO_SNDBUF } } },
	{ SYS_shutdown, 1, { { 1, SHUT_RD } } },
	{ SYS_shutdown, 1, { { 1, SHUT_RDWR } } },
	{ SYS_ioctl, 1, { { 1, SIOCOUTQ } } },
	{ SYS_sendmsg, 1, { { 2, MSG_DONTWAIT | MSG_NOSIGNAL } } },
	{ SYS_recvmsg, 1, { { 2, MSG_DONTWAIT | MSG_CMSG_CLOEXEC } } },
	{ SYS_epoll_pwait, 1, { { 4, 0 } } },
	{ .nr = SYS_epoll_ctl },
	{ .nr = SYS_close },
	{ .nr = SYS_clock_gettime },
	{ SYS_getrusage, 1, { { 0, RUSAGE_SELF } } },
	{ .nr = SYS_exit_group },
};

static int
say(void *arg, uint32_t subject, struct taker_message *m)
{
	const struct registry *r = arg;

	if (subject < r->ndialled)
		return dialler_say(r, subject, m);
	return offer_say(r, subject, m);
}

static void
over(void *arg, uint32_t subject)
{
	/* A service that is dialled is never over. */
	offer_over(arg, subject);
}

/* Do not accept for so long. */
static void
pause_accepting(struct registrar *s, int ms)
{
	if (s->r.g->control == -1 || s->resume != 0)
		return;
	/* It may not be watched, and then there is nothing to do. */
	(void)loop_forget(s->r.loop, s->r.g->control);
	s->resume = s->r.now + ms;
}

static void
resume_accepting(struct registrar *s)
{
	const struct loop_id id = { SLOT_LISTENER, 0 };

	s->resume = 0;
	if (s->r.g->control != -1 &&
	    loop_watch_level(s->r.loop, s->r.g->control, id) == -1)
		pause_accepting(s, PAUSE_MS);
}

/* Nobody else talks to programs: do so. */
static void
serve(struct registrar *s)
{
	if (s->state == REGISTRAR_STARTING) {
		estate_settle(s->estate, &s->r, s->applicants);
		resume_accepting(s);
	}
	s->state = REGISTRAR_SERVING;
}

/* Send all to another, and do nothing more until it is known to live. */
static void
give(struct registrar *s, int to)
{
	if (s->state == REGISTRAR_SERVING) {
		offer_finish(&s->r);
		estate_give(&s->r, s->applicants, to, s->quiet);
		s->state = REGISTRAR_GIVEN;
	}
	(void)close(to); /* all that could be sent was */
}

/* This is the end. */
static _Noreturn void
end(struct registrar *s)
{
	/* If somebody else has them, they are not ours to refuse. */
	if (s->state == REGISTRAR_SERVING)
		applicants_stop(s->applicants, &s->r);
	report_flush(&s->r.report);
	_exit(EX_OK);
}

/* Do what the monitor says: all of it, as an edge tells of it once. */
static void
obey(struct registrar *s)
{
	ssize_t n;
	char order;
	int fd;

	while ((n = message_receive(s->control, &order, 1, &fd)) == 1) {
		if (order == CONTROL_DRAIN)
			end(s);
		if (order == REGISTRAR_RESUME)
			serve(s);
		if (order == REGISTRAR_FRONT && fd != -1)
			news_add_front(s->r.news, fd);
		else if (order == REGISTRAR_GIVE && fd != -1)
			give(s, fd);
		else if (fd != -1)
			(void)close(fd); /* of an order that is none */
	}
	if (n == 0 || errno != EAGAIN)
		end(s);
}

static int64_t
earlier(int64_t a, int64_t b)
{
	return a < b ? a : b;
}

/* Do what is due; returns when to do so again, for loop_wait(). */
static int
do_due(struct registrar *s)
{
	struct registry *r = &s->r;
	int64_t next;

	if (s->resume != 0 && s->resume <= r->now)
		resume_accepting(s);
	next = s->resume != 0 ? s->resume : INT64_MAX;
	next = earlier(next, applicants_due(s->applicants, r));
	next = earlier(next, dialler_due(r));
	if (news_tell(r->news))
		next = earlier(next, r->now + NEWS_RETRY_MS);
	next = earlier(next, offer_due(r));
	next = earlier(next, unread_due(r));
	next = earlier(next, errands_due(r->errands, r->now));
	/* What was due may be news. */
	if (news_tell(r->news))
		next = earlier(next, r->now + NEWS_RETRY_MS);
	report_flush(&r->report);
	if (next == INT64_MAX)
		return -1;
	return next > r->now ? (int)(next - r->now) : 0;
}

/*
 * Do fronts have so much to hear that they might hear of another offer after
 * its clients?  One that hears nothing at all holds up nobody.
 */
static bool
are_fronts_late(struct registrar *s)
{
	if (!news_are_late(s->r.news)) {
		s->late = 0;
		return false;
	}
	if (s->late == 0)
		s->late = s->r.now;
	return s->r.now - s->late < LATE_MS;
}

static void
accept_next(struct registrar *s)
{
	if (s->resume != 0)
		return;
	if (are_fronts_late(s))
		pause_accepting(s, LATER_MS);
	else if (!applicants_accept(s->applicants, &s->r, s->r.g->control))
		pause_accepting(s, PAUSE_MS);
}

/* Whose turn an event has; see below. */
static int
turn_of(const struct registrar *s, struct loop_id id)
{
	if (id.slot == SLOT_LISTENER)
		return TURN_ACCEPT;
	if (id.slot < SLOT_ERRANDS && id.slot >= registry_name(&s->r, 0))
		return TURN_HEAR;
	return TURN_END;
}

static void
event(struct registrar *s, struct loop_id id)
{
	struct registry *r = &s->r;

	if (id.slot == SLOT_CONTROL)
		obey(s);
	else if (s->state == REGISTRAR_GIVEN)
		return; /* it is somebody else's */
	else if (id.slot == SLOT_LISTENER)
		accept_next(s);
	else if (id.slot >= SLOT_ERRANDS)
		errands_event(r->errands, r, id);
	else if (id.slot < r->ndialled)
		dialler_event(r, id);
	else if (id.slot < registry_name(r, 0))
		offer_event(r, id);
	else
		applicants_event(s->applicants, r, id);
}

/*
 * Whoever withdraws an offer and then makes another must not find his name
 * taken.  So ends come before requests, and nobody is accepted unless all that
 * was to be seen has been seen; one at a time, as the next may have ended
 * something since.
 */
static void
do_events(struct registrar *s, const struct loop_event ev[], int n)
{
	const int last = n < LOOP_BATCH ? TURN_ACCEPT : TURN_HEAR;
	int turn, i;

	for (turn = TURN_END; turn <= last; turn++)
		for (i = 0; i < n; i++)
			if (turn_of(s, ev[i].id) == turn)
				event(s, ev[i].id);
}

static _Noreturn void
registrar_loop(struct registrar *s)
{
	struct loop_event ev[LOOP_BATCH];
	int n, timeout, loop;

	for (;;) {
		timeout = s->state == REGISTRAR_GIVEN ? -1 : do_due(s);
		loop = s->state == REGISTRAR_GIVEN ? s->quiet : s->r.loop;
		n = loop_wait(loop, ev, pulse_timeout(timeout));
		if (n == -1)
			_exit(EX_OSERR);
		s->r.now = clock_now();
		pulse_beat(s->r.pulse, s->r.now);
		do_events(s, ev, n);
	}
}

/* Take all memory, of which there will be no more. */
static void
make_parts(struct registrar *s)
{
	struct registry *r = &s->r;
	const struct news_source source = { r, say, over };
	uint32_t subjects;

	r->claims = claims_copy(r->g);
	r->nclaims = r->claims != NULL ? claims_max(r->g) : 0;
	if (dialler_init(r) == -1 || offer_init(r) == -1)
		log_fatal(EX_OSERR, "no memory for offers");
	subjects = registry_name(r, book_names_max(r->g->max_offers));
	r->news = news_new(subjects, &source);
	s->applicants = applicants_new(registry_name(r, 0));
	s->estate = estate_new();
	r->errands = errands_new(s->control, SLOT_ERRANDS);
	if (r->news == NULL || s->applicants == NULL || s->estate == NULL ||
	    r->errands == NULL)
		log_fatal(EX_OSERR, "no memory for news of offers");
}

static void
make_loops(struct registrar *s)
{
	const struct loop_id id = { SLOT_CONTROL, 0 };

	s->r.loop = loop_new();
	s->quiet = loop_new();
	if (s->r.loop == -1 || s->quiet == -1 ||
	    loop_watch(s->r.loop, s->control, id, LOOP_READ) == -1 ||
	    loop_watch(s->quiet, s->control, id, LOOP_READ) == -1)
		log_fatal(EX_OSERR, "epoll: %s", strerror(errno));
}

/* Begin with what the one before has left. */
static void
inherit(struct registrar *s)
{
	struct loop_event ev[LOOP_BATCH];
	char order = 0;
	ssize_t n;
	int fd;

	while ((n = message_receive(s->control, &order, 1, &fd)) == -1 &&
	    errno == EAGAIN)
		if (loop_wait(s->quiet, ev, FIRST_MS) < 1)
			_exit(EX_OSERR);
	if (n != 1 || order != REGISTRAR_TAKE)
		_exit(EX_OK); /* the monitor has gone */
	if (fd == -1) {
		estate_claim(&s->r);
		estate_take_kept(s->estate, &s->r);
		return;
	}
	if (estate_take(s->estate, &s->r, fd, s->quiet) == -1)
		log_fatal(EX_OSERR, "the registrar before does not answer");
	(void)loop_forget(s->quiet, fd); /* it is watched */
	(void)close(fd);                 /* all that came was taken */
}

void
registrar_run(const struct generation *g, int control, struct pulse *pulse)
{
	static const uint16_t no_port = 0;
	/*
	 * To have no network could take a user namespace, in which everybody
	 * who connects would be nobody.  No port to connect to is as good.
	 */
	const struct process_rules rules = {
		.name = "tcpmuxd-regis",
		.files = true,
		.network = true,
		.ports = &no_port,
		.calls = calls,
		.ncalls = sizeof(calls) / sizeof(calls[0]),
	};
	static struct registrar s;

	s.r.g = g;
	s.r.pulse = pulse;
	s.r.control = s.control = control;
	s.state = REGISTRAR_STARTING;
	make_loops(&s);
	make_parts(&s);
	report_init(&s.r.report, g);
	process_confine(g, &rules, pulse);
	s.r.now = clock_now();
	inherit(&s);
	/* Before any front asks, whoever is there is. */
	(void)do_due(&s); /* the next time is soon enough */
	news_complete(s.r.news);
	process_ready(control, pulse);
	registrar_loop(&s);
}
