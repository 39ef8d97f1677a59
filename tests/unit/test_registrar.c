/*
 * The parts of the registrar, at times of our own: daemon/registrar/applicant.c, offer.c,
 * unread.c and estate.c.
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "daemon/registrar/applicant.h"
#include "daemon/registrar/claims.h"
#include "daemon/registrar/estate.h"
#include "daemon/registrar/offer.h"
#include "daemon/registrar/unread.h"
#include "os/loop.h"
#include "os/message.h"
#include "tests/unit/services.h"

#define OFFERS  8
#define SOMEONE 12345

/* A registrar, as far as it is needed; nobody hears its news. */
struct registrar {
	struct generation g;
	struct registry r;
	struct applicants *applicants;
	struct estate *estate;
	int quiet;
};

static struct table *table, *other_table;
static int lines[2]; /* the log */
static struct registrar old, new;
static struct pulse pulse;

static int
say(void *arg, uint32_t subject, struct taker_message *m)
{
	return offer_say(arg, subject, m);
}

static void
over(void *arg, uint32_t subject)
{
	offer_over(arg, subject);
}

static void
registrar_init(struct registrar *s, const struct table *t)
{
	struct registry *r = &s->r;
	const struct news_source source = { r, say, over };

	memset(s, 0, sizeof(*s));
	s->g.table = t;
	s->g.account.uid = geteuid();
	s->g.max_offers = OFFERS;
	s->g.log.send = lines[0];
	s->g.claims = calloc(1, claims_size(&s->g));
	assert_non_null(s->g.claims);
	r->g = &s->g;
	r->pulse = &pulse;
	r->now = 1000;
	r->nfiles = 1000;
	r->loop = loop_new();
	s->quiet = loop_new();
	assert_int_not_equal(r->loop, -1);
	assert_int_not_equal(s->quiet, -1);
	assert_int_equal(offer_init(r), 0);
	r->news = news_new(registry_name(r, book_names_max(OFFERS)), &source);
	assert_non_null(r->news);
	s->applicants = applicants_new(0);
	assert_non_null(s->applicants);
	s->estate = estate_new();
	assert_non_null(s->estate);
	report_init(&r->report, &s->g);
}

static void
registrar_clear(struct registrar *s)
{
	uint32_t i;

	for (i = 0; i < OFFERS; i++)
		if (offer_fd(&s->r, i) != -1)
			(void)close(offer_fd(&s->r, i)); /* nobody looks */
	applicants_stop(s->applicants, &s->r);
	news_free(s->r.news);
	book_free(s->r.book);
	free(s->r.offers);
	free(s->r.unread);
	free(s->r.claims);
	free(s->g.claims);
	free(s->applicants);
	free(s->estate);
	assert_int_equal(close(s->r.loop), 0);
	assert_int_equal(close(s->quiet), 0);
}

static int
begin(void **state)
{
	(void)state;
	table = new_table();
	finish(table);
	other_table = new_table();
	(void)add(other_table, "a");
	finish(other_table);
	if (message_pair(lines, 0) == -1)
		return -1;
	registrar_init(&old, table);
	registrar_init(&new, table);
	return 0;
}

static int
end(void **state)
{
	(void)state;
	registrar_clear(&old);
	registrar_clear(&new);
	table_free(table);
	table_free(other_table);
	return close(lines[0]) == -1 || close(lines[1]) == -1 ? -1 : 0;
}

/* The two ends of a connection to the control socket; ours is [1]. */
static void
connect_program(int ends[static 2])
{
	const int type = SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK;

	assert_int_equal(socketpair(AF_UNIX, type, 0, ends), 0);
}

/* What has been said to the program begins so; "" is the end. */
static void
assert_heard(int fd, const char *begins)
{
	char line[TCPMUX_REPLY_MAX] = "";
	const ssize_t n = recv(fd, line, sizeof(line), MSG_DONTWAIT);

	if (begins[0] == '\0')
		assert_int_equal(n, 0);
	else
		assert_in_range(n, strlen(begins), sizeof(line));
	assert_memory_equal(line, begins, strlen(begins));
}

