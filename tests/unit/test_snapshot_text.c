/*
 * The text of a snapshot, and what another daemon makes of its numbers.
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "daemon/monitor/counts.h"
#include "daemon/monitor/counts_import.h"
#include "daemon/monitor/snapshot.h"
#include "daemon/registrar/claims.h"
#include "daemon/registrar/roll.h"
#include "tests/unit/services.h"

#define TEXT_MAX 65536

static struct cohort cohort;
static struct stats stats;
static char text[TEXT_MAX];

static void *
map(size_t size)
{
	void *p = mmap(NULL, size, PROT_READ | PROT_WRITE,
	    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	assert_ptr_not_equal(p, MAP_FAILED);
	return p;
}

static const char *const date[] = { "/bin/date", NULL };
static const struct backend backend = { .text = "10.0.0.9:80" };

static struct table *
make_table(void)
{
	struct table *t = new_table();
	struct service *s;

	s = add(t, "date");
	s->program.argv = date;
	s->file = "x.conf";
	s->line = 3;
	s = add(t, "shop");
	s->file = NULL;
	s->kind = SERVICE_RELAY;
	s->relay.backends = &backend;
	s->relay.nbackends = 1;
	s->hidden = true;
	add(t, "echo")->kind = SERVICE_ECHO;
	s = add(t, "dialled");
	s->kind = SERVICE_SOCKET;
	s->socket = "/run/dialled";
	add(t, "open")->kind = SERVICE_OFFERED;
	finish(t);
	return t;
}

static int
make_generation(void **state)
{
	struct generation *g = &cohort.g;
	static struct board board;

	(void)state;
	g->number = 7;
	g->table = make_table();
	g->meter = meter_init(map(meter_size()), 1);
	if (counts_make(&stats, g->table) == -1)
		return -1;
	g->stats = &stats;
	g->board = &board;
	g->nfronts = 2;
	g->control = 0;
	g->max_offers = 10;
	g->claims = map(claims_size(g));
	g->roll = map(roll_size(g));
	return 0;
}

static int
drop_generation(void **state)
{
	struct generation *g = &cohort.g;

	(void)state;
	/* They have been mapped by make_generation(). */
	(void)munmap(g->meter, meter_size());
	(void)munmap(stats.memory, stats_size(stats.lanes));
	(void)munmap(g->claims, claims_size(g));
	(void)munmap(g->roll, roll_size(g));
	table_free((struct table *)(uintptr_t)g->table);
	return 0;
}

/* The snapshot, as a string, until the next one. */
static const char *
snapshot(void)
{
	const struct snapshot s = {
		.cohorts = &cohort,
		.config = "/etc/a b.conf",
		.user = "nobody",
		.started = 1700000000123,
		.reloads = 4,
		.layers = LAYER_USER | LAYER_SECCOMP,
	};
	const int fd = memfd_create("snapshot", MFD_CLOEXEC);
	ssize_t n;

	assert_int_not_equal(fd, -1);
	assert_int_equal(snapshot_write(&s, fd), 0);
	n = pread(fd, text, sizeof(text) - 1, 0);
	assert_true(n > 0 && (size_t)n < sizeof(text) - 1);
	text[n] = '\0';
	assert_int_equal(text[n - 1], '\n');
	assert_int_equal(close(fd), 0);
	return text;
}

/* There is a line that begins so. */
static void
assert_line(const char *in, const char *start)
{
	char wanted[512];

	(void)snprintf(wanted, sizeof(wanted), "\n%s", start);
	if (strstr(in, wanted) == NULL)
		fail_msg("no line begins with \"%s\"", start);
}

static struct tcpmux_span
name(const char *s)
{
	return (struct tcpmux_span){ s, strlen(s) };
}

static struct stats_row *
row(const char *service)
{
	const struct table *t = cohort.g.table;

	return stats_service(stats_part(&stats, STATS_FRONT, 0),
	    t->services[table_find(t, name(service))].meter);
}

/* What happens in a life of a daemon. */
static void
live(void)
{
	struct stats_part *p = stats_part(&stats, STATS_FRONT, 0);
	struct stats_row *web;

	stats_count(p, STATS_ACCEPTED);
	stats_request(p, row("date"));
	stats_request(p, row("date"));
	stats_hand_over(p, row("date"), STATS_EXEC, 120);
	stats_refuse(p, row("date"), REFUSE_RATE);
	stats_refuse(p, NULL, REFUSE_LATE);
	stats_move(p, row("shop"), STATS_IN, 5);
	stats_move(p, row("shop"), STATS_OUT, 6);
	web = stats_offer(p, name("a\"b"), 1);
	stats_request(p, web);
	stats_hand_over(p, web, STATS_OFFERED, 60000000);
	stats_refuse(p, web, REFUSE_DOWN);
}

