/*
 * Forwards clients of this machine, many at a time, in one loop that never
 * waits for any of them.
 */

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "cmd/pair.h"
#include "cmd/say.h"
#include "cmd/signals.h"
#include "cmd/tcpmux/call.h"
#include "cmd/tcpmux/forward.h"
#include "cmd/tcpmux/progress.h"

/* How long not to accept when the system is out of something. */
#define FORWARD_PAUSE_MS 100

/* Clients are accepted in turn with the others, so many at a time. */
#define FORWARD_BATCH 64

enum client_state {
	CLIENT_CALLING, /* the name is being reached */
	CLIENT_JOINED,  /* bytes flow */
	CLIENT_OVER,
};

struct client {
	enum client_state state;
	int fd;
	const char *name; /* of -L */
	size_t place;     /* of the plan, which is tried */
	struct tcpmux_call *call;
	int remote; /* or -1 */
	struct pair pair;
	struct progress progress;
};

/* A socket of -L. */
struct listener {
	int fd;
	const char *name;
};

/*
 * What is polled: for signals, for each listener, and for each client as many
 * as a pair takes.
 */
struct forward {
	const struct plan *plan;
	struct listener *listeners;
	size_t nlisteners;
	int signals;
	struct client *clients;
	size_t nclients, room;
	struct pollfd *fds;
	bool paused; /* nothing is accepted for a while */
};

static size_t
forward_first(const struct forward *f)
{
	return 1 + f->nlisteners;
}

/*
 * Clients.
 */

static void
client_clear(struct client *client)
{
	tcpmux_call_free(client->call);
	if (client->state == CLIENT_JOINED)
		pair_clear(&client->pair);
	/* What they could still say is said, or is not to be. */
	if (client->remote != -1)
		(void)close(client->remote);
	(void)close(client->fd);
	client->state = CLIENT_OVER;
}

/* End both sides in a way that nobody takes for the end of the data. */
static void
client_cut(struct client *client)
{
	pair_set_reset(client->fd, true);
	if (client->remote != -1)
		pair_set_reset(client->remote, true);
	client_clear(client);
}

static void
client_join(struct client *client, const struct plan *plan)
{
	client->remote = tcpmux_call_take(client->call);
	if (plan->verbose)
		say("%s: connected at %s", client->name,
		    tcpmux_call_address(client->call));
	tcpmux_call_free(client->call);
	client->call = NULL;
	client->state = CLIENT_JOINED;
	progress_init(&client->progress, plan->verbose, false);
	if (pair_init(&client->pair, client->fd, client->fd, client->remote) ==
	    -1) {
		say("%s: a client is dropped: %s", client->name,
		    strerror(errno));
		client_cut(client);
	}
}

/* Go on with a call, at the next place if need be. */
static void
client_call(struct client *client, const struct plan *plan)
{
	int err = tcpmux_call_step(client->call);

	while (err != TCPMUX_ERR_AGAIN && call_may_try_next(err) &&
	    client->place + 1 < plan->nplaces) {
		tcpmux_call_free(client->call);
		client->call = call_new(plan, ++client->place, client->name);
		err = client->call == NULL ? TCPMUX_ERR_SYSTEM :
					     tcpmux_call_step(client->call);
	}
	if (err == 0)
		client_join(client, plan);
	else if (err != TCPMUX_ERR_AGAIN) {
		/* The status is for those who make one call only. */
		(void)call_explain(plan, client->call, client->name, err);
		client_cut(client);
	}
}

static void
client_begin(struct client *client, const struct plan *plan, int fd,
    const char *name)
{
	*client = (struct client){
		.state = CLIENT_CALLING,
		.fd = fd,
		.name = name,
		.remote = -1,
		.call = call_new(plan, 0, name),
	};
	if (client->call == NULL) {
		say("%s: a client is dropped: %s", name, strerror(errno));
		client_cut(client);
		return;
	}
	client_call(client, plan);
}

static void
client_poll(const struct client *client, struct pollfd fds[PAIR_FDS_SINGLE])
{
	if (client->state == CLIENT_JOINED) {
		pair_poll(&client->pair, fds);
		return;
	}
	fds[0] = (struct pollfd){
		.fd = tcpmux_call_fd(client->call),
		.events = POLLIN,
	};
	/* It may go, and says so unasked. */
	fds[1] = (struct pollfd){ .fd = client->fd };
}

static void
client_move(struct client *client, const struct pollfd fds[PAIR_FDS_SINGLE])
{
	const struct pair *pair = &client->pair;

	pair_step(&client->pair, fds);
	if (!pair_is_done(pair))
		return;
	progress_end(&client->progress, pair->up.moved, pair->down.moved);
	client_clear(client);
}

static void
client_step(struct client *client, const struct plan *plan,
    const struct pollfd fds[PAIR_FDS_SINGLE])
{
	if (client->state == CLIENT_JOINED)
		client_move(client, fds);
	else if (fds[1].revents != 0)
		client_cut(client);
	else if (fds[0].revents != 0)
		client_call(client, plan);
}

/*
 * The loop.
 */

