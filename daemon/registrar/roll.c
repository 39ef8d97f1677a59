/*
 * The roll: who takes connections himself at this moment, and how many wait
 * for him.
 */

#include "daemon/registrar/roll.h"
#include "daemon/front/takers.h"
#include "daemon/handover.h"
#include "daemon/registrar/claims.h"
#include "daemon/registrar/dialler.h"
#include "daemon/registrar/offer.h"
#include "daemon/registrar/room.h"
#include "os/peer.h"

/* Whoever asks more often hears the same again. */
#define ROLL_MS 50

uint32_t
roll_max(const struct generation *g)
{
	return takers_max(g);
}

size_t
roll_size(const struct generation *g)
{
	return roll_max(g) * sizeof(struct roll_entry);
}

static struct roll_entry
dialled(const struct registry *r, uint32_t number)
{
	struct roll_entry e = { .what = ROLL_NOBODY };
	struct taker_message m;
	const int fd = dialler_say(r, number, &m);

	if (fd == -1)
		return e;
	e.what = ROLL_DIALLED;
	e.service = m.service;
	e.queue = room_used(fd);
	e.queue_max = HANDOVER_QUEUE;
	return e;
}

static struct roll_entry
offered(const struct registry *r, uint32_t offer)
{
	struct roll_entry e = { .what = ROLL_NOBODY };
	const int fd = offer_fd(r, offer);

	if (fd == -1)
		return e;
	e.what = ROLL_OFFER;
	e.name = book_name_of(r->book, offer);
	e.service = book_name(r->book, e.name)->service;
	e.uid = book_user_of(r->book, offer);
	e.pid = peer_pid(fd);
	e.flags = book_flags_of(r->book, offer);
	e.queue = room_used(fd);
	e.queue_max = r->queue;
	return e;
}

void
roll_write(struct registry *r)
{
	struct roll_entry *roll = r->g->roll;
	uint32_t i;

	if (roll == NULL || (r->roll_due > r->now))
		return;
	r->roll_due = r->now + ROLL_MS;
	for (i = 0; i < r->ndialled; i++)
		roll[i] = dialled(r, i);
	for (i = 0; i < r->g->max_offers; i++) {
		struct roll_entry *e = &roll[registry_offer(r, i)];

		/* Memory that was never written to is not taken for this. */
		if (offer_fd(r, i) != -1 || e->what != ROLL_NOBODY)
			*e = offered(r, i);
	}
}

bool
roll_get(const struct generation *g, uint32_t number, struct roll_entry *entry)
{
	const volatile struct roll_entry *roll = g->roll;

	if (roll == NULL)
		return false;
	*entry = roll[number];
	if (entry->what != ROLL_DIALLED && entry->what != ROLL_OFFER)
		return false;
	if (entry->service != SERVICE_NONE)
		return entry->service < g->table->nservices;
	return entry->what == ROLL_OFFER && entry->name < claims_max(g);
}
