/*
 * What is counted of connections: table/stats.c, alone and by several
 * processes at once.
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <sys/mman.h>
#include <sys/wait.h>

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "table/stats.h"

#define LANES     2
#define PROCESSES 4
#define ROUNDS    100000

static struct stats s;
static struct stats_sum sum;
static struct stats_totals totals;

static int
make_stats(void **state)
{
	void *p = mmap(NULL, stats_size(LANES), PROT_READ | PROT_WRITE,
	    MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	(void)state;
	if (p == MAP_FAILED)
		return -1;
	stats_init(&s, p, LANES, 0x123456789abcdef);
	return 0;
}

static int
drop_stats(void **state)
{
	(void)state;
	return munmap(s.memory, stats_size(LANES));
}

static struct tcpmux_span
span(const char *text)
{
	return (struct tcpmux_span){ text, strlen(text) };
}

static struct stats_part *
front(uint32_t number)
{
	return stats_part(&s, STATS_FRONT, number);
}

static void
test_what_was_never_counted_is_0(void **state)
{
	(void)state;
	stats_read(&s, &totals);
	assert_int_equal(totals.count[STATS_ACCEPTED], 0);
	stats_read_service(&s, 0, &sum);
	assert_int_equal(sum.requests, 0);
	stats_read_offer(&s, span("nobody"), &sum);
	assert_int_equal(sum.requests, 0);
}

static void
test_events_are_counted_for_the_name_and_in_all(void **state)
{
	struct stats_row *row = stats_service(front(0), 7);

	(void)state;
	stats_count(front(0), STATS_ACCEPTED);
	stats_request(front(0), row);
	stats_request(front(0), row);
	stats_request(front(0), NULL);
	stats_hand_over(front(0), row, STATS_EXEC, 42);
	stats_refuse(front(0), row, REFUSE_RATE);
	stats_refuse(front(0), NULL, REFUSE_UNKNOWN);
	stats_move(front(0), row, STATS_IN, 10);
	stats_move(front(0), row, STATS_OUT, 20);
	stats_read(&s, &totals);
	assert_int_equal(totals.count[STATS_ACCEPTED], 1);
	assert_int_equal(totals.count[STATS_REQUESTS], 3);
	assert_int_equal(totals.count[STATS_EXEC], 1);
	assert_int_equal(totals.count[STATS_RELAYED], 0);
	assert_int_equal(totals.count[STATS_IN], 10);
	assert_int_equal(totals.count[STATS_OUT], 20);
	assert_int_equal(totals.refused[REFUSE_RATE], 1);
	assert_int_equal(totals.refused[REFUSE_UNKNOWN], 1);
	stats_read_service(&s, 7, &sum);
	assert_int_equal(sum.requests, 2);
	assert_int_equal(sum.handed, 1);
	assert_int_equal(sum.time_us, 42);
	assert_int_equal(sum.in, 10);
	assert_int_equal(sum.out, 20);
	assert_int_equal(sum.refused[REFUSE_RATE], 1);
	assert_int_equal(sum.refused[REFUSE_UNKNOWN], 0);
	stats_read_service(&s, 8, &sum);
	assert_int_equal(sum.requests, 0);
}

static void
test_a_time_is_counted_at_the_first_bound_that_it_does_not_exceed(void **state)
{
	struct stats_row *row = stats_service(front(0), 1);
	int i;

	(void)state;
	for (i = 0; i < STATS_BOUNDS; i++) {
		stats_hand_over(front(0), row, STATS_EXEC, stats_bounds[i]);
		stats_hand_over(front(0), row, STATS_EXEC,
		    (int64_t)stats_bounds[i] + 1);
	}
	stats_hand_over(front(0), row, STATS_EXEC, 0);
	stats_hand_over(front(0), row, STATS_EXEC, -1);
	stats_read_service(&s, 1, &sum);
	assert_int_equal(sum.times[0], 3);
	for (i = 1; i <= STATS_BOUNDS; i++)
		assert_int_equal(sum.times[i], i < STATS_BOUNDS ? 2 : 1);
}

static void
test_parts_are_added_up_and_lie_apart(void **state)
{
	const size_t size = stats_part_size();
	struct stats_part *parts[] = { front(0), front(1),
		stats_part(&s, STATS_RELAY, 0), stats_part(&s, STATS_RELAY, 1),
		stats_part(&s, STATS_SPAWN, 0),
		stats_part(&s, STATS_MONITOR, 0) };
	size_t i;

	(void)state;
	assert_int_equal(stats_size(LANES), 6 * size);
	assert_int_equal(size % 65536, 0);
	for (i = 0; i < 6; i++) {
		assert_ptr_equal(parts[i], s.memory + i * size);
		stats_request(parts[i], stats_service(parts[i], 3));
	}
	assert_ptr_equal(front(LANES), front(0));
	assert_ptr_equal(stats_part(&s, STATS_RELAY, LANES + 1), parts[3]);
	stats_read_service(&s, 3, &sum);
	assert_int_equal(sum.requests, 6);
	stats_read(&s, &totals);
	assert_int_equal(totals.count[STATS_REQUESTS], 6);
}

static void
test_services_beyond_the_most_are_counted_in_all_only(void **state)
{
	struct stats_row *row = stats_service(front(0), STATS_SERVICES_MAX - 1);

	(void)state;
	assert_non_null(row);
	stats_request(front(0), row);
	assert_null(stats_service(front(0), STATS_SERVICES_MAX));
	stats_request(front(0), stats_service(front(0), STATS_SERVICES_MAX));
	stats_read_service(&s, STATS_SERVICES_MAX - 1, &sum);
	assert_int_equal(sum.requests, 1);
	stats_read_service(&s, STATS_SERVICES_MAX, &sum);
	assert_int_equal(sum.requests, 0);
	stats_read(&s, &totals);
	assert_int_equal(totals.count[STATS_REQUESTS], 2);
}

static void
test_an_offered_name_is_one_in_any_case_and_in_all_parts(void **state)
{
	(void)state;
	stats_request(front(0), stats_offer(front(0), span("Web"), 1));
	stats_request(front(0), stats_offer(front(0), span("shop"), 1));
	stats_request(front(1), stats_offer(front(1), span("wEB"), 2));
	stats_read_offer(&s, span("WEB"), &sum);
	assert_int_equal(sum.requests, 2);
	stats_read_offer(&s, span("shop"), &sum);
	assert_int_equal(sum.requests, 1);
}

/*
 * As many names as the daemon has at the most by default are all counted, and
 * of others that come and go later those in use are not forgotten.
 */
