/*
 * Offers: a name, and the socket of the program that takes its connections;
 * from the moment that it is granted to the end, whoever wants it.
 *
 * An offer that we end is no taker any more, but is there until every front
 * knows, so that nothing is handed over behind the notice of its end.
 */

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "daemon/registrar/claims.h"
#include "daemon/registrar/grant.h"
#include "daemon/registrar/keep.h"
#include "daemon/registrar/offer.h"
#include "daemon/registrar/registrar.h"
#include "daemon/registrar/room.h"
#include "daemon/registrar/unread.h"
#include "os/loop.h"
#include "os/message.h"

/* Fronts have so long to know of an end before it is said. */
#define ENDING_MS 1000

enum offer_state {
	OFFER_GONE,   /* no socket; but perhaps a front that does not know */
	OFFER_SOON,   /* a taker as soon as its program has been told so */
	OFFER_HERE,   /* a taker */
	OFFER_ENDING, /* a taker no more, to be told so */
};

struct offer {
	enum offer_state state;
	bool known;   /* every front knows that it is no taker */
	bool is_kept; /* by the service manager, as far as we can tell */
	int fd;
	uint32_t generation; /* of the socket, for the loop */
	uint32_t next;       /* OFFER_ENDING */
	enum request_answer why;
	int64_t due;
};

int
offer_init(struct registry *r)
{
	uint32_t i;

	room_init(r);
	r->first_ending = r->last_ending = OFFER_NONE;
	r->book = book_new(r->g->max_offers);
	r->offers = calloc((size_t)r->g->max_offers + 1, sizeof(*r->offers));
	if (r->book == NULL || r->offers == NULL || unread_init(r) == -1)
		return -1;
	for (i = 0; i < r->g->max_offers; i++)
		r->offers[i].fd = -1;
	return 0;
}

int
offer_fd(const struct registry *r, uint32_t offer)
{
	return r->offers[offer].state == OFFER_HERE ? r->offers[offer].fd : -1;
}

/* What the monitor had no room for is said later. */
static void
keep(struct registry *r, uint32_t i)
{
	struct offer *o = &r->offers[i];

	o->is_kept = keep_tell(r, KEEPSAKE_KEEP, i, o->fd) == 0;
	r->has_unkept |= !o->is_kept;
}

static void
keep_all(struct registry *r)
{
	uint32_t i;

	r->has_unkept = false;
	for (i = 0; i < r->g->max_offers && !r->has_unkept; i++)
		if (r->offers[i].state == OFFER_HERE && !r->offers[i].is_kept)
			keep(r, i);
}

/* The number of an offer is free once nobody knows of it any more. */
static void
give_back(struct registry *r, uint32_t i)
{
	struct offer *o = &r->offers[i];

	if (o->state != OFFER_GONE || !o->known)
		return;
	o->known = false;
	book_give_back(r->book, i);
}

/* Nobody has this name any more, nor will have. */
static void
free_name(struct registry *r, uint32_t name)
{
	claims_clear(r->g->claims, name);
	if (book_name(r->book, name)->service == SERVICE_NONE)
		news_end(r->news, registry_name(r, name));
	else
		book_erase(r->book, name);
}

/* A name is kept from now on; if that are too many, another no longer. */
static void
name_kept(struct registry *r, uint32_t name)
{
	const struct book_name *n = book_name(r->book, name);
	const uint32_t uid = n->uid;
	uint32_t old;

	if (n->service == SERVICE_NONE)
		news_change(r->news, registry_name(r, name));
	claims_set(r->g->claims, name, uid, book_text(r->book, name));
	while ((old = book_excess(r->book, uid, grant_max(r, uid))) !=
	    OFFER_NONE) {
		book_drop(r->book, old);
		free_name(r, old);
	}
}

/* It is no taker any more.  Its name is kept until then; 0: it is free. */
static void
withdraw(struct registry *r, uint32_t i, int64_t until)
{
	const uint32_t name = book_name_of(r->book, i);
	struct offer *o = &r->offers[i];

	/* If there is no room, the service manager sees the end itself. */
	if (o->is_kept)
		(void)keep_tell(r, KEEPSAKE_DROP, i, o->fd);
	o->is_kept = false;
	news_end(r->news, registry_offer(r, i));
	book_withdraw(r->book, i, until);
	if (book_name(r->book, name)->state == BOOK_KEPT)
		name_kept(r, name);
	if (book_name(r->book, name)->state == BOOK_FREE)
		free_name(r, name);
}

static void
close_socket(struct registry *r, uint32_t i)
{
	struct offer *o = &r->offers[i];

	/* Fronts have it still, so it would stay in the loop. */
	(void)loop_forget(r->loop, o->fd);
	unread_close(r, o->fd, book_user_of(r->book, i));
	o->fd = -1;
	o->generation++;
	o->state = OFFER_GONE;
	give_back(r, i);
	room_share(r);
}

