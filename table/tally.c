/*
 * How many offers and kept names each user has.
 *
 * Users are found by hashing.  Whoever has anything has a place, so that there
 * are never more places than things.
 */

#include <stdlib.h>

#include "table/tally.h"

#define PLACE_NONE UINT32_MAX

/* Multiplying by this spreads users over all 32 bits (Knuth, 6.4). */
#define SPREAD UINT32_C(2654435769)

struct place {
	uint32_t uid;
	uint32_t next; /* of the same bucket, or of those that are free */
	uint32_t count[TALLY_COUNT];
};

struct tally {
	struct place *places;
	uint32_t *buckets;
	uint32_t nbuckets;
	uint32_t free;
};

struct tally *
tally_new(uint32_t max)
{
	struct tally *t = calloc(1, sizeof(*t));
	uint32_t i;

	if (t == NULL)
		return NULL;
	t->nbuckets = max + 1;
	t->places = calloc((size_t)max + 1, sizeof(*t->places));
	t->buckets = calloc(t->nbuckets, sizeof(*t->buckets));
	if (t->places == NULL || t->buckets == NULL) {
		tally_free(t);
		return NULL;
	}
	for (i = 0; i < t->nbuckets; i++)
		t->buckets[i] = PLACE_NONE;
	for (i = 0; i < max; i++)
		t->places[i].next = i + 1;
	t->places[max].next = PLACE_NONE;
	return t;
}

void
tally_free(struct tally *t)
{
	if (t == NULL)
		return;
	free(t->places);
	free(t->buckets);
	free(t);
}

static uint32_t *
bucket_of(const struct tally *t, uint32_t uid)
{
	return &t->buckets[(uint64_t)(uid * SPREAD) * t->nbuckets >> 32];
}

static struct place *
find(const struct tally *t, uint32_t uid)
{
	uint32_t i = *bucket_of(t, uid);

	while (i != PLACE_NONE && t->places[i].uid != uid)
		i = t->places[i].next;
	return i == PLACE_NONE ? NULL : &t->places[i];
}

void
tally_add(struct tally *t, uint32_t uid, enum tally_what what)
{
	struct place *p = find(t, uid);
	uint32_t *bucket = bucket_of(t, uid);
	uint32_t i;

	if (p == NULL) {
		i = t->free;
		p = &t->places[i];
		t->free = p->next;
		*p = (struct place){ .uid = uid, .next = *bucket };
		*bucket = i;
	}
	p->count[what]++;
}

/* Whoever has nothing gives his place back. */
static void
forget(struct tally *t, uint32_t uid)
{
	uint32_t *at = bucket_of(t, uid), i;

	while (t->places[*at].uid != uid)
		at = &t->places[*at].next;
	i = *at;
	*at = t->places[i].next;
	t->places[i].next = t->free;
	t->free = i;
}

void
tally_take(struct tally *t, uint32_t uid, enum tally_what what)
{
	struct place *p = find(t, uid);

	if (p == NULL)
		return;
	p->count[what]--;
	if (p->count[TALLY_OFFERS] == 0 && p->count[TALLY_KEPT] == 0)
		forget(t, uid);
}

uint32_t
tally_get(const struct tally *t, uint32_t uid, enum tally_what what)
{
	const struct place *p = find(t, uid);

	return p == NULL ? 0 : p->count[what];
}
