/*
 * The book of names: who offers which, and for whom it is kept.
 *
 * Pure: all memory is taken at the start; time is an argument.  A name and an
 * offer each have a number, which stays their own until it is given back, so
 * that others can be told first that they are no more.
 */

#ifndef TABLE_BOOK_H
#define TABLE_BOOK_H

#include <stdbool.h>
#include <stdint.h>

#include "table/offers.h"
#include "table/request.h"

struct book;

/* What becomes of a name. */
enum book_state {
	BOOK_FREE,    /* nobody has it; the number is to be given back */
	BOOK_OFFERED, /* at least one offers it */
	BOOK_KEPT     /* nobody does, but its user may come back */
};

struct book_name {
	enum book_state state;
	uint32_t uid;     /* whose it is */
	uint32_t service; /* of the table, or SERVICE_NONE */
	uint32_t first;   /* of its offers, or OFFER_NONE */
	int64_t until;    /* BOOK_KEPT */
};

/* Room for max offers.  Returns NULL with ENOMEM. */
struct book *book_new(uint32_t max);
void book_free(struct book *b);

/* How many names there can be. */
uint32_t book_names_max(uint32_t max);

/* The number of a name, or OFFER_NONE; and what is known of it. */
uint32_t book_find(const struct book *b, struct tcpmux_span name);
const struct book_name *book_name(const struct book *b, uint32_t number);
struct tcpmux_span book_text(const struct book *b, uint32_t number);

/*
 * May uid offer name with these flags, as far as others are concerned, and
 * with at most max_per_user offers; 0 is no limit?  Returns REQUEST_GRANTED,
 * _TAKEN or _BUSY.
 */
enum request_answer book_ask(const struct book *b, uint32_t uid,
    struct tcpmux_span name, unsigned int flags, uint32_t max_per_user);

/*
 * Enter an offer for which that was granted.  Those that it replaces stay
 * until they are withdrawn.  Returns its number.
 */
uint32_t book_offer(struct book *b, uint32_t uid, struct tcpmux_span name,
    uint32_t service, unsigned int flags);

/* The name of an offer; its flags; and the next offer of the same name. */
uint32_t book_name_of(const struct book *b, uint32_t offer);
uint32_t book_user_of(const struct book *b, uint32_t offer);
unsigned int book_flags_of(const struct book *b, uint32_t offer);
uint32_t book_next(const struct book *b, uint32_t offer);

/* How many offers there are, with those that are not settled. */
uint32_t book_count(const struct book *b);

/*
 * Withdraw an offer.  If it was the last of its name, the name is kept until
 * then; or, if that is 0, free.  The number of the offer is given back when
 * nobody knows it any more; and until all is settled its user has one offer
 * less that he may make.
 */
void book_withdraw(struct book *b, uint32_t offer, int64_t until);
void book_give_back(struct book *b, uint32_t offer);
void book_settle(struct book *b, uint32_t uid);

/* One more is to be settled, which was an offer in another book. */
void book_owe(struct book *b, uint32_t uid);

/* Keep a name that is not there for uid.  Returns its number or OFFER_NONE. */
uint32_t book_keep(struct book *b, uint32_t uid, struct tcpmux_span name,
    uint32_t service, int64_t until);

/*
 * The name that has been kept for longest; the same if its time is over; the
 * one after it; and, if there are too many, or more than max of uid's, the
 * oldest of those.  Or OFFER_NONE.
 */
uint32_t book_oldest(const struct book *b);
uint32_t book_overdue(const struct book *b, int64_t now);
uint32_t book_younger(const struct book *b, uint32_t number);
uint32_t book_excess(const struct book *b, uint32_t uid, uint32_t max);

/* Keep a kept name no longer: it is free. */
void book_drop(struct book *b, uint32_t number);

/* Give the number of a free name back. */
void book_erase(struct book *b, uint32_t number);

#endif