/* End an offer, for a reason that the program is told. */
static void
offer_end(struct registry *r, uint32_t i, enum request_answer why)
{
	struct offer *o = &r->offers[i];
	const uint32_t name = book_name_of(r->book, i);

	grant_log(r, LOG_CONNECTIONS, "offer", book_text(r->book, name),
	    book_user_of(r->book, i), "withdrawn", request_word(why));
	(void)loop_forget(r->loop, o->fd); /* it is watched */
	o->state = OFFER_ENDING;
	o->why = why;
	o->due = r->now + ENDING_MS;
	o->next = OFFER_NONE;
	if (r->last_ending != OFFER_NONE)
		r->offers[r->last_ending].next = i;
	else
		r->first_ending = i;
	r->last_ending = i;
	withdraw(r, i, 0);
}

/* Whoever had this name so far has it no more. */
static void
replace_others(struct registry *r, uint32_t i)
{
	const uint32_t name = book_name_of(r->book, i);
	uint32_t k = book_name(r->book, name)->first, next;

	for (; k != OFFER_NONE; k = next) {
		next = book_next(r->book, k);
		if (k != i)
			offer_end(r, k, REQUEST_REPLACED);
	}
}

/* Who comes back may spell his name in another way. */
static void
forget_spelling(struct registry *r, struct tcpmux_span name)
{
	const uint32_t number = book_find(r->book, name);
	struct tcpmux_span old;

	if (number == OFFER_NONE)
		return;
	news_drop(r->news, registry_name(r, number));
	old = book_text(r->book, number);
	if (book_name(r->book, number)->state == BOOK_OFFERED ||
	    memcmp(old.p, name.p, old.len) == 0)
		return;
	if (book_name(r->book, number)->state == BOOK_KEPT)
		book_drop(r->book, number);
	claims_clear(r->g->claims, number);
	book_erase(r->book, number);
}

/* The program is gone: its name is kept for it. */
static void
lose(struct registry *r, uint32_t i)
{
	const uint32_t name = book_name_of(r->book, i);

	grant_log(r, LOG_CONNECTIONS, "offer", book_text(r->book, name),
	    book_user_of(r->book, i), "withdrawn", NULL);
	withdraw(r, i, r->now + REGISTRAR_KEEP_MS);
	close_socket(r, i);
}

/* Nothing is read from an offer: its end alone is waited for. */
static int
watch(struct registry *r, uint32_t i)
{
	const struct offer *o = &r->offers[i];
	const struct loop_id id = { registry_offer(r, i), o->generation };

	if (shutdown(o->fd, SHUT_RD) == -1)
		return -1;
	return loop_watch_end(r->loop, o->fd, id);
}

/* Enter an offer, that the fronts are to know.  Returns its number. */
static uint32_t
enter(struct registry *r, int fd, const struct grant *w, enum offer_state state)
{
	struct offer *o;
	uint32_t i, name;

	forget_spelling(r, w->q.name);
	i = book_offer(r->book, w->uid, w->q.name, w->service, w->q.flags);
	o = &r->offers[i];
	o->state = state;
	o->fd = fd;
	o->known = false;
	name = book_name_of(r->book, i);
	claims_set(r->g->claims, name, w->uid, book_text(r->book, name));
	news_change(r->news, registry_offer(r, i));
	room_share(r);
	room_set(r, fd);
	return i;
}

void
offer_refuse(struct registry *r, int fd, const struct peer *peer,
    struct tcpmux_span name, enum request_answer why)
{
	grant_log(r, LOG_REFUSALS, "offer", name, peer->uid, "refused",
	    request_word(why));
	grant_refuse(fd, why);
}

bool
offer_request(struct registry *r, int fd, const struct peer *peer,
    const struct request *q)
{
	struct grant w;
	enum request_answer answer = grant_decide(r, peer, q, &w);
	struct tcpmux_span name;
	uint32_t i;

	if (answer == REQUEST_BUSY && unread_count(r) > 0) {
		/* Perhaps it has been settled in this moment. */
		unread_look(r);
		answer = grant_decide(r, peer, q, &w);
	}
	if (answer != REQUEST_GRANTED) {
		offer_refuse(r, fd, peer, q->name, answer);
		return false;
	}
	i = enter(r, fd, &w, OFFER_SOON);
	name = book_text(r->book, book_name_of(r->book, i));
	/*
	 * The program hears + before it gets connections; and the fronts know
	 * before it hears it, as clients may come on its word at once.
	 */
	(void)news_tell(r->news); /* who has no room is told later */
	if (watch(r, i) == -1 || grant_say(fd, name) == -1) {
		lose(r, i);
		return true;
	}
	r->offers[i].state = OFFER_HERE;
	news_change(r->news, registry_offer(r, i));
	(void)news_tell(r->news); /* likewise */
	grant_log(r, LOG_CONNECTIONS, "offer", name, w.uid, "offered", NULL);
	keep(r, i);
	if (w.q.flags & TCPMUX_OFFER_REPLACE)
		replace_others(r, i);
	return true;
}

