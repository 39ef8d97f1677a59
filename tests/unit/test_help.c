/*
 * The answer to HELP, of services and offered names: daemon/front/help.c.
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
#include <unistd.h>

#include "daemon/front/help.h"
#include "os/message.h"
#include "tests/unit/services.h"
#include "tests/unit/takers.h"

#define OFFERS 300
#define LISTS  300

static struct table *table;
static struct generation generation;
static struct listen rule;
static struct mux mux;
static int queue[2];

static int
begin(void **state)
{
	table = new_table();
	memset(&rule, 0, sizeof(rule));
	memset(&generation, 0, sizeof(generation));
	generation.table = table;
	generation.max_offers = OFFERS;
	generation.listeners.n = 1;
	generation.listeners.v[0].rule = &rule;
	mux.g = &generation;
	if (begin_channel(state) == -1)
		return -1;
	return message_pair(queue, 0);
}

static int
end(void **state)
{
	takers_free(mux.takers);
	table_free(table);
	if (close(queue[0]) == -1 || close(queue[1]) == -1)
		return -1;
	return end_channel(state);
}

/* The table is finished: offers may come. */
static void
serve(void)
{
	finish(table);
	mux.takers = takers_new(&generation, channel_end());
	assert_non_null(mux.takers);
}

static void
offer(uint32_t taker, const char *name, bool hidden)
{
	say_here(taker, SERVICE_NONE, name, hidden, queue[0]);
	(void)takers_receive(mux.takers);
}

static void
withdraw(const char *name)
{
	say(TAKER_FREE, 0, name);
	(void)takers_receive(mux.takers);
}

/* A connection that has asked for the list. */
static struct conn
asker(const char *from)
{
	struct conn c = { .service = HELP_BEGIN };

	memcpy(c.peer, address(from), sizeof(c.peer));
	return c;
}

/* The next n bytes at most of what c is to be sent; false at the end. */
static bool
take(struct conn *c, size_t n, char *list, size_t *len)
{
	char buf[HELP_PIECE];
	bool ends;
	size_t size = help_write(c, &mux, buf, &ends);

	assert_in_range(size, 0, sizeof(buf));
	if (size == 0)
		return false;
	if (n > size)
		n = size;
	memcpy(list + *len, buf, n);
	*len += n;
	list[*len] = '\0';
	help_move_on(c, &mux, buf, n);
	return !ends || n < size;
}

static void
assert_list(const char *from, const char *expected)
{
	struct conn c = asker(from);
	char list[HELP_PIECE] = "";
	size_t len = 0;

	while (take(&c, HELP_PIECE, list, &len))
		;
	assert_string_equal(list, expected);
}

static void
rule_33_one_sorted_list_of_services_and_offers(void **state)
{
	(void)state;
	(void)add(table, "date");
	(void)add(table, "Web");
	serve();
	assert_list("::1", "date\r\ntcpmux\r\nWeb\r\n");
	offer(0, "zoo", false);
	offer(1, "Alice.db", false);
	offer(2, "dates", false);
	offer(3, "tcpmuX2", false);
	assert_list("::1",
	    "Alice.db\r\ndate\r\ndates\r\ntcpmux\r\ntcpmuX2\r\n"
	    "Web\r\nzoo\r\n");
	withdraw("ALICE.DB");
	withdraw("zoo");
	assert_list("::1", "date\r\ndates\r\ntcpmux\r\ntcpmuX2\r\nWeb\r\n");
}

static void
rule_33_what_is_hidden_or_has_nobody_is_not_listed(void **state)
{
	(void)state;
	add(table, "secret")->hidden = true;
	add(table, "offered")->kind = SERVICE_OFFERED;
	add(table, "dialled")->kind = SERVICE_SOCKET;
	serve();
	offer(0, "quiet", true);
	offer(1, "kept", false);
	offer(2, "-minus", false);
	say(TAKER_GONE, 1, "");
	say(TAKER_KEPT, 0, "kept");
	(void)takers_receive(mux.takers);
	assert_list("::1", "dialled\r\ntcpmux\r\n");
	say_here(3, table_find(table, span("offered")), "", false, queue[0]);
	(void)takers_receive(mux.takers);
	assert_list("::1", "dialled\r\noffered\r\ntcpmux\r\n");
}

