/*
 * One relayed conversation, as a state machine.
 */

#include <errno.h>
#include <stddef.h>
#include <sys/socket.h>
#include <unistd.h>

#include "daemon/relay/builtin.h"
#include "daemon/relay/session.h"
#include "daemon/relay/session_dial.h"
#include "os/loop.h"
#include "os/stream.h"
#include "table/limits.h"

/* A back end whose queue is full is tried again after so long. */
#define AGAIN_MS 50

/*
 * Whoever is silent for so long is worth the calls that look for the dead;
 * most conversations are over by then.
 */
#define KEEPALIVE_LAZY_MS 10000

/* The most bytes thrown away in one call. */
#define THROW_MAX 65536

static const struct service *
service_of(const struct session *s, const struct session_ground *g)
{
	return &g->table->services[s->service];
}

/* End it, for a reason that is not a good one: both sides are reset. */
static enum session_state
cut(struct session *s, const char *reason)
{
	s->failed = true;
	s->reason = reason;
	return SESSION_OVER;
}

void
session_init(struct session *s, const struct session_ground *g, int fd,
    const struct tcpmux_handover *h, int why)
{
	const uint32_t generation = s->generation;

	*s = (struct session){
		.fd = { fd, -1 },
		.generation = generation,
		.service = h->service,
		.listener = h->listener,
		.peer = h->peer,
		.local = h->local,
		.accepted = h->accepted,
		.active = g->now,
		.early = h->early != 0,
	};
	flow_init(&s->flow[SIDE_CLIENT]);
	flow_init(&s->flow[SIDE_SERVER]);
	if (why != 0) {
		s->reason = words_reason((enum refusal)why);
		s->state = (uint8_t)session_refuse(s, g, (enum refusal)why);
	} else if (service_of(s, g)->kind == SERVICE_RELAY) {
		s->deadline = g->now + service_of(s, g)->relay.connect_ms;
		s->state = SESSION_DIAL;
	} else {
		s->text = service_of(s, g)->ok;
		s->deadline = g->now + g->table->request_ms;
		s->state = SESSION_GREET;
	}
}

/* Send what is left of s->text.  Returns 1 if all went, 0 if not, or -1. */
static int
say(struct session *s, int flags)
{
	ssize_t n;

	n = send(s->fd[SIDE_CLIENT], s->text.p, s->text.len,
	    MSG_DONTWAIT | MSG_NOSIGNAL | flags);
	if (n == -1)
		return errno == EAGAIN ? 0 : -1;
	s->text.p += n;
	s->text.len -= (size_t)n;
	return s->text.len == 0;
}

/* Let the client see an orderly end, and read what it still sends. */
static enum session_state
linger(struct session *s, const struct session_ground *g)
{
	if (shutdown(s->fd[SIDE_CLIENT], SHUT_WR) == -1)
		return SESSION_OVER;
	s->deadline = g->now + LIMIT_LINGER_MS;
	return SESSION_LINGER;
}

static enum session_state
begin_builtin(struct session *s, const struct session_ground *g)
{
	const struct service *service = service_of(s, g);
	const int client = s->fd[SIDE_CLIENT];
	struct flow *f = &s->flow[SIDE_SERVER];

	s->deadline = g->now + service->builtin.ms;
	if (service->kind == SERVICE_DAYTIME) {
		if (builtin_daytime(f, client) != FLOW_ENDED)
			return cut(s, "reset");
		stats_move(g->stats, session_row(s, g), STATS_OUT, f->moved);
		return linger(s, g);
	}
	if (stream_set_nodelay(client) == -1 ||
	    stream_set_abort(client, true) == -1)
		return cut(s, "reset");
	return SESSION_BUILTIN;
}

