/*
 * The programs that take connections themselves: daemon/front/takers.c.
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "daemon/handover.h"
#include "os/message.h"
#include "tests/unit/services.h"
#include "tests/unit/takers.h"

/* The services of the table, by their place. */
enum {
	PROGRAM,
	DIALLED,
	OFFERED,
	TCPMUX
};

#define OFFERS 6
#define TAKERS (OFFERS + 1) /* one service is dialled */
#define FUZZ   100000

static struct table *table;
static struct generation g;
static struct takers *takers;

static int
begin(void **state)
{
	table = new_table();
	(void)add(table, "a.program");
	add(table, "b.dialled")->kind = SERVICE_SOCKET;
	add(table, "c.offered")->kind = SERVICE_OFFERED;
	finish(table);
	g.table = table;
	g.max_offers = OFFERS;
	if (begin_channel(state) == -1)
		return -1;
	takers = takers_new(&g, channel_end());
	return takers != NULL ? 0 : -1;
}

static int
end(void **state)
{
	takers_free(takers);
	takers_free(NULL);
	table_free(table);
	return end_channel(state);
}

/* The queue to a new taker, whose other end is q[1]. */
static void
here(uint32_t taker, uint32_t service, const char *name, int q[2])
{
	assert_int_equal(message_pair(q, HANDOVER_SNDBUF), 0);
	say_here(taker, service, name, false, q[0]);
	assert_int_equal(close(q[0]), 0);
	assert_false(takers_receive(takers));
}

/* What an offered name is to takers_find(). */
static uint32_t
number(const char *name)
{
	const uint32_t n = offers_find(takers_offers(takers), span(name));

	assert_int_not_equal(n, OFFER_NONE);
	return TAKERS_OFFERED + n;
}

static bool
is_offered(const char *name)
{
	return offers_find(takers_offers(takers), span(name)) != OFFER_NONE;
}

static void
assert_nobody(uint32_t what)
{
	uint32_t taker;

	assert_int_equal(takers_find(takers, what, &taker), -1);
}

/* The next for this is that taker, who has q[1]: it gets a byte. */
static void
assert_next(uint32_t what, uint32_t expected, const int q[2])
{
	uint32_t taker;
	char byte;
	const int queue = takers_find(takers, what, &taker);

	assert_int_not_equal(queue, -1);
	assert_int_equal(taker, expected);
	assert_int_equal(message_send(queue, "x", 1, -1), 0);
	assert_int_equal(message_receive(q[1], &byte, 1, NULL), 1);
}

/* Bytes wait for the taker, so often. */
static void
burden(uint32_t what, uint32_t expected, int times)
{
	uint32_t taker;
	int queue;

	while (times-- > 0) {
		queue = takers_find(takers, what, &taker);
		assert_int_equal(taker, expected);
		assert_int_equal(message_send(queue, "x", 1, -1), 0);
	}
}

/* Its queue is closed in this process: its program sees the end. */
static void
assert_closed(const int q[2])
{
	char byte;

	assert_int_equal(message_receive(q[1], &byte, 1, NULL), 0);
	assert_int_equal(close(q[1]), 0);
}

static void
count_is_of_offers_and_dialled(void **state)
{
	(void)state;
	assert_int_equal(takers_max(&g), TAKERS);
}

static void
there_are_no_more_offers_than_a_front_can_hold(void **state)
{
	const struct generation none = { .table = table, .control = -1 };
	struct rlimit files;

	(void)state;
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &files), 0);
	assert_true(files.rlim_cur < UINT32_MAX);
	table->max_offers = 1;
	assert_int_equal(takers_offers_max(&g), 1);
	table->max_offers = UINT32_MAX;
	assert_in_range(takers_offers_max(&g), files.rlim_cur / 16,
	    files.rlim_cur / 4);
	assert_int_equal(takers_offers_max(&none), 0);
}

static void
a_front_without_a_channel_has_no_taker(void **state)
{
	struct takers *t = takers_new(&g, -1);
	uint32_t taker;

	(void)state;
	assert_int_equal(takers_find(t, DIALLED, &taker), -1);
	assert_false(takers_are_listed(t, OFFERED));
	assert_int_equal(offers_find(takers_offers(t), span("x")), OFFER_NONE);
	takers_free(t);
}