static void
test_names_in_use_are_kept_when_many_others_come(void **state)
{
	char text[16];
	int i, lost = 0;

	(void)state;
	for (i = 0; i < 4096; i++) {
		(void)snprintf(text, sizeof(text), "name%d", i);
		stats_request(front(0), stats_offer(front(0), span(text), 1));
	}
	for (i = 0; i < 4096; i++) {
		(void)snprintf(text, sizeof(text), "name%d", i);
		stats_read_offer(&s, span(text), &sum);
		lost += sum.requests != 1;
	}
	assert_int_equal(lost, 0);
	stats_request(front(0), stats_offer(front(0), span("used"), 2));
	for (i = 0; i < 200000; i++) {
		(void)snprintf(text, sizeof(text), "more%d", i);
		stats_request(front(0), stats_offer(front(0), span(text), i));
		if (i % 1000 == 0)
			stats_request(front(0),
			    stats_offer(front(0), span("used"), i));
	}
	stats_read_offer(&s, span("used"), &sum);
	assert_int_equal(sum.requests, 201);
	stats_read_offer(&s, span("more199999"), &sum);
	assert_int_equal(sum.requests, 1);
}

static void
test_a_service_can_be_forgotten(void **state)
{
	(void)state;
	stats_request(front(0), stats_service(front(0), 5));
	stats_refuse(front(1), stats_service(front(1), 5), REFUSE_DOWN);
	stats_hand_over(front(1), stats_service(front(1), 5), STATS_EXEC, 5);
	stats_move(front(1), stats_service(front(1), 5), STATS_IN, 5);
	stats_clear_service(&s, 5);
	stats_clear_service(&s, STATS_SERVICES_MAX);
	stats_read_service(&s, 5, &sum);
	assert_memory_equal(&sum, &(struct stats_sum){ .requests = 0 },
	    sizeof(sum));
	stats_read(&s, &totals);
	assert_int_equal(totals.count[STATS_REQUESTS], 1);
}