static enum session_state
greet(struct session *s, const struct session_ground *g)
{
	const enum service_kind kind = service_of(s, g)->kind;
	int done;

	s->corked = s->early && g->may_cork;
	done = say(s, kind == SERVICE_DAYTIME || s->corked ? MSG_MORE : 0);
	if (done == -1)
		return cut(s, "reset");
	if (done == 0)
		return SESSION_GREET;
	/* What the loop has told of a side by now, it does not tell again. */
	if (s->watched[SIDE_CLIENT] != 0 || s->early)
		flow_retry(&s->flow[SIDE_CLIENT], s->watched[SIDE_CLIENT] != 0);
	if (s->watched[SIDE_SERVER] != 0)
		flow_retry(&s->flow[SIDE_SERVER], true);
	s->active = g->now;
	return kind == SERVICE_RELAY ? SESSION_BOTH : begin_builtin(s, g);
}

static enum session_state
finish_refusal(struct session *s, const struct session_ground *g)
{
	/* The reply and the FIN behind it share one segment. */
	const int done = say(s, MSG_MORE);

	if (done == -1)
		return SESSION_OVER;
	return done == 0 ? SESSION_REFUSE : linger(s, g);
}

/* Throw away what the client still sends, but not for ever. */
static enum session_state
throw_away(struct session *s)
{
	ssize_t n;

	while ((n = recv(s->fd[SIDE_CLIENT], NULL, THROW_MAX,
		    MSG_TRUNC | MSG_DONTWAIT)) > 0) {
		s->thrown += (uint32_t)n;
		if (s->thrown >= LIMIT_LINGER_BYTES)
			return SESSION_OVER;
	}
	return n == -1 && errno == EAGAIN ? SESSION_LINGER : SESSION_OVER;
}

/* Both ways have ended: from here on close() is no reset. */
static enum session_state
end_well(struct session *s)
{
	/* If it fails the connection is broken, and reset with good reason. */
	(void)stream_set_abort(s->fd[SIDE_CLIENT], false);
	(void)stream_set_abort(s->fd[SIDE_SERVER], false);
	return SESSION_OVER;
}

/*
 * Move what comes from one side to the other, and its end.  Returns 1 if it
 * has ended now, 0 if not, or -1.
 */
static int
move(struct session *s, struct session_ground *g, enum session_side from,
    const unsigned int seen[static SIDES])
{
	const enum session_side to = from ^ 1;
	struct flow *f = &s->flow[from];
	const uint64_t moved = f->moved;
	enum flow_state state;

	if (!flow_is_ready(f, seen[from], seen[to]))
		return 0;
	state =
	    flow_step(f, &g->moving, s->fd[from], s->fd[to], FLOW_UNBOUNDED);
	stats_move(g->stats, session_row(s, g),
	    from == SIDE_CLIENT ? STATS_IN : STATS_OUT, f->moved - moved);
	switch (state) {
	case FLOW_ENDED:
		s->active = g->now;
		/* The second end is told by close(). */
		if (s->flow[to].state == FLOW_ENDED)
			return 1;
		return shutdown(s->fd[to], SHUT_WR) == -1 ? -1 : 1;
	case FLOW_BROKEN:
		return -1;
	default:
		if (f->moved != moved)
			s->active = g->now;
		return 0;
	}
}

/*
 * Has that side been reset, which nobody has noticed who does not read from
 * it now?
 */
static bool
is_reset(const struct session *s, enum session_side side, unsigned int seen)
{
	return (seen & LOOP_END) && s->flow[side].state != FLOW_INPUT &&
	    s->flow[side].state != FLOW_TURN && stream_error(s->fd[side]) != 0;
}

static enum session_state
converse(struct session *s, struct session_ground *g,
    const unsigned int seen[static SIDES])
{
	const int up = move(s, g, SIDE_CLIENT, seen);
	const int down = up == -1 ? -1 : move(s, g, SIDE_SERVER, seen);

	if (down == -1)
		return cut(s, "reset");
	if (s->flow[SIDE_CLIENT].state == FLOW_ENDED &&
	    s->flow[SIDE_SERVER].state == FLOW_ENDED)
		return end_well(s);
	/* Who has just ended was read, and has had no error to tell. */
	if ((up == 0 && is_reset(s, SIDE_CLIENT, seen[SIDE_CLIENT])) ||
	    (down == 0 && is_reset(s, SIDE_SERVER, seen[SIDE_SERVER])))
		return cut(s, "reset");
	return up == 1 || down == 1 ? SESSION_HALF :
				      (enum session_state)s->state;
}

