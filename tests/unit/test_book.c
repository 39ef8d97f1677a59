/*
 * The book of names and the tally of users: table/book.c and tally.c.
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "table/book.h"
#include "table/table.h"
#include "table/tally.h"

#define MAX 4

#define ALICE 1000
#define BOB   1001

static struct book *book;

static int
begin(void **state)
{
	(void)state;
	book = book_new(MAX);
	return book == NULL ? -1 : 0;
}

static int
end(void **state)
{
	(void)state;
	book_free(book);
	return 0;
}

static struct tcpmux_span
name(const char *text)
{
	return (struct tcpmux_span){ text, strlen(text) };
}

static enum request_answer
ask(uint32_t uid, const char *text, unsigned int flags)
{
	return book_ask(book, uid, name(text), flags, 0);
}

static uint32_t
offer(uint32_t uid, const char *text, unsigned int flags)
{
	assert_int_equal(ask(uid, text, flags), REQUEST_GRANTED);
	return book_offer(book, uid, name(text), SERVICE_NONE, flags);
}

static void
a_name_is_one_users_in_any_case(void **state)
{
	const uint32_t one = offer(ALICE, "Web", 0);
	struct tcpmux_span text;

	(void)state;
	text = book_text(book, book_name_of(book, one));
	assert_memory_equal(text.p, "Web", 3);
	assert_int_equal(ask(ALICE, "WEB", 0), REQUEST_TAKEN);
	assert_int_equal(ask(BOB, "web", 0), REQUEST_TAKEN);
	assert_int_equal(ask(BOB, "web", TCPMUX_OFFER_SHARE), REQUEST_TAKEN);
	assert_int_equal(ask(BOB, "web", TCPMUX_OFFER_REPLACE), REQUEST_TAKEN);
	assert_int_equal(ask(0, "web", 0), REQUEST_TAKEN);
	assert_int_equal(ask(0, "web", TCPMUX_OFFER_SHARE), REQUEST_TAKEN);
	assert_int_equal(ask(0, "web", TCPMUX_OFFER_REPLACE), REQUEST_GRANTED);
	assert_int_equal(ask(BOB, "web2", 0), REQUEST_GRANTED);
}

static void
a_name_is_shared_if_all_agree(void **state)
{
	const unsigned int share = TCPMUX_OFFER_SHARE;

	(void)state;
	(void)offer(ALICE, "a", share);
	(void)offer(ALICE, "a", share);
	assert_int_equal(ask(ALICE, "a", 0), REQUEST_TAKEN);
	assert_int_equal(ask(ALICE, "a", TCPMUX_OFFER_HIDDEN), REQUEST_TAKEN);
	(void)offer(ALICE, "b", 0);
	assert_int_equal(ask(ALICE, "b", share), REQUEST_TAKEN);
	assert_int_equal(ask(ALICE, "b", share | TCPMUX_OFFER_REPLACE),
	    REQUEST_GRANTED);
}

static void
a_name_is_kept_for_its_user_until_it_is_dropped(void **state)
{
	const uint32_t one = offer(ALICE, "a", TCPMUX_OFFER_SHARE);
	const uint32_t two = offer(ALICE, "a", TCPMUX_OFFER_SHARE);
	const uint32_t number = book_name_of(book, one);

	(void)state;
	book_withdraw(book, one, 30000);
	assert_int_equal(book_name(book, number)->state, BOOK_OFFERED);
	book_withdraw(book, two, 30001);
	assert_int_equal(book_name(book, number)->state, BOOK_KEPT);
	assert_int_equal(book_name(book, number)->until, 30001);
	assert_int_equal(book_oldest(book), number);
	assert_int_equal(ask(BOB, "a", TCPMUX_OFFER_REPLACE), REQUEST_TAKEN);
	assert_int_equal(ask(0, "a", 0), REQUEST_TAKEN);
	assert_int_equal(ask(ALICE, "a", 0), REQUEST_GRANTED);
	book_drop(book, number);
	assert_int_equal(book_oldest(book), OFFER_NONE);
	assert_int_equal(ask(BOB, "a", 0), REQUEST_GRANTED);
	book_erase(book, number);
	assert_int_equal(book_find(book, name("a")), OFFER_NONE);
}

static void
who_comes_back_has_the_name_at_once(void **state)
{
	const uint32_t one = offer(ALICE, "a", 0);
	const uint32_t number = book_name_of(book, one);
	uint32_t two;

	(void)state;
	book_withdraw(book, one, 30000);
	two = offer(ALICE, "a", 0);
	assert_int_not_equal(one, two); /* nobody has given it back */
	assert_int_equal(book_name_of(book, two), number);
	assert_int_equal(book_oldest(book), OFFER_NONE);
	book_withdraw(book, two, 0);
	assert_int_equal(book_name(book, number)->state, BOOK_FREE);
}

