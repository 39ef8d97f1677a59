/*
 * The estate: all that a registrar leaves to the next one.
 */

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "daemon/keepsake.h"
#include "daemon/registrar/claims.h"
#include "daemon/registrar/estate.h"
#include "daemon/registrar/offer.h"
#include "daemon/registrar/registrar.h"
#include "daemon/registrar/unread.h"
#include "os/clock.h"
#include "os/message.h"
#include "os/peer.h"

/* All of it takes less. */
#define ESTATE_MS 5000

/* Without room in the socket, the next try comes after so long. */
#define RETRY_MS 1

/* Offers that are not allowed any more, of which each is told why. */
#define REFUSED_MAX 1024

enum gift_what {
	GIFT_OFFER,     /* with its socket */
	GIFT_KEPT,      /* a name */
	GIFT_APPLICANT, /* with its socket */
	GIFT_UNREAD,    /* an offer that has ended, with its socket */
	GIFT_END        /* that was all */
};

struct gift {
	uint32_t what;
	uint32_t uid;   /* GIFT_KEPT */
	int64_t until;  /* GIFT_KEPT, GIFT_APPLICANT: on the same clock */
	uint32_t flags; /* GIFT_OFFER */
	uint8_t len;
	char name[TCPMUX_OFFER_NAME_MAX];
	uint8_t zero[3];
};

_Static_assert(sizeof(struct gift) == 224, "nothing is padding");

struct estate {
	struct {
		int fd;
		enum request_answer why;
		uint32_t uid;
		struct gift gift;
	} refused[REFUSED_MAX];
	uint32_t nrefused;
	struct {
		int fd;
		int64_t deadline;
	} applicants[APPLICANTS_MAX];
	uint32_t napplicants;
};

struct estate *
estate_new(void)
{
	return calloc(1, sizeof(struct estate));
}

/* Returns 0; or -1 if nobody takes it. */
static int
give(const struct registry *r, const struct gift *gift, int fd, int to,
    int quiet, int64_t deadline)
{
	struct loop_event ev[LOOP_BATCH];
	int64_t now;

	while (message_send(to, gift, sizeof(*gift), fd) == -1) {
		now = clock_now();
		pulse_beat(r->pulse, now);
		if ((errno != EAGAIN && errno != ETOOMANYREFS) ||
		    now >= deadline || loop_wait(quiet, ev, RETRY_MS) == -1)
			return -1;
	}
	return 0;
}

static void
set_name(struct gift *gift, struct tcpmux_span name)
{
	gift->len = (uint8_t)name.len;
	memcpy(gift->name, name.p, name.len);
}

static int
give_offers(const struct registry *r, int to, int quiet, int64_t deadline)
{
	uint32_t i;
	int fd;

	for (i = 0; i < r->g->max_offers; i++) {
		struct gift gift = { .what = GIFT_OFFER };

		fd = offer_fd(r, i);
		if (fd == -1)
			continue;
		gift.flags = book_flags_of(r->book, i);
		set_name(&gift, book_text(r->book, book_name_of(r->book, i)));
		if (give(r, &gift, fd, to, quiet, deadline) == -1)
			return -1;
	}
	return 0;
}

static int
give_kept(const struct registry *r, int to, int quiet, int64_t deadline)
{
	uint32_t i;

	for (i = book_oldest(r->book); i != OFFER_NONE;
	     i = book_younger(r->book, i)) {
		struct gift gift = { .what = GIFT_KEPT };

		gift.uid = book_name(r->book, i)->uid;
		gift.until = book_name(r->book, i)->until;
		set_name(&gift, book_text(r->book, i));
		if (give(r, &gift, -1, to, quiet, deadline) == -1)
			return -1;
	}
	return 0;
}

static int
give_unread(const struct registry *r, int to, int quiet, int64_t deadline)
{
	const struct gift gift = { .what = GIFT_UNREAD };
	uint32_t i, uid;
	int fd;

	for (i = 0; i < unread_count(r); i++) {
		fd = unread_get(r, i, &uid); /* as the next one sees himself */
		if (give(r, &gift, fd, to, quiet, deadline) == -1)
			return -1;
	}
	return 0;
}

void
estate_give(const struct registry *r, const struct applicants *a, int to,
    int quiet)
{
	const int64_t deadline = clock_now() + ESTATE_MS;
	const struct gift end = { .what = GIFT_END };
	struct gift gift = { .what = GIFT_APPLICANT };
	uint32_t step = 0;
	int fd;

	if (give_offers(r, to, quiet, deadline) == -1 ||
	    give_kept(r, to, quiet, deadline) == -1 ||
	    give_unread(r, to, quiet, deadline) == -1)
		return;
	while ((fd = applicants_get(a, &step, &gift.until)) != -1)
		if (give(r, &gift, fd, to, quiet, deadline) == -1)
			return;
	/* If nobody takes it, nobody waits for it. */
	(void)give(r, &end, -1, to, quiet, deadline);
}

static struct tcpmux_span
name_of(const struct gift *gift)
{
	return (struct tcpmux_span){ gift->name, gift->len };
}

static bool
is_named(const struct gift *gift)
{
	return gift->len <= sizeof(gift->name) &&
	    tcpmux_check_name(name_of(gift)) == 0;
}

