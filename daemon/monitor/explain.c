/*
 * What would become of a request at this moment, in sentences.
 *
 * Who takes connections himself is known to the registrar, who has written it
 * down before it sent the errand; it is not believed any further than it is
 * shown.
 */

#include <stdio.h>
#include <string.h>

#include "daemon/monitor/explain.h"
#include "daemon/registrar/claims.h"
#include "daemon/registrar/roll.h"
#include "daemon/setup/show.h"
#include "os/descriptor.h"

/* Does this one take connections for the service, or the offered name? */
static bool
takes(const struct generation *g, const struct roll_entry *e, uint32_t service,
    struct tcpmux_span name)
{
	char buf[TCPMUX_OFFER_NAME_MAX];
	struct tcpmux_span offered;
	uint32_t uid;

	if (service != SERVICE_NONE || e->service != SERVICE_NONE)
		return e->service == service;
	return g->claims != NULL &&
	    claims_get(g->claims, e->name, &uid, buf, &offered) == 0 &&
	    tcpmux_compare_names(offered, name) == 0;
}

static struct show_now
look(const struct generation *g, struct tcpmux_span name)
{
	const uint32_t service = table_find(g->table, name);
	const uint32_t max = roll_max(g);
	struct show_now now = { .takers = 0 };
	struct roll_entry e;
	uint32_t i;

	for (i = 0; i < max; i++)
		if (roll_get(g, i, &e) && takes(g, &e, service, name))
			now.takers++;
	if (service != SERVICE_NONE) {
		name.p = g->table->services[service].name;
		name.len = strlen(name.p);
	}
	now.is_drained = board_is_drained(g->board, name);
	return now;
}

int
explain_write(const struct monitor *mon, const char *name, const char *address,
    int fd)
{
	const struct generation *g = &mon->current->g;
	const struct tcpmux_span span = { name, strlen(name) };
	const struct show_now now = look(g, span);
	FILE *f = descriptor_stream(fd);
	bool served;
	int failed;

	if (f == NULL)
		return -1;
	served = show_explain(g->table, name, address, &now, f);
	failed = ferror(f);
	if (fclose(f) == EOF || failed)
		return -1;
	return served;
}