static void
names_and_services_lead_to_their_takers(void **state)
{
	int dialled[2], offered[2], web[2];

	(void)state;
	assert_nobody(DIALLED);
	assert_nobody(OFFERED);
	here(0, DIALLED, "", dialled);
	here(5, OFFERED, "", offered);
	here(TAKERS - 1, SERVICE_NONE, "Web", web);
	assert_next(DIALLED, 0, dialled);
	assert_next(OFFERED, 5, offered);
	assert_next(number("wEB"), TAKERS - 1, web);
	assert_false(is_offered("b.dialled"));
	say(TAKER_ALL, 0, "");
	assert_true(takers_receive(takers));
	assert_next(number("web"), TAKERS - 1, web);
	takers_forget(takers, 0);
	takers_forget(takers, 0);
	takers_forget(takers, TAKERS);
	assert_closed(dialled);
	assert_nobody(DIALLED);
	assert_int_equal(close(offered[1]), 0);
	assert_int_equal(close(web[1]), 0);
}

static void
a_name_is_kept_and_then_free(void **state)
{
	int web[2];

	(void)state;
	here(1, SERVICE_NONE, "web", web);
	say(TAKER_GONE, 1, "");
	(void)takers_receive(takers);
	assert_closed(web);
	assert_nobody(number("web"));
	say(TAKER_KEPT, 0, "web");
	say(TAKER_KEPT, 0, "other");
	(void)takers_receive(takers);
	assert_nobody(number("web"));
	assert_nobody(number("other"));
	assert_false(takers_are_listed(takers, number("web")));
	/* Who comes back spells it as he likes. */
	here(2, SERVICE_NONE, "WEB", web);
	assert_next(number("web"), 2, web);
	assert_memory_equal(offers_name(takers_offers(takers),
				number("web") - TAKERS_OFFERED)
				.p,
	    "WEB", 3);
	/* One that is free has nobody, whatever was said before. */
	say(TAKER_FREE, 0, "web");
	say(TAKER_FREE, 0, "other");
	say(TAKER_FREE, 0, "never");
	(void)takers_receive(takers);
	assert_closed(web);
	assert_false(is_offered("web"));
	assert_false(is_offered("other"));
}

static void
another_taker_of_the_number_takes_its_place(void **state)
{
	int old[2], new[2];

	(void)state;
	here(1, SERVICE_NONE, "old", old);
	here(1, SERVICE_NONE, "new", new);
	assert_closed(old);
	assert_nobody(number("old"));
	assert_next(number("new"), 1, new);
	assert_int_equal(close(new[1]), 0);
}

static void
a_name_is_replaced_without_a_gap(void **state)
{
	int old[2], new[2];

	(void)state;
	here(1, SERVICE_NONE, "web", old);
	here(2, SERVICE_NONE, "web", new);
	say(TAKER_GONE, 1, "");
	(void)takers_receive(takers);
	assert_closed(old);
	assert_next(number("web"), 2, new);
	assert_next(number("web"), 2, new);
	assert_int_equal(close(new[1]), 0);
}

static void
those_who_share_take_turns_the_least_burdened_first(void **state)
{
	int q[3][2];
	uint32_t web;

	(void)state;
	here(0, SERVICE_NONE, "web", q[0]);
	here(1, SERVICE_NONE, "Web", q[1]);
	here(2, SERVICE_NONE, "WEB", q[2]);
	web = number("web");
	assert_next(web, 0, q[0]);
	assert_next(web, 1, q[1]);
	assert_next(web, 2, q[2]);
	burden(web, 0, 1);
	assert_next(web, 1, q[1]);
	assert_next(web, 2, q[2]);
	assert_next(web, 1, q[1]);
	burden(web, 2, 1);
	burden(web, 1, 1);
	burden(web, 2, 1);
	burden(web, 0, 1);
	burden(web, 1, 1);
	takers_forget(takers, 1);
	burden(web, 2, 1);
	burden(web, 0, 1);
	takers_forget(takers, 2);
	burden(web, 0, 9);
	takers_forget(takers, 0);
	assert_nobody(web);
	assert_int_equal(close(q[0][1]), 0);
	assert_int_equal(close(q[1][1]), 0);
	assert_int_equal(close(q[2][1]), 0);
}

static void
a_queue_has_room_until_it_says_no(void **state)
{
	char message[sizeof(struct tcpmux_handover) + 3] = { 0 };
	uint32_t taker;
	int n, queue, web[2];

	(void)state;
	here(0, SERVICE_NONE, "web", web);
	queue = takers_find(takers, number("web"), &taker);
	for (n = 0; takers_has_room(queue); n++)
		assert_int_equal(message_send(queue, message, sizeof(message),
				     web[1]),
		    0);
	assert_int_equal(n, HANDOVER_QUEUE);
	assert_int_equal(message_send(queue, message, sizeof(message), web[1]),
	    -1);
	assert_int_equal(errno, EAGAIN);
	assert_int_equal(close(web[1]), 0);
}

