/*
 * Statistics: what has become of connections, counted in shared memory by
 * processes that do not wait for each other.
 *
 * Pure: the memory is the caller's.  It has parts of which each process has
 * one, so that none waits for a line of another's cache, and none can change
 * what others have counted; whoever reads adds up all parts.  Numbers begin
 * at 0 and never go back.
 */

#ifndef TABLE_STATS_H
#define TABLE_STATS_H

#include <stddef.h>
#include <stdint.h>

#include "table/words.h"

/* Services are counted one by one if their place in the meter is below. */
#define STATS_SERVICES_MAX 65536

/* Names that are offered, and counted one by one, at a time. */
#define STATS_OFFERS_MAX 16384

/* Fronts that have a part of their own, at the most; and so many relays. */
#define STATS_LANES_MAX 32

/* Whose part; numbers beyond the lanes share them. */
enum stats_role {
	STATS_FRONT,
	STATS_RELAY,
	STATS_SPAWN,
	STATS_MONITOR /* what another daemon had counted before this one */
};

/* What is counted in all. */
enum stats_count {
	STATS_ACCEPTED, /* connections */
	STATS_REQUESTS, /* good ones, for whatever name */
	STATS_EXEC,     /* handed over: to spawn */
	STATS_RELAYED,  /* to a relay */
	STATS_SOCKET,   /* to a program that is dialled */
	STATS_OFFERED,  /* to one that has offered the name */
	STATS_HELP,     /* answered with the list */
	STATS_TCPMUX,   /* answered with +, and the next name */
	STATS_IN,       /* bytes from clients, moved by relays */
	STATS_OUT,      /* bytes to them */
	STATS_COUNTS
};

/*
 * The time from accept to hand-over: upper bounds of the counters, in
 * microseconds.  What takes longer is in the last one, which has none.
 */
#define STATS_BOUNDS 12
extern const uint32_t stats_bounds[STATS_BOUNDS];

/* What is counted for each name. */
struct stats_sum {
	uint64_t requests;
	uint64_t handed;
	uint64_t in, out;
	uint64_t time_us;
	uint64_t times[STATS_BOUNDS + 1]; /* each is for itself */
	uint64_t refused[REFUSE_COUNT];
};

/* What is counted for all; refused also where no name is known. */
struct stats_totals {
	uint64_t count[STATS_COUNTS];
	uint64_t refused[REFUSE_COUNT];
};

/* One part; and where it counts what has become of one name. */
struct stats_part;
struct stats_row;

/* All parts.  This itself is not shared, but inherited. */
struct stats {
	unsigned char *memory;
	uint32_t lanes;
	uint64_t seed;
};

/*
 * Bytes of memory with so many lanes, one for each front that runs at a time,
 * and of a part of it.  Pages that are not used cost nothing.
 */
size_t stats_size(uint32_t lanes);
size_t stats_part_size(void);

/*
 * Begin with zeroed memory of that size, aligned as whatever mmap() gives is.
 * Parts are whole pages of it, whatever their size.  seed keeps whoever offers
 * names from choosing which of them share a bucket.
 */
void stats_init(struct stats *s, void *memory, uint32_t lanes, uint64_t seed);

/* The part of a process, where number is its own among those of its role. */
struct stats_part *stats_part(const struct stats *s, enum stats_role role,
    uint32_t number);

/*
 * Where a part counts a service, by its place in the meter; or NULL, which
 * all that follows take for a name that is not known.
 */
struct stats_row *stats_service(struct stats_part *p, uint32_t place);

/*
 * The same for a name that is offered, in any case.  If there is no room, the
 * one that has been quiet for longest loses what was counted for it.  now is
 * in milliseconds.
 */
struct stats_row *stats_offer(struct stats_part *p, struct tcpmux_span name,
    int64_t now);

/* One more of a kind, in all. */
void stats_count(struct stats_part *p, enum stats_count what);

/* Somebody has asked for this name. */
void stats_request(struct stats_part *p, struct stats_row *row);

/* He is refused; the name may not be known. */
void stats_refuse(struct stats_part *p, struct stats_row *row,
    enum refusal why);

/* He was handed over: to whom, and how long after he was accepted. */
void stats_hand_over(struct stats_part *p, struct stats_row *row,
    enum stats_count to, int64_t us);

/* Bytes have been moved for him: STATS_IN or STATS_OUT. */
void stats_move(struct stats_part *p, struct stats_row *row,
    enum stats_count way, uint64_t bytes);

/* The sum of all parts: of all, of a service, or of a name that is offered. */
void stats_read(const struct stats *s, struct stats_totals *sum);
void stats_read_service(const struct stats *s, uint32_t place,
    struct stats_sum *sum);
void stats_read_offer(const struct stats *s, struct tcpmux_span name,
    struct stats_sum *sum);

/* Forget what was counted for a service, as another has its place now. */
void stats_clear_service(const struct stats *s, uint32_t place);

/*
 * Add what another daemon had counted before this one, by its monitor.  Each
 * number wraps around, so that what has been added can be taken away again.
 */
void stats_add(const struct stats *s, const struct stats_totals *sum);
void stats_add_row(struct stats_row *row, const struct stats_sum *sum);

#endif
