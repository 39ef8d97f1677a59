/*
 * What is counted by several processes at once: table/meter.c.
 *
 * Beside each limit there is a counter of the test's own, which is moved only
 * while the meter lets its process in: it must never exceed the limit.
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <sys/mman.h>
#include <sys/wait.h>

#include <signal.h>
#include <stdatomic.h>
#include <string.h>
#include <unistd.h>

#include "table/meter.h"

#define PROCESSES 4
#define ROUNDS    20000
#define SERVICE   3

/* What the processes of a test have in common. */
struct shared {
	_Atomic int arrived;
	_Atomic int inside[ROUNDS];
	_Atomic uint32_t entered;
	_Atomic int too_many;
};

static const struct rate none = { 0, 0 };

static struct shared *shared;
static uint32_t sources[2];
static struct meter *m;

static void *
map_shared(size_t size)
{
	void *p = mmap(NULL, size, PROT_READ | PROT_WRITE,
	    MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	return p == MAP_FAILED ? NULL : p;
}

static int
make_meter(void **state)
{
	void *p = map_shared(meter_size());

	(void)state;
	shared = map_shared(sizeof(*shared));
	if (p == NULL || shared == NULL)
		return -1;
	m = meter_init(p, 0xfedcba9876543210);
	return 0;
}

static int
drop_meter(void **state)
{
	(void)state;
	/* They have been mapped by make_meter(). */
	(void)munmap(m, meter_size());
	(void)munmap(shared, sizeof(*shared));
	return 0;
}

/* Nobody begins before all are there. */
static void
meet(void)
{
	atomic_fetch_add(&shared->arrived, 1);
	while (atomic_load(&shared->arrived) < PROCESSES)
		;
}

/* Run work in several processes at once, and wait for their good end. */
static void
run_all(void (*work)(uint32_t process))
{
	pid_t pids[PROCESSES];
	uint32_t i;
	int status;

	for (i = 0; i < PROCESSES; i++) {
		pids[i] = fork();
		assert_int_not_equal(pids[i], -1);
		if (pids[i] == 0) {
			meet();
			work(i);
			_exit(0);
		}
	}
	for (i = 0; i < PROCESSES; i++) {
		assert_int_equal(waitpid(pids[i], &status, 0), pids[i]);
		assert_int_equal(status, 0);
	}
	assert_int_equal(atomic_load(&shared->too_many), 0);
}

/* This process has been let in where no more than max may be. */
static void
be_inside(uint32_t place, int max)
{
	if (atomic_fetch_add(&shared->inside[place], 1) >= max)
		atomic_fetch_add(&shared->too_many, 1);
	atomic_fetch_add(&shared->entered, 1);
}

static void
be_outside(uint32_t place)
{
	atomic_fetch_sub(&shared->inside[place], 1);
}

static const uint8_t *
numbered(uint32_t i)
{
	static struct network n;

	n.address[0] = 0x20;
	memcpy(n.address + 4, &i, sizeof(i));
	return n.address;
}

/* Be the one connection of a source that has none. */
static uint32_t
enter(const uint8_t *address)
{
	uint32_t source;

	assert_int_equal(meter_enter_source(m, address, 1, none, ROUNDS,
			     &source),
	    0);
	assert_int_not_equal(source, METER_NONE);
	return source;
}

static void
enter_in_all(uint32_t process)
{
	int i;

	(void)process;
	for (i = 0; i < ROUNDS; i++)
		if (meter_enter(m, 2)) {
			be_inside(0, 2);
			be_outside(0);
			meter_leave(m);
		}
}

static void
the_limit_in_all_holds(void **state)
{
	(void)state;
	run_all(enter_in_all);
	assert_true(atomic_load(&shared->entered) > 0);
	/* Everybody has left: there is room for exactly two. */
	assert_true(meter_enter(m, 2));
	assert_true(meter_enter(m, 2));
	assert_false(meter_enter(m, 2));
}

/* All come to a new source at once, again and again. */
static void
enter_new_sources(uint32_t process)
{
	uint32_t i, source;

	(void)process;
	for (i = 0; i < ROUNDS; i++) {
		if (meter_enter_source(m, numbered(i), 1, none, i, &source) !=
		    0)
			continue;
		/* It would be right not to count it, but there is room. */
		if (source == METER_NONE)
			atomic_fetch_add(&shared->too_many, 1);
		be_inside(i, 1);
		be_outside(i);
		meter_leave_source(m, source);
	}
}

static void
the_limit_of_each_new_source_holds(void **state)
{
	uint32_t i, source, refused;

	(void)state;
	run_all(enter_new_sources);
	assert_in_range(atomic_load(&shared->entered), ROUNDS,
	    PROCESSES * ROUNDS);
	for (i = 0; i < ROUNDS; i++) {
		source = enter(numbered(i));
		assert_int_equal(meter_enter_source(m, numbered(i), 1, none,
				     ROUNDS, &refused),
		    REFUSE_SOURCE);
		meter_leave_source(m, source);
	}
}

/* More sources than there are places: they push one another out. */
static void
enter_many_sources(uint32_t process)
{
	uint32_t i, n, held[16];

	memset(held, 0xff, sizeof(held));
	for (i = 0; i < 20 * ROUNDS; i++) {
		n = (i * 2654435761u + process) % (2 * METER_SOURCES_MAX);
		meter_leave_source(m, held[i % 16]);
		(void)meter_enter_source(m, numbered(n), 3, none, i,
		    &held[i % 16]); /* counted or not, as there is room */
	}
	for (i = 0; i < 16; i++)
		meter_leave_source(m, held[i]);
}

static void
sources_that_push_one_another_out_leave_nothing_behind(void **state)
{
	uint32_t i;

	(void)state;
	run_all(enter_many_sources);
	for (i = 0; i < 2 * METER_SOURCES_MAX; i++)
		meter_leave_source(m, enter(numbered(i)));
}

static void
enter_service(uint32_t process)
{
	uint32_t i, which = process % 2, source = sources[which];

	for (i = 0; i < ROUNDS; i++) {
		if (meter_enter_service(m, SERVICE, source, 2, 1, none, i) != 0)
			continue;
		be_inside(0, 2);
		be_inside(1 + which, 1);
		be_outside(1 + which);
		be_outside(0);
		meter_leave_service(m, SERVICE, source);
	}
}

static void
the_limits_of_a_service_hold(void **state)
{
	int i;

	(void)state;
	for (i = 0; i < 2; i++)
		sources[i] = enter(numbered((uint32_t)i));
	run_all(enter_service);
	assert_true(atomic_load(&shared->entered) > 0);
	assert_int_equal(meter_service_count(m, SERVICE), 0);
	for (i = 0; i < 2; i++)
		assert_int_equal(meter_enter_service(m, SERVICE, sources[i], 2,
				     1, none, 0),
		    0);
}

static void
use_up_a_rate(uint32_t process)
{
	static const struct rate rate = { 5000, 1000 };
	int i;

	(void)process;
	for (i = 0; i < ROUNDS; i++)
		if (meter_enter_service(m, SERVICE, METER_NONE, 0, 0, rate,
			77) == 0)
			atomic_fetch_add(&shared->entered, 1);
}

static void
a_rate_is_used_up_exactly(void **state)
{
	(void)state;
	run_all(use_up_a_rate);
	assert_int_equal(atomic_load(&shared->entered), 5000);
	assert_int_equal(meter_service_count(m, SERVICE), 5000);
}

static void
t10_a_process_that_is_killed_holds_nothing_up(void **state)
{
	uint32_t source, left = 0, killed;
	pid_t pid;
	int i;

	(void)state;
	for (killed = 0; killed < 20; killed++) {
		pid = fork();
		assert_int_not_equal(pid, -1);
		while (pid == 0) {
			atomic_store(&shared->arrived, 1);
			if (meter_enter_source(m, numbered(1), 0, none, 0,
				&source) == 0)
				meter_leave_source(m, source);
		}
		while (atomic_load(&shared->arrived) == 0)
			;
		atomic_store(&shared->arrived, 0);
		assert_int_equal(kill(pid, SIGKILL), 0);
		assert_int_equal(waitpid(pid, NULL, 0), pid);
		assert_int_equal(meter_enter_source(m, numbered(1), 0, none, 0,
				     &source),
		    0);
		meter_leave_source(m, source);
	}
	/* Each may have left behind the one that it had counted. */
	for (i = 0; i < 100; i++)
		left += meter_enter_source(m, numbered(1), 100, none, 0,
			    &source) == 0;
	assert_in_range(left, 100 - killed, 100);
}

int
main(int argc, char *argv[])
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, make_meter, drop_meter)
	const struct CMUnitTest tests[] = {
		TEST(the_limit_in_all_holds),
		TEST(the_limit_of_each_new_source_holds),
		TEST(sources_that_push_one_another_out_leave_nothing_behind),
		TEST(the_limits_of_a_service_hold),
		TEST(a_rate_is_used_up_exactly),
		TEST(t10_a_process_that_is_killed_holds_nothing_up),
	};

	if (argc > 1)
		cmocka_set_test_filter(argv[1]);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
