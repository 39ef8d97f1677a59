/*
 * The meter: counters and rates in shared memory, moved by atomic operations
 * alone.
 *
 * A counter of a source is one word with the source's tag, so that one
 * compare-and-swap both finds that nobody has taken the place and counts.
 * Two processes that meet a new source at once may give it two places of its
 * bucket; so what is limited is always the sum of a bucket's places with the
 * tag, looked at once more after counting.
 */

#include <stdalign.h>
#include <stdatomic.h>
#include <string.h>

#include "table/meter.h"

_Static_assert(ATOMIC_LLONG_LOCK_FREE == 2, "who dies must not hold a lock");
_Static_assert(METER_SOURCES_MAX == 65536, "a place is half of a source");

#define NS_PER_MS 1000000

/* Places of a bucket: their words fill a line of the cache. */
#define PLACES  8
#define BUCKETS (METER_SOURCES_MAX / PLACES)

/* What places_enter() says when it does not return a place. */
#define PLACE_NONE (-1) /* every place has connections */
#define PLACE_OVER (-2) /* there may be no more */

struct places {
	alignas(64) _Atomic uint64_t word[PLACES]; /* tag and count */
	_Atomic int64_t last[PLACES];              /* time of the last entry */
};

struct source_bucket {
	struct places places;
	_Atomic int64_t rate_due[PLACES];
	_Atomic int64_t names_due[PLACES];
};

struct service_meter {
	_Atomic int64_t due;
	_Atomic uint32_t count;
};

struct meter {
	uint64_t seed;
	_Atomic uint32_t count;
	struct source_bucket sources[BUCKETS];
	struct places pairs[BUCKETS]; /* of a source and a service */
	struct service_meter services[METER_SERVICES_MAX];
};

size_t
meter_size(void)
{
	return sizeof(struct meter);
}

struct meter *
meter_init(void *p, uint64_t seed)
{
	struct meter *m = p;

	m->seed = seed;
	return m;
}

/* Count one more, if max, unless it is 0, has not been reached. */
static bool
count_enter(_Atomic uint32_t *count, uint32_t max)
{
	uint32_t old = atomic_load(count);

	do {
		if ((max != 0 && old >= max) || old == UINT32_MAX)
			return false;
	} while (!atomic_compare_exchange_weak(count, &old, old + 1));
	return true;
}

/* Count one less; never less than none. */
static void
count_leave(_Atomic uint32_t *count)
{
	uint32_t old = atomic_load(count);

	do {
		if (old == 0)
			return;
	} while (!atomic_compare_exchange_weak(count, &old, old - 1));
}

/* Nanoseconds between two events of r; r.count is not 0. */
static int64_t
rate_step(struct rate r)
{
	int64_t step = (int64_t)r.period_ms * NS_PER_MS / r.count;

	return step > 0 ? step : 1;
}

/*
 * When the events so far will have been paid for.  Not before now; and not
 * later than the rate r can bring about, as it may have been a slower one.
 */
static int64_t
rate_start(int64_t due, struct rate r, int64_t now)
{
	int64_t latest = now + rate_step(r) * r.count;

	if (due < now)
		return now;
	return due < latest ? due : latest;
}

/*
 * One more event of rate r, if there may be one (the generic cell rate
 * algorithm).  Returns whether there may.
 */
static bool
rate_take(_Atomic int64_t *due, struct rate r, int64_t now_ms)
{
	int64_t now = now_ms * NS_PER_MS;
	int64_t old = atomic_load(due);
	int64_t step, next;
	bool taken;

	if (r.count == 0)
		return true;
	step = rate_step(r);
	do {
		next = rate_start(old, r, now);
		taken = next + step - now <= step * r.count;
		if (taken)
			next += step;
	} while (!atomic_compare_exchange_weak(due, &old, next));
	return taken;
}

static uint32_t
word_tag(uint64_t word)
{
	return (uint32_t)(word >> 32);
}

static uint32_t
word_count(uint64_t word)
{
	return (uint32_t)word;
}

/* Connections of tag in all of its places. */
static uint64_t
places_sum(const struct places *p, uint32_t tag)
{
	uint64_t sum = 0, word;
	int i;

	for (i = 0; i < PLACES; i++) {
		word = atomic_load(&p->word[i]);
		if (word_tag(word) == tag)
			sum += word_count(word);
	}
	return sum;
}

/*
 * The place of tag; or else one without connections, the one that has been
 * quiet longest; or PLACE_NONE.  *word is what is there.
 */
