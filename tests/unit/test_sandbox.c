/*
 * The sandbox, probed from inside: each test confines a child and reads how
 * it ended.
 */

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "os/sandbox.h"

/* More numbers than Linux has calls. */
#define CALLS_END 600

/*
 * Calls of the kernel's own trampolines for probes, x86-64 only, which newer
 * kernels let pass every filter; they do nothing for anybody else.
 */
#define CALL_URETPROBE 335
#define CALL_UPROBE    336

/* A child's way to say that something else than the probe went wrong. */
#define STATUS_BROKEN 99

/* Exit, and dup() of descriptor 1 alone. */
static const struct sandbox_call few[] = {
	{ SYS_close, 1, { { 0, STDERR_FILENO } } },
	{ .nr = SYS_exit_group },
	{ SYS_dup, 1, { { 0, 1 } } },
	{ SYS_fcntl, 2, { { 1, F_GETFD }, { 2, 7 } } },
};

#define NFEW (sizeof(few) / sizeof(few[0]))

/* Wait for a child and return its wait status. */
static int
reap(pid_t pid)
{
	int status;

	assert_int_not_equal(pid, -1);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return status;
}

/* In a child in the sandbox, make one call; returns the wait status. */
static int
probe(long nr, uint64_t a0, uint64_t a1, uint64_t a2)
{
	pid_t pid = fork();

	if (pid == 0) {
		if (sandbox_prepare(NULL) == -1 ||
		    sandbox_enter(64, few, NFEW) == -1)
			_exit(STATUS_BROKEN);
		(void)syscall(nr, a0, a1, a2, 0, 0, 0);
		_exit(0);
	}
	return reap(pid);
}

static void
assert_killed(int status)
{
	assert_true(WIFSIGNALED(status));
	assert_int_equal(WTERMSIG(status), SIGSYS);
}

static void
assert_allowed(int status)
{
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
}

static void
t8_every_call_that_is_not_listed_kills(void **state)
{
	long nr;

	(void)state;
	for (nr = 0; nr < CALLS_END; nr++) {
		if (nr == SYS_exit_group || nr == CALL_URETPROBE ||
		    nr == CALL_UPROBE)
			continue;
		assert_killed(probe(nr, 0, 0, 0));
	}
}

static void
t8_a_listed_call_is_allowed_with_its_argument_alone(void **state)
{
	(void)state;
	assert_allowed(probe(SYS_dup, 1, 0, 0));
	assert_killed(probe(SYS_dup, 0, 0, 0));
	assert_killed(probe(SYS_dup, 3, 0, 0));
	/* The upper half counts, even where the kernel ignores it. */
	assert_killed(probe(SYS_dup, (uint64_t)1 << 32 | 1, 0, 0));
}

static void
t8_each_of_two_conditions_counts(void **state)
{
	(void)state;
	assert_allowed(probe(SYS_fcntl, 0, F_GETFD, 7));
	assert_killed(probe(SYS_fcntl, 0, F_SETFD, 7));
	assert_killed(probe(SYS_fcntl, 0, F_GETFD, 8));
	assert_killed(probe(SYS_fcntl, 0, (uint64_t)1 << 32 | F_GETFD, 7));
}

static void
t8_another_numbering_of_calls_kills(void **state)
{
	const long x32 = 0x40000000;

	(void)state;
	assert_killed(probe(x32 + SYS_exit_group, 0, 0, 0));
}

static void
t8_limits_are_set_before_the_last_door_closes(void **state)
{
	static const struct sandbox_call calls[] = {
		{ .nr = SYS_exit_group },
		{ .nr = SYS_prlimit64 },
		{ .nr = SYS_close },
	};
	struct rlimit files, processes, core;
	pid_t pid = fork();

	(void)state;
	if (pid == 0) {
		if (sandbox_prepare(NULL) == -1 ||
		    sandbox_enter(64, calls, 3) == -1 ||
		    getrlimit(RLIMIT_NOFILE, &files) == -1 ||
		    getrlimit(RLIMIT_NPROC, &processes) == -1 ||
		    getrlimit(RLIMIT_CORE, &core) == -1)
			_exit(STATUS_BROKEN);
		_exit(files.rlim_max != 64 || processes.rlim_max != 0 ||
		    core.rlim_max != 0);
	}
	assert_allowed(reap(pid));
}

static void
t8_landlock_leaves_no_file_where_the_kernel_has_it(void **state)
{
	pid_t pid;

	(void)state;
	if (syscall(SYS_landlock_create_ruleset, NULL, 0, 1) == -1)
		skip(); /* no version: the kernel has none */
	pid = fork();
	if (pid == 0) {
		if (sandbox_prepare(NULL) == -1)
			_exit(STATUS_BROKEN);
		_exit(open("/etc/passwd", O_RDONLY) != -1 || errno != EACCES);
	}
	assert_allowed(reap(pid));
}

static void
a_list_that_is_too_long_is_refused(void **state)
{
	static const struct sandbox_call calls[SANDBOX_CALLS_MAX + 1];

	(void)state;
	assert_int_equal(sandbox_enter(64, calls, SANDBOX_CALLS_MAX + 1), -1);
	assert_int_equal(errno, E2BIG);
}

int
main(int argc, char *argv[])
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(t8_every_call_that_is_not_listed_kills),
		cmocka_unit_test(
		    t8_a_listed_call_is_allowed_with_its_argument_alone),
		cmocka_unit_test(t8_each_of_two_conditions_counts),
		cmocka_unit_test(t8_another_numbering_of_calls_kills),
		cmocka_unit_test(t8_limits_are_set_before_the_last_door_closes),
		cmocka_unit_test(
		    t8_landlock_leaves_no_file_where_the_kernel_has_it),
		cmocka_unit_test(a_list_that_is_too_long_is_refused),
	};

	if (argc > 1)
		cmocka_set_test_filter(argv[1]);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
