/*
 * What is counted, for one process at a time: table/meter.c.
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "table/meter.h"
#include "tests/unit/guard.h"

#define SERVICE 7

static const struct rate none = { 0, 0 };

static struct guard memory;
static struct meter *m;

/* Its pages come and go with each test; its last byte is at the guard. */
static int
make_meter(void **state)
{
	(void)state;
	if (guard_init(&memory, meter_size()) == -1)
		return -1;
	m = meter_init(guard_last(&memory, (meter_size() + 63) / 64 * 64),
	    0x0123456789abcdef);
	return 0;
}

static int
drop_meter(void **state)
{
	(void)state;
	guard_clear(&memory);
	return 0;
}

static const uint8_t *
address(const char *text)
{
	static struct network n;

	assert_int_equal(network_parse(text, &n), 0);
	return n.address;
}

/* The i-th of many IPv4 addresses. */
static const uint8_t *
numbered(uint32_t i)
{
	static struct network n;

	assert_int_equal(network_parse("10.0.0.0/8", &n), 0);
	n.address[13] = (uint8_t)(i >> 16);
	n.address[14] = (uint8_t)(i >> 8);
	n.address[15] = (uint8_t)i;
	return n.address;
}

/* Enter without a limit; returns the source. */
static uint32_t
enter(const uint8_t *a, int64_t now)
{
	uint32_t source;

	assert_int_equal(meter_enter_source(m, a, 0, none, now, &source), 0);
	return source;
}

static void
assert_entered(const char *peer, uint32_t max, struct rate rate, int64_t now,
    int result)
{
	uint32_t source = 1;

	assert_int_equal(meter_enter_source(m, address(peer), max, rate, now,
			     &source),
	    result);
	assert_true((result != 0) == (source == METER_NONE));
}

static void
there_are_never_more_than_max_in_all(void **state)
{
	int i;

	(void)state;
	for (i = 0; i < 3; i++)
		assert_true(meter_enter(m, 3));
	assert_false(meter_enter(m, 3));
	assert_true(meter_enter(m, 0));
	assert_false(meter_enter(m, 4));
	meter_leave(m);
	meter_leave(m);
	assert_true(meter_enter(m, 3));
	assert_false(meter_enter(m, 3));
}

static void
a_counter_never_goes_under_none(void **state)
{
	uint32_t source;

	(void)state;
	meter_leave(m);
	meter_leave_service(m, SERVICE, METER_NONE);
	source = enter(address("192.0.2.1"), 0);
	meter_leave_source(m, source);
	meter_leave_source(m, source);
	meter_leave_service(m, SERVICE, source);
	assert_true(meter_enter(m, 1));
	assert_false(meter_enter(m, 1));
	assert_int_equal(meter_service_count(m, SERVICE), 0);
	assert_entered("192.0.2.1", 1, none, 0, 0);
	assert_entered("192.0.2.1", 1, none, 0, REFUSE_SOURCE);
}

static void
a_source_is_an_ipv4_address_or_an_ipv6_64(void **state)
{
	(void)state;
	assert_entered("192.0.2.1", 1, none, 0, 0);
	assert_entered("::ffff:192.0.2.1", 1, none, 0, REFUSE_SOURCE);
	assert_entered("192.0.2.2", 1, none, 0, 0);
	assert_entered("193.0.2.1", 1, none, 0, 0);
	assert_entered("2001:db8::1", 1, none, 0, 0);
	assert_entered("2001:db8::2:3:4:5", 1, none, 0, REFUSE_SOURCE);
	assert_entered("2001:db8:0:1::1", 1, none, 0, 0);
	assert_entered("::1", 1, none, 0, 0);
	assert_entered("::2", 1, none, 0, REFUSE_SOURCE);
	assert_entered("::fffe:192.0.2.1", 1, none, 0, REFUSE_SOURCE);
	assert_entered("0.0.0.0", 1, none, 0, 0);
}

static void
t4_a_source_that_ends_one_may_have_one_again(void **state)
{
	uint32_t first, source;

	(void)state;
	assert_int_equal(meter_enter_source(m, address("::1"), 2, none, 5,
			     &first),
	    0);
	assert_int_equal(meter_enter_source(m, address("::1"), 2, none, 5,
			     &source),
	    0);
	assert_int_equal(source, first);
	assert_entered("::1", 2, none, 5, REFUSE_SOURCE);
	meter_leave_source(m, source);
	assert_entered("::1", 2, none, 5, 0);
	assert_entered("::1", 2, none, 5, REFUSE_SOURCE);
	assert_entered("::1", 3, none, 5, 0);
}

