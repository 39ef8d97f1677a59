/*
 * Deadlines of many things, in a wheel.
 *
 * A thing is at the tick of its deadline, modulo the size of the wheel; one
 * that is due in a later round is looked at in each round before, and left
 * where it is.  A deadline falls into the tick that ends behind it, so that
 * whatever is at a tick that has passed, and of its round, is due.
 */

#include <stddef.h>

#include "daemon/relay/wheel.h"

#define PLACE(tick) ((uint32_t)(tick) % WHEEL_TICKS)

static int64_t
tick_of(int64_t due)
{
	return due / WHEEL_TICK_MS + 1;
}

void
wheel_init(struct wheel *w, void *memory, int64_t now)
{
	size_t i;

	w->items = memory;
	w->seen = now / WHEEL_TICK_MS;
	w->nitems = 0;
	w->looking = WHEEL_NONE;
	for (i = 0; i < WHEEL_TICKS; i++)
		w->first[i] = WHEEL_NONE;
	for (i = 0; i < WHEEL_TICKS / 64; i++)
		w->busy[i] = 0;
}

static void
unlink_item(struct wheel *w, uint32_t item)
{
	struct wheel_item *it = &w->items[item];
	const uint32_t place = PLACE(tick_of(it->due));

	if (w->looking == item)
		w->looking = it->next;
	if (it->next != WHEEL_NONE)
		w->items[it->next].prev = it->prev;
	if (it->prev != WHEEL_NONE)
		w->items[it->prev].next = it->next;
	else
		w->first[place] = it->next;
	if (w->first[place] == WHEEL_NONE)
		w->busy[place / 64] &= ~(1ULL << place % 64);
	it->due = 0;
	w->nitems--;
}

static void
link_item(struct wheel *w, uint32_t item, int64_t due)
{
	struct wheel_item *it = &w->items[item];
	const uint32_t place = PLACE(tick_of(due));

	it->due = due;
	it->prev = WHEEL_NONE;
	it->next = w->first[place];
	if (it->next != WHEEL_NONE)
		w->items[it->next].prev = item;
	w->first[place] = item;
	w->busy[place / 64] |= 1ULL << place % 64;
	w->nitems++;
}

void
wheel_set(struct wheel *w, uint32_t item, int64_t due)
{
	/* What is late already is seen at the tick that comes next. */
	const int64_t soonest = w->seen * WHEEL_TICK_MS + 1;

	if (w->items[item].due != 0)
		unlink_item(w, item);
	if (due != WHEEL_NEVER)
		link_item(w, item, due > soonest ? due : soonest);
}

/* The next thing at the tick in hand that is due by then. */
static uint32_t
pop_here(struct wheel *w)
{
	uint32_t item;

	while ((item = w->looking) != WHEEL_NONE) {
		w->looking = w->items[item].next;
		if (tick_of(w->items[item].due) <= w->seen) {
			unlink_item(w, item);
			return item;
		}
	}
	return WHEEL_NONE;
}

/* The first tick in use from the one at, or WHEEL_TICKS later. */
static int64_t
next_busy(const struct wheel *w, int64_t at)
{
	const int64_t end = at + WHEEL_TICKS;
	uint64_t word;

	while (at < end) {
		word = w->busy[PLACE(at) / 64] >> PLACE(at) % 64;
		if (word != 0) {
			at += __builtin_ctzll(word);
			break;
		}
		at += 64 - PLACE(at) % 64;
	}
	return at < end ? at : end;
}

uint32_t
wheel_pop(struct wheel *w, int64_t now)
{
	const int64_t last = now / WHEEL_TICK_MS;
	uint32_t item;

	for (;;) {
		item = pop_here(w);
		if (item != WHEEL_NONE || w->seen >= last)
			return item;
		w->seen = w->nitems == 0 ? last : next_busy(w, w->seen + 1);
		if (w->seen > last)
			w->seen = last;
		w->looking = w->first[PLACE(w->seen)];
	}
}

int
wheel_wait(const struct wheel *w, int64_t now)
{
	int64_t ms;

	if (w->nitems == 0)
		return -1;
	ms = next_busy(w, w->seen + 1) * WHEEL_TICK_MS - now;
	return ms > 0 ? (int)ms : 0;
}