/* Have room for one more.  Returns -1 with errno if there is no memory. */
static int
forward_grow(struct forward *f)
{
	size_t room = f->room == 0 ? 16 : f->room * 2;
	struct client *clients;
	struct pollfd *fds;

	if (f->nclients < f->room)
		return 0;
	clients = reallocarray(f->clients, room, sizeof(*clients));
	if (clients == NULL)
		return -1;
	f->clients = clients;
	fds = reallocarray(f->fds, forward_first(f) + room * PAIR_FDS_SINGLE,
	    sizeof(*fds));
	if (fds == NULL)
		return -1;
	f->fds = fds;
	f->room = room;
	return 0;
}

static bool
forward_is_short(int error)
{
	return error == EMFILE || error == ENFILE || error == ENOMEM ||
	    error == ENOBUFS;
}

/* Accept who waits at one socket. */
static void
forward_accept(struct forward *f, const struct listener *listener)
{
	struct client *client;
	int fd;

	for (int i = 0; i < FORWARD_BATCH; i++) {
		if (forward_grow(f) == -1) {
			f->paused = true;
			return;
		}
		fd = accept4(listener->fd, NULL, NULL, SOCK_CLOEXEC);
		if (fd == -1) {
			f->paused = forward_is_short(errno);
			return;
		}
		client = &f->clients[f->nclients];
		client_begin(client, f->plan, fd, listener->name);
		if (client->state != CLIENT_OVER)
			f->nclients++;
	}
}

static int
forward_poll(struct forward *f)
{
	struct pollfd *p = f->fds;
	size_t n = forward_first(f) + f->nclients * PAIR_FDS_SINGLE;

	*p++ = (struct pollfd){ .fd = f->signals, .events = POLLIN };
	for (size_t i = 0; i < f->nlisteners; i++)
		*p++ = (struct pollfd){
			.fd = f->paused ? -1 : f->listeners[i].fd,
			.events = POLLIN,
		};
	for (size_t i = 0; i < f->nclients; i++, p += PAIR_FDS_SINGLE)
		client_poll(&f->clients[i], p);
	return poll(f->fds, n, f->paused ? FORWARD_PAUSE_MS : -1);
}

static void
forward_step(struct forward *f)
{
	const struct pollfd *p = f->fds + forward_first(f);

	/* From the last one down, so that the last one can fill a gap. */
	for (size_t i = f->nclients; i-- > 0;) {
		client_step(&f->clients[i], f->plan, p + i * PAIR_FDS_SINGLE);
		if (f->clients[i].state == CLIENT_OVER)
			f->clients[i] = f->clients[--f->nclients];
	}
	f->paused = false;
	for (size_t i = 0; i < f->nlisteners; i++)
		if (f->fds[1 + i].revents != 0)
			forward_accept(f, &f->listeners[i]);
}

/* Until a signal says that it is enough. */
static int
forward_loop(struct forward *f)
{
	for (;;) {
		if (forward_poll(f) == -1) {
			if (errno == EINTR)
				continue;
			say("it cannot go on: %s", strerror(errno));
			return SAY_SYSTEM;
		}
		if (f->fds[0].revents != 0)
			return SAY_OK;
		forward_step(f);
	}
}

/* Each client takes some descriptors; without more there are fewer. */
static void
forward_raise_limit(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) == -1)
		return;
	limit.rlim_cur = limit.rlim_max;
	(void)setrlimit(RLIMIT_NOFILE, &limit); /* one may always do so */
}

/* Listen at all of them.  Returns 0, or the exit status, having said why. */
static int
forward_listen(struct forward *f, struct local *locals, size_t nlocals)
{
	int status;

	for (size_t i = 0; i < nlocals; i++) {
		status = local_listen(&locals[i]);
		if (status != SAY_OK)
			return status;
		for (int j = 0; j < LOCAL_FDS && locals[i].fds[j] != -1; j++)
			f->listeners[f->nlisteners++] = (struct listener){
				.fd = locals[i].fds[j],
				.name = locals[i].name,
			};
	}
	if (forward_grow(f) == 0)
		return SAY_OK;
	say("it cannot start: %s", strerror(errno));
	return SAY_SYSTEM;
}

static void
forward_clear(struct forward *f)
{
	while (f->nclients > 0)
		client_cut(&f->clients[--f->nclients]);
	free(f->clients);
	free(f->listeners);
	free(f->fds);
	if (f->signals != -1)
		(void)close(f->signals); /* nothing is behind it */
}

int
forward_serve(const struct plan *plan, struct local *locals, size_t nlocals)
{
	static const int signals[] = { SIGINT, SIGTERM, SIGHUP, 0 };
	struct forward f = {
		.plan = plan,
		.signals = signals_open(signals),
		.listeners =
		    calloc(nlocals * LOCAL_FDS, sizeof(struct listener)),
	};
	int status;

	forward_raise_limit();
	if (f.signals == -1 || f.listeners == NULL) {
		say("it cannot start: %s", strerror(errno));
		status = SAY_SYSTEM;
	} else
		status = forward_listen(&f, locals, nlocals);
	if (status == SAY_OK)
		status = forward_loop(&f);
	forward_clear(&f);
	for (size_t i = 0; i < nlocals; i++)
		local_clear(&locals[i]);
	return status;
}