enum request_answer
offer_adopt(struct registry *r, int fd, const struct peer *peer,
    const struct request *q)
{
	struct grant w;
	const enum request_answer answer = grant_decide(r, peer, q, &w);
	uint32_t i;

	if (answer != REQUEST_GRANTED)
		return answer;
	i = enter(r, fd, &w, OFFER_HERE);
	r->offers[i].is_kept = true;
	if (watch(r, i) == -1)
		lose(r, i);
	return answer;
}

void
offer_keep(struct registry *r, uint32_t uid, struct tcpmux_span name,
    int64_t until)
{
	const struct table *t = r->g->table;
	const uint32_t service = table_find(t, name);
	uint32_t number;

	if (service != SERVICE_NONE) {
		if (t->services[service].kind != SERVICE_OFFERED)
			return;
		name.p = t->services[service].name;
		name.len = strlen(name.p);
	}
	if (name.len > TCPMUX_OFFER_NAME_MAX)
		return;
	number = book_keep(r->book, uid, name, service, until);
	if (number != OFFER_NONE)
		name_kept(r, number);
}

void
offer_event(struct registry *r, struct loop_id id)
{
	const uint32_t i = id.slot - r->ndialled;
	const struct offer *o = &r->offers[i];

	if (o->state == OFFER_HERE && o->generation == id.generation)
		lose(r, i);
}

/* The first that ends is told, and is no more. */
static void
end_first(struct registry *r)
{
	const uint32_t i = r->first_ending;

	r->first_ending = r->offers[i].next;
	if (r->first_ending == OFFER_NONE)
		r->last_ending = OFFER_NONE;
	grant_refuse(r->offers[i].fd, r->offers[i].why);
	close_socket(r, i);
}

void
offer_finish(struct registry *r)
{
	while (r->first_ending != OFFER_NONE)
		end_first(r);
}

int64_t
offer_due(struct registry *r)
{
	uint32_t name;

	if (r->has_unkept)
		keep_all(r);
	while ((name = book_overdue(r->book, r->now)) != OFFER_NONE) {
		book_drop(r->book, name);
		free_name(r, name);
	}
	if (r->first_ending != OFFER_NONE && news_are_known(r->news))
		offer_finish(r);
	while (r->first_ending != OFFER_NONE &&
	    r->offers[r->first_ending].due <= r->now)
		end_first(r);
	if (r->first_ending != OFFER_NONE || r->has_unkept)
		return r->now + NEWS_RETRY_MS;
	name = book_oldest(r->book);
	return name == OFFER_NONE ? INT64_MAX : book_name(r->book, name)->until;
}

/* Which name a message is about. */
static void
set_name(const struct registry *r, uint32_t name, struct taker_message *m)
{
	const struct tcpmux_span text = book_text(r->book, name);

	m->service = book_name(r->book, name)->service;
	m->len = (uint8_t)text.len;
	memcpy(m->name, text.p, text.len);
}

/* What is said of an offer. */
static int
say_offer(const struct registry *r, uint32_t i, struct taker_message *m)
{
	const struct offer *o = &r->offers[i];

	m->taker = registry_offer(r, i);
	m->what = TAKER_GONE;
	if (o->state != OFFER_SOON && o->state != OFFER_HERE)
		return -1;
	set_name(r, book_name_of(r->book, i), m);
	m->hidden = (book_flags_of(r->book, i) & TCPMUX_OFFER_HIDDEN) != 0;
	m->what = o->state == OFFER_SOON ? TAKER_SOON : TAKER_HERE;
	return o->state == OFFER_SOON ? -1 : o->fd;
}

int
offer_say(const struct registry *r, uint32_t subject, struct taker_message *m)
{
	uint32_t name;

	if (subject < registry_name(r, 0))
		return say_offer(r, subject - r->ndialled, m);
	name = subject - registry_name(r, 0);
	set_name(r, name, m);
	m->what = book_name(r->book, name)->state == BOOK_KEPT ? TAKER_KEPT :
								 TAKER_FREE;
	return -1;
}

void
offer_over(struct registry *r, uint32_t subject)
{
	if (subject >= registry_name(r, 0)) {
		book_erase(r->book, subject - registry_name(r, 0));
		return;
	}
	r->offers[subject - r->ndialled].known = true;
	give_back(r, subject - r->ndialled);
}
