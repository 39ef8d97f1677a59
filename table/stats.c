/*
 * Statistics: counters in shared memory, moved by atomic operations that put
 * nothing else in order.  Names come before totals, so that whoever sees the
 * latter is likely to see the former.
 */

#include <stdalign.h>
#include <stdatomic.h>
#include <string.h>

#include "table/stats.h"

_Static_assert(ATOMIC_LLONG_LOCK_FREE == 2, "who dies must not hold a lock");

/* Parts begin at a page, of whatever size the kernel has. */
#define PAGE_MAX 65536

/*
 * To look at memory that nobody has used would use it.  So a byte tells of
 * each block of rows, or of tags, whether anything was counted there.
 */
#define BLOCK  64
#define ROWS   (STATS_SERVICES_MAX + STATS_OFFERS_MAX)
#define BLOCKS (ROWS / BLOCK)

/* An offered name is in one of so many rows: their tags fill two lines. */
#define BUCKET  16
#define BUCKETS (STATS_OFFERS_MAX / BUCKET)

_Static_assert(STATS_SERVICES_MAX % BLOCK == 0 && BLOCK % BUCKET == 0,
    "a bucket is in one block");

const uint32_t stats_bounds[STATS_BOUNDS] = { 50, 100, 250, 500, 1000, 2500,
	5000, 10000, 50000, 100000, 1000000, 10000000 };

struct stats_row {
	alignas(64) _Atomic uint64_t requests;
	_Atomic uint64_t handed;
	_Atomic uint64_t time_us;
	_Atomic uint64_t in, out;
	_Atomic uint64_t times[STATS_BOUNDS + 1];
	_Atomic uint64_t refused[REFUSE_COUNT];
};

struct stats_part {
	alignas(64) _Atomic uint64_t count[STATS_COUNTS];
	_Atomic uint64_t refused[REFUSE_COUNT];
	uint64_t seed; /* as in struct stats */
	atomic_uchar touched[BLOCKS];
	/* Of each row; 0: it is free. */
	alignas(64) _Atomic uint64_t tags[STATS_OFFERS_MAX];
	_Atomic int64_t last[STATS_OFFERS_MAX];
	struct stats_row rows[ROWS];
};

static void
add(_Atomic uint64_t *c, uint64_t n)
{
	atomic_fetch_add_explicit(c, n, memory_order_relaxed);
}

static uint64_t
get(const _Atomic uint64_t *c)
{
	return atomic_load_explicit(c, memory_order_relaxed);
}

static void
set(_Atomic uint64_t *c, uint64_t n)
{
	atomic_store_explicit(c, n, memory_order_relaxed);
}

size_t
stats_part_size(void)
{
	const size_t size = sizeof(struct stats_part);

	return (size + PAGE_MAX - 1) / PAGE_MAX * PAGE_MAX;
}

/* For each lane a front and a relay; spawn, and the monitor. */
static size_t
parts(uint32_t lanes)
{
	return 2 * (size_t)lanes + 2;
}

size_t
stats_size(uint32_t lanes)
{
	return parts(lanes) * stats_part_size();
}

static struct stats_part *
part_at(const struct stats *s, size_t place)
{
	return (void *)(s->memory + place * stats_part_size());
}

void
stats_init(struct stats *s, void *memory, uint32_t lanes, uint64_t seed)
{
	size_t i;

	s->memory = memory;
	s->lanes = lanes;
	s->seed = seed;
	for (i = 0; i < parts(lanes); i++)
		part_at(s, i)->seed = seed;
}

struct stats_part *
stats_part(const struct stats *s, enum stats_role role, uint32_t number)
{
	switch (role) {
	case STATS_FRONT:
		return part_at(s, number % s->lanes);
	case STATS_RELAY:
		return part_at(s, s->lanes + number % s->lanes);
	case STATS_SPAWN:
		return part_at(s, 2 * (size_t)s->lanes);
	case STATS_MONITOR:
		break;
	}
	return part_at(s, 2 * (size_t)s->lanes + 1);
}