static int
places_find(const struct places *p, uint32_t tag, uint64_t *word)
{
	int64_t last, oldest = INT64_MAX;
	int i, found = PLACE_NONE;
	uint64_t w;

	for (i = 0; i < PLACES; i++) {
		w = atomic_load(&p->word[i]);
		if (word_tag(w) == tag) {
			*word = w;
			return i;
		}
		/* A place that was never taken is the quietest of all. */
		last = w != 0 ? atomic_load(&p->last[i]) : INT64_MIN;
		if (word_count(w) == 0 && last < oldest) {
			oldest = last;
			found = i;
			*word = w;
		}
	}
	return found;
}

/* Count one less in a word; never less than none.  Returns whether it did. */
static bool
word_leave(_Atomic uint64_t *word)
{
	uint64_t old = atomic_load(word);

	do {
		if (word_count(old) == 0)
			return false;
	} while (!atomic_compare_exchange_weak(word, &old, old - 1));
	return true;
}

/*
 * Count one more of tag, if max allows.  Returns its place, and whether the
 * place was another's before; or PLACE_NONE or PLACE_OVER.
 *
 * Of any set of connections that are let in, the one that was counted last
 * sees all the others in its second look: so there are never more than max.
 */
static int
places_enter(struct places *p, uint32_t tag, uint32_t max, bool *fresh)
{
	uint64_t old, new;
	int i;

	do {
		if (max != 0 && places_sum(p, tag) >= max)
			return PLACE_OVER;
		i = places_find(p, tag, &old);
		if (i == PLACE_NONE)
			return PLACE_NONE;
		*fresh = word_tag(old) != tag;
		new = ((uint64_t)tag << 32 | word_count(old)) + 1;
	} while (!atomic_compare_exchange_weak(&p->word[i], &old, new));
	if (max != 0 && places_sum(p, tag) > max) {
		(void)word_leave(&p->word[i]); /* this one has been counted */
		return PLACE_OVER;
	}
	return i;
}

bool
meter_enter(struct meter *m, uint32_t max)
{
	return count_enter(&m->count, max);
}

void
meter_leave(struct meter *m)
{
	count_leave(&m->count);
}

/* Every bit of the result depends on every bit of h (splitmix64). */
static uint64_t
stir(uint64_t h)
{
	h = (h ^ (h >> 30)) * 0xbf58476d1ce4e5b9;
	h = (h ^ (h >> 27)) * 0x94d049bb133111eb;
	return h ^ (h >> 31);
}

/*
 * Which bucket and which tag.  The seed comes in twice, before and between,
 * so that who does not know it cannot find two keys with the same result.
 */
static void
hash_key(const struct meter *m, uint64_t key, uint32_t *bucket, uint32_t *tag)
{
	uint64_t h = stir(stir(key ^ m->seed) + m->seed);

	*bucket = (uint32_t)(h % BUCKETS);
	*tag = (uint32_t)(h >> 32);
	/* 0 stands for none, and all ones are half of METER_NONE. */
	if (*tag >> 16 == 0 || *tag >> 16 == 0xffff)
		*tag ^= 0x55550000;
}

/* An IPv6 /64 is its own key; an IPv4 address is put where multicast is. */
static uint64_t
source_key(const uint8_t address[static ADDRESS_BYTES])
{
	const bool is_ipv4 = address_is_mapped(address);
	uint64_t key;
	uint8_t bytes[sizeof(key)];

	memcpy(bytes, address + (is_ipv4 ? sizeof(bytes) : 0), sizeof(bytes));
	if (is_ipv4)
		bytes[0] = 0xff;
	memcpy(&key, bytes, sizeof(key));
	return key;
}

/* What a source is called by its users: its place, and half of its tag. */
static uint32_t
source_name(uint32_t bucket, int place, uint32_t tag)
{
	return (tag & 0xffff0000) | (bucket * PLACES + (uint32_t)place);
}

int
meter_enter_source(struct meter *m, const uint8_t address[static ADDRESS_BYTES],
    uint32_t max, struct rate rate, int64_t now, uint32_t *source)
{
	struct source_bucket *b;
	uint32_t bucket, tag;
	bool fresh;
	int i;

	*source = METER_NONE;
	hash_key(m, source_key(address), &bucket, &tag);
	b = &m->sources[bucket];
	i = places_enter(&b->places, tag, max, &fresh);
	if (i == PLACE_OVER)
		return REFUSE_SOURCE;
	if (i == PLACE_NONE)
		return 0;
	atomic_store(&b->places.last[i], now);
	if (fresh) {
		atomic_store(&b->rate_due[i], 0);
		atomic_store(&b->names_due[i], 0);
	}
	if (!rate_take(&b->rate_due[i], rate, now)) {
		(void)word_leave(&b->places.word[i]); /* it has been counted */
		return REFUSE_RATE;
	}
	*source = source_name(bucket, i, tag);
	return 0;
}

