/*
 * The names that are offered: a sorted list of their numbers.
 *
 * Few thousand names make a search of a dozen looks.  A number that is free
 * is taken again as late as can be, first all that never were taken, then
 * the one that has been free for longest.
 */

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "table/offers.h"

struct offer_name {
	uint8_t len;
	char text[TCPMUX_OFFER_NAME_MAX];
};

struct offers {
	uint32_t max;
	uint32_t count;
	uint32_t *order; /* numbers, as their names are sorted */
	uint32_t used;   /* numbers that were ever taken: all below */
	uint32_t *freed; /* a ring of those that are free again */
	uint32_t oldest; /* its first */
	struct offer_name names[];
};

struct offers *
offers_new(uint32_t max)
{
	struct offers *o;

	o = calloc(1, sizeof(*o) + max * sizeof(struct offer_name));
	if (o == NULL)
		return NULL;
	o->max = max;
	o->order = calloc((size_t)max + 1, sizeof(*o->order));
	o->freed = calloc((size_t)max + 1, sizeof(*o->freed));
	if (o->order == NULL || o->freed == NULL) {
		offers_free(o);
		return NULL;
	}
	return o;
}

void
offers_free(struct offers *o)
{
	if (o == NULL)
		return;
	free(o->order);
	free(o->freed);
	free(o);
}

struct tcpmux_span
offers_name(const struct offers *o, uint32_t number)
{
	const struct offer_name *name = &o->names[number];

	return (struct tcpmux_span){ name->text, name->len };
}

/* The place in order of name, or where it would be. */
static uint32_t
place_of(const struct offers *o, struct tcpmux_span name, bool *is_there)
{
	uint32_t low = 0, high = o->count, middle;
	int c;

	*is_there = false;
	while (low < high) {
		middle = low + (high - low) / 2;
		c = tcpmux_compare_names(offers_name(o, o->order[middle]),
		    name);
		if (c == 0) {
			*is_there = true;
			return middle;
		}
		if (c < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

uint32_t
offers_find(const struct offers *o, struct tcpmux_span name)
{
	bool is_there;
	const uint32_t place = place_of(o, name, &is_there);

	return is_there ? o->order[place] : OFFER_NONE;
}

/* A number that nobody has; there is one. */
static uint32_t
take_number(struct offers *o)
{
	uint32_t number;

	if (o->used < o->max)
		return o->used++;
	number = o->freed[o->oldest];
	o->oldest = (o->oldest + 1) % o->max;
	return number;
}

uint32_t
offers_add(struct offers *o, struct tcpmux_span name)
{
	uint32_t number, place;
	bool is_there;

	if (o->count == o->max || name.len > TCPMUX_OFFER_NAME_MAX)
		return OFFER_NONE;
	place = place_of(o, name, &is_there);
	number = take_number(o);
	o->names[number].len = (uint8_t)name.len;
	memcpy(o->names[number].text, name.p, name.len);
	memmove(o->order + place + 1, o->order + place,
	    (o->count - place) * sizeof(*o->order));
	o->order[place] = number;
	o->count++;
	return number;
}

void
offers_remove(struct offers *o, uint32_t number)
{
	const uint32_t nfreed = o->used - o->count;
	uint32_t place;
	bool is_there;

	place = place_of(o, offers_name(o, number), &is_there);
	if (!is_there || o->order[place] != number)
		return;
	o->count--;
	memmove(o->order + place, o->order + place + 1,
	    (o->count - place) * sizeof(*o->order));
	o->freed[(o->oldest + nfreed) % o->max] = number;
}

uint32_t
offers_behind(const struct offers *o, struct tcpmux_span name)
{
	uint32_t place = 0;
	bool is_there;

	if (name.len > 0) {
		place = place_of(o, name, &is_there);
		place += is_there;
	}
	return place < o->count ? o->order[place] : OFFER_NONE;
}

uint32_t
offers_count(const struct offers *o)
{
	return o->count;
}