static enum session_state
end_builtin(struct session *s, const struct session_ground *g)
{
	/* If it fails the connection is broken, and shutdown() fails, too. */
	(void)stream_set_abort(s->fd[SIDE_CLIENT], false);
	return linger(s, g);
}

static enum session_state
serve_builtin(struct session *s, struct session_ground *g, unsigned int seen)
{
	const struct service *service = service_of(s, g);
	struct flow *f = &s->flow[SIDE_CLIENT];
	const uint64_t moved = f->moved;
	enum flow_state state;

	if (!flow_is_ready(f, seen, seen))
		return SESSION_BUILTIN;
	state = builtin_step(f, &g->moving, service, s->fd[SIDE_CLIENT]);
	stats_move(g->stats, session_row(s, g), STATS_IN, f->moved - moved);
	/* What echo has moved, has gone both ways. */
	if (service->kind == SERVICE_ECHO)
		stats_move(g->stats, session_row(s, g), STATS_OUT,
		    f->moved - moved);
	switch (state) {
	case FLOW_ENDED:
		if (f->moved == service->builtin.bytes)
			s->reason = "bytes";
		return end_builtin(s, g);
	case FLOW_BROKEN:
		return cut(s, "reset");
	default:
		return SESSION_BUILTIN;
	}
}

static enum session_state
step(struct session *s, struct session_ground *g,
    const unsigned int seen[static SIDES])
{
	switch (s->state) {
	case SESSION_DIAL:
		return session_dial(s, g);
	case SESSION_GREET:
		return greet(s, g);
	case SESSION_BOTH:
	case SESSION_HALF:
		return converse(s, g, seen);
	case SESSION_BUILTIN:
		return serve_builtin(s, g, seen[SIDE_CLIENT]);
	case SESSION_REFUSE:
		return finish_refusal(s, g);
	case SESSION_LINGER:
		return throw_away(s);
	default:
		return SESSION_OVER;
	}
}

/* Set what s waits for. */
static void
set_wants(struct session *s)
{
	const struct flow *up = &s->flow[SIDE_CLIENT];
	const struct flow *down = &s->flow[SIDE_SERVER];
	uint8_t client = LOOP_READ, server = LOOP_READ;

	switch (s->state) {
	case SESSION_DIAL:
		client = 0;
		server = s->full ? 0 : LOOP_READ | LOOP_WRITE;
		break;
	case SESSION_GREET:
		client = LOOP_READ | LOOP_WRITE;
		break;
	case SESSION_BUILTIN:
		if (up->state == FLOW_OUTPUT)
			client |= LOOP_WRITE;
		break;
	case SESSION_BOTH:
	case SESSION_HALF:
		if (up->state == FLOW_OUTPUT)
			server |= LOOP_WRITE;
		if (down->state == FLOW_OUTPUT)
			client |= LOOP_WRITE;
		break;
	case SESSION_REFUSE:
		client |= LOOP_WRITE;
		break;
	default:
		break;
	}
	s->want[SIDE_CLIENT] = client;
	s->want[SIDE_SERVER] = s->fd[SIDE_SERVER] == -1 ? 0 : server;
}

void
session_step(struct session *s, struct session_ground *g,
    const unsigned int seen[static SIDES])
{
	uint8_t before;

	do {
		before = s->state;
		s->state = (uint8_t)step(s, g, seen);
	} while (s->state != before && s->state != SESSION_HALF &&
	    s->state != SESSION_OVER);
	set_wants(s);
}

void
session_uncork(struct session *s)
{
	/* Setting it again sends what waits; but not what has gone already. */
	if (s->corked && s->flow[SIDE_SERVER].moved == 0)
		(void)stream_set_nodelay(s->fd[SIDE_CLIENT]);
	s->corked = false;
}