static void
a_burst_may_use_a_whole_rate_at_once_and_not_one_more(void **state)
{
	static const struct rate rates[] = { { 1, 1 }, { 3, 1000 },
		{ 10, 1000 }, { 7, 60000 }, { 1000, 1000 }, { 40000, 1000 },
		{ 1000, 86400000 }, { 1, UINT32_MAX } };
	int64_t now = 1000000;
	size_t i;
	uint32_t j;

	(void)state;
	for (i = 0; i < sizeof(rates) / sizeof(rates[0]); i++) {
		uint32_t s = (uint32_t)i;

		for (j = 0; j < rates[i].count; j++)
			assert_int_equal(meter_enter_service(m, s, METER_NONE,
					     0, 0, rates[i], now),
			    0);
		assert_int_equal(meter_enter_service(m, s, METER_NONE, 0, 0,
				     rates[i], now),
		    REFUSE_RATE);
		assert_int_equal(meter_service_count(m, s), rates[i].count);
		/* A period later, all of it is there again. */
		now += rates[i].period_ms;
		for (j = 0; j < rates[i].count; j++)
			assert_int_equal(meter_enter_service(m, s, METER_NONE,
					     0, 0, rates[i], now),
			    0);
		assert_int_equal(meter_enter_service(m, s, METER_NONE, 0, 0,
				     rates[i], now),
		    REFUSE_RATE);
	}
}

static void
over_a_long_time_a_rate_is_kept_and_used(void **state)
{
	static const struct rate rate = { 30, 1000 };
	int64_t now;
	uint32_t in = 0;

	(void)state;
	for (now = 0; now < 100000; now++)
		if (meter_enter_service(m, SERVICE, METER_NONE, 0, 0, rate,
			now) == 0)
			in++;
	assert_in_range(in, 3000, 3030);
}

static void
a_clock_that_goes_back_a_little_harms_nothing(void **state)
{
	static const struct rate rate = { 2, 1000 };

	(void)state;
	assert_entered("::1", 0, rate, 10000, 0);
	assert_entered("::1", 0, rate, 9990, REFUSE_RATE);
	assert_entered("::1", 0, rate, 10000, 0);
	assert_entered("::1", 0, rate, 10000, REFUSE_RATE);
	assert_entered("::1", 0, rate, 9999, REFUSE_RATE);
	assert_entered("::1", 0, rate, 10500, 0);
}

static void
a_faster_rate_holds_as_soon_as_it_is_configured(void **state)
{
	static const struct rate slow = { 1, 86400000 }, fast = { 1, 1000 };

	(void)state;
	assert_entered("::1", 0, slow, 0, 0);
	assert_entered("::1", 0, slow, 5000, REFUSE_RATE);
	assert_entered("::1", 0, fast, 5000, REFUSE_RATE);
	assert_entered("::1", 0, fast, 6000, 0);
}

static void
what_is_refused_is_not_counted(void **state)
{
	static const struct rate rate = { 1, 1000 };
	uint32_t source;

	(void)state;
	assert_entered("::1", 2, rate, 0, 0);
	assert_entered("::1", 2, rate, 0, REFUSE_RATE);
	assert_entered("::1", 2, rate, 0, REFUSE_RATE);
	assert_entered("::1", 2, none, 0, 0);
	assert_entered("::1", 2, none, 0, REFUSE_SOURCE);

	source = enter(address("::1"), 0);
	assert_int_equal(meter_enter_service(m, 1, source, 2, 2, rate, 0), 0);
	assert_int_equal(meter_enter_service(m, 1, source, 2, 2, rate, 0),
	    REFUSE_RATE);
	assert_int_equal(meter_enter_service(m, 1, source, 2, 1, rate, 0),
	    REFUSE_SOURCE);
	assert_int_equal(meter_enter_service(m, 1, source, 1, 2, rate, 0),
	    REFUSE_FULL);
	assert_int_equal(meter_service_count(m, 1), 1);
	/* And the source, neither. */
	assert_int_equal(meter_enter_service(m, 1, source, 2, 2, none, 0), 0);
	/* What full or source refuse uses up no rate. */
	meter_leave_service(m, 1, source);
	meter_leave_service(m, 1, source);
	assert_int_equal(meter_enter_service(m, 1, source, 2, 2, rate, 1000),
	    0);
}

