/*
 * A table from services that are added: table/table.c and table/index.c.
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "table/index.h"
#include "table/table.h"
#include "tests/unit/services.h"

static void
services_are_sorted_without_regard_to_case(void **state)
{
	static const char *const names[] = { "b", "TCPMUX2", "C", "a", "_", "Z",
		"aa", "[" };
	static const char *const sorted[] = { "[", "_", "a", "aa", "b", "C",
		"tcpmux", "TCPMUX2", "Z" };
	struct table *t = new_table();
	uint32_t i;

	(void)state;
	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		add(t, names[i]);
	finish(t);
	assert_int_equal(t->nservices, sizeof(sorted) / sizeof(sorted[0]));
	for (i = 0; i < t->nservices; i++) {
		assert_string_equal(t->services[i].name, sorted[i]);
		assert_int_equal(t->services[i].meter, i);
	}
	table_free(t);
}

/* Two services have one name; first and second are their descriptions. */
static void
assert_twins(struct table *t, const char *first, const char *second)
{
	const struct service *a, *b;

	assert_int_equal(table_finish(t, &a, &b), -1);
	assert_int_equal(errno, EEXIST);
	assert_string_equal(a->description, first);
	assert_string_equal(b->description, second);
}

static void
tcpmux_may_be_configured_once(void **state)
{
	struct service mux = {
		.name = "TCPmux",
		.description = "itself",
		.file = "test",
	};
	uint32_t found;
	struct table *t = new_table();

	(void)state;
	add(t, "date");
	assert_non_null(table_add(t, &mux));
	mux.description = "again";
	assert_non_null(table_add(t, &mux));
	assert_twins(t, "itself", "again");
	finish(t);
	found = table_find(t, span("tcpmux"));
	assert_string_equal(t->services[found].description, "itself");
	table_free(t);
}

static void
every_name_that_two_services_have_is_told(void **state)
{
	static const char *const aliases[] = { "c", "E" };
	static const char *const own[] = { "g", "F" };
	struct table *t = new_table();
	struct service *s;

	(void)state;
	add(t, "Z")->description = "1";
	add(t, "e")->description = "2";
	add(t, "z")->description = "3";
	s = add(t, "a");
	s->description = "4";
	add_aliases(t, s, 2, aliases);
	add(t, "C")->description = "5";
	s = add(t, "f");
	s->description = "6";
	add_aliases(t, s, 2, own);
	assert_twins(t, "1", "3");
	assert_twins(t, "2", "4");
	assert_twins(t, "4", "5");
	assert_twins(t, "6", "6");
	finish(t);
	/* The first keeps the name. */
	assert_string_equal(t->services[table_find(t, span("c"))].description,
	    "4");
	assert_string_equal(t->services[table_find(t, span("z"))].description,
	    "1");
	table_free(t);
}

static void
a_service_says_its_own_words_or_those_of_the_table(void **state)
{
	static const struct tcpmux_span own = { "+hello\r\n", 8 };
	static const struct tcpmux_span all = { "+Go\r\n", 5 };
	struct table *t = new_table();

	(void)state;
	add(t, "a")->ok = own;
	add(t, "b");
	t->words.ok = all;
	finish(t);
	assert_ptr_equal(t->services[table_find(t, span("a"))].ok.p, own.p);
	assert_ptr_equal(t->services[table_find(t, span("b"))].ok.p, all.p);
	assert_ptr_equal(t->services[table_find(t, span("tcpmux"))].ok.p,
	    all.p);
	table_free(t);
}

static void
memory_of_a_table_is_zeroed_aligned_and_its_own(void **state)
{
	static const size_t sizes[] = { 0, 1, 7, 64, 4000, 65000, 65536,
		1000000, 3 };
	struct table *t = new_table();
	unsigned char *p[sizeof(sizes) / sizeof(sizes[0])];
	size_t i, j;

	(void)state;
	for (i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		p[i] = table_alloc(t, sizes[i]);
		assert_non_null(p[i]);
		assert_int_equal((uintptr_t)p[i] % _Alignof(max_align_t), 0);
		for (j = 0; j < sizes[i]; j++)
			assert_int_equal(p[i][j], 0);
		memset(p[i], (int)i + 1, sizes[i]);
	}
	for (i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++)
		for (j = 0; j < sizes[i]; j++)
			assert_int_equal(p[i][j], i + 1);
	assert_null(table_alloc(t, SIZE_MAX));
	assert_int_equal(errno, ENOMEM);
	table_free(t);
}

