/*
 * The order of attempts to connect, RFC 8305: lib/race.c.
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "lib/race.h"

static struct address v6[3], v4[3];
static struct race race;
static int64_t due;

static int
begin(void **state)
{
	(void)state;
	tcpmux_race_init(&race);
	tcpmux_race_await(&race, RACE_IPV6);
	tcpmux_race_await(&race, RACE_IPV4);
	return 0;
}

static void
families_take_turns_and_ipv6_begins(void **state)
{
	(void)state;
	tcpmux_race_enter(&race, RACE_IPV6, v6, 2, 0);
	tcpmux_race_enter(&race, RACE_IPV4, v4, 3, 0);
	assert_ptr_equal(tcpmux_race_next(&race, 0, &due), &v6[0]);
	assert_ptr_equal(tcpmux_race_next(&race, 250, &due), &v4[0]);
	assert_ptr_equal(tcpmux_race_next(&race, 500, &due), &v6[1]);
	assert_ptr_equal(tcpmux_race_next(&race, 750, &due), &v4[1]);
	assert_ptr_equal(tcpmux_race_next(&race, 1000, &due), &v4[2]);
	assert_null(tcpmux_race_next(&race, 1250, &due));
	assert_int_equal(due, INT64_MAX);
}

static void
an_attempt_is_alone_for_250_ms(void **state)
{
	(void)state;
	tcpmux_race_enter(&race, RACE_IPV6, v6, 2, 1000);
	assert_non_null(tcpmux_race_next(&race, 1000, &due));
	assert_null(tcpmux_race_next(&race, 1000, &due));
	assert_int_equal(due, 1250);
	assert_null(tcpmux_race_next(&race, 1249, &due));
	assert_ptr_equal(tcpmux_race_next(&race, 1250, &due), &v6[1]);
}

static void
a_failed_attempt_has_the_next_begin_at_once(void **state)
{
	(void)state;
	tcpmux_race_enter(&race, RACE_IPV6, v6, 1, 0);
	tcpmux_race_enter(&race, RACE_IPV4, v4, 1, 0);
	assert_ptr_equal(tcpmux_race_next(&race, 0, &due), &v6[0]);
	tcpmux_race_fail(&race, 3);
	assert_ptr_equal(tcpmux_race_next(&race, 3, &due), &v4[0]);
	assert_false(tcpmux_race_is_lost(&race));
	tcpmux_race_fail(&race, 4);
	assert_true(tcpmux_race_is_lost(&race));
}

static void
ipv4_waits_50_ms_for_the_answer_for_ipv6(void **state)
{
	(void)state;
	tcpmux_race_enter(&race, RACE_IPV4, v4, 2, 100);
	assert_null(tcpmux_race_next(&race, 100, &due));
	assert_int_equal(due, 150);
	assert_ptr_equal(tcpmux_race_next(&race, 150, &due), &v4[0]);
	/* One that comes later is next. */
	tcpmux_race_enter(&race, RACE_IPV6, v6, 1, 200);
	assert_null(tcpmux_race_next(&race, 200, &due));
	assert_int_equal(due, 400);
	assert_ptr_equal(tcpmux_race_next(&race, 400, &due), &v6[0]);
	assert_ptr_equal(tcpmux_race_next(&race, 650, &due), &v4[1]);
}

static void
ipv4_does_not_wait_when_there_is_no_ipv6(void **state)
{
	(void)state;
	tcpmux_race_enter(&race, RACE_IPV4, v4, 1, 100);
	tcpmux_race_enter(&race, RACE_IPV6, NULL, 0, 101);
	assert_ptr_equal(tcpmux_race_next(&race, 101, &due), &v4[0]);
}

static void
ipv6_does_not_wait_for_the_answer_for_ipv4(void **state)
{
	(void)state;
	tcpmux_race_enter(&race, RACE_IPV6, v6, 1, 0);
	assert_ptr_equal(tcpmux_race_next(&race, 0, &due), &v6[0]);
	tcpmux_race_fail(&race, 1);
	assert_null(tcpmux_race_next(&race, 1, &due));
	assert_int_equal(due, INT64_MAX);
	assert_false(tcpmux_race_is_lost(&race));
	tcpmux_race_enter(&race, RACE_IPV4, NULL, 0, 9);
	assert_true(tcpmux_race_is_lost(&race));
}

static void
an_attempt_that_could_not_begin_does_later(void **state)
{
	(void)state;
	tcpmux_race_enter(&race, RACE_IPV4, NULL, 0, 0);
	tcpmux_race_enter(&race, RACE_IPV6, v6, 1, 0);
	assert_ptr_equal(tcpmux_race_next(&race, 0, &due), &v6[0]);
	tcpmux_race_defer(&race, 20);
	assert_false(tcpmux_race_is_lost(&race));
	assert_null(tcpmux_race_next(&race, 19, &due));
	assert_int_equal(due, 20);
	assert_ptr_equal(tcpmux_race_next(&race, 20, &due), &v6[0]);
	tcpmux_race_fail(&race, 20);
	assert_true(tcpmux_race_is_lost(&race));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(families_take_turns_and_ipv6_begins,
		    begin),
		cmocka_unit_test_setup(an_attempt_is_alone_for_250_ms, begin),
		cmocka_unit_test_setup(
		    a_failed_attempt_has_the_next_begin_at_once, begin),
		cmocka_unit_test_setup(ipv4_waits_50_ms_for_the_answer_for_ipv6,
		    begin),
		cmocka_unit_test_setup(ipv4_does_not_wait_when_there_is_no_ipv6,
		    begin),
		cmocka_unit_test_setup(
		    ipv6_does_not_wait_for_the_answer_for_ipv4, begin),
		cmocka_unit_test_setup(
		    an_attempt_that_could_not_begin_does_later, begin),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