/* The row of this number; it is to be used from now on. */
static struct stats_row *
use(struct stats_part *p, uint32_t number)
{
	atomic_uchar *touched = &p->touched[number / BLOCK];

	if (atomic_load_explicit(touched, memory_order_relaxed) == 0)
		atomic_store_explicit(touched, 1, memory_order_relaxed);
	return &p->rows[number];
}

struct stats_row *
stats_service(struct stats_part *p, uint32_t place)
{
	return place < STATS_SERVICES_MAX ? use(p, place) : NULL;
}

/* A number that stands for the name, in any case (FNV-1a); never 0. */
static uint64_t
tag_of(uint64_t seed, struct tcpmux_span name)
{
	uint64_t h = 0xcbf29ce484222325 ^ seed;
	size_t i;

	for (i = 0; i < name.len; i++) {
		unsigned char c = (unsigned char)name.p[i];

		if (c >= 'A' && c <= 'Z')
			c |= 0x20;
		h = (h ^ c) * 0x100000001b3;
	}
	return h != 0 ? h : 1;
}

/* The first row of the bucket of a tag; its lower bits are less well mixed. */
static uint32_t
bucket_of(uint64_t tag)
{
	return (uint32_t)((tag ^ tag >> 32) % BUCKETS) * BUCKET;
}

/* The row of a tag, or STATS_OFFERS_MAX. */
static uint32_t
find(const struct stats_part *p, uint64_t tag)
{
	const uint32_t first = bucket_of(tag);
	uint32_t i;

	for (i = first; i < first + BUCKET; i++)
		if (get(&p->tags[i]) == tag)
			return i;
	return STATS_OFFERS_MAX;
}

static void
clear(struct stats_row *row)
{
	int i;

	set(&row->requests, 0);
	set(&row->handed, 0);
	set(&row->time_us, 0);
	set(&row->in, 0);
	set(&row->out, 0);
	for (i = 0; i <= STATS_BOUNDS; i++)
		set(&row->times[i], 0);
	for (i = 0; i < REFUSE_COUNT; i++)
		set(&row->refused[i], 0);
}

/*
 * The row in the bucket of tag that is free, or has been quiet for longest;
 * it is taken.
 */
static uint32_t
take(struct stats_part *p, uint64_t tag)
{
	const uint32_t first = bucket_of(tag);
	uint32_t i, best = first;
	int64_t last, oldest = INT64_MAX;

	for (i = first; i < first + BUCKET && oldest != INT64_MIN; i++) {
		last = atomic_load_explicit(&p->last[i], memory_order_relaxed);
		if (get(&p->tags[i]) == 0)
			last = INT64_MIN;
		if (last < oldest) {
			oldest = last;
			best = i;
		}
	}
	clear(&p->rows[STATS_SERVICES_MAX + best]);
	set(&p->tags[best], tag);
	return best;
}

struct stats_row *
stats_offer(struct stats_part *p, struct tcpmux_span name, int64_t now)
{
	const uint64_t tag = tag_of(p->seed, name);
	uint32_t i = find(p, tag);

	if (i == STATS_OFFERS_MAX)
		i = take(p, tag);
	atomic_store_explicit(&p->last[i], now, memory_order_relaxed);
	return use(p, STATS_SERVICES_MAX + i);
}

void
stats_count(struct stats_part *p, enum stats_count what)
{
	add(&p->count[what], 1);
}

void
stats_request(struct stats_part *p, struct stats_row *row)
{
	if (row != NULL)
		add(&row->requests, 1);
	add(&p->count[STATS_REQUESTS], 1);
}

void
stats_refuse(struct stats_part *p, struct stats_row *row, enum refusal why)
{
	if (row != NULL)
		add(&row->refused[why], 1);
	add(&p->refused[why], 1);
}

/* Which counter a time belongs to. */
static int
bound_of(uint64_t us)
{
	int i = 0;

	while (i < STATS_BOUNDS && us > stats_bounds[i])
		i++;
	return i;
}

void
stats_hand_over(struct stats_part *p, struct stats_row *row,
    enum stats_count to, int64_t us)
{
	const uint64_t time = us > 0 ? (uint64_t)us : 0;