static void
what_is_counted_keeps_its_place_across_a_reload(void **state)
{
	static const char *const aliases[] = { "moved" };
	struct table *old = new_table(), *t = new_table(), *last = new_table();
	bool used[8] = { false };
	uint32_t i, place;

	(void)state;
	add(old, "b");
	add_aliases(old, add(old, "d"), 1, aliases);
	finish(old); /* b d tcpmux */
	add(t, "a");
	add(t, "B");
	add(t, "moved");
	add(t, "d");
	finish(t); /* a B d moved tcpmux */
	assert_int_equal(table_keep_meters(t, old), 0);
	assert_int_equal(t->services[1].meter, old->services[0].meter);
	assert_int_equal(t->services[2].meter, old->services[1].meter);
	assert_int_equal(t->services[4].meter, old->services[2].meter);
	for (i = 0; i < t->nservices; i++) {
		place = t->services[i].meter;
		assert_in_range(place, 0, 7);
		assert_false(used[place]);
		used[place] = true;
	}
	finish(last);
	assert_int_equal(table_keep_meters(last, t), 0);
	assert_int_equal(last->services[0].meter, old->services[2].meter);
	table_free(old);
	table_free(t);
	table_free(last);
}

static void
every_kind_has_a_name(void **state)
{
	(void)state;
	assert_string_equal(service_kind_name(SERVICE_TCPMUX), "tcpmux");
	assert_string_equal(service_kind_name(SERVICE_ECHO), "echo");
	assert_string_equal(service_kind_name(SERVICE_DISCARD), "discard");
	assert_string_equal(service_kind_name(SERVICE_DAYTIME), "daytime");
	assert_string_equal(service_kind_name(SERVICE_EXEC), "exec");
	assert_string_equal(service_kind_name(SERVICE_RELAY), "relay");
	assert_string_equal(service_kind_name(SERVICE_SOCKET), "socket");
	assert_string_equal(service_kind_name(SERVICE_OFFERED), "offered-by");
}

static void
an_index_never_takes_more_than_there_is_room_for(void **state)
{
	struct table_index *x = index_new(2, 8);

	(void)state;
	assert_non_null(x);
	assert_int_equal(index_add(x, span("four"), 4), INDEX_NONE);
	assert_int_equal(index_add(x, span("FOUR"), 5), 4);
	assert_int_equal(index_add(x, span("bad name"), 6), INDEX_NONE);
	assert_int_equal(index_add(x, span("five"), 5), INDEX_NONE);
	assert_int_equal(index_add(x, span("six"), 6), INDEX_NONE);
	assert_int_equal(index_find(x, span("Five")), 5);
	assert_int_equal(index_find(x, span("bad name")), INDEX_NONE);
	assert_int_equal(index_find(x, span("six")), INDEX_NONE);
	index_free(x);
	index_free(NULL);
	assert_null(index_new(1, (size_t)UINT32_MAX * 4));
	assert_int_equal(errno, ENOMEM);
}

int
main(int argc, char *argv[])
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(services_are_sorted_without_regard_to_case),
		cmocka_unit_test(tcpmux_may_be_configured_once),
		cmocka_unit_test(every_name_that_two_services_have_is_told),
		cmocka_unit_test(
		    a_service_says_its_own_words_or_those_of_the_table),
		cmocka_unit_test(
		    memory_of_a_table_is_zeroed_aligned_and_its_own),
		cmocka_unit_test(
		    what_is_counted_keeps_its_place_across_a_reload),
		cmocka_unit_test(every_kind_has_a_name),
		cmocka_unit_test(
		    an_index_never_takes_more_than_there_is_room_for),
	};

	if (argc > 1)
		cmocka_set_test_filter(argv[1]);
	return cmocka_run_group_tests(tests, map_guard, unmap_guard);
}
