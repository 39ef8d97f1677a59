/*
 * The table: services, sorted and indexed, and what becomes of a name.
 */

#include <errno.h>
#include <stdalign.h>
#include <stdlib.h>
#include <string.h>

#include "table/index.h"
#include "table/limits.h"
#include "table/table.h"

_Static_assert(SERVICE_NONE == INDEX_NONE, "what is not found is no service");
_Static_assert(TABLE_METERS_MAX >= 2 * TABLE_SERVICES_MAX, "it is for two");

/* Memory is taken from blocks of this size; larger pieces have their own. */
#define BLOCK_BYTES 65536

struct block {
	struct block *next;
	size_t used, size;
	alignas(max_align_t) char bytes[];
};

/* Services that have been added wait in chunks, as their places are known. */
#define CHUNK_SERVICES 256
#define CHUNKS_MAX     ((TABLE_SERVICES_MAX + CHUNK_SERVICES - 1) / CHUNK_SERVICES)

struct table_memory {
	struct block *blocks; /* the first has room */
	struct service *chunks[CHUNKS_MAX];
	uint32_t nadded;
	/* Where table_finish() is: */
	uint32_t *places; /* of the services, in the order of their adding */
	uint32_t service; /* whose names are next */
	size_t name;      /* of its names */
};

static struct tcpmux_span
span(const char *text)
{
	return (struct tcpmux_span){ text, strlen(text) };
}

static struct service *
service_added(const struct table_memory *m, uint32_t i)
{
	return &m->chunks[i / CHUNK_SERVICES][i % CHUNK_SERVICES];
}

static bool
service_is_named(const struct service *s, const char *name)
{
	return tcpmux_compare_names(span(s->name), span(name)) == 0;
}

/* The seed of every table: nothing is served but the mux itself. */
static int
table_set_defaults(struct table *t)
{
	static const struct service tcpmux = { .name = "tcpmux" };

	t->words = words_default;
	t->request_ms = LIMIT_WAIT_S * 1000;
	t->max_offers = TABLE_OFFERS_MAX;
	t->max_offers_per_user = TABLE_OFFERS_PER_USER_MAX;
	t->log.level = LOG_CONNECTIONS;
	t->log.lines = (struct rate){ LIMIT_LOG_LINES, 1000 };
	t->log.bytes = (struct rate){ LIMIT_LOG_BYTES, 1000 };
	return table_add(t, &tcpmux) != NULL ? 0 : -1;
}

struct table *
table_new(void)
{
	struct table *t = calloc(1, sizeof(*t));

	if (t == NULL)
		return NULL;
	t->memory = calloc(1, sizeof(*t->memory));
	if (t->memory == NULL || table_set_defaults(t) == -1)
		goto fail;
	return t;
fail:
	table_free(t);
	return NULL;
}

/* The services that have been added have moved, or go with their table. */
static void
table_free_chunks(struct table_memory *m)
{
	size_t i;

	for (i = 0; i < CHUNKS_MAX; i++) {
		free(m->chunks[i]);
		m->chunks[i] = NULL;
	}
}

void
table_free(struct table *t)
{
	struct table_memory *m;
	struct block *b, *next;

	if (t == NULL)
		return;
	m = t->memory;
	if (m != NULL) {
		for (b = m->blocks; b != NULL; b = next) {
			next = b->next;
			free(b);
		}
		table_free_chunks(m);
		free(m->places);
	}
	free(m);
	index_free(t->index);
	free(t->services);
	free(t);
}

void *
table_alloc(struct table *t, size_t size)
{
	struct table_memory *m = t->memory;
	struct block *b = m->blocks;
	size_t room = BLOCK_BYTES - sizeof(struct block);
	void *p;

	if (size > SIZE_MAX - BLOCK_BYTES) {
		errno = ENOMEM;
		return NULL;
	}
	size = (size + alignof(max_align_t) - 1) & ~(alignof(max_align_t) - 1);
	if (b == NULL || size > b->size - b->used) {
		if (size > room)
			room = size;
		b = calloc(1, sizeof(*b) + room);
		if (b == NULL)
			return NULL;
		b->size = room;
		b->next = m->blocks;
		m->blocks = b;
	}
	p = b->bytes + b->used;
	b->used += size;
	return p;
}

