/*
 * The book of names: who offers which, and for whom it is kept.
 *
 * The offers of a name are a ring; the names that are kept are a list, the
 * oldest first, which is the order in which their time is over.
 */

#include <stdlib.h>

#include "table/book.h"
#include "table/tally.h"

/* For one in so many offers that he may make, a user may replace one more. */
#define REPLACED_PART 8

struct page {
	struct book_name name;
	uint32_t prev, next; /* of those that are kept */
};

struct entry {
	uint32_t name;
	uint32_t uid;
	unsigned int flags;
	uint32_t prev, next; /* of the same name; or of those that are free */
};

struct book {
	struct offers *names;
	struct page *pages;    /* of each name */
	struct entry *entries; /* of each offer */
	uint32_t max, count;
	uint32_t free_first, free_last; /* entries: the last is taken last */
	uint32_t oldest, newest;        /* of those that are kept */
	uint32_t nkept;
	struct tally *tally;
};

uint32_t
book_names_max(uint32_t max)
{
	/* As many again may be kept. */
	return 2 * max;
}

struct book *
book_new(uint32_t max)
{
	const uint32_t names = book_names_max(max);
	struct book *b = calloc(1, sizeof(*b));
	uint32_t i;

	if (b == NULL)
		return NULL;
	b->max = max;
	b->names = offers_new(names);
	b->pages = calloc((size_t)names + 1, sizeof(*b->pages));
	b->entries = calloc((size_t)max + 1, sizeof(*b->entries));
	/* What is not settled may be as many again. */
	b->tally = tally_new(2 * max + names);
	if (b->names == NULL || b->pages == NULL || b->entries == NULL ||
	    b->tally == NULL) {
		book_free(b);
		return NULL;
	}
	b->free_first = b->free_last = OFFER_NONE;
	b->oldest = b->newest = OFFER_NONE;
	for (i = 0; i < max; i++)
		book_give_back(b, i);
	return b;
}

void
book_free(struct book *b)
{
	if (b == NULL)
		return;
	offers_free(b->names);
	tally_free(b->tally);
	free(b->pages);
	free(b->entries);
	free(b);
}

uint32_t
book_find(const struct book *b, struct tcpmux_span name)
{
	return offers_find(b->names, name);
}

const struct book_name *
book_name(const struct book *b, uint32_t number)
{
	return &b->pages[number].name;
}

struct tcpmux_span
book_text(const struct book *b, uint32_t number)
{
	return offers_name(b->names, number);
}

uint32_t
book_name_of(const struct book *b, uint32_t offer)
{
	return b->entries[offer].name;
}

uint32_t
book_user_of(const struct book *b, uint32_t offer)
{
	return b->entries[offer].uid;
}

unsigned int
book_flags_of(const struct book *b, uint32_t offer)
{
	return b->entries[offer].flags;
}

uint32_t
book_next(const struct book *b, uint32_t offer)
{
	return b->entries[offer].next;
}

uint32_t
book_count(const struct book *b)
{
	return b->count;
}

void
book_give_back(struct book *b, uint32_t offer)
{
	b->entries[offer].next = OFFER_NONE;
	if (b->free_last != OFFER_NONE)
		b->entries[b->free_last].next = offer;
	else
		b->free_first = offer;
	b->free_last = offer;
}

/* Have all that offer this name agreed to share it? */
static bool
is_shared(const struct book *b, const struct book_name *n)
{
	uint32_t i;

	for (i = n->first; i != OFFER_NONE; i = b->entries[i].next)
		if ((b->entries[i].flags & TCPMUX_OFFER_SHARE) == 0)
			return false;
	return true;
}

enum request_answer
book_ask(const struct book *b, uint32_t uid, struct tcpmux_span name,
    unsigned int flags, uint32_t max_per_user)
{
	const uint32_t number = book_find(b, name);
	const bool replace = (flags & TCPMUX_OFFER_REPLACE) != 0;
	const struct book_name *n = NULL;
	bool own = false;

	if (number != OFFER_NONE && book_name(b, number)->state != BOOK_FREE)
		n = book_name(b, number);
	if (n != NULL) {
		own = n->uid == uid;
		if (!own && (uid != 0 || !replace))
			return REQUEST_TAKEN;
		if (n->state == BOOK_OFFERED && !replace &&
		    ((flags & TCPMUX_OFFER_SHARE) == 0 || !is_shared(b, n)))
			return REQUEST_TAKEN;
	}
	/*
	 * Who replaces his own has no more of them in the end; but until they
	 * are settled they are there, and must not be ever more.
	 */
	if (max_per_user != 0 && own && replace && n->state == BOOK_OFFERED)
		max_per_user += max_per_user / REPLACED_PART + 1;
	if (max_per_user != 0 &&
	    tally_get(b->tally, uid, TALLY_OFFERS) >= max_per_user)
		return REQUEST_BUSY;
	if (b->free_first == OFFER_NONE || b->count >= b->max ||
	    (number == OFFER_NONE &&
		offers_count(b->names) == book_names_max(b->max)))
		return REQUEST_BUSY;
	return REQUEST_GRANTED;
}

