/*
 * What a process has counted in the meter for one connection.
 */

#include "daemon/hold.h"

void
hold_release(struct hold *h, const struct generation *g)
{
	const struct hold was = *(const volatile struct hold *)h;

	h->held = HELD_NOTHING;
	if (was.held == HELD_SERVICE && was.service < g->table->nservices)
		meter_leave_service(g->meter,
		    g->table->services[was.service].meter, was.source);
	if (was.held != HELD_NOTHING) {
		meter_leave_source(g->meter, was.source);
		meter_leave(g->meter);
	}
}

void
hold_release_all(void *memory, size_t size, const struct generation *g)
{
	struct hold *holds = memory;
	size_t i;

	for (i = 0; i < size / sizeof(*holds); i++)
		hold_release(&holds[i], g);
}