static void
t4_a_service_is_full_for_all_and_for_each_source(void **state)
{
	uint32_t a = enter(address("192.0.2.1"), 0);
	uint32_t b = enter(address("2001:db8::"), 0);

	(void)state;
	assert_int_equal(meter_enter_service(m, 1, a, 3, 1, none, 0), 0);
	assert_int_equal(meter_enter_service(m, 1, a, 3, 1, none, 0),
	    REFUSE_SOURCE);
	assert_int_equal(meter_enter_service(m, 2, a, 3, 1, none, 0), 0);
	assert_int_equal(meter_enter_service(m, 1, b, 3, 1, none, 0), 0);
	assert_int_equal(meter_enter_service(m, 1, METER_NONE, 3, 1, none, 0),
	    0);
	assert_int_equal(meter_enter_service(m, 1, METER_NONE, 3, 1, none, 0),
	    REFUSE_FULL);
	meter_leave_service(m, 1, a);
	assert_int_equal(meter_service_count(m, 1), 2);
	assert_int_equal(meter_enter_service(m, 1, b, 3, 1, none, 0),
	    REFUSE_SOURCE);
	assert_int_equal(meter_enter_service(m, 1, a, 3, 1, none, 0), 0);
}

static void
a_service_that_has_no_place_is_not_counted(void **state)
{
	static const struct rate rate = { 1, 1000 };
	int i;

	(void)state;
	for (i = 0; i < 3; i++)
		assert_int_equal(meter_enter_service(m, METER_NONE, 0, 1, 1,
				     rate, 0),
		    0);
	meter_leave_service(m, METER_NONE, 0);
	assert_int_equal(meter_service_count(m, METER_NONE), 0);
	assert_int_equal(meter_enter_service(m, METER_SERVICES_MAX - 1,
			     METER_NONE, 1, 1, rate, 0),
	    0);
	assert_int_equal(meter_service_count(m, METER_SERVICES_MAX - 1), 1);
}

static void
wrong_names_are_used_up_and_come_back(void **state)
{
	static const struct rate budget = { 3, 60000 };
	uint32_t source = enter(address("192.0.2.1"), 0);
	uint32_t other = enter(address("192.0.2.2"), 0);
	int i;

	(void)state;
	for (i = 0; i < 3; i++) {
		assert_false(meter_is_over_names(m, source, budget, 0));
		meter_count_wrong_name(m, source, budget, 0);
	}
	assert_true(meter_is_over_names(m, source, budget, 0));
	assert_false(meter_is_over_names(m, other, budget, 0));
	assert_false(meter_is_over_names(m, source, none, 0));
	/* Those behind the last make it no worse. */
	for (i = 0; i < 100; i++)
		meter_count_wrong_name(m, source, budget, 0);
	assert_true(meter_is_over_names(m, source, budget, 19999));
	assert_false(meter_is_over_names(m, source, budget, 20000));
	meter_count_wrong_name(m, source, budget, 20000);
	assert_true(meter_is_over_names(m, source, budget, 20000));
	/* It is remembered of a source without connections. */
	meter_leave_source(m, source);
	source = enter(address("192.0.2.1"), 20001);
	assert_true(meter_is_over_names(m, source, budget, 20001));
	meter_count_wrong_name(m, METER_NONE, budget, 0);
	assert_false(meter_is_over_names(m, METER_NONE, budget, 0));
}