static void
assert_silent(int fd)
{
	char byte;

	assert_int_equal(recv(fd, &byte, 1, MSG_DONTWAIT), -1);
}

/* One more program offers this name of s; returns its end. */
static int
offer(struct registrar *s, const char *name)
{
	const struct request q = { .name = span(name) };
	const struct peer peer = { .uid = geteuid() };
	int ends[2];

	connect_program(ends);
	if (!offer_request(&s->r, ends[0], &peer, &q))
		assert_int_equal(close(ends[0]), 0);
	return ends[1];
}

static enum book_state
state_of(const struct registrar *s, const char *name)
{
	const uint32_t number = book_find(s->r.book, span(name));

	return number == OFFER_NONE ? BOOK_FREE :
				      book_name(s->r.book, number)->state;
}

static void
an_applicant_who_is_late_is_told_so(void **state)
{
	int one[2], two[2];

	(void)state;
	connect_program(one);
	connect_program(two);
	applicants_adopt(old.applicants, &old.r, one[0], 2000);
	applicants_adopt(old.applicants, &old.r, two[0], 3000);
	old.r.now = 1999;
	assert_int_equal(applicants_due(old.applicants, &old.r), 2000);
	assert_silent(one[1]);
	old.r.now = 2000;
	assert_int_equal(applicants_due(old.applicants, &old.r), 3000);
	assert_heard(one[1], "-late ");
	assert_heard(one[1], "");
	assert_silent(two[1]);
	applicants_stop(old.applicants, &old.r);
	assert_heard(two[1], "-stopping ");
	assert_int_equal(applicants_due(old.applicants, &old.r), INT64_MAX);
	assert_int_equal(close(one[1]), 0);
	assert_int_equal(close(two[1]), 0);
}

static void
t7_who_connects_has_thirty_seconds_to_ask(void **state)
{
	const int type = SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK;
	const int listener = socket(AF_UNIX, type, 0);
	const int fd = socket(AF_UNIX, type, 0);
	struct sockaddr_un sun = { .sun_family = AF_UNIX };
	socklen_t len = sizeof(sun.sun_family); /* the kernel chooses */

	(void)state;
	assert_int_equal(bind(listener, (struct sockaddr *)&sun, len), 0);
	assert_int_equal(listen(listener, 1), 0);
	len = sizeof(sun);
	assert_int_equal(getsockname(listener, (struct sockaddr *)&sun, &len),
	    0);
	assert_true(applicants_accept(old.applicants, &old.r, listener));
	assert_int_equal(applicants_due(old.applicants, &old.r), INT64_MAX);
	assert_int_equal(connect(fd, (struct sockaddr *)&sun, len), 0);
	assert_true(applicants_accept(old.applicants, &old.r, listener));
	assert_int_equal(applicants_due(old.applicants, &old.r),
	    old.r.now + 30000);
	assert_silent(fd);
	assert_int_equal(close(fd), 0);
	assert_int_equal(close(listener), 0);
}

static void
who_has_waited_longest_makes_room(void **state)
{
	int ends[APPLICANTS_PER_USER_MAX + 1][2], i;

	(void)state;
	for (i = 0; i <= APPLICANTS_PER_USER_MAX; i++) {
		connect_program(ends[i]);
		assert_silent(ends[0][1]);
		applicants_adopt(old.applicants, &old.r, ends[i][0], 2000 + i);
	}
	assert_heard(ends[0][1], "-busy ");
	assert_heard(ends[0][1], "");
	assert_int_equal(applicants_due(old.applicants, &old.r), 2001);
	for (i = 0; i <= APPLICANTS_PER_USER_MAX; i++)
		assert_int_equal(close(ends[i][1]), 0);
}

static void
a_kept_name_runs_out(void **state)
{
	int fd;

	(void)state;
	offer_keep(&old.r, SOMEONE, span("a"), 5000);
	old.r.now = 4999;
	assert_int_equal(offer_due(&old.r), 5000);
	fd = offer(&old, "a");
	assert_heard(fd, "-taken ");
	assert_int_equal(close(fd), 0);
	old.r.now = 5000;
	assert_int_equal(offer_due(&old.r), INT64_MAX);
	assert_int_equal(state_of(&old, "a"), BOOK_FREE);
	fd = offer(&old, "A");
	assert_heard(fd, "+A\r\n");
	assert_int_equal(close(fd), 0);
}

