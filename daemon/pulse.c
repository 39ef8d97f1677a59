/*
 * The pulse of a process, as the process itself gives it.
 */

#include <sys/resource.h>

#include "daemon/pulse.h"

static uint64_t
microseconds(struct timeval t)
{
	return (uint64_t)t.tv_sec * 1000000 + (uint64_t)t.tv_usec;
}

void
pulse_beat(struct pulse *p, int64_t now)
{
	struct rusage used;

	/* Nobody else writes to it. */
	atomic_store_explicit(&p->beat,
	    atomic_load_explicit(&p->beat, memory_order_relaxed) + 1,
	    memory_order_relaxed);
	if (now < p->counted + PULSE_MS || getrusage(RUSAGE_SELF, &used) == -1)
		return;
	p->counted = now;
	atomic_store_explicit(&p->cpu_us,
	    microseconds(used.ru_utime) + microseconds(used.ru_stime),
	    memory_order_relaxed);
	atomic_store_explicit(&p->rss_kb, (uint32_t)used.ru_maxrss,
	    memory_order_relaxed);
}