	if (row != NULL) {
		add(&row->handed, 1);
		add(&row->time_us, time);
		add(&row->times[bound_of(time)], 1);
	}
	add(&p->count[to], 1);
}

void
stats_move(struct stats_part *p, struct stats_row *row, enum stats_count way,
    uint64_t bytes)
{
	if (bytes == 0)
		return;
	if (row != NULL)
		add(way == STATS_IN ? &row->in : &row->out, bytes);
	add(&p->count[way], bytes);
}

void
stats_read(const struct stats *s, struct stats_totals *sum)
{
	const struct stats_part *p;
	size_t part;
	int i;

	memset(sum, 0, sizeof(*sum));
	for (part = 0; part < parts(s->lanes); part++) {
		p = part_at(s, part);
		for (i = 0; i < STATS_COUNTS; i++)
			sum->count[i] += get(&p->count[i]);
		for (i = 0; i < REFUSE_COUNT; i++)
			sum->refused[i] += get(&p->refused[i]);
	}
}

/* Was anything ever counted near the row of this number? */
static int
is_touched(const struct stats_part *p, uint32_t number)
{
	return atomic_load_explicit(&p->touched[number / BLOCK],
		   memory_order_relaxed) != 0;
}

static void
read_row(const struct stats_row *row, struct stats_sum *sum)
{
	int i;

	sum->requests += get(&row->requests);
	sum->handed += get(&row->handed);
	sum->in += get(&row->in);
	sum->out += get(&row->out);
	sum->time_us += get(&row->time_us);
	for (i = 0; i <= STATS_BOUNDS; i++)
		sum->times[i] += get(&row->times[i]);
	for (i = 0; i < REFUSE_COUNT; i++)
		sum->refused[i] += get(&row->refused[i]);
}

void
stats_read_service(const struct stats *s, uint32_t place, struct stats_sum *sum)
{
	const struct stats_part *p;
	size_t part;

	memset(sum, 0, sizeof(*sum));
	if (place >= STATS_SERVICES_MAX)
		return;
	for (part = 0; part < parts(s->lanes); part++) {
		p = part_at(s, part);
		if (is_touched(p, place))
			read_row(&p->rows[place], sum);
	}
}

void
stats_read_offer(const struct stats *s, struct tcpmux_span name,
    struct stats_sum *sum)
{
	const uint64_t tag = tag_of(s->seed, name);
	const uint32_t first = STATS_SERVICES_MAX + bucket_of(tag);
	const struct stats_part *p;
	size_t part;
	uint32_t i;

	memset(sum, 0, sizeof(*sum));
	for (part = 0; part < parts(s->lanes); part++) {
		p = part_at(s, part);
		/* A bucket is in one block. */
		if (!is_touched(p, first))
			continue;
		i = find(p, tag);
		if (i != STATS_OFFERS_MAX)
			read_row(&p->rows[STATS_SERVICES_MAX + i], sum);
	}
}

void
stats_clear_service(const struct stats *s, uint32_t place)
{
	struct stats_part *p;
	size_t part;

	if (place >= STATS_SERVICES_MAX)
		return;
	for (part = 0; part < parts(s->lanes); part++) {
		p = part_at(s, part);
		if (is_touched(p, place))
			clear(&p->rows[place]);
	}
}

void
stats_add(const struct stats *s, const struct stats_totals *sum)
{
	struct stats_part *p = stats_part(s, STATS_MONITOR, 0);
	int i;

	for (i = 0; i < STATS_COUNTS; i++)
		add(&p->count[i], sum->count[i]);
	for (i = 0; i < REFUSE_COUNT; i++)
		add(&p->refused[i], sum->refused[i]);
}

void
stats_add_row(struct stats_row *row, const struct stats_sum *sum)
{
	int i;

	if (row == NULL)
		return;
	add(&row->requests, sum->requests);
	add(&row->handed, sum->handed);
	add(&row->in, sum->in);
	add(&row->out, sum->out);
	add(&row->time_us, sum->time_us);
	for (i = 0; i <= STATS_BOUNDS; i++)
		add(&row->times[i], sum->times[i]);
	for (i = 0; i < REFUSE_COUNT; i++)
		add(&row->refused[i], sum->refused[i]);
}