static void
keep(struct book *b, uint32_t number, int64_t until)
{
	struct page *p = &b->pages[number];

	p->name.state = BOOK_KEPT;
	p->name.until = until;
	p->prev = b->newest;
	p->next = OFFER_NONE;
	if (b->newest != OFFER_NONE)
		b->pages[b->newest].next = number;
	else
		b->oldest = number;
	b->newest = number;
	b->nkept++;
	tally_add(b->tally, p->name.uid, TALLY_KEPT);
}

void
book_drop(struct book *b, uint32_t number)
{
	const struct page *p = &b->pages[number];

	if (p->prev != OFFER_NONE)
		b->pages[p->prev].next = p->next;
	else
		b->oldest = p->next;
	if (p->next != OFFER_NONE)
		b->pages[p->next].prev = p->prev;
	else
		b->newest = p->prev;
	b->nkept--;
	tally_take(b->tally, p->name.uid, TALLY_KEPT);
	b->pages[number].name.state = BOOK_FREE;
}

/* The number of a name that is free, or is made so; or OFFER_NONE. */
static uint32_t
take_name(struct book *b, struct tcpmux_span name, uint32_t service)
{
	uint32_t number = book_find(b, name);

	if (number == OFFER_NONE) {
		number = offers_add(b->names, name);
		if (number == OFFER_NONE)
			return OFFER_NONE;
		b->pages[number].name.state = BOOK_FREE;
	}
	if (b->pages[number].name.state == BOOK_KEPT)
		book_drop(b, number);
	if (b->pages[number].name.state == BOOK_FREE) {
		b->pages[number].name.first = OFFER_NONE;
		b->pages[number].name.service = service;
	}
	return number;
}

uint32_t
book_offer(struct book *b, uint32_t uid, struct tcpmux_span name,
    uint32_t service, unsigned int flags)
{
	const uint32_t number = take_name(b, name, service);
	const uint32_t offer = b->free_first;
	struct book_name *n;
	struct entry *e;

	if (number == OFFER_NONE || offer == OFFER_NONE)
		return OFFER_NONE;
	e = &b->entries[offer];
	b->free_first = e->next;
	if (b->free_first == OFFER_NONE)
		b->free_last = OFFER_NONE;
	n = &b->pages[number].name;
	*e = (struct entry){
		.name = number,
		.uid = uid,
		.flags = flags,
		.prev = OFFER_NONE,
		.next = n->first,
	};
	if (n->first != OFFER_NONE)
		b->entries[n->first].prev = offer;
	n->first = offer;
	n->uid = uid;
	n->state = BOOK_OFFERED;
	book_owe(b, uid);
	return offer;
}

void
book_withdraw(struct book *b, uint32_t offer, int64_t until)
{
	const struct entry *e = &b->entries[offer];
	struct book_name *n = &b->pages[e->name].name;

	if (e->prev != OFFER_NONE)
		b->entries[e->prev].next = e->next;
	else
		n->first = e->next;
	if (e->next != OFFER_NONE)
		b->entries[e->next].prev = e->prev;
	if (n->first != OFFER_NONE) {
		n->uid = b->entries[n->first].uid;
		return;
	}
	if (until != 0)
		keep(b, e->name, until);
	else
		n->state = BOOK_FREE;
}

void
book_owe(struct book *b, uint32_t uid)
{
	b->count++;
	tally_add(b->tally, uid, TALLY_OFFERS);
}

void
book_settle(struct book *b, uint32_t uid)
{
	b->count--;
	tally_take(b->tally, uid, TALLY_OFFERS);
}

uint32_t
book_keep(struct book *b, uint32_t uid, struct tcpmux_span name,
    uint32_t service, int64_t until)
{
	uint32_t number = book_find(b, name);

	if (number != OFFER_NONE && book_name(b, number)->state != BOOK_FREE)
		return OFFER_NONE;
	number = take_name(b, name, service);
	if (number == OFFER_NONE)
		return OFFER_NONE;
	b->pages[number].name.uid = uid;
	keep(b, number, until);
	return number;
}

uint32_t
book_oldest(const struct book *b)
{
	return b->oldest;
}

uint32_t
book_overdue(const struct book *b, int64_t now)
{
	if (b->oldest == OFFER_NONE || b->pages[b->oldest].name.until > now)
		return OFFER_NONE;
	return b->oldest;
}

uint32_t
book_younger(const struct book *b, uint32_t number)
{
	return b->pages[number].next;
}

uint32_t
book_excess(const struct book *b, uint32_t uid, uint32_t max)
{
	uint32_t i;

	if (b->nkept > b->max)
		return b->oldest;
	if (max == 0 || tally_get(b->tally, uid, TALLY_KEPT) <= max)
		return OFFER_NONE;
	for (i = b->oldest; b->pages[i].name.uid != uid; i = b->pages[i].next)
		;
	return i;
}

void
book_erase(struct book *b, uint32_t number)
{
	offers_remove(b->names, number);
}
