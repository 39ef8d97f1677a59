/*
 * Errands: what is asked of the monitor, and not of us.
 *
 * Whoever may change things could do worse by himself, so only those who may
 * read and no more have limits.
 */

#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "daemon/errand.h"
#include "daemon/registrar/errands.h"
#include "daemon/registrar/grant.h"
#include "daemon/registrar/roll.h"
#include "daemon/registrar/unread.h"
#include "os/message.h"
#include "table/policy.h"

/* Readers whose rate is known. */
#define READERS_MAX 64

_Static_assert(REQUEST_OPTION_MAX <= sizeof(((struct errand *)0)->option),
    "every option fits");

/* A reader's budget, as the moment at which all of it will be back. */
struct reader {
	uint32_t uid;
	int64_t due_us;
};

/* A connection at which a reader was answered; -1: none. */
struct answered {
	int fd;
	uint32_t uid;
	uint32_t generation;
	bool has_ended; /* he hears no more, but may have yet to read */
};

struct errands {
	int control;
	uint32_t first;
	struct reader readers[READERS_MAX];
	struct answered open[ERRANDS_OPEN_MAX];
	int64_t due; /* look at those that have ended; 0: there are none */
};

static const enum errand_what kinds[] = {
	[ASK_SNAPSHOT] = ERRAND_SNAPSHOT,
	[ASK_CONNS] = ERRAND_CONNS,
	[ASK_EXPLAIN] = ERRAND_EXPLAIN,
	[ASK_RELOAD] = ERRAND_RELOAD,
	[ASK_UPGRADE] = ERRAND_UPGRADE,
	[ASK_DRAIN] = ERRAND_DRAIN,
	[ASK_UNDRAIN] = ERRAND_UNDRAIN,
	[ASK_KICK] = ERRAND_KICK,
	[ASK_LOG] = ERRAND_LOG,
};

struct errands *
errands_new(int control, uint32_t first)
{
	struct errands *e = calloc(1, sizeof(*e));
	size_t i;

	if (e == NULL)
		return NULL;
	e->control = control;
	e->first = first;
	for (i = 0; i < ERRANDS_OPEN_MAX; i++)
		e->open[i].fd = -1;
	return e;
}

/* The budget of a user: his own, or that which was used longest ago. */
static struct reader *
reader_of(struct errands *e, uint32_t uid)
{
	struct reader *oldest = &e->readers[0];
	size_t i;

	for (i = 0; i < READERS_MAX; i++) {
		if (e->readers[i].uid == uid)
			return &e->readers[i];
		if (e->readers[i].due_us < oldest->due_us)
			oldest = &e->readers[i];
	}
	*oldest = (struct reader){ uid, 0 };
	return oldest;
}

/* May he ask once more, now? */
static bool
use_budget(struct errands *e, uint32_t uid, int64_t now)
{
	const int64_t now_us = now * 1000,
		      cost_us = 1000000 / ERRANDS_PER_SECOND;
	struct reader *reader = reader_of(e, uid);

	if (reader->due_us < now_us)
		reader->due_us = now_us;
	if (reader->due_us - now_us > 1000000 - cost_us)
		return false;
	reader->due_us += cost_us;
	return true;
}

/*
 * Whoever shuts his socket down has ended for us; but an answer that he has
 * not read stays on its way until he closes it, and so is counted until then.
 */
static void
look(struct errands *e, int64_t now)
{
	struct answered *a;

	e->due = 0;
	for (a = e->open; a < e->open + ERRANDS_OPEN_MAX; a++) {
		if (a->fd == -1 || !a->has_ended)
			continue;
		if (unread_waits(a->fd)) {
			e->due = now + UNREAD_LOOK_MS;
			continue;
		}
		(void)close(a->fd); /* he has his answer, or has gone */
		a->fd = -1;
		a->generation++;
	}
}

int64_t
errands_due(struct errands *e, int64_t now)
{
	if (e->due != 0 && e->due <= now)
		look(e, now);
	return e->due != 0 ? e->due : INT64_MAX;
}

/* A place for one more connection of this user, or NULL. */
static struct answered *
place_for(struct errands *e, uint32_t uid)
{
	struct answered *place = NULL;
	unsigned int of_user = 0;
	size_t i;

	for (i = 0; i < ERRANDS_OPEN_MAX; i++)
		if (e->open[i].fd == -1)
			place = &e->open[i];
		else if (e->open[i].uid == uid)
			of_user++;
	return of_user < ERRANDS_OPEN_PER_USER_MAX ? place : NULL;
}