char *
table_copy(struct table *t, const char *text)
{
	size_t size = strlen(text) + 1;
	char *copy = table_alloc(t, size);

	if (copy != NULL)
		memcpy(copy, text, size);
	return copy;
}

struct service *
table_add(struct table *t, const struct service *s)
{
	struct table_memory *m = t->memory;
	struct service **chunk, *first, *added;

	first = m->nadded > 0 ? service_added(m, 0) : NULL;
	if (first != NULL && first->file == NULL && s->kind == SERVICE_TCPMUX &&
	    service_is_named(s, first->name)) {
		*first = *s;
		return first;
	}
	if (m->nadded == TABLE_SERVICES_MAX) {
		errno = E2BIG;
		return NULL;
	}
	chunk = &m->chunks[m->nadded / CHUNK_SERVICES];
	if (*chunk == NULL)
		*chunk = calloc(CHUNK_SERVICES, sizeof(**chunk));
	if (*chunk == NULL)
		return NULL;
	added = service_added(m, m->nadded++);
	*added = *s;
	return added;
}

/* A service where it was added, to be sorted. */
struct order {
	const struct service *service;
	uint32_t added;
};

/* Those of one name stay as they were added. */
static int
order_compare(const void *a, const void *b)
{
	const struct order *x = a, *y = b;
	int c;

	c = tcpmux_compare_names(span(x->service->name),
	    span(y->service->name));
	if (c != 0)
		return c;
	return x->added < y->added ? -1 : x->added > y->added;
}

/* Move the services that have been added to t->services, sorted. */
static int
table_sort(struct table *t)
{
	struct table_memory *m = t->memory;
	uint32_t i, n = m->nadded;
	struct order *order = calloc(n, sizeof(*order));
	struct service *sorted = calloc(n, sizeof(*sorted));
	uint32_t *places = calloc(n, sizeof(*places));

	if (order == NULL || sorted == NULL || places == NULL)
		goto fail;
	for (i = 0; i < n; i++)
		order[i] = (struct order){ service_added(m, i), i };
	qsort(order, n, sizeof(*order), order_compare);
	for (i = 0; i < n; i++) {
		sorted[i] = *order[i].service;
		sorted[i].meter = i;
		if (sorted[i].ok.len == 0)
			sorted[i].ok = t->words.ok;
		places[order[i].added] = i;
	}
	free(order);
	table_free_chunks(m);
	m->places = places;
	t->services = sorted;
	t->nservices = n;
	return 0;
fail:
	free(order);
	free(sorted);
	free(places);
	return -1;
}

/* An index with room for every name of t. */
static struct table_index *
table_new_index(const struct table *t)
{
	const struct service *s;
	size_t names = 0, bytes = 0, i;

	for (s = t->services; s < t->services + t->nservices; s++) {
		names += 1 + s->naliases;
		bytes += strlen(s->name);
		for (i = 0; i < s->naliases; i++)
			bytes += strlen(s->aliases[i]);
	}
	return index_new(names, bytes);
}

int
table_finish(struct table *t, const struct service **first,
    const struct service **second)
{
	struct table_memory *m = t->memory;
	const struct service *s;
	const char *name;
	uint32_t owner;

	if (t->services == NULL && table_sort(t) == -1)
		return -1;
	if (t->index == NULL && (t->index = table_new_index(t)) == NULL)
		return -1;
	for (; m->service < t->nservices; m->service++, m->name = 0) {
		s = &t->services[m->places[m->service]];
		while (m->name <= s->naliases) {
			name = m->name == 0 ? s->name : s->aliases[m->name - 1];
			m->name++;
			owner = index_add(t->index, span(name),
			    m->places[m->service]);
			if (owner == INDEX_NONE)
				continue;
			*first = &t->services[owner];
			*second = s;
			errno = EEXIST;
			return -1;
		}
	}
	return 0;
}

