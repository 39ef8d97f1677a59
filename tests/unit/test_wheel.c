/*
 * Deadlines in a wheel: daemon/relay/wheel.c.
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "daemon/relay/wheel.h"

#define ITEMS 500
#define ROUND ((int64_t)WHEEL_TICK_MS * WHEEL_TICKS)

static struct wheel wheel;
static struct wheel_item items[ITEMS];

static int
begin(void **state)
{
	(void)state;
	memset(items, 0, sizeof(items));
	wheel_init(&wheel, items, 0);
	return 0;
}

static void
without_a_deadline_there_is_nothing_to_wait_for(void **state)
{
	(void)state;
	assert_int_equal(wheel_wait(&wheel, 0), -1);
	assert_int_equal(wheel_pop(&wheel, 10 * ROUND), WHEEL_NONE);
	wheel_set(&wheel, 3, WHEEL_NEVER);
	assert_int_equal(wheel_wait(&wheel, 10 * ROUND), -1);
}

/* A deadline comes once, never early, and at most two ticks late. */
static void
assert_comes(int64_t now, int64_t due)
{
	int64_t at = now;
	int ms;

	wheel_set(&wheel, 7, due);
	for (;;) {
		ms = wheel_wait(&wheel, at);
		assert_int_not_equal(ms, -1);
		at += ms;
		if (wheel_pop(&wheel, at) == 7)
			break;
		assert_true(at < due + 2L * WHEEL_TICK_MS);
	}
	assert_true(at >= due);
	assert_true(at <= due + 2L * WHEEL_TICK_MS);
	assert_int_equal(wheel_pop(&wheel, at + 3 * ROUND), WHEEL_NONE);
	assert_int_equal(wheel_wait(&wheel, at), -1);
}

static void
a_deadline_comes_once_and_in_time(void **state)
{
	static const int64_t after[] = { 0, 1, WHEEL_TICK_MS - 1, WHEEL_TICK_MS,
		WHEEL_TICK_MS + 1, 1000, ROUND - WHEEL_TICK_MS, ROUND - 1,
		ROUND, ROUND + 1, 3 * ROUND, 100 * ROUND + 5 };
	int64_t now = 0;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(after) / sizeof(after[0]); i++) {
		assert_comes(now, now + after[i]);
		now += after[i] + 4 * ROUND;
	}
}

static void
a_deadline_in_the_past_comes_with_the_next_tick(void **state)
{
	(void)state;
	assert_int_equal(wheel_pop(&wheel, ROUND), WHEEL_NONE);
	wheel_set(&wheel, 0, 5);
	assert_int_equal(wheel_pop(&wheel, ROUND + WHEEL_TICK_MS), 0);
}

static void
a_deadline_can_be_moved_and_taken_back(void **state)
{
	(void)state;
	wheel_set(&wheel, 1, 1000);
	wheel_set(&wheel, 1, 5000);
	wheel_set(&wheel, 2, 1000);
	wheel_set(&wheel, 2, WHEEL_NEVER);
	assert_int_equal(wheel_pop(&wheel, 2000), WHEEL_NONE);
	assert_int_equal(wheel_pop(&wheel, 6000), 1);
	assert_int_equal(wheel_pop(&wheel, 60000), WHEEL_NONE);
}

static void
those_of_one_tick_may_be_changed_while_they_come(void **state)
{
	uint32_t i, got, seen = 0;

	(void)state;
	for (i = 0; i < 10; i++)
		wheel_set(&wheel, i, 100);
	while ((got = wheel_pop(&wheel, 1000)) != WHEEL_NONE) {
		seen++;
		/* The next of the list goes, and this one comes again. */
		wheel_set(&wheel, got, 1000 + ROUND);
		if (got > 0)
			wheel_set(&wheel, got - 1, WHEEL_NEVER);
	}
	assert_int_equal(seen, 5);
	assert_int_equal(wheel.nitems, 5);
}

/* The same as a list that is searched, over a long time. */
static void
all_come_in_time_as_from_a_list(void **state)
{
	static int64_t due[ITEMS];
	int64_t now = 0;
	uint32_t i, item, step;

	(void)state;
	srandom(1);
	for (i = 0; i < ITEMS; i++)
		due[i] = WHEEL_NEVER;
	for (step = 0; step < 200000; step++) {
		item = (uint32_t)random() % ITEMS;
		due[item] = random() % 4 == 0 ?
		    WHEEL_NEVER :
		    now + random() % (step % 2 == 0 ? 1000 : 3 * ROUND);
		wheel_set(&wheel, item, due[item]);
		now += random() % 3 == 0 ? random() % 500 : 0;
		while ((item = wheel_pop(&wheel, now)) != WHEEL_NONE) {
			assert_true(due[item] <= now);
			due[item] = WHEEL_NEVER;
		}
		if (step % 100 == 0)
			for (i = 0; i < ITEMS; i++)
				assert_true(due[i] > now - 2L * WHEEL_TICK_MS);
	}
}

int
main(int argc, char *argv[])
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(
		    without_a_deadline_there_is_nothing_to_wait_for, begin),
		cmocka_unit_test_setup(a_deadline_comes_once_and_in_time,
		    begin),
		cmocka_unit_test_setup(
		    a_deadline_in_the_past_comes_with_the_next_tick, begin),
		cmocka_unit_test_setup(a_deadline_can_be_moved_and_taken_back,
		    begin),
		cmocka_unit_test_setup(
		    those_of_one_tick_may_be_changed_while_they_come, begin),
		cmocka_unit_test_setup(all_come_in_time_as_from_a_list, begin),
	};

	if (argc > 1)
		cmocka_set_test_filter(argv[1]);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