/* Take an offer; what cannot be one is dropped. */
static void
take_offer(struct estate *e, struct registry *r, const struct gift *gift,
    int fd)
{
	static struct peer peer; /* it is large */
	const struct request q = {
		.flags = gift->flags & ~(unsigned int)TCPMUX_OFFER_REPLACE,
		.name = name_of(gift),
	};
	enum request_answer answer;

	if (!is_named(gift) || peer_read(fd, &peer) == -1) {
		(void)close(fd); /* of what is no offer */
		return;
	}
	answer = offer_adopt(r, fd, &peer, &q);
	if (answer == REQUEST_GRANTED)
		return;
	if (e->nrefused == REFUSED_MAX) {
		(void)close(fd); /* it will ask why itself */
		return;
	}
	e->refused[e->nrefused].fd = fd;
	e->refused[e->nrefused].why = answer;
	e->refused[e->nrefused].uid = peer.uid;
	e->refused[e->nrefused++].gift = *gift;
}

void
estate_take_kept(struct estate *e, struct registry *r)
{
	const struct kept *kept;
	size_t i;

	for (i = 0; i < r->g->nkept; i++) {
		struct gift gift = { .what = GIFT_OFFER };

		kept = &r->g->kept[i];
		gift.flags = kept->k.flags;
		set_name(&gift,
		    (struct tcpmux_span){ kept->k.name, kept->k.len });
		take_offer(e, r, &gift, kept->fd);
	}
}

static void
take_unread(struct registry *r, int fd)
{
	static struct peer peer; /* it is large */

	if (peer_read(fd, &peer) == -1) {
		(void)close(fd); /* it is no socket of a program's */
		return;
	}
	book_owe(r->book, peer.uid);
	unread_close(r, fd, peer.uid);
}

static void
take_applicant(struct estate *e, const struct gift *gift, int fd)
{
	if (e->napplicants == APPLICANTS_MAX) {
		(void)close(fd); /* the other one has more than it may */
		return;
	}
	e->applicants[e->napplicants].fd = fd;
	e->applicants[e->napplicants++].deadline = gift->until;
}

/* Take what has come.  Returns whether it was the end of all. */
static bool
take_gift(struct estate *e, struct registry *r, const struct gift *gift, int fd)
{
	if (gift->what == GIFT_OFFER && fd != -1) {
		take_offer(e, r, gift, fd);
		return false;
	}
	if (gift->what == GIFT_APPLICANT && fd != -1) {
		take_applicant(e, gift, fd);
		return false;
	}
	if (gift->what == GIFT_UNREAD && fd != -1) {
		take_unread(r, fd);
		return false;
	}
	if (fd != -1)
		(void)close(fd); /* of what is no gift */
	if (gift->what == GIFT_KEPT && is_named(gift))
		offer_keep(r, gift->uid, name_of(gift), gift->until);
	return gift->what == GIFT_END;
}

/* All that there is has been noted: what else was claimed is nobody's. */
static void
forget_claims(const struct registry *r)
{
	const uint32_t max = claims_max(r->g);
	uint32_t i;

	for (i = 0; i < max; i++)
		if (book_name(r->book, i)->state == BOOK_FREE)
			claims_clear(r->g->claims, i);
}

/*
 * Whoever is killed meanwhile loses none: each is noted anew at a number that
 * is no higher than the one before.
 */
void
estate_claim(struct registry *r)
{
	char buf[TCPMUX_OFFER_NAME_MAX];
	struct tcpmux_span name;
	uint32_t i, uid;

	for (i = 0; i < r->nclaims; i++)
		if (claims_get(r->claims, i, &uid, buf, &name) == 0)
			offer_keep(r, uid, name, r->now + REGISTRAR_KEEP_MS);
	forget_claims(r);
}

int
estate_take(struct estate *e, struct registry *r, int from, int quiet)
{
	const struct loop_id id = { 0, 0 };
	const int64_t deadline = clock_now() + ESTATE_MS;
	struct loop_event ev[LOOP_BATCH];
	struct gift gift;
	int64_t left;
	ssize_t n;
	int fd;

	if (loop_watch(quiet, from, id, LOOP_READ) == -1)
		return -1;
	for (;;) {
		n = message_receive(from, &gift, sizeof(gift), &fd);
		if (n == sizeof(gift)) {
			if (!take_gift(e, r, &gift, fd))
				continue;
			forget_claims(r);
			return 0;
		}
		if (n >= 0 && fd != -1)
			(void)close(fd); /* of what is no gift */
		if (n == 0) {
			/* It died, and had noted what it had yet to give. */
			estate_claim(r);
			return 0;
		}
		if (n > 0 || errno != EAGAIN)
			continue; /* that one is lost; the next may not be */
		left = deadline - clock_now();
		if (left > 0) {
			if (loop_wait(quiet, ev, (int)left) == -1)
				return -1;
			continue;
		}
		/* It is stuck; when it is not any more, it will end. */
		estate_claim(r);
		return 0;
	}
}

void
estate_settle(struct estate *e, struct registry *r, struct applicants *a)
{
	uint32_t i;

	for (i = 0; i < e->nrefused; i++) {
		grant_log(r, LOG_CONNECTIONS, "offer",
		    name_of(&e->refused[i].gift), e->refused[i].uid,
		    "withdrawn", request_word(e->refused[i].why));
		grant_refuse(e->refused[i].fd, e->refused[i].why);
		(void)close(e->refused[i].fd); /* it has been told */
	}
	for (i = 0; i < e->napplicants; i++)
		applicants_adopt(a, r, e->applicants[i].fd,
		    e->applicants[i].deadline);
	e->nrefused = e->napplicants = 0;
}