static void
test_it_says_what_the_daemon_is(void **state)
{
	const char *in = snapshot();

	(void)state;
	assert_memory_equal(in, "tcpmuxd version=", 16);
	assert_non_null(strstr(in, " user=nobody started=1700000000.123 "));
	assert_non_null(strstr(in,
	    " generation=7 reloads=4 upgrades=0 replaced=0 "
	    "replaced-last=0.000 config=/etc/a\\x20b.conf state=serving log="));
	assert_line(in,
	    "buckets us=50,100,250,500,1000,2500,5000,10000,50000,100000,"
	    "1000000,10000000\n");
	assert_line(in, "process role=monitor number=0 pid=");
	assert_non_null(strstr(in, " layers=user,seccomp\n"));
}

static void
test_each_kind_of_service_has_what_is_known_of_it(void **state)
{
	const char *in = snapshot();

	(void)state;
	assert_line(in,
	    "service name=date kind=exec state=up hidden=no line=3 "
	    "to=/bin/date current=0 requests=0 handed=0 refused=0 time-us=0 "
	    "times=0,0,0,0,0,0,0,0,0,0,0,0,0\n");
	assert_line(in,
	    "service name=shop kind=relay state=up hidden=yes "
	    "to=10.0.0.9:80 current=0 in=0 out=0 requests=0 ");
	assert_line(in, "service name=echo kind=echo state=up hidden=no ");
	assert_line(in,
	    "service name=dialled kind=socket state=down hidden=no line=0 "
	    "to=/run/dialled queue=0 queue-max=0 requests=0 ");
	assert_line(in,
	    "service name=open kind=offer state=down hidden=no line=0 queue=0 ");
	assert_line(in, "service name=tcpmux kind=tcpmux state=up hidden=");
}

static void
test_numbers_are_those_that_were_counted(void **state)
{
	const char *in;

	(void)state;
	live();
	in = snapshot();
	assert_line(in,
	    "total waiting=0 lingering=0 accepted=1 requests=3 handed-exec=1 "
	    "handed-relay=0 handed-socket=0 handed-offer=1 help=0 tcpmux=0 "
	    "in=5 out=6\n");
	assert_line(in, "refused reason=rate n=1\n");
	assert_line(in, "refused reason=late n=1\n");
	assert_line(in, "refused reason=full n=0\n");
	assert_line(in, "refused name=date reason=rate n=1\n");
	assert_null(strstr(in, "refused name=shop"));
	assert_non_null(strstr(in,
	    " current=0 requests=2 handed=1 refused=1 time-us=120 "
	    "times=0,0,1,0,"));
}

/* Who has offered what, as a registrar has written it down. */
static void
fill_roll(void)
{
	const struct generation *g = &cohort.g;

	claims_set(g->claims, 3, 1000, name("a\"b"));
	claims_set(g->claims, 4, 1001, name("kept"));
	claims_set(g->claims, 5, 1002, name("open"));
	g->roll[0] = (struct roll_entry){ .what = ROLL_DIALLED,
		.service = table_find(g->table, name("dialled")),
		.queue = 2,
		.queue_max = 64 };
	g->roll[1] = (struct roll_entry){ .what = ROLL_OFFER,
		.service = SERVICE_NONE,
		.name = 3,
		.uid = 1000,
		.pid = 77,
		.flags = TCPMUX_OFFER_SHARE,
		.queue = 1,
		.queue_max = 8 };
	g->roll[2] = g->roll[1];
	g->roll[2].pid = 78;
	g->roll[2].flags |= TCPMUX_OFFER_HIDDEN;
	g->roll[3] = (struct roll_entry){ .what = ROLL_OFFER,
		.service = table_find(g->table, name("open")),
		.name = 5,
		.uid = 1002 };
}

