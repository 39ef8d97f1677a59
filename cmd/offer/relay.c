/*
 * tcpmux-offer --to: connections are relayed to another server, all in one
 * loop.
 */

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "cmd/clock.h"
#include "cmd/offer/backend.h"
#include "cmd/offer/relay.h"
#include "cmd/offer/serve.h"
#include "cmd/pair.h"
#include "cmd/say.h"

/* Of a conversation: two sockets. */
#define DESCRIPTORS_EACH 2

/* And all the others that there are. */
#define DESCRIPTORS_REST (32 + REFUSE_MAX)

#define EVENTS 64

/* Between two tries at a back end without room: 20 ms. */
#define RETRY_NS 20000000

enum place_state {
	PLACE_FREE,
	PLACE_WAITS, /* to dial a back end that has no room now */
	PLACE_DIALS, /* the back end has not answered yet */
	PLACE_TALKS,
	PLACE_OVER, /* free behind the batch of events */
};

struct place {
	enum place_state state;
	int client;
	int back;
	unsigned int address; /* of the back end, which is tried */
	struct pair pair;
	int64_t deadline;   /* of dialling */
	struct place *next; /* that is free, waits, or is over */
};

struct relay {
	const struct offer_options *options;
	struct refusals refusals;
	struct backend backend;
	int loop;
	uint32_t max; /* of conversations */
	uint32_t count;
	struct place *places;
	struct place *free;
	struct place *waiting;
	struct place *over;
	int timer; /* runs if any waits */
};

/* Of a place, or of the timer if p is NULL: that is told by edges, too. */
static int
watch(const struct relay *r, int what, int fd, struct place *p)
{
	struct epoll_event event = { .events = EPOLLIN | EPOLLOUT | EPOLLRDHUP |
		    EPOLLET,
		.data.ptr = p };

	return epoll_ctl(r->loop, what, fd, &event);
}

static void
place_end(struct relay *r, struct place *p)
{
	if (p->state == PLACE_TALKS)
		pair_clear(&p->pair);
	/* A reset if anything is left to say, and an end if not. */
	if (p->back != -1)
		(void)close(p->back);
	if (p->client != -1)
		(void)close(p->client);
	p->state = PLACE_OVER;
	p->next = r->over;
	r->over = p;
}

static void
place_refuse(struct relay *r, struct place *p, const char *text)
{
	refuse_take_fd(&r->refusals, p->client, text);
	p->client = -1;
	place_end(r, p);
}

static void
place_talk(struct relay *r, struct place *p)
{
	const bool goes = pair_go(&p->pair);

	/* To be watched anew is to be told anew, behind the others. */
	if (pair_is_done(&p->pair) ||
	    (goes &&
		(watch(r, EPOLL_CTL_MOD, p->client, p) == -1 ||
		    watch(r, EPOLL_CTL_MOD, p->back, p) == -1)))
		place_end(r, p);
}

/* The back end has answered: say so, and join the two. */
static void
place_join(struct relay *r, struct place *p)
{
	if (pair_init(&p->pair, p->client, p->client, p->back) == -1) {
		offering_say(r->options, -1, "cannot relay: %s",
		    strerror(errno));
		pair_clear(&p->pair);
		place_refuse(r, p, "busy: try again later");
		return;
	}
	p->state = PLACE_TALKS;
	offering_say(r->options, 1, "relayed");
	if (tcpmux_reply(p->client, '+', "OK FINE") != 0 ||
	    watch(r, EPOLL_CTL_ADD, p->client, p) == -1) {
		place_end(r, p);
		return;
	}
	place_talk(r, p);
}

/* The back end's queue is full: have the timer call relay_retry(). */
static void
place_wait(struct relay *r, struct place *p)
{
	const struct itimerspec pause = { .it_value.tv_nsec = RETRY_NS };

	p->state = PLACE_WAITS;
	p->next = r->waiting;
	r->waiting = p;
	(void)timerfd_settime(r->timer, 0, &pause, NULL); /* all is valid */
}

/* Try the addresses from p->address on. */
static void
place_dial(struct relay *r, struct place *p)
{
	p->state = PLACE_DIALS;
	for (; p->address < r->backend.n; p->address++) {
		p->back = backend_dial(&r->backend, p->address);
		if (p->back == -1 && errno == EAGAIN &&
		    clock_now() < p->deadline) {
			place_wait(r, p);
			return;
		}
		if (p->back != -1 && watch(r, EPOLL_CTL_ADD, p->back, p) == 0)
			return;
		if (p->back != -1)
			(void)close(p->back); /* it was of no use */
		p->back = -1;
	}
	offering_say(r->options, 0, "%s: %s", r->options->to, strerror(errno));
	place_refuse(r, p, "the service does not answer: try again later");
}