/*
 * The service of old that s goes on with, or NULL.  By an alias it may
 * be the same as another's, and each needs a place of its own.
 */
static const struct service *
service_before(const struct table *old, const struct service *s)
{
	uint32_t found = table_find(old, span(s->name));

	if (found == SERVICE_NONE ||
	    !service_is_named(&old->services[found], s->name))
		return NULL;
	return &old->services[found];
}

int
table_keep_meters(struct table *t, const struct table *old)
{
	const struct service *before;
	uint32_t i, unused = 0;
	bool *used;

	used = calloc(TABLE_METERS_MAX, sizeof(*used));
	if (used == NULL)
		return -1;
	for (i = 0; i < old->nservices; i++)
		used[old->services[i].meter] = true;
	for (i = 0; i < t->nservices; i++) {
		before = service_before(old, &t->services[i]);
		if (before != NULL) {
			t->services[i].meter = before->meter;
			continue;
		}
		while (used[unused])
			unused++;
		t->services[i].meter = unused++;
	}
	free(used);
	return 0;
}

uint32_t
table_find(const struct table *t, struct tcpmux_span name)
{
	return index_find(t->index, name);
}

/* Who may use a service, or what nobody serves. */
static const struct access *
access_of(const struct table *t, uint32_t service)
{
	if (service == SERVICE_NONE || !t->services[service].has_access)
		return &t->access;
	return &t->services[service].access;
}

/* May the peer with address use this service? */
static bool
table_allows(const struct table *t, uint32_t service,
    const uint8_t address[static ADDRESS_BYTES])
{
	return access_allows(access_of(t, service), address);
}

struct verdict
table_decide(const struct table *t, struct tcpmux_span name,
    const uint8_t address[static ADDRESS_BYTES])
{
	struct verdict v = { VERDICT_REFUSE, SERVICE_NONE, REFUSE_UNKNOWN };
	bool allowed;

	if (words_is_help(&t->words, name)) {
		v.what = VERDICT_HELP;
		return v;
	}
	v.service = table_find(t, name);
	/* An unknown name takes the same way as one that is denied (rule 29). */
	allowed = access_allows(access_of(t, v.service), address);
	if (v.service == SERVICE_NONE || !allowed)
		return v;
	v.what = t->services[v.service].kind == SERVICE_TCPMUX ?
	    VERDICT_NEXT :
	    VERDICT_HAND_OVER;
	return v;
}

uint32_t
table_listed(const struct table *t, uint32_t place,
    const uint8_t address[static ADDRESS_BYTES])
{
	while (place < t->nservices &&
	    (t->services[place].hidden || !table_allows(t, place, address)))
		place++;
	return place;
}

uint32_t
table_behind(const struct table *t, struct tcpmux_span name)
{
	uint32_t low = 0, high = t->nservices, middle;

	while (low < high) {
		middle = low + (high - low) / 2;
		if (tcpmux_compare_names(span(t->services[middle].name),
			name) <= 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

uint32_t
table_count(const struct table *t, enum service_kind kind)
{
	uint32_t i, n = 0;

	for (i = 0; i < t->nservices; i++)
		if (t->services[i].kind == kind)
			n++;
	return n;
}

const char *
service_kind_name(enum service_kind kind)
{
	static const char *const names[] = {
		[SERVICE_TCPMUX] = "tcpmux",
		[SERVICE_ECHO] = "echo",
		[SERVICE_DISCARD] = "discard",
		[SERVICE_DAYTIME] = "daytime",
		[SERVICE_EXEC] = "exec",
		[SERVICE_RELAY] = "relay",
		[SERVICE_SOCKET] = "socket",
		[SERVICE_OFFERED] = "offered-by",
	};

	return names[kind];
}

const char *
log_level_name(enum log_level level)
{
	static const char *const names[] = {
		[LOG_NOTHING] = "nothing",
		[LOG_REFUSALS] = "refusals",
		[LOG_CONNECTIONS] = "connections",
	};

	return names[level];
}