static void
there_are_so_many_offers_and_no_more(void **state)
{
	uint32_t one[MAX];
	char text[8];
	int i;

	(void)state;
	for (i = 0; i < MAX; i++) {
		(void)snprintf(text, sizeof(text), "n%d", i);
		one[i] = offer(ALICE, text, 0);
	}
	assert_int_equal(book_count(book), MAX);
	assert_int_equal(ask(BOB, "more", 0), REQUEST_BUSY);
	book_withdraw(book, one[2], 1);
	assert_int_equal(ask(BOB, "more", 0), REQUEST_BUSY);
	book_give_back(book, one[2]);
	assert_int_equal(ask(BOB, "more", 0), REQUEST_BUSY);
	book_settle(book, ALICE);
	assert_int_equal(offer(BOB, "more", 0), one[2]);
}

static void
what_is_not_settled_counts(void **state)
{
	const uint32_t one = offer(ALICE, "a", 0);

	(void)state;
	(void)offer(ALICE, "a", TCPMUX_OFFER_REPLACE);
	book_withdraw(book, one, 0);
	book_give_back(book, one);
	assert_int_equal(book_count(book), 2);
	assert_int_equal(book_ask(book, ALICE, name("b"), 0, 2), REQUEST_BUSY);
	assert_int_equal(book_ask(book, ALICE, name("a"), TCPMUX_OFFER_REPLACE,
			     1),
	    REQUEST_BUSY);
	book_settle(book, ALICE);
	assert_int_equal(book_count(book), 1);
	assert_int_equal(book_ask(book, ALICE, name("b"), 0, 2),
	    REQUEST_GRANTED);
	book_owe(book, ALICE);
	assert_int_equal(book_ask(book, ALICE, name("b"), 0, 2), REQUEST_BUSY);
}

static void
a_user_has_so_many_offers_and_no_more(void **state)
{
	(void)state;
	(void)offer(ALICE, "a", 0);
	(void)offer(ALICE, "b", 0);
	assert_int_equal(book_ask(book, ALICE, name("c"), 0, 2), REQUEST_BUSY);
	assert_int_equal(book_ask(book, ALICE, name("c"), 0, 3),
	    REQUEST_GRANTED);
	assert_int_equal(book_ask(book, ALICE, name("a"), TCPMUX_OFFER_REPLACE,
			     2),
	    REQUEST_GRANTED);
	assert_int_equal(book_ask(book, BOB, name("c"), 0, 2), REQUEST_GRANTED);
}

static void
of_too_many_kept_names_the_oldest_goes(void **state)
{
	uint32_t bob, number[MAX + 2];
	char text[8];
	uint32_t i;

	(void)state;
	bob = book_keep(book, BOB, name("bob"), SERVICE_NONE, 1);
	for (i = 0; i < MAX; i++) {
		(void)snprintf(text, sizeof(text), "n%u", (unsigned int)i);
		number[i] =
		    book_keep(book, ALICE, name(text), SERVICE_NONE, 2 + i);
		assert_int_not_equal(number[i], OFFER_NONE);
		assert_int_equal(book_excess(book, ALICE, MAX),
		    i < MAX - 1 ? OFFER_NONE : bob);
	}
	assert_int_equal(book_excess(book, ALICE, 0), bob);
	book_drop(book, bob);
	assert_int_equal(book_excess(book, ALICE, 0), OFFER_NONE);
	assert_int_equal(book_excess(book, ALICE, 3), number[0]);
	assert_int_equal(book_excess(book, BOB, 1), OFFER_NONE);
	assert_int_equal(book_younger(book, number[0]), number[1]);
	/* Somebody has the name already. */
	assert_int_equal(book_keep(book, BOB, name("N1"), SERVICE_NONE, 9),
	    OFFER_NONE);
}

