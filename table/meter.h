/*
 * Counting what is limited: connections and their rate, for each source and
 * each service, by all processes at once.
 *
 * Pure: the memory is the caller's, who shares it between processes.  There
 * is no lock, so a process that dies holds none.  Time is an argument, in
 * milliseconds, and never goes back by much.
 *
 * A source is a network of one customer: an IPv4 address, or an IPv6 /64.
 * The sources are a hash table of fixed size.  When its places are taken, the
 * one that has been quiet longest makes room; if every place of a bucket has
 * connections, a new source goes uncounted: the other limits hold.  The pairs
 * of a source and a service are another such table.
 */

#ifndef TABLE_METER_H
#define TABLE_METER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "table/access.h"
#include "table/table.h"

/* The most sources that are counted at a time, and the most services. */
#define METER_SOURCES_MAX  65536
#define METER_SERVICES_MAX TABLE_METERS_MAX

/* A source or service that is not counted. */
#define METER_NONE UINT32_MAX

struct meter;

/* Bytes of memory for a meter; pages that are not used cost nothing. */
size_t meter_size(void);

/*
 * Make a meter of the zeroed memory at p, aligned to 64 bytes, as whatever
 * mmap() gives is.  seed keeps strangers from choosing which sources collide.
 */
struct meter *meter_init(void *p, uint64_t seed);

/*
 * One more connection in all, if there may be: fewer than max, or max is 0.
 * Returns whether there may; only then is it counted.
 */
bool meter_enter(struct meter *m, uint32_t max);
void meter_leave(struct meter *m);

/*
 * One more connection of the source of address.  Returns 0 and sets *source,
 * perhaps to METER_NONE; or REFUSE_SOURCE or REFUSE_RATE (enum refusal), and
 * then nothing is counted and *source is METER_NONE.  max 0 and rate.count 0
 * are no limit; the source is counted nevertheless.
 */
int meter_enter_source(struct meter *m,
    const uint8_t address[static ADDRESS_BYTES], uint32_t max, struct rate rate,
    int64_t now, uint32_t *source);
void meter_leave_source(struct meter *m, uint32_t source);

/*
 * The source has asked for a name that is not there: use up one of budget.
 * And: has it used them all up by now?  Always false for METER_NONE.
 */
void meter_count_wrong_name(struct meter *m, uint32_t source,
    struct rate budget, int64_t now);
bool meter_is_over_names(const struct meter *m, uint32_t source,
    struct rate budget, int64_t now);

/*
 * One more connection of service, a service's place in the meter, and of
 * source at it, if there may be.  Returns 0; or REFUSE_FULL, REFUSE_SOURCE or
 * REFUSE_RATE, and then nothing is counted.
 */
int meter_enter_service(struct meter *m, uint32_t service, uint32_t source,
    uint32_t max, uint32_t max_per_source, struct rate rate, int64_t now);
void meter_leave_service(struct meter *m, uint32_t service, uint32_t source);

/* Connections of a service now; for those who show it. */
uint32_t meter_service_count(const struct meter *m, uint32_t service);

#endif