static void
a_name_is_hidden_if_one_of_its_takers_says_so(void **state)
{
	int q[2], second[2];

	(void)state;
	here(0, SERVICE_NONE, "web", q);
	assert_true(takers_are_listed(takers, number("web")));
	assert_int_equal(message_pair(second, 0), 0);
	say_here(1, SERVICE_NONE, "web", true, second[0]);
	(void)takers_receive(takers);
	assert_false(takers_are_listed(takers, number("web")));
	takers_forget(takers, 1);
	assert_true(takers_are_listed(takers, number("web")));
	assert_false(takers_are_listed(takers, OFFERED));
	say_here(2, OFFERED, "", false, second[0]);
	(void)takers_receive(takers);
	assert_true(takers_are_listed(takers, OFFERED));
	assert_int_equal(close(second[0]), 0);
	assert_int_equal(close(second[1]), 0);
	assert_int_equal(close(q[1]), 0);
}

static void
another_registrar_says_everything_anew(void **state)
{
	int dialled[2], web[2], db[2];
	uint32_t old;

	(void)state;
	here(0, DIALLED, "", dialled);
	here(1, SERVICE_NONE, "web", web);
	here(2, SERVICE_NONE, "db", db);
	old = number("web");
	say(TAKER_FORGET, 0, "");
	assert_false(takers_receive(takers));
	assert_closed(dialled);
	assert_closed(web);
	assert_closed(db);
	assert_nobody(DIALLED);
	assert_nobody(number("web"));
	assert_nobody(number("db"));
	here(0, SERVICE_NONE, "web", web);
	assert_int_equal(number("web"), old);
	assert_true(is_offered("db"));
	say(TAKER_ALL, 0, "");
	assert_true(takers_receive(takers));
	assert_false(is_offered("db"));
	assert_next(number("web"), 0, web);
	assert_int_equal(close(web[1]), 0);
}

/* What is out of range is not done, and what comes with it is closed. */
static void
t9_a_message_out_of_range_does_nothing(void **state)
{
	static const struct taker_message bad[] = {
		{ TAKER_HERE, TAKERS, SERVICE_NONE, 0, 1, "a", { 0 } },
		{ TAKER_HERE, UINT32_MAX, DIALLED, 0, 0, "", { 0 } },
		{ TAKER_HERE, 0, TCPMUX + 1, 0, 0, "", { 0 } },
		{ TAKER_HERE, 0, SERVICE_NONE - 1, 0, 0, "", { 0 } },
		{ TAKER_HERE, 0, TAKERS_OFFERED, 0, 0, "", { 0 } },
		{ TAKER_HERE, 0, PROGRAM, 0, 0, "", { 0 } },
		{ TAKER_HERE, 0, TCPMUX, 0, 0, "", { 0 } },
		{ TAKER_HERE, 0, SERVICE_NONE, 0, 0, "", { 0 } },
		{ TAKER_HERE, 0, SERVICE_NONE, 0, 255, "a", { 0 } },
		{ TAKER_HERE, 0, SERVICE_NONE, 0, 3, "a b", { 0 } },
		{ TAKER_HERE, 0, SERVICE_NONE, 0, 9, "B.DIALLED", { 0 } },
		{ TAKER_GONE, TAKERS, 0, 0, 0, "", { 0 } },
		{ TAKER_KEPT, 0, 0, 0, 0, "", { 0 } },
		{ TAKER_KEPT, 0, 0, 0, 201, "a", { 0 } },
		{ TAKER_FREE, 0, 0, 0, 255, "a", { 0 } },
		{ TAKER_FORGET + 1, 0, SERVICE_NONE, 0, 1, "a", { 0 } },
		{ UINT32_MAX, 0, SERVICE_NONE, 0, 1, "a", { 0 } },
	};
	struct taker_message m = { .taker = 0, .service = DIALLED };
	int q[2];
	size_t i;

	(void)state;
	assert_int_equal(message_pair(q, 0), 0);
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		say_bytes(&bad[i], sizeof(bad[i]), q[0]);
	m.what = TAKER_HERE;
	say_bytes(&m, sizeof(m), -1);
	say_bytes(&m, sizeof(m) - 1, q[0]);
	say_bytes(&m, 1, q[0]);
	assert_false(takers_receive(takers));
	assert_int_equal(offers_count(takers_offers(takers)), 0);
	assert_nobody(DIALLED);
	assert_nobody(OFFERED);
	assert_int_equal(close(q[0]), 0);
	assert_closed(q);
}