static void
t7_a_name_is_kept_for_thirty_seconds(void **state)
{
	const int fd = offer(&old, "a");

	(void)state;
	assert_int_equal(close(fd), 0);
	offer_event(&old.r, (struct loop_id){ registry_offer(&old.r, 0), 0 });
	assert_int_equal(state_of(&old, "a"), BOOK_KEPT);
	assert_int_equal(offer_due(&old.r), old.r.now + 30000);
}

/* Let new have the first n messages of what old gives; -1: all. */
static void
pass(int n)
{
	int given[2], taken[2], fd;
	char gift[1024];
	ssize_t len;

	assert_int_equal(message_pair(given, 0), 0);
	assert_int_equal(message_pair(taken, 0), 0);
	estate_give(&old.r, old.applicants, given[0], old.quiet);
	assert_int_equal(close(given[0]), 0);
	while (n-- != 0) {
		len = message_receive(given[1], gift, sizeof(gift), &fd);
		if (len <= 0)
			break;
		assert_int_equal(message_send(taken[0], gift, (size_t)len, fd),
		    0);
		if (fd != -1)
			assert_int_equal(close(fd), 0);
	}
	assert_int_equal(close(given[1]), 0);
	assert_int_equal(close(taken[0]), 0);
	assert_int_equal(estate_take(new.estate, &new.r, taken[1], new.quiet),
	    0);
	assert_int_equal(close(taken[1]), 0);
}

static void
all_is_passed_on(void **state)
{
	const int fd = offer(&old, "a");
	int ends[2];

	(void)state;
	offer_keep(&old.r, SOMEONE, span("b"), 5000);
	connect_program(ends);
	applicants_adopt(old.applicants, &old.r, ends[0], 2000);
	pass(-1);
	assert_int_equal(state_of(&new, "a"), BOOK_OFFERED);
	assert_int_equal(state_of(&new, "b"), BOOK_KEPT);
	assert_int_equal(offer_due(&new.r), 5000);
	estate_settle(new.estate, &new.r, new.applicants);
	assert_int_equal(applicants_due(new.applicants, &new.r), 2000);
	assert_heard(fd, "+a\r\n");
	assert_silent(fd);
	assert_int_equal(close(fd), 0);
	assert_int_equal(close(ends[1]), 0);
}

/* As it is after the death of old, which had the same memory. */
static void
begin_anew(void)
{
	memcpy(new.g.claims, old.g.claims, claims_size(&old.g));
	new.r.claims = claims_copy(&new.g);
	assert_non_null(new.r.claims);
	new.r.nclaims = claims_max(&new.g);
}

static bool
is_claimed(const struct generation *g, const char *name)
{
	char buf[TCPMUX_OFFER_NAME_MAX];
	struct tcpmux_span found;
	uint32_t i, uid, n = 0;

	for (i = 0; i < claims_max(g); i++)
		if (claims_get(g->claims, i, &uid, buf, &found) == 0)
			n += tcpmux_compare_names(found, span(name)) == 0;
	assert_in_range(n, 0, 1);
	return n == 1;
}

static void
what_a_program_does_not_take_is_its_users_until_it_does(void **state)
{
	const int fd = offer(&old, "a");

	(void)state;
	assert_int_equal(message_send(offer_fd(&old.r, 0), "x", 1, -1), 0);
	assert_int_equal(shutdown(fd, SHUT_WR), 0);
	offer_event(&old.r, (struct loop_id){ registry_offer(&old.r, 0), 0 });
	assert_int_equal(state_of(&old, "a"), BOOK_KEPT);
	assert_int_equal(book_count(old.r.book), 1);
	pass(-1);
	assert_int_equal(book_count(new.r.book), 1);
	assert_int_equal(unread_due(&new.r), new.r.now + UNREAD_LOOK_MS);
	assert_heard(fd, "+a\r\n");
	assert_heard(fd, "x");
	new.r.now += UNREAD_LOOK_MS;
	assert_int_equal(unread_due(&new.r), INT64_MAX);
	assert_int_equal(book_count(new.r.book), 0);
	old.r.now = new.r.now;
	assert_int_equal(unread_due(&old.r), INT64_MAX);
	assert_heard(fd, "");
	assert_int_equal(close(fd), 0);
}