/* Does the place of source still belong to it? */
static bool
source_is_there(const struct meter *m, uint32_t source)
{
	const struct places *p =
	    &m->sources[source % METER_SOURCES_MAX / PLACES].places;
	uint64_t word = atomic_load(&p->word[source % PLACES]);

	return source != METER_NONE && word_tag(word) >> 16 == source >> 16;
}

void
meter_leave_source(struct meter *m, uint32_t source)
{
	struct places *p =
	    &m->sources[source % METER_SOURCES_MAX / PLACES].places;

	if (source_is_there(m, source))
		(void)word_leave(&p->word[source % PLACES]); /* or it is 0 */
}

void
meter_count_wrong_name(struct meter *m, uint32_t source, struct rate budget,
    int64_t now)
{
	struct source_bucket *b =
	    &m->sources[source % METER_SOURCES_MAX / PLACES];

	if (!source_is_there(m, source))
		return;
	atomic_store(&b->places.last[source % PLACES], now);
	/* If they are all used up, they stay so. */
	(void)rate_take(&b->names_due[source % PLACES], budget, now);
}

bool
meter_is_over_names(const struct meter *m, uint32_t source, struct rate budget,
    int64_t now)
{
	const struct source_bucket *b =
	    &m->sources[source % METER_SOURCES_MAX / PLACES];
	int64_t due;

	if (budget.count == 0 || !source_is_there(m, source))
		return false;
	now *= NS_PER_MS;
	due = atomic_load(&b->names_due[source % PLACES]);
	return rate_start(due, budget, now) - now >
	    rate_step(budget) * (budget.count - 1);
}

/* The pair of a service and a source, whichever of its places it has. */
static struct places *
pair_find(struct meter *m, uint32_t service, uint32_t source, uint32_t *tag)
{
	uint32_t bucket;

	source = (source & 0xffff0000) | (source % METER_SOURCES_MAX / PLACES);
	hash_key(m, (uint64_t)service << 32 | source, &bucket, tag);
	return &m->pairs[bucket];
}

/* Returns 0 or REFUSE_SOURCE. */
static int
pair_enter(struct meter *m, uint32_t service, uint32_t source, uint32_t max,
    int64_t now)
{
	struct places *p;
	uint32_t tag;
	bool fresh;
	int i;

	if (source == METER_NONE)
		return 0;
	p = pair_find(m, service, source, &tag);
	i = places_enter(p, tag, max, &fresh);
	if (i >= 0)
		atomic_store(&p->last[i], now);
	return i == PLACE_OVER ? REFUSE_SOURCE : 0;
}

static void
pair_leave(struct meter *m, uint32_t service, uint32_t source)
{
	struct places *p;
	uint32_t tag;
	int i;

	if (source == METER_NONE)
		return;
	p = pair_find(m, service, source, &tag);
	for (i = 0; i < PLACES; i++)
		if (word_tag(atomic_load(&p->word[i])) == tag &&
		    word_leave(&p->word[i]))
			return;
}

int
meter_enter_service(struct meter *m, uint32_t service, uint32_t source,
    uint32_t max, uint32_t max_per_source, struct rate rate, int64_t now)
{
	struct service_meter *s;
	int why;

	if (service >= METER_SERVICES_MAX)
		return 0;
	s = &m->services[service];
	if (!count_enter(&s->count, max))
		return REFUSE_FULL;
	why = pair_enter(m, service, source, max_per_source, now);
	if (why != 0)
		goto fail;
	if (!rate_take(&s->due, rate, now)) {
		why = REFUSE_RATE;
		pair_leave(m, service, source);
		goto fail;
	}
	return 0;
fail:
	count_leave(&s->count);
	return why;
}

void
meter_leave_service(struct meter *m, uint32_t service, uint32_t source)
{
	if (service >= METER_SERVICES_MAX)
		return;
	pair_leave(m, service, source);
	count_leave(&m->services[service].count);
}

uint32_t
meter_service_count(const struct meter *m, uint32_t service)
{
	if (service >= METER_SERVICES_MAX)
		return 0;
	return atomic_load(&m->services[service].count);
}
