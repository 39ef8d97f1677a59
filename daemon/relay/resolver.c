/*
 * The resolver: looks up the names of back ends again and again.
 *
 * For each name there are two sets of addresses, and a number whose last bit
 * tells which of them is good.  Only the other one is ever written, so one
 * who dies while writing leaves the good one behind, and nobody waits.
 */

#include <netdb.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "daemon/process.h"
#include "daemon/relay/resolver.h"
#include "os/clock.h"
#include "os/log.h"

#define ADDRESS_WORDS (ADDRESS_BYTES / sizeof(uint64_t))

struct addresses {
	_Atomic uint64_t words[RESOLVED_MAX][ADDRESS_WORDS];
	_Atomic uint64_t n;
};

struct resolved {
	_Atomic uint64_t number;
	struct addresses sets[2];
};

size_t
resolved_size(uint32_t n)
{
	return n * sizeof(struct resolved);
}

size_t
resolved_get(const struct resolved *r, uint32_t name,
    uint8_t address[static RESOLVED_MAX][ADDRESS_BYTES])
{
	const struct resolved *of = &r[name];
	uint64_t number, word;
	size_t i, j, n;

	do {
		const struct addresses *set;

		number =
		    atomic_load_explicit(&of->number, memory_order_acquire);
		set = &of->sets[number % 2];
		n = atomic_load_explicit(&set->n, memory_order_relaxed);
		for (i = 0; i < n && i < RESOLVED_MAX; i++) {
			for (j = 0; j < ADDRESS_WORDS; j++) {
				word = atomic_load_explicit(&set->words[i][j],
				    memory_order_relaxed);
				memcpy(address[i] + j * sizeof(word), &word,
				    sizeof(word));
			}
		}
		atomic_thread_fence(memory_order_acquire);
		/* This set is written again only behind the next number. */
	} while (
	    atomic_load_explicit(&of->number, memory_order_relaxed) != number);
	return n < RESOLVED_MAX ? n : RESOLVED_MAX;
}

/*
 * Let the n addresses be those of a name from now on.  They are only read, but
 * C17 does not let a caller's array become one of constant arrays.
 */
static void
publish(struct resolved *of,
    /* cppcheck-suppress constParameter */
    uint8_t address[static RESOLVED_MAX][ADDRESS_BYTES], size_t n)
{
	const uint64_t number =
	    atomic_load_explicit(&of->number, memory_order_relaxed) + 1;
	struct addresses *set = &of->sets[number % 2];
	uint64_t word;
	size_t i, j;

	/* No reader may see a new word and the number before the last. */
	atomic_thread_fence(memory_order_release);
	for (i = 0; i < n; i++) {
		for (j = 0; j < ADDRESS_WORDS; j++) {
			memcpy(&word, address[i] + j * sizeof(word),
			    sizeof(word));
			atomic_store_explicit(&set->words[i][j], word,
			    memory_order_relaxed);
		}
	}
	atomic_store_explicit(&set->n, n, memory_order_relaxed);
	atomic_store_explicit(&of->number, number, memory_order_release);
}

static void
copy_address(const struct sockaddr *sa, uint8_t address[static ADDRESS_BYTES])
{
	struct sockaddr_in6 in6;
	struct sockaddr_in in;

	if (sa->sa_family == AF_INET6) {
		memcpy(&in6, sa, sizeof(in6));
		memcpy(address, &in6.sin6_addr, ADDRESS_BYTES);
	} else {
		memcpy(&in, sa, sizeof(in));
		address_set_mapped(address, &in.sin_addr);
	}
}

/* Look a name up.  Returns how many addresses it has, 0 if none. */
static size_t
look_up(const char *name, uint8_t address[static RESOLVED_MAX][ADDRESS_BYTES])
{
	const struct addrinfo hints = { .ai_socktype = SOCK_STREAM };
	struct addrinfo *found, *ai;
	size_t n = 0;

	if (getaddrinfo(name, NULL, &hints, &found) != 0)
		return 0;
	for (ai = found; ai != NULL && n < RESOLVED_MAX; ai = ai->ai_next)
		if (ai->ai_family == AF_INET || ai->ai_family == AF_INET6)
			copy_address(ai->ai_addr, address[n++]);
	freeaddrinfo(found);
	return n;
}

/* Look up one name, and keep what is known if that fails. */
static bool
update(struct resolved *r, const struct table *t, uint32_t name)
{
	uint8_t address[RESOLVED_MAX][ADDRESS_BYTES];
	const size_t n = look_up(t->names[name], address);

	if (n > 0)
		publish(&r[name], address, n);
	return n > 0;
}

/* Take over the good set, which somebody may be writing beside. */
static void
inherit(struct resolved *r, const struct resolved *old)
{
	const uint64_t number =
	    atomic_load_explicit(&old->number, memory_order_acquire);
	const struct addresses *from = &old->sets[number % 2];
	struct addresses *to = &r->sets[0];
	size_t i, j;

	for (i = 0; i < RESOLVED_MAX; i++)
		for (j = 0; j < ADDRESS_WORDS; j++)
			to->words[i][j] = from->words[i][j];
	to->n = from->n;
}

void
resolved_inherit(struct resolved *r, const struct table *t,
    const struct resolved *old, const struct table *old_table)
{
	uint32_t i, j;

	for (i = 0; i < t->nnames; i++)
		for (j = 0; j < old_table->nnames; j++)
			if (strcmp(t->names[i], old_table->names[j]) == 0)
				inherit(&r[i], &old[j]);
}

/* End, if the monitor wants it or is gone; else wait until then. */
static void
wait_until(int control, int64_t due, struct pulse *pulse)
{
	struct pollfd watch = { .fd = control, .events = POLLIN };
	int64_t now;

	do {
		now = clock_now();
		pulse_beat(pulse, now);
		if (poll(&watch, 1,
			pulse_timeout(due > now ? (int)(due - now) : 0)) == 1 &&
		    process_order(control) != ORDER_NONE)
			_exit(EX_OK);
	} while (now < due);
}

void
resolver_run(const struct generation *g, int control, struct pulse *pulse)
{
	const struct process_rules rules = {
		.name = "tcpmuxd-resolv",
		.files = true,
		.network = true,
	};
	const uint32_t n = g->table->nnames;
	int64_t *due, next;
	uint64_t round;
	uint32_t i;

	due = calloc(n, sizeof(*due));
	if (due == NULL)
		log_fatal(EX_OSERR, "no memory for %u names", n);
	process_confine(g, &rules, pulse);
	for (next = 0, round = 0;; round++) {
		if (round > 0)
			wait_until(control, next, pulse);
		next = clock_now() + RESOLVE_EVERY_MS;
		for (i = 0; i < n; i++) {
			if (due[i] <= clock_now())
				due[i] = clock_now() +
				    (update(g->resolved, g->table, i) ?
					    RESOLVE_EVERY_MS :
					    RESOLVE_RETRY_MS);
			if (due[i] < next)
				next = due[i];
		}
		/* The monitor waits a while for the first results. */
		if (round == 0)
			process_ready(control, pulse);
	}
}