static void
what_is_claimed_stays_so_until_it_is_kept(void **state)
{
	int fds[3];

	(void)state;
	fds[0] = offer(&old, "a");
	fds[1] = offer(&old, "b");
	fds[2] = offer(&old, "c");
	claims_clear(old.g.claims, 0);
	begin_anew();
	assert_true(is_claimed(&new.g, "b") && is_claimed(&new.g, "c"));
	estate_claim(&new.r);
	assert_true(is_claimed(&new.g, "b") && is_claimed(&new.g, "c"));
	assert_false(is_claimed(&new.g, "a"));
	assert_int_equal(state_of(&new, "b"), BOOK_KEPT);
	assert_int_equal(state_of(&new, "c"), BOOK_KEPT);
	assert_int_equal(close(fds[0]), 0);
	assert_int_equal(close(fds[1]), 0);
	assert_int_equal(close(fds[2]), 0);
}

static void
what_was_claimed_and_is_not_given_is_no_claim_any_more(void **state)
{
	const int one = offer(&old, "a"), two = offer(&old, "b");

	(void)state;
	begin_anew();
	new.g.table = other_table; /* in which a is somebody else's */
	pass(-1);
	assert_false(is_claimed(&new.g, "a"));
	assert_true(is_claimed(&new.g, "b"));
	estate_settle(new.estate, &new.r, new.applicants);
	assert_int_equal(close(one), 0);
	assert_int_equal(close(two), 0);
}

static void
what_was_not_given_before_the_giver_died_is_kept(void **state)
{
	const int one = offer(&old, "a"), two = offer(&old, "b");

	(void)state;
	begin_anew();
	pass(1);
	assert_int_equal(state_of(&new, "a"), BOOK_OFFERED);
	assert_int_equal(state_of(&new, "b"), BOOK_KEPT);
	assert_int_equal(close(one), 0);
	assert_int_equal(close(two), 0);
}

static void
an_offer_that_the_new_table_ends_is_told_and_logged(void **state)
{
	const int fd = offer(&old, "a");
	char line[1024] = "";

	(void)state;
	new.g.table = other_table;
	pass(-1);
	assert_heard(fd, "+a\r\n");
	assert_silent(fd); /* the old one may yet go on */
	assert_int_equal(state_of(&new, "a"), BOOK_FREE);
	estate_settle(new.estate, &new.r, new.applicants);
	assert_heard(fd, "-configured ");
	assert_heard(fd, "");
	report_flush(&new.r.report);
	assert_true(recv(lines[1], line, sizeof(line) - 1, MSG_DONTWAIT) > 0);
	assert_non_null(strstr(line, "name=a "));
	assert_non_null(strstr(line, "verdict=withdrawn "));
	assert_non_null(strstr(line, "reason=configured"));
	assert_int_equal(close(fd), 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(an_applicant_who_is_late_is_told_so),
		TEST(t7_who_connects_has_thirty_seconds_to_ask),
		TEST(who_has_waited_longest_makes_room),
		TEST(a_kept_name_runs_out),
		TEST(t7_a_name_is_kept_for_thirty_seconds),
		TEST(all_is_passed_on),
		TEST(what_a_program_does_not_take_is_its_users_until_it_does),
		TEST(what_is_claimed_stays_so_until_it_is_kept),
		TEST(what_was_claimed_and_is_not_given_is_no_claim_any_more),
		TEST(what_was_not_given_before_the_giver_died_is_kept),
		TEST(an_offer_that_the_new_table_ends_is_told_and_logged),
	};

	return cmocka_run_group_tests(tests, map_guard, unmap_guard);
}