/* What the daemon before had counted can be added, and taken away again. */
static void
test_numbers_of_another_daemon_are_added(void **state)
{
	struct stats_part *mine = stats_part(&s, STATS_MONITOR, 0);
	struct stats_totals old = { .count = { [STATS_HELP] = 5 } };
	struct stats_sum row = { .requests = 7, .times = { [12] = 3 } };

	(void)state;
	stats_count(front(0), STATS_HELP);
	stats_request(front(0), stats_service(front(0), 2));
	stats_add(&s, &old);
	stats_add_row(stats_service(mine, 2), &row);
	stats_add_row(NULL, &row);
	stats_read(&s, &totals);
	assert_int_equal(totals.count[STATS_HELP], 6);
	stats_read_service(&s, 2, &sum);
	assert_int_equal(sum.requests, 8);
	assert_int_equal(sum.times[12], 3);
	row.requests = (uint64_t)-7;
	stats_add_row(stats_service(mine, 2), &row);
	stats_read_service(&s, 2, &sum);
	assert_int_equal(sum.requests, 1);
}

/* Memory that nobody counts in is not taken by those who look. */
static void
test_looking_takes_no_memory(void **state)
{
	const size_t pages = stats_size(LANES) / 4096;
	static unsigned char in[1 << 20];
	size_t i, n = 0;

	(void)state;
	if (sysconf(_SC_PAGESIZE) != 4096 || pages > sizeof(in))
		skip();
	for (i = 0; i < STATS_SERVICES_MAX; i++)
		stats_read_service(&s, (uint32_t)i, &sum);
	stats_read_offer(&s, span("web"), &sum);
	stats_read(&s, &totals);
	assert_int_equal(mincore(s.memory, stats_size(LANES), in), 0);
	for (i = 0; i < pages; i++)
		n += in[i] & 1;
	/* The heads of the parts, with what tells where to look. */
	assert_true(n <= 2 * 6);
}

/* The last process is killed in the midst of it, and holds up nobody. */
static void
count_for_ever(uint32_t number)
{
	struct stats_part *p = front(number);

	for (;;)
		stats_request(p, stats_service(p, 11));
}

static void
count_rounds(uint32_t number)
{
	struct stats_part *p = front(number);
	int i;

	for (i = 0; i < ROUNDS; i++) {
		stats_request(p, stats_service(p, 9));
		stats_hand_over(p, stats_offer(p, span("shared"), i),
		    STATS_OFFERED, i % 100);
	}
}

static void
test_processes_lose_no_count_of_each_other(void **state)
{
	pid_t pids[PROCESSES + 1];
	uint32_t i;
	int status;

	(void)state;
	for (i = 0; i <= PROCESSES; i++) {
		pids[i] = fork();
		assert_int_not_equal(pids[i], -1);
		if (pids[i] != 0)
			continue;
		if (i == PROCESSES)
			count_for_ever(i);
		count_rounds(i);
		_exit(0);
	}
	for (i = 0; i < PROCESSES; i++) {
		assert_int_equal(waitpid(pids[i], &status, 0), pids[i]);
		assert_int_equal(status, 0);
	}
	assert_int_equal(kill(pids[PROCESSES], SIGKILL), 0);
	assert_int_equal(waitpid(pids[PROCESSES], &status, 0), pids[i]);
	stats_read_service(&s, 9, &sum);
	assert_int_equal(sum.requests, PROCESSES * ROUNDS);
	stats_read_offer(&s, span("shared"), &sum);
	/* Two that meet a name at once may both take it in. */
	assert_true(sum.handed > PROCESSES * (ROUNDS - 100));
	stats_read(&s, &totals);
	assert_int_equal(totals.count[STATS_OFFERED], PROCESSES * ROUNDS);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, make_stats, drop_stats)

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		TEST(test_what_was_never_counted_is_0),
		TEST(test_events_are_counted_for_the_name_and_in_all),
		TEST(
		    test_a_time_is_counted_at_the_first_bound_that_it_does_not_exceed),
		TEST(test_parts_are_added_up_and_lie_apart),
		TEST(test_services_beyond_the_most_are_counted_in_all_only),
		TEST(test_an_offered_name_is_one_in_any_case_and_in_all_parts),
		TEST(test_names_in_use_are_kept_when_many_others_come),
		TEST(test_a_service_can_be_forgotten),
		TEST(test_numbers_of_another_daemon_are_added),
		TEST(test_looking_takes_no_memory),
		TEST(test_processes_lose_no_count_of_each_other),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