static void
a_quiet_source_makes_room_and_a_busy_one_does_not(void **state)
{
	static const struct rate slow = { 1, UINT32_MAX };
	static uint32_t sources[METER_SOURCES_MAX * 2];
	uint32_t i, counted = 0, n = METER_SOURCES_MAX * 2;
	uint32_t source;

	(void)state;
	for (i = 0; i < n; i++) {
		sources[i] = enter(numbered(i), i);
		counted += sources[i] != METER_NONE;
	}
	/* Two for each place: hardly a bucket has had fewer than places. */
	assert_in_range(counted, METER_SOURCES_MAX * 99 / 100,
	    METER_SOURCES_MAX);
	/* Who has a connection kept its place, and so its limit. */
	for (i = 0; i < n; i++)
		assert_int_equal(meter_enter_source(m, numbered(i), 1, none, n,
				     &source),
		    sources[i] != METER_NONE ? REFUSE_SOURCE : 0);
	for (i = 0; i < n; i++)
		meter_leave_source(m, sources[i]);
	/* Whoever comes now is counted, and owes nothing. */
	for (i = 0; i < METER_SOURCES_MAX / 4; i++) {
		assert_int_equal(meter_enter_source(m, numbered(n + i), 1, slow,
				     n, &source),
		    0);
		assert_int_not_equal(source, METER_NONE);
		meter_leave_source(m, source);
	}
}

static void
of_the_quiet_ones_the_quietest_goes(void **state)
{
	static const struct rate budget = { 1, UINT32_MAX };
	uint32_t i, source, known = 0;
	uint32_t old = METER_SOURCES_MAX;

	(void)state;
	/* Twice as many as there are places, each with a wrong name. */
	for (i = 0; i < 2 * old; i++) {
		source = enter(numbered(i), i);
		meter_count_wrong_name(m, source, budget, i);
		meter_leave_source(m, source);
	}
	/* Of the last quarter nearly all are remembered: the buckets differ. */
	for (i = 2 * old - old / 4; i < 2 * old; i++) {
		source = enter(numbered(i), 2 * old);
		known += meter_is_over_names(m, source, budget, 2 * old);
	}
	assert_in_range(known, old / 4 - old / 100, old / 4);
}

static void
a_name_of_a_source_that_is_gone_does_not_count_for_another(void **state)
{
	uint32_t gone, source, i;
	int changed = 0;

	(void)state;
	gone = enter(numbered(0), 0);
	meter_leave_source(m, gone);
	/* Until somebody else has its place. */
	for (i = 1; i < 2000000 && !changed; i++) {
		source = enter(numbered(i), i);
		changed = (source & 0xffff) == (gone & 0xffff);
		if (!changed)
			meter_leave_source(m, source);
	}
	assert_true(changed);
	meter_leave_source(m, gone);
	assert_int_equal(meter_enter_source(m, numbered(i - 1), 1, none, i,
			     &source),
	    REFUSE_SOURCE);
}

static void
seeds_put_sources_into_different_places(void **state)
{
	uint32_t first, second;
	size_t same = 0, i;

	(void)state;
	for (i = 0; i < 64; i++) {
		m = meter_init(m, 1);
		first = enter(numbered((uint32_t)i), 0);
		m = meter_init(m, 2);
		second = enter(numbered((uint32_t)i), 0);
		same += (first & 0xffff) / 8 == (second & 0xffff) / 8;
	}
	assert_in_range(same, 0, 2);
}

int
main(int argc, char *argv[])
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, make_meter, drop_meter)
	const struct CMUnitTest tests[] = {
		TEST(there_are_never_more_than_max_in_all),
		TEST(a_counter_never_goes_under_none),
		TEST(a_source_is_an_ipv4_address_or_an_ipv6_64),
		TEST(t4_a_source_that_ends_one_may_have_one_again),
		TEST(a_burst_may_use_a_whole_rate_at_once_and_not_one_more),
		TEST(over_a_long_time_a_rate_is_kept_and_used),
		TEST(a_clock_that_goes_back_a_little_harms_nothing),
		TEST(a_faster_rate_holds_as_soon_as_it_is_configured),
		TEST(what_is_refused_is_not_counted),
		TEST(t4_a_service_is_full_for_all_and_for_each_source),
		TEST(a_service_that_has_no_place_is_not_counted),
		TEST(wrong_names_are_used_up_and_come_back),
		TEST(a_quiet_source_makes_room_and_a_busy_one_does_not),
		TEST(of_the_quiet_ones_the_quietest_goes),
		TEST(
		    a_name_of_a_source_that_is_gone_does_not_count_for_another),
		TEST(seeds_put_sources_into_different_places),
	};

	if (argc > 1)
		cmocka_set_test_filter(argv[1]);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