static void
whoever_replaces_has_the_name(void **state)
{
	const uint32_t one = offer(ALICE, "a", 0);
	const uint32_t two = offer(0, "a", TCPMUX_OFFER_REPLACE);
	const uint32_t number = book_name_of(book, one);

	(void)state;
	assert_int_equal(book_name_of(book, two), number);
	assert_int_equal(book_name(book, number)->uid, 0);
	assert_int_equal(book_name(book, number)->first, two);
	assert_int_equal(book_next(book, two), one);
	assert_int_equal(book_user_of(book, one), ALICE);
	book_withdraw(book, one, 5);
	assert_int_equal(book_name(book, number)->state, BOOK_OFFERED);
	book_withdraw(book, two, 5);
	assert_int_equal(book_name(book, number)->state, BOOK_KEPT);
	assert_int_equal(ask(ALICE, "a", 0), REQUEST_TAKEN);
}

static void
who_replaces_and_goes_leaves_the_name_to_its_user(void **state)
{
	const uint32_t one = offer(ALICE, "a", 0);
	const uint32_t two = offer(0, "a", TCPMUX_OFFER_REPLACE);
	const uint32_t number = book_name_of(book, one);

	(void)state;
	book_withdraw(book, two, 5);
	assert_int_equal(book_name(book, number)->uid, ALICE);
	book_withdraw(book, one, 5);
	assert_int_equal(ask(ALICE, "a", 0), REQUEST_GRANTED);
	assert_int_equal(ask(0, "a", 0), REQUEST_TAKEN);
}

static void
the_time_of_the_oldest_is_over_first(void **state)
{
	uint32_t one, two;

	(void)state;
	assert_int_equal(book_overdue(book, INT64_MAX), OFFER_NONE);
	one = book_keep(book, ALICE, name("a"), SERVICE_NONE, 5);
	two = book_keep(book, BOB, name("b"), SERVICE_NONE, 6);
	assert_int_equal(book_overdue(book, 4), OFFER_NONE);
	assert_int_equal(book_overdue(book, 5), one);
	book_drop(book, one);
	assert_int_equal(book_overdue(book, 5), OFFER_NONE);
	assert_int_equal(book_overdue(book, 6), two);
}

static void
users_are_counted_apart(void **state)
{
	struct tally *t = tally_new(1000);
	uint32_t uid;

	(void)state;
	assert_non_null(t);
	for (uid = 0; uid < 1000; uid++)
		tally_add(t, uid * 65536, TALLY_OFFERS);
	for (uid = 0; uid < 1000; uid++) {
		assert_int_equal(tally_get(t, uid * 65536, TALLY_OFFERS), 1);
		assert_int_equal(tally_get(t, uid * 65536, TALLY_KEPT), 0);
		tally_take(t, uid * 65536, TALLY_OFFERS);
	}
	for (uid = 0; uid < 1000; uid++)
		tally_add(t, 7, TALLY_KEPT);
	assert_int_equal(tally_get(t, 7, TALLY_KEPT), 1000);
	assert_int_equal(tally_get(t, 65536, TALLY_OFFERS), 0);
	tally_take(t, 8, TALLY_KEPT); /* he has none */
	tally_free(t);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_name_is_one_users_in_any_case),
		TEST(a_name_is_shared_if_all_agree),
		TEST(a_name_is_kept_for_its_user_until_it_is_dropped),
		TEST(who_comes_back_has_the_name_at_once),
		TEST(there_are_so_many_offers_and_no_more),
		TEST(what_is_not_settled_counts),
		TEST(a_user_has_so_many_offers_and_no_more),
		TEST(of_too_many_kept_names_the_oldest_goes),
		TEST(whoever_replaces_has_the_name),
		TEST(who_replaces_and_goes_leaves_the_name_to_its_user),
		TEST(the_time_of_the_oldest_is_over_first),
		TEST(users_are_counted_apart),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
