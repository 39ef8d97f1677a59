/*
 * What the fronts are told: daemon/registrar/news.c.
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "daemon/registrar/news.h"
#include "os/message.h"

#define SUBJECTS 2000
#define FRONTS   3

static struct news *news;
static int here[SUBJECTS]; /* what is said of each */
static int over[SUBJECTS]; /* how often it was */
static int ears[FRONTS];   /* where the fronts hear */

static int
say(void *arg, uint32_t subject, struct taker_message *m)
{
	(void)arg;
	m->taker = subject;
	m->what = here[subject] ? TAKER_KEPT : TAKER_GONE;
	return -1;
}

static void
note_over(void *arg, uint32_t subject)
{
	(void)arg;
	over[subject]++;
}

static int
begin(void **state)
{
	const struct news_source source = { NULL, say, note_over };
	int i;

	(void)state;
	memset(here, 0, sizeof(here));
	memset(over, 0, sizeof(over));
	for (i = 0; i < FRONTS; i++)
		ears[i] = -1;
	news = news_new(SUBJECTS, &source);
	return news == NULL ? -1 : 0;
}

static int
end(void **state)
{
	int i;

	(void)state;
	news_free(news);
	for (i = 0; i < FRONTS; i++)
		if (ears[i] != -1)
			(void)close(ears[i]); /* nobody speaks any more */
	return 0;
}

static void
add_front(int i)
{
	int ends[2];

	assert_int_equal(message_pair(ends, 0), 0);
	ears[i] = ends[1];
	news_add_front(news, ends[0]);
}

/* The next message to a front must say this of a subject. */
static void
assert_hears(int front, enum taker_what what, uint32_t subject)
{
	struct taker_message m;
	int fd;

	assert_int_equal(message_receive(ears[front], &m, sizeof(m), &fd),
	    sizeof(m));
	assert_int_equal(m.what, what);
	assert_int_equal(m.taker, subject);
	assert_int_equal(fd, -1);
}

static void
assert_silent(int front)
{
	struct taker_message m;

	assert_int_equal(message_receive(ears[front], &m, sizeof(m), NULL), -1);
}

static void
come(uint32_t subject)
{
	here[subject] = 1;
	news_change(news, subject);
}

static void
go(uint32_t subject)
{
	here[subject] = 0;
	news_end(news, subject);
}

static void
a_front_is_told_all_and_then_that_this_was_all(void **state)
{
	(void)state;
	come(5);
	come(3);
	come(5);
	add_front(0);
	assert_false(news_tell(news));
	assert_hears(0, TAKER_FORGET, 0);
	assert_hears(0, TAKER_KEPT, 3);
	assert_hears(0, TAKER_KEPT, 5);
	assert_silent(0);
	news_complete(news);
	assert_false(news_tell(news));
	assert_hears(0, TAKER_ALL, 0);
	come(7);
	assert_false(news_tell(news));
	assert_hears(0, TAKER_KEPT, 7);
	assert_silent(0);
}

static void
an_end_is_over_when_all_fronts_know(void **state)
{
	(void)state;
	come(1);
	go(1);
	assert_int_equal(over[1], 1); /* there is none */
	add_front(0);
	add_front(1);
	come(1);
	assert_false(news_tell(news));
	go(1);
	assert_int_equal(over[1], 1);
	assert_false(news_tell(news));
	assert_int_equal(over[1], 2);
	assert_hears(1, TAKER_FORGET, 0);
	assert_hears(1, TAKER_KEPT, 1);
	assert_hears(1, TAKER_GONE, 1);
	assert_silent(1);
}

static void
what_changes_twice_is_told_once(void **state)
{
	(void)state;
	add_front(0);
	come(1);
	come(2);
	go(1);
	come(1);
	assert_false(news_tell(news));
	assert_hears(0, TAKER_FORGET, 0);
	assert_hears(0, TAKER_KEPT, 2);
	assert_hears(0, TAKER_KEPT, 1);
	assert_silent(0);
	assert_int_equal(over[1], 0);
}

static void
what_is_dropped_is_told_to_nobody(void **state)
{
	(void)state;
	add_front(0);
	come(1);
	come(2);
	news_drop(news, 1);
	assert_false(news_tell(news));
	assert_hears(0, TAKER_FORGET, 0);
	assert_hears(0, TAKER_KEPT, 2);
	assert_silent(0);
}

/* Hear all that has come; returns how many messages. */
static int
drain(int front)
{
	struct taker_message m;
	int n = 0;

	while (message_receive(ears[front], &m, sizeof(m), NULL) > 0)
		n++;
	return n;
}

static void
a_front_without_room_holds_up_nobody(void **state)
{
	uint32_t i;
	int heard = 0;

	(void)state;
	add_front(0);
	add_front(1);
	for (i = 0; i < SUBJECTS; i++)
		come(i);
	for (i = 0; i < SUBJECTS && heard < SUBJECTS + 1; i++) {
		assert_true(news_tell(news)); /* the other hears nothing */
		heard += drain(0);
	}
	assert_int_equal(heard, SUBJECTS + 1);
	assert_false(news_are_known(news));
	for (i = 0; i < SUBJECTS; i++)
		go(i);
	for (i = 0; i < SUBJECTS; i++)
		assert_int_equal(over[i], 0);
	for (i = 0; i < SUBJECTS && news_tell(news); i++) {
		(void)drain(0);
		(void)drain(1);
	}
	(void)drain(0);
	(void)drain(1);
	for (i = 0; i < SUBJECTS; i++)
		assert_int_equal(over[i], 1);
	assert_true(news_are_known(news));
}

static void
a_front_that_is_gone_needs_to_know_nothing(void **state)
{
	(void)state;
	add_front(0);
	add_front(1);
	come(1);
	assert_false(news_tell(news));
	assert_int_equal(close(ears[1]), 0);
	ears[1] = -1;
	go(1);
	assert_false(news_tell(news));
	assert_int_equal(over[1], 1);
	(void)drain(0);
	assert_true(news_are_known(news));
	come(1);
	add_front(2);
	assert_false(news_tell(news));
	assert_hears(2, TAKER_FORGET, 0);
	assert_hears(2, TAKER_KEPT, 1);
	assert_hears(0, TAKER_KEPT, 1);
}

static void
news_are_known_once_they_have_been_received(void **state)
{
	(void)state;
	assert_true(news_are_known(news));
	add_front(0);
	come(1);
	assert_false(news_are_known(news));
	assert_false(news_tell(news));
	assert_false(news_are_known(news));
	assert_hears(0, TAKER_FORGET, 0);
	assert_false(news_are_known(news));
	assert_hears(0, TAKER_KEPT, 1);
	assert_true(news_are_known(news));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_front_is_told_all_and_then_that_this_was_all),
		TEST(an_end_is_over_when_all_fronts_know),
		TEST(what_changes_twice_is_told_once),
		TEST(what_is_dropped_is_told_to_nobody),
		TEST(a_front_without_room_holds_up_nobody),
		TEST(a_front_that_is_gone_needs_to_know_nothing),
		TEST(news_are_known_once_they_have_been_received),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