/* Is it a name that something can be done about? */
static bool
is_known(const struct registry *r, const struct request *q)
{
	if (q->what == ASK_EXPLAIN || q->name.len == 0 ||
	    table_find(r->g->table, q->name) != SERVICE_NONE)
		return true;
	return q->name.len <= TCPMUX_OFFER_NAME_MAX &&
	    book_find(r->book, q->name) != OFFER_NONE;
}

static enum request_answer
decide(const struct registry *r, const struct policy_user *user,
    const struct request *q)
{
	if (request_changes(q->what) && !policy_may_change(user))
		return REQUEST_NO_OWNER;
	if (!policy_may_read(r->g->table, user))
		return REQUEST_NO_READER;
	/* What is drained can be undrained, whether it is still there or not. */
	if (q->what != ASK_UNDRAIN && !is_known(r, q))
		return REQUEST_UNKNOWN;
	return REQUEST_GRANTED;
}

/* Returns 0, or -1 if the monitor has no room for it. */
static int
send_errand(const struct errands *e, int fd, uint32_t uid,
    const struct request *q)
{
	struct errand errand = { .mark = ERRAND_MARK, .uid = uid };

	errand.what = (uint8_t)kinds[q->what];
	errand.name_len = (uint8_t)q->name.len;
	errand.option_len = (uint8_t)q->option.len;
	if (q->name.len > 0)
		memcpy(errand.name, q->name.p, q->name.len);
	if (q->option.len > 0)
		memcpy(errand.option, q->option.p, q->option.len);
	return message_send(e->control, &errand, sizeof(errand), fd);
}

static void
refuse(struct registry *r, int fd, uint32_t uid, const struct request *q,
    enum request_answer why)
{
	const char *verb = request_verb(q->what);

	grant_log(r, LOG_REFUSALS, "control",
	    (struct tcpmux_span){ verb, strlen(verb) }, uid, "refused",
	    request_word(why));
	grant_refuse(fd, why);
	(void)close(fd); /* he has been told */
}

/* For a reader, who may have to wait; he is told so.  Owns fd. */
static void
ask_for_reader(struct errands *e, struct registry *r, int fd, uint32_t uid,
    const struct request *q)
{
	struct answered *a;
	struct loop_id id;

	/* Somebody may have gone since. */
	if (e->due != 0)
		look(e, r->now);
	a = place_for(e, uid);
	if (a == NULL || !use_budget(e, uid, r->now)) {
		refuse(r, fd, uid, q, REQUEST_FLOODED);
		return;
	}
	id = (struct loop_id){ e->first + (uint32_t)(a - e->open),
		a->generation };
	/* Nothing is read from him any more: his end alone is waited for. */
	if (shutdown(fd, SHUT_RD) == -1 ||
	    loop_watch_end(r->loop, fd, id) == -1) {
		(void)close(fd); /* he may come again */
		return;
	}
	if (send_errand(e, fd, uid, q) == -1) {
		(void)loop_forget(r->loop, fd); /* it is watched */
		refuse(r, fd, uid, q, REQUEST_FLOODED);
		return;
	}
	a->fd = fd;
	a->uid = uid;
	a->has_ended = false;
}

void
errands_request(struct errands *e, struct registry *r, int fd,
    const struct peer *peer, const struct request *q)
{
	const struct policy_user user = {
		.uid = peer->uid,
		.gid = peer->gid,
		.groups = peer->groups,
		.ngroups = peer->ngroups,
		.is_own = peer->uid == r->g->account.uid,
	};
	const enum request_answer answer = decide(r, &user, q);

	if (answer == REQUEST_GRANTED &&
	    (q->what == ASK_SNAPSHOT || q->what == ASK_EXPLAIN))
		roll_write(r);
	if (answer != REQUEST_GRANTED)
		refuse(r, fd, peer->uid, q, answer);
	else if (!policy_may_change(&user))
		ask_for_reader(e, r, fd, peer->uid, q);
	else if (send_errand(e, fd, peer->uid, q) == -1)
		refuse(r, fd, peer->uid, q, REQUEST_FLOODED);
	else
		(void)close(fd); /* it is the monitor's now */
}

void
errands_event(struct errands *e, const struct registry *r, struct loop_id id)
{
	struct answered *a = &e->open[id.slot - e->first];

	if (a->fd == -1 || a->generation != id.generation || a->has_ended)
		return;
	/* The monitor may have it still, so it would stay in the loop. */
	(void)loop_forget(r->loop, a->fd);
	a->has_ended = true;
	look(e, r->now);
}
