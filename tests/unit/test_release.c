/*
 * What the monitor does with the memory of a process that has died, and that
 * may have gone bad before: it gives back what is counted, and believes
 * nothing.
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "daemon/front/slots.h"
#include "daemon/hold.h"

static const uint8_t address[ADDRESS_BYTES] = { [10] = 0xff,
	0xff,
	10,
	0,
	0,
	1 };
static const struct rate no_rate;

static struct generation g;

static int
make_generation(void **state)
{
	const struct service *first, *second;
	struct table *t = table_new();
	void *p = mmap(NULL, meter_size(), PROT_READ | PROT_WRITE,
	    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	(void)state;
	if (t == NULL || p == MAP_FAILED ||
	    table_finish(t, &first, &second) == -1)
		return -1;
	g.table = t;
	g.meter = meter_init(p, 7);
	return 0;
}

/* Fill memory with bytes of a fixed course that looks like none. */
static void
scribble(void *memory, size_t size, uint32_t seed)
{
	unsigned char *p = memory;
	size_t i;

	for (i = 0; i < size; i++) {
		seed = seed * 1103515245 + 12345;
		p[i] = (unsigned char)(seed >> 16);
	}
}

/* One connection of the source at service 0; how many there are then. */
static uint32_t
enter(void)
{
	uint32_t source;

	assert_true(meter_enter(g.meter, 0));
	assert_int_equal(meter_enter_source(g.meter, address, 0, no_rate, 1,
			     &source),
	    0);
	assert_int_equal(meter_enter_service(g.meter, 0, source, 0, 0, no_rate,
			     1),
	    0);
	return source;
}

static void
t10_what_a_dead_process_held_is_given_back(void **state)
{
	struct hold holds[3] = { { .held = HELD_NOTHING } };

	(void)state;
	holds[1] = (struct hold){ HELD_SERVICE, 0, enter() };
	assert_int_equal(meter_service_count(g.meter, 0), 1);
	hold_release_all(holds, sizeof(holds), &g);
	assert_int_equal(meter_service_count(g.meter, 0), 0);
	assert_true(meter_enter(g.meter, 1));
	meter_leave(g.meter);
	hold_release_all(holds, sizeof(holds), &g);
}

static void
t9_holds_of_any_bytes_end_nobody(void **state)
{
	const size_t size = 1000 * sizeof(struct hold) + 1;
	void *memory = malloc(size);
	uint32_t seed;

	(void)state;
	assert_non_null(memory);
	for (seed = 0; seed < 100; seed++) {
		scribble(memory, size, seed);
		hold_release_all(memory, size, &g);
	}
	memset(memory, 0xff, size);
	hold_release_all(memory, size, &g);
	free(memory);
}

static void
t9_slots_of_any_bytes_end_nobody(void **state)
{
	const size_t size =
	    sizeof(struct slots_shared) + 1000 * sizeof(struct conn);
	struct slots_shared *memory = malloc(size);
	uint32_t seed;

	(void)state;
	assert_non_null(memory);
	for (seed = 0; seed < 100; seed++) {
		scribble(memory, size, seed);
		memory->used = seed % 2 == 0 ? UINT32_MAX : 1000;
		slots_release(memory, size, g.meter);
	}
	free(memory);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(t10_what_a_dead_process_held_is_given_back),
		cmocka_unit_test(t9_holds_of_any_bytes_end_nobody),
		cmocka_unit_test(t9_slots_of_any_bytes_end_nobody),
	};

	return cmocka_run_group_tests(tests, make_generation, NULL);
}