bool
session_has_turn(const struct session *s, enum session_side side)
{
	return s->flow[side].state == FLOW_TURN;
}

/* When a conversation without a byte ends, or is looked after. */
static int64_t
due_of_silence(const struct session *s, const struct relay_rule *rule)
{
	const uint32_t ms =
	    s->state == SESSION_HALF ? rule->half_ms : rule->idle_ms;
	const int64_t due = ms == 0 ? INT64_MAX : s->active + ms;
	const int64_t lazy = s->active +
	    (rule->keepalive_ms < 2 * KEEPALIVE_LAZY_MS ?
		    rule->keepalive_ms / 2 :
		    KEEPALIVE_LAZY_MS);

	if (s->kept_alive || rule->keepalive_ms == 0 || due < lazy)
		return due;
	return lazy;
}

int64_t
session_due(const struct session *s, const struct session_ground *g)
{
	switch (s->state) {
	case SESSION_DIAL:
		if (s->full && s->active + AGAIN_MS < s->deadline)
			return s->active + AGAIN_MS;
		return s->deadline;
	case SESSION_BOTH:
	case SESSION_HALF:
		return due_of_silence(s, &service_of(s, g)->relay);
	default:
		return s->deadline;
	}
}

/* From now on the kernel finds out whether the peers are still there. */
static void
keep_alive(struct session *s, const struct relay_rule *rule)
{
	s->kept_alive = true;
	/* A connection that cannot be asked is looked after by the timeouts. */
	(void)stream_set_keepalive(s->fd[SIDE_CLIENT], rule->keepalive_ms);
	if (rule->backends[s->backend].kind != BACKEND_UNIX)
		(void)stream_set_keepalive(s->fd[SIDE_SERVER],
		    rule->keepalive_ms);
}

static enum session_state
late_silence(struct session *s, const struct session_ground *g)
{
	const struct relay_rule *rule = &service_of(s, g)->relay;
	const bool half = s->state == SESSION_HALF;
	const uint32_t ms = half ? rule->half_ms : rule->idle_ms;

	if (ms != 0 && s->active + ms <= g->now)
		return cut(s, half ? "half-closed" : "idle");
	keep_alive(s, rule);
	return (enum session_state)s->state;
}

void
session_late(struct session *s, struct session_ground *g)
{
	static const unsigned int nothing[SIDES] = { 0, 0 };
	const uint8_t before = s->state;

	if (session_due(s, g) > g->now)
		return;
	switch (s->state) {
	case SESSION_DIAL:
		s->state = (uint8_t)session_dial_late(s, g);
		break;
	case SESSION_BOTH:
	case SESSION_HALF:
		s->state = (uint8_t)late_silence(s, g);
		break;
	case SESSION_BUILTIN:
		s->reason = "time";
		s->state = (uint8_t)end_builtin(s, g);
		break;
	case SESSION_GREET:
		s->state = (uint8_t)cut(s, "timeout");
		break;
	default:
		s->state = SESSION_OVER;
		break;
	}
	if (s->state != before && s->state != SESSION_OVER)
		session_step(s, g, nothing);
	else
		set_wants(s);
}

const char *
session_verdict(const struct session *s)
{
	if (s->failed)
		return "failed";
	return s->refused ? "refused" : "served";
}

void
session_kick(struct session *s)
{
	/* Who is being refused has no conversation that could be cut. */
	if (s->state != SESSION_REFUSE && s->state != SESSION_LINGER)
		/* If it fails, the connection is broken already. */
		(void)stream_set_abort(s->fd[SIDE_CLIENT], true);
	s->state = (uint8_t)cut(s, "kicked");
}

void
session_close(struct session *s, struct session_ground *g)
{
	flow_clear(&s->flow[SIDE_CLIENT], &g->moving);
	flow_clear(&s->flow[SIDE_SERVER], &g->moving);
	/* A socket's close has nothing to report. */
	(void)close(s->fd[SIDE_CLIENT]);
	if (s->fd[SIDE_SERVER] != -1)
		(void)close(s->fd[SIDE_SERVER]);
}