static void
place_settle(struct relay *r, struct place *p)
{
	if (backend_settle(p->back) == 0) {
		place_join(r, p);
		return;
	}
	(void)close(p->back); /* it has never connected */
	p->back = -1;
	p->address++;
	place_dial(r, p);
}

static uint32_t
relay_count(const void *state)
{
	const struct relay *r = state;

	return r->count;
}

/* Places that are over become free: no event of theirs is left. */
static void
relay_collect(struct relay *r)
{
	struct place *p;

	while ((p = r->over) != NULL) {
		r->over = p->next;
		p->state = PLACE_FREE;
		p->next = r->free;
		r->free = p;
		r->count--;
	}
}

static void
relay_take_fd(void *state, int fd, const struct tcpmux_caller *caller)
{
	struct relay *r = state;
	struct place *p = r->free;

	(void)caller; /* a back end is not told */
	r->free = p->next;
	r->count++;
	p->client = fd;
	p->back = -1;
	p->address = 0;
	p->deadline = clock_now() + BACKEND_TIMEOUT_MS;
	place_dial(r, p);
	relay_collect(r);
}

/* Dial again for those that wait; who finds no room waits again. */
static void
relay_retry(struct relay *r)
{
	struct place *p, *next = r->waiting;

	r->waiting = NULL;
	while ((p = next) != NULL) {
		next = p->next;
		place_dial(r, p);
	}
}

static void
relay_step(void *state)
{
	struct epoll_event events[EVENTS];
	struct relay *r = state;
	struct place *p;
	int i, n;

	n = epoll_wait(r->loop, events, EVENTS, 0);
	for (i = 0; i < n; i++) {
		p = events[i].data.ptr;
		if (p == NULL)
			relay_retry(r);
		else if (p->state == PLACE_DIALS &&
		    events[i].events & (EPOLLOUT | EPOLLERR | EPOLLHUP))
			place_settle(r, p);
		else if (p->state == PLACE_TALKS)
			place_talk(r, p);
	}
	relay_collect(r);
}

/* Have descriptors for so many conversations, or for fewer. */
static int
relay_reserve(struct relay *r)
{
	const rlim_t need =
	    (rlim_t)r->max * DESCRIPTORS_EACH + DESCRIPTORS_REST;
	struct rlimit files;

	if (getrlimit(RLIMIT_NOFILE, &files) == -1)
		return -1;
	if (files.rlim_cur >= need)
		return 0;
	files.rlim_cur = files.rlim_max < need ? files.rlim_max : need;
	if (setrlimit(RLIMIT_NOFILE, &files) == -1)
		return -1;
	if (files.rlim_cur >= need)
		return 0;
	if (files.rlim_cur < DESCRIPTORS_REST + DESCRIPTORS_EACH) {
		errno = EMFILE;
		return -1;
	}
	r->max =
	    (uint32_t)((files.rlim_cur - DESCRIPTORS_REST) / DESCRIPTORS_EACH);
	offering_say(r->options, 0,
	    "the limit of descriptors allows for %u connections", r->max);
	return 0;
}

static int
relay_init(struct relay *r)
{
	uint32_t i;

	if (relay_reserve(r) == -1)
		return -1;
	r->places = calloc(r->max, sizeof(*r->places));
	r->loop = epoll_create1(EPOLL_CLOEXEC);
	r->timer = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
	if (r->places == NULL || r->loop == -1 || r->timer == -1 ||
	    watch(r, EPOLL_CTL_ADD, r->timer, NULL) == -1 ||
	    refuse_init(&r->refusals) == -1)
		return -1;
	for (i = r->max; i > 0; i--) {
		r->places[i - 1].next = r->free;
		r->free = &r->places[i - 1];
	}
	return 0;
}

int
offer_relay(const struct offer_options *options, int signals)
{
	struct relay relay = { .options = options, .max = options->max };
	struct offer_service service = { &relay, -1, 0, relay_count,
		relay_take_fd, relay_step };
	const char *wrong;
	int status;

	status = backend_parse(&relay.backend, options->to, &wrong);
	if (status != 0) {
		offering_say(options, -1, "--to %s: %s", options->to, wrong);
		return status;
	}
	if (relay_init(&relay) == -1) {
		offering_say(options, -1, "%u connections: %s", options->max,
		    strerror(errno));
		free(relay.places);
		return SAY_SYSTEM;
	}
	service.loop = relay.loop;
	service.max = relay.max;
	status = offer_serve(options, &service, &relay.refusals, signals);
	free(relay.places); /* conversations are cut by the end of us */
	return status;
}
