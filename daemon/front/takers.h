/*
 * The programs that take connections themselves, as a front knows them: the
 * registrar, which dials them or takes their offers, tells the front of each
 * over a channel.
 */

#ifndef DAEMON_FRONT_TAKERS_H
#define DAEMON_FRONT_TAKERS_H

#include <stdbool.h>
#include <stdint.h>

#include "daemon/generation.h"
#include "table/offers.h"

/* What the registrar says on the channel. */
enum taker_what {
	TAKER_SOON,  /* one more, whose queue comes in a moment: wait for it */
	TAKER_HERE,  /* the same, with its descriptor: the queue to it */
	TAKER_GONE,  /* this one is no more */
	TAKER_KEPT,  /* nobody has this name now, but somebody may come back */
	TAKER_FREE,  /* nor that: nobody has it */
	TAKER_ALL,   /* these are all there are, for now */
	TAKER_FORGET /* whatever was said: another registrar says it anew */
};

/*
 * A message on the channel.  A taker has a number below takers_max(), which
 * may have another when it is gone.  It serves a service of the table or,
 * with SERVICE_NONE, the name, as it was offered.
 */
struct taker_message {
	uint32_t what;    /* enum taker_what */
	uint32_t taker;   /* TAKER_SOON, TAKER_HERE, TAKER_GONE */
	uint32_t service; /* SOON, HERE: or SERVICE_NONE, and then name */
	uint8_t hidden;   /* SOON, HERE: HELP does not list the name */
	uint8_t len;
	char name[TCPMUX_OFFER_NAME_MAX]; /* SOON, HERE, KEPT, FREE */
	uint8_t zero[2];
};

_Static_assert(sizeof(struct taker_message) == 216, "nothing is padding");

/* The most takers at a time: those of offers, and those that are dialled. */
uint32_t takers_max(const struct generation *g);

/*
 * The most offers at a time, for g->max_offers: what the table allows, as far
 * as there are descriptors for them.  Of all descriptors one in so many is for
 * offers: in each front there is one for each, and the 8 connections that may
 * wait for each at the least are half of them together.
 */
#define TAKERS_OFFERS_PART 16
uint32_t takers_offers_max(const struct generation *g);

/*
 * What a name leads to: a service of the table by its place, or an offered
 * name by its number, TAKERS_OFFERED + offers' own.
 */
#define TAKERS_OFFERED (UINT32_C(1) << 31)

struct takers;

/* Is that for such programs, and not for the takers of our own? */
bool takers_serve(const struct table *t, uint32_t what);

/* Returns NULL with ENOMEM.  channel stays the caller's; -1: nobody tells. */
struct takers *takers_new(const struct generation *g, int channel);

/* Close all that came through the channel.  NULL does nothing. */
void takers_free(struct takers *t);

/*
 * Take what has come through the channel.  Returns whether the registrar has
 * told of all that there are.  From then on the number of an offered name may
 * be another's.
 */
bool takers_receive(struct takers *t);

/* The names that are offered and in no service's hands. */
const struct offers *takers_offers(const struct takers *t);

/* Is somebody there for a service or an offered name (above)? */
bool takers_are_there(const struct takers *t, uint32_t what);

/*
 * Is somebody there for a service or an offered name (above), and may HELP
 * list it?  Of several who share it, none must have said that it may not.
 */
bool takers_are_listed(const struct takers *t, uint32_t what);

/*
 * The queue to the one who is to have the next connection for a service or
 * an offered name (above): of several who share it, the one with the fewest
 * that wait.  Sets *taker.  Returns -1 if nobody is there, or somebody who is
 * will be so in a moment only (TAKER_SOON); takers_are_there() tells which.
 */
int takers_find(struct takers *t, uint32_t what, uint32_t *taker);

/* Has the queue to a taker room for one more? */
bool takers_has_room(int queue);

/* This taker is gone, as its queue shows. */
void takers_forget(struct takers *t, uint32_t taker);

#endif