static void
rule_33_offers_are_for_whom_the_table_lets_in(void **state)
{
	struct service *s;

	(void)state;
	s = add(table, "open");
	s->has_access = true;
	set_from(table, &table->access, "fd00::/8");
	serve();
	offer(0, "web", false);
	assert_list("fd00::1", "open\r\ntcpmux\r\nweb\r\n");
	assert_list("fe00::1", "open\r\n");
	set_from(table, &rule.access, "fe00::/8");
	assert_list("fe00::1", "open\r\n");
	assert_list("fd00::1", "");
}

static void
a_list_without_a_line_is_empty(void **state)
{
	(void)state;
	set_from(table, &table->access, "fd00::/8");
	serve();
	assert_list("::1", "");
}

/* The even names stay; the odd ones come and go. */
static const char *
numbered(char text[static 16], long i)
{
	(void)snprintf(text, 16, i % 4 == 0 ? "Name-%04ld" : "name-%04ld", i);
	return text;
}

static void
let_some_come_and_go(bool there[static OFFERS])
{
	char name[16];
	long i, times = random() % 4;

	while (times-- > 0) {
		i = random() % (OFFERS / 2) * 2 + 1;
		there[i] = !there[i];
		if (there[i])
			offer((uint32_t)i, numbered(name, i), false);
		else
			withdraw(numbered(name, i));
	}
}

/* Whole lines, in order; of those that stay, each. */
static void
assert_good_list(char *list)
{
	char name[16], *line, *next;
	long i, last = -1, stayed = 0;

	for (line = list; *line != '\0'; line = next) {
		next = strstr(line, "\r\n");
		assert_non_null(next);
		*next = '\0';
		next += 2;
		if (strcmp(line, "tcpmux") == 0) {
			assert_string_equal(next, "");
			continue;
		}
		i = strtol(line + strlen("name-"), NULL, 10);
		assert_string_equal(line, numbered(name, i));
		assert_true(i > last);
		last = i;
		stayed += i % 2 == 0;
	}
	assert_int_equal(stayed, OFFERS / 2);
}

static void
a_list_is_whole_whatever_comes_and_goes_meanwhile(void **state)
{
	char list[16 * OFFERS], name[16];
	bool there[OFFERS] = { false };
	struct conn c;
	size_t len;
	long i;

	(void)state;
	for (i = 0; i < OFFERS; i += 6)
		(void)add(table, numbered(name, i));
	serve();
	for (i = 0; i < OFFERS; i += 2)
		if (i % 6 != 0)
			offer((uint32_t)i, numbered(name, i), false);
	srandom(1);
	for (i = 0; i < LISTS; i++) {
		c = asker("::1");
		len = 0;
		while (
		    take(&c, 1 + (size_t)(random() % (i % 50 + 1)), list, &len))
			let_some_come_and_go(there);
		assert_good_list(list);
	}
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, begin, end)

int
main(int argc, char *argv[])
{
	const struct CMUnitTest tests[] = {
		TEST(rule_33_one_sorted_list_of_services_and_offers),
		TEST(rule_33_what_is_hidden_or_has_nobody_is_not_listed),
		TEST(rule_33_offers_are_for_whom_the_table_lets_in),
		TEST(a_list_without_a_line_is_empty),
		TEST(a_list_is_whole_whatever_comes_and_goes_meanwhile),
	};

	if (argc > 1)
		cmocka_set_test_filter(argv[1]);
	return cmocka_run_group_tests(tests, map_guard, unmap_guard);
}
