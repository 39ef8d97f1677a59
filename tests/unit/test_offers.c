/*
 * The names that are offered: table/offers.c.
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "table/offers.h"
#include "tests/unit/services.h"

/* The model: so many names, a byte each of whether they are there. */
#define NAMES 60
#define MAX   20
#define STEPS 100000

static void
assert_name(const struct offers *o, uint32_t number, const char *name)
{
	const struct tcpmux_span got = offers_name(o, number);

	assert_int_equal(got.len, strlen(name));
	assert_memory_equal(got.p, name, got.len);
}

static void
rule_4_a_name_is_found_in_any_case_and_keeps_its_own(void **state)
{
	struct offers *o = offers_new(3);
	uint32_t web, db;

	(void)state;
	assert_int_equal(offers_count(o), 0);
	assert_int_equal(offers_find(o, span("web")), OFFER_NONE);
	web = offers_add(o, span("Web"));
	db = offers_add(o, span("alice.DB"));
	assert_int_equal(offers_count(o), 2);
	assert_int_not_equal(web, db);
	assert_int_equal(offers_find(o, span("WEB")), web);
	assert_int_equal(offers_find(o, span("web")), web);
	assert_int_equal(offers_find(o, span("ALICE.db")), db);
	assert_int_equal(offers_find(o, span("we")), OFFER_NONE);
	assert_int_equal(offers_find(o, span("webb")), OFFER_NONE);
	assert_name(o, web, "Web");
	assert_name(o, db, "alice.DB");
	offers_free(o);
	offers_free(NULL);
}

static void
a_table_without_room_takes_nothing(void **state)
{
	struct offers *o = offers_new(0);

	(void)state;
	assert_int_equal(offers_add(o, span("a")), OFFER_NONE);
	assert_int_equal(offers_find(o, span("a")), OFFER_NONE);
	assert_int_equal(offers_behind(o, span("")), OFFER_NONE);
	offers_free(o);
	o = offers_new(1);
	assert_int_equal(offers_add(o, span("a")), 0);
	assert_int_equal(offers_add(o, span("b")), OFFER_NONE);
	offers_remove(o, 0);
	offers_remove(o, 0); /* it is gone already */
	assert_int_equal(offers_add(o, span("b")), 0);
	offers_free(o);
}

static void
a_name_has_200_bytes_at_the_most(void **state)
{
	char name[TCPMUX_OFFER_NAME_MAX + 2] = "";
	struct offers *o = offers_new(2);

	(void)state;
	memset(name, 'x', TCPMUX_OFFER_NAME_MAX + 1);
	assert_int_equal(offers_add(o, span(name)), OFFER_NONE);
	name[TCPMUX_OFFER_NAME_MAX] = '\0';
	assert_int_equal(offers_add(o, span(name)), 0);
	assert_name(o, 0, name);
	offers_free(o);
}

/* A list that is going out still needs the bytes. */
static void
a_number_is_taken_again_as_late_as_can_be(void **state)
{
	struct offers *o = offers_new(4);

	(void)state;
	assert_int_equal(offers_add(o, span("a")), 0);
	offers_remove(o, 0);
	assert_name(o, 0, "a");
	assert_int_equal(offers_add(o, span("b")), 1);
	assert_int_equal(offers_add(o, span("c")), 2);
	offers_remove(o, 2);
	offers_remove(o, 1);
	assert_int_equal(offers_add(o, span("d")), 3);
	assert_name(o, 0, "a");
	assert_int_equal(offers_add(o, span("e")), 0);
	assert_int_equal(offers_add(o, span("f")), 2);
	assert_int_equal(offers_add(o, span("g")), 1);
	assert_int_equal(offers_add(o, span("h")), OFFER_NONE);
	offers_free(o);
}

static void
the_order_is_that_of_folded_names(void **state)
{
	static const char *const sorted[] = { "A", "a.b", "B", "b_", "Z" };
	struct offers *o = offers_new(5);
	uint32_t i, number;

	(void)state;
	for (i = 5; i-- > 0;)
		(void)offers_add(o, span(sorted[i]));
	number = offers_behind(o, span(""));
	for (i = 0; i < 5; i++) {
		assert_name(o, number, sorted[i]);
		number = offers_behind(o, span(sorted[i]));
	}
	assert_int_equal(number, OFFER_NONE);
	assert_name(o, offers_behind(o, span("a.")), "a.b");
	assert_name(o, offers_behind(o, span("b")), "b_");
	offers_free(o);
}

/* "n07", "N07" and so on: the order of the numbers is that of the names. */
static struct tcpmux_span
numbered(long i)
{
	char text[8];

	(void)snprintf(text, sizeof(text), "%c%02ld", "nN"[random() % 2], i);
	return span(text);
}

/* What the model says comes behind i, or NAMES. */
static long
behind(const uint32_t *numbers, long i)
{
	for (i++; i < NAMES && numbers[i] == OFFER_NONE; i++)
		;
	return i;
}

static void
assert_as_model(const struct offers *o, const uint32_t *numbers, uint32_t count)
{
	const long i = random() % NAMES, next = behind(numbers, i);
	const uint32_t got = offers_behind(o, numbered(i));

	assert_int_equal(offers_count(o), count);
	assert_int_equal(offers_find(o, numbered(i)), numbers[i]);
	assert_int_equal(got, next < NAMES ? numbers[next] : OFFER_NONE);
}

static void
random_operations_do_what_a_model_does(void **state)
{
	struct offers *o = offers_new(MAX);
	uint32_t numbers[NAMES], count = 0;
	bool used[MAX] = { false };
	long i, step;

	(void)state;
	srandom(1);
	memset(numbers, 0xff, sizeof(numbers));
	for (step = 0; step < STEPS; step++) {
		i = random() % NAMES;
		if (numbers[i] != OFFER_NONE) {
			offers_remove(o, numbers[i]);
			used[numbers[i]] = false;
			numbers[i] = OFFER_NONE;
			count--;
		} else if (count == MAX)
			assert_int_equal(offers_add(o, numbered(i)),
			    OFFER_NONE);
		else {
			numbers[i] = offers_add(o, numbered(i));
			assert_in_range(numbers[i], 0, MAX - 1);
			assert_false(used[numbers[i]]);
			used[numbers[i]] = true;
			count++;
		}
		assert_as_model(o, numbers, count);
	}
	offers_free(o);
}

int
main(int argc, char *argv[])
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
		    rule_4_a_name_is_found_in_any_case_and_keeps_its_own),
		cmocka_unit_test(a_table_without_room_takes_nothing),
		cmocka_unit_test(a_name_has_200_bytes_at_the_most),
		cmocka_unit_test(a_number_is_taken_again_as_late_as_can_be),
		cmocka_unit_test(the_order_is_that_of_folded_names),
		cmocka_unit_test(random_operations_do_what_a_model_does),
	};

	if (argc > 1)
		cmocka_set_test_filter(argv[1]);
	return cmocka_run_group_tests(tests, map_guard, unmap_guard);
}
