/*
 * The memory in which all processes count what becomes of connections, in the
 * hands of the monitor.
 */

#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#include "daemon/monitor/counts.h"
#include "daemon/monitor/launch.h"

/* Fronts that will run at a time, as far as it is known now. */
static uint32_t
lanes(const struct table *t)
{
	long n = sysconf(_SC_NPROCESSORS_ONLN);

	if (n < (long)t->fronts)
		n = t->fronts;
	if (n < (long)t->relays)
		n = t->relays;
	if (n < 1)
		n = 1;
	return n < STATS_LANES_MAX ? (uint32_t)n : STATS_LANES_MAX;
}

int
counts_make(struct stats *s, const struct table *t)
{
	const uint32_t n = lanes(t);
	uint64_t seed = 0;
	void *p;

	if (getrandom(&seed, sizeof(seed), 0) != sizeof(seed))
		return -1;
	p = launch_map_lent(stats_size(n));
	if (p == NULL)
		return -1;
	stats_init(s, p, n, seed);
	return 0;
}

void
counts_follow(const struct stats *s, const struct table *t,
    const struct table *old)
{
	const struct service *service;
	uint32_t i;

	for (i = 0; i < t->nservices; i++) {
		service = &t->services[i];
		if (table_find(old,
			(struct tcpmux_span){ service->name,
			    strlen(service->name) }) == SERVICE_NONE)
			stats_clear_service(s, service->meter);
	}
}