/* More than a message is lost, and those behind it are not. */
static void
t9_a_message_that_is_too_long_stops_nothing(void **state)
{
	char bytes[sizeof(struct taker_message) + 1] = { 0 };
	int web[2];

	(void)state;
	say_bytes(bytes, sizeof(bytes), -1);
	say_bytes(bytes, sizeof(bytes), channel_end());
	here(0, SERVICE_NONE, "web", web);
	assert_next(number("web"), 0, web);
	assert_int_equal(close(web[1]), 0);
}

static int
open_descriptors(void)
{
	DIR *d = opendir("/proc/self/fd");
	int n = 0;

	assert_non_null(d);
	while (readdir(d) != NULL)
		n++;
	assert_int_equal(closedir(d), 0);
	return n;
}

/* Few names and numbers, so that they meet often; some out of range. */
static void
say_anything(int queue)
{
	struct taker_message m = {
		.what = (uint32_t)random() % (TAKER_FORGET + 2),
		.taker = (uint32_t)random() % (TAKERS + 1),
		.service = SERVICE_NONE,
		.hidden = (uint8_t)(random() % 2),
		.len = (uint8_t)(random() % 3),
	};

	if (m.what == TAKER_FORGET && random() % 50 != 0)
		m.what = TAKER_HERE;
	if (random() % 3 == 0)
		m.service = (uint32_t)random() % (TCPMUX + 2);
	m.name[0] = (char)('a' + random() % 5);
	m.name[1] = (char)('A' + random() % 3);
	say_bytes(&m, sizeof(m), random() % 4 == 0 ? -1 : queue);
}

/* Whatever is there leads to somebody who is there. */
static void
assert_sound(void)
{
	const struct offers *o = takers_offers(takers);
	struct tcpmux_span name = { NULL, 0 };
	uint32_t n, taker, names = 0;

	while ((n = offers_behind(o, name)) != OFFER_NONE) {
		name = offers_name(o, n);
		names++;
		if (takers_find(takers, TAKERS_OFFERED + n, &taker) != -1)
			assert_in_range(taker, 0, TAKERS - 1);
		(void)takers_are_listed(takers, TAKERS_OFFERED + n);
	}
	assert_int_equal(names, offers_count(o));
	assert_in_range(names, 0, 20); /* that is all there can be */
	assert_nobody(PROGRAM);
	assert_nobody(TCPMUX);
}

static void
t9_anything_said_in_any_order_is_harmless(void **state)
{
	int i, before, q[2];

	(void)state;
	assert_int_equal(message_pair(q, 0), 0);
	before = open_descriptors();
	srandom(1);
	for (i = 0; i < FUZZ; i++) {
		say_anything(q[0]);
		if (i % 4 != 0)
			continue;
		(void)takers_receive(takers);
		assert_sound();
		assert_in_range(open_descriptors(), before, before + TAKERS);
	}
	say(TAKER_FORGET, 0, "");
	say(TAKER_ALL, 0, "");
	assert_true(takers_receive(takers));
	assert_int_equal(offers_count(takers_offers(takers)), 0);
	assert_int_equal(open_descriptors(), before);
	assert_int_equal(close(q[0]), 0);
	assert_int_equal(close(q[1]), 0);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, begin, end)

int
main(int argc, char *argv[])
{
	const struct CMUnitTest tests[] = {
		TEST(count_is_of_offers_and_dialled),
		TEST(there_are_no_more_offers_than_a_front_can_hold),
		TEST(a_front_without_a_channel_has_no_taker),
		TEST(names_and_services_lead_to_their_takers),
		TEST(a_name_is_kept_and_then_free),
		TEST(another_taker_of_the_number_takes_its_place),
		TEST(a_name_is_replaced_without_a_gap),
		TEST(those_who_share_take_turns_the_least_burdened_first),
		TEST(a_queue_has_room_until_it_says_no),
		TEST(a_name_is_hidden_if_one_of_its_takers_says_so),
		TEST(another_registrar_says_everything_anew),
		TEST(t9_a_message_out_of_range_does_nothing),
		TEST(t9_a_message_that_is_too_long_stops_nothing),
		TEST(t9_anything_said_in_any_order_is_harmless),
	};

	if (argc > 1)
		cmocka_set_test_filter(argv[1]);
	return cmocka_run_group_tests(tests, map_guard, unmap_guard);
}