static void
test_names_that_are_offered_are_there(void **state)
{
	const char *in;

	(void)state;
	live();
	fill_roll();
	in = snapshot();
	assert_line(in,
	    "service name=a\\x22b kind=offer state=up hidden=yes to=1000 "
	    "queue=2 queue-max=16 requests=1 handed=1 refused=1 "
	    "time-us=60000000 times=0,0,0,0,0,0,0,0,0,0,0,0,1\n"
	    "refused name=a\\x22b reason=down n=1\n");
	assert_line(in,
	    "service name=kept kind=offer state=down hidden=no to=1001 "
	    "queue=0 ");
	assert_line(in,
	    "offer name=a\\x22b user=1000 uid=1000 pid=77 queue=1 "
	    "queue-max=8 hidden=no shared=yes\n");
	assert_line(in,
	    "offer name=a\\x22b user=1000 uid=1000 pid=78 queue=1 "
	    "queue-max=8 hidden=yes shared=yes\n");
	assert_line(in, "offer name=open user=1002 uid=1002 ");
	assert_line(in,
	    "service name=open kind=offer state=up hidden=no line=0 to=1002 ");
	assert_line(in,
	    "service name=dialled kind=socket state=up hidden=no line=0 "
	    "to=/run/dialled queue=2 queue-max=64 ");
}

/* Whatever a registrar writes that has gone bad. */
static void
t9_a_roll_of_any_bytes_ends_nobody(void **state)
{
	const struct generation *g = &cohort.g;
	unsigned char *roll = (unsigned char *)g->roll;
	unsigned char *claims = (unsigned char *)g->claims;
	uint32_t seed, x = 1;
	size_t i;

	(void)state;
	for (seed = 0; seed < 100; seed++) {
		for (i = 0; i < roll_size(g); i++)
			roll[i] =
			    (unsigned char)((x = x * 1103515245 + 1) >> 16);
		for (i = 0; i < roll_max(g); i++)
			g->roll[i].what = seed % 3;
		for (i = 0; i < claims_size(g); i++)
			claims[i] =
			    (unsigned char)((x = x * 1103515245 + 1) >> 16);
		(void)snapshot();
	}
}

/* All numbers of a snapshot, without the rest. */
static char *
numbers(void)
{
	char *copy = strdup(strstr(snapshot(), "\ntotal "));

	assert_non_null(copy);
	return copy;
}

static void
test_another_daemon_goes_on_with_the_numbers(void **state)
{
	char *before, *after, *last;

	(void)state;
	fill_roll();
	live();
	before = numbers();
	last = strdup(text);
	assert_non_null(last);
	/* Another daemon, which has counted nothing yet. */
	(void)munmap(stats.memory, stats_size(stats.lanes));
	assert_int_equal(counts_make(&stats, cohort.g.table), 0);
	counts_import(&stats, cohort.g.table, last, strlen(last), false);
	after = numbers();
	assert_string_equal(after, before);
	/* Its last word comes later, and stands for all that it has said. */
	counts_import(&stats, cohort.g.table, last, strlen(last), true);
	counts_import(&stats, cohort.g.table, last, strlen(last), false);
	free(after);
	after = numbers();
	assert_string_equal(after, before);
	free(before);
	free(after);
	free(last);
}

static void
test_what_is_no_snapshot_is_not_counted(void **state)
{
	static const char *const wrong[] = { "", "\n", "total", "total x",
		"total accepted=", "total accepted=x",
		"total =", "service name= requests=3",
		"service name=\\x requests=3", "service name=\\xzz requests=3",
		"service name=a\\x requests=3", "refused",
		"refused reason= n=3", "refused reason=none n=3",
		"refused name= reason=none n=3", "buckets", "buckets us=1,2",
		"service name=date times=1,2,3" };
	char *before = numbers(), *after;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
		counts_import(&stats, cohort.g.table, wrong[i],
		    strlen(wrong[i]), false);
	after = numbers();
	assert_string_equal(after, before);
	free(before);
	free(after);
}

static void
test_a_service_that_is_new_begins_at_0(void **state)
{
	struct table *old = new_table();

	(void)state;
	add(old, "shop");
	finish(old);
	live();
	counts_follow(&stats, cohort.g.table, old);
	assert_non_null(
	    strstr(snapshot(), "to=/bin/date current=0 requests=0 "));
	assert_non_null(strstr(text, "current=0 in=5 out=6 "));
	table_free(old);
}

#define TEST(test) \
	cmocka_unit_test_setup_teardown(test, make_generation, drop_generation)

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		TEST(test_it_says_what_the_daemon_is),
		TEST(test_each_kind_of_service_has_what_is_known_of_it),
		TEST(test_numbers_are_those_that_were_counted),
		TEST(test_names_that_are_offered_are_there),
		TEST(t9_a_roll_of_any_bytes_ends_nobody),
		TEST(test_another_daemon_goes_on_with_the_numbers),
		TEST(test_what_is_no_snapshot_is_not_counted),
		TEST(test_a_service_that_is_new_begins_at_0),
	};

	return cmocka_run_group_tests(tests, map_guard, unmap_guard);
}
