/*
 * What the service manager has left, and what it is told, by the words of its
 * protocols alone: os/activation.c, os/notify.c and daemon/monitor/store.c.
 */

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "daemon/monitor/store.h"
#include "os/activation.h"
#include "os/notify.h"

#define NAME_BYTES 200

/* Set what sd_listen_fds(3) reads; NULL: it is not there. */
static void
set_variables(const char *pid, const char *fds, const char *names)
{
	static const char *const variables[] = { "LISTEN_PID", "LISTEN_FDS",
		"LISTEN_FDNAMES" };
	const char *const values[] = { pid, fds, names };
	size_t i;

	for (i = 0; i < 3; i++)
		if (values[i] == NULL)
			assert_int_equal(unsetenv(variables[i]), 0);
		else
			assert_int_equal(setenv(variables[i], values[i], 1), 0);
}

static const char *
own_pid(void)
{
	static char text[16];

	(void)snprintf(text, sizeof(text), "%d", (int)getpid());
	return text;
}

static void
nothing_is_left_to_another_process(void **state)
{
	struct activation a;

	(void)state;
	set_variables("1", "3", "a:b:c");
	assert_int_equal(activation_read(&a), 0);
	assert_int_equal(a.n, 0);
	assert_null(getenv("LISTEN_PID"));
	assert_null(getenv("LISTEN_FDS"));
	assert_null(getenv("LISTEN_FDNAMES"));
	activation_clear(&a);
}

static void
variables_without_sense_are_an_error(void **state)
{
	static const char *const bad[] = { "", "-1", "x", "1x",
		"99999999999999999999", "2147483647" };
	struct activation a;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		set_variables(own_pid(), bad[i], NULL);
		assert_int_equal(activation_read(&a), -1);
		assert_int_equal(errno, EINVAL);
	}
	set_variables("x", "1", NULL);
	assert_int_equal(activation_read(&a), -1);
	set_variables(own_pid(), "1000000", NULL);
	assert_int_equal(activation_read(&a), -1);
	assert_int_equal(errno, EBADF);
}

/* Read as many descriptors as there are names, and compare those. */
static void
assert_names(const char *names, const char *const wanted[], int n)
{
	char count[16];
	struct activation a;
	int i;

	for (i = 0; i < n; i++)
		assert_int_equal(dup2(STDERR_FILENO, 3 + i), 3 + i);
	(void)snprintf(count, sizeof(count), "%d", n);
	set_variables(own_pid(), count, names);
	assert_int_equal(activation_read(&a), 0);
	assert_int_equal(a.n, n);
	for (i = 0; i < n; i++) {
		assert_int_equal(a.v[i].fd, 3 + i);
		assert_string_equal(a.v[i].name, wanted[i]);
		assert_int_equal(fcntl(3 + i, F_GETFD), FD_CLOEXEC);
		assert_int_equal(close(3 + i), 0);
	}
	activation_clear(&a);
}

static void
each_descriptor_has_its_name(void **state)
{
	(void)state;
	assert_names("a:b c:d", (const char *const[]){ "a", "b c", "d" }, 3);
	assert_names(NULL, (const char *const[]){ "unknown", "unknown" }, 2);
	assert_names("", (const char *const[]){ "" }, 1);
}

static void
names_that_are_missing_are_unknown(void **state)
{
	(void)state;
	assert_names("a", (const char *const[]){ "a", "unknown" }, 2);
	assert_names("a::b:c", (const char *const[]){ "a", "" }, 2);
}

static void
nobody_wants_to_be_told(void **state)
{
	(void)state;
	assert_int_equal(unsetenv("NOTIFY_SOCKET"), 0);
	assert_int_equal(notify_open(), -1);
	assert_int_equal(errno, ENODATA);
	assert_int_equal(notify_send(-1, "READY=1\n", -1), 0);
}

static void
an_address_that_is_none_is_an_error(void **state)
{
	char text[200];
	const char *const bad[] = { "", "/", "@", "run/notify", "vsock:2:1",
		text };
	size_t i;

	(void)state;
	memset(text, 'x', sizeof(text) - 1);
	text[0] = '/';
	text[sizeof(text) - 1] = '\0';
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		assert_int_equal(setenv("NOTIFY_SOCKET", bad[i], 1), 0);
		assert_int_equal(notify_open(), -1);
		assert_int_equal(errno, EINVAL);
		assert_null(getenv("NOTIFY_SOCKET"));
	}
}

static void
signs_of_life_are_wanted_in_time(void **state)
{
	static const struct {
		const char *usec, *pid;
		int64_t ms;
	} cases[] = { { "30000000", NULL, 30000 }, { "30000000", "1", 0 },
		{ NULL, NULL, 0 }, { "x", NULL, 0 }, { "10x", NULL, 0 },
		{ "", NULL, 0 }, { "-5", NULL, 0 },
		{ "99999999999999999999999", NULL, 0 } };
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		if (cases[i].usec != NULL)
			(void)setenv("WATCHDOG_USEC", cases[i].usec, 1);
		if (cases[i].pid != NULL)
			(void)setenv("WATCHDOG_PID", cases[i].pid, 1);
		assert_int_equal(notify_watchdog(), cases[i].ms);
		assert_null(getenv("WATCHDOG_USEC"));
		assert_null(getenv("WATCHDOG_PID"));
	}
	(void)setenv("WATCHDOG_USEC", "2000", 1);
	(void)setenv("WATCHDOG_PID", own_pid(), 1);
	assert_int_equal(notify_watchdog(), 2);
}

static struct keepsake
keepsake(const char *name)
{
	struct keepsake k = { .mark = KEEPSAKE_MARK,
		.what = KEEPSAKE_KEEP,
		.flags = 3,
		.uid = getuid(),
		.len = (uint8_t)strlen(name) };

	memcpy(k.name, name, k.len);
	return k;
}

/* What the service manager has as the name of a descriptor. */
static void
cut_name(const struct keepsake *k, int fd, char name[NOTIFY_TEXT_MAX])
{
	char text[NOTIFY_TEXT_MAX], *end;

	store_write(k, fd, text);
	(void)snprintf(name, NOTIFY_TEXT_MAX, "%s",
	    strstr(text, "FDNAME=") + 7);
	end = strchr(name, '\n');
	assert_non_null(end);
	assert_string_equal(end, "\n");
	*end = '\0';
}

static void
a_kept_name_is_read_as_it_was_written(void **state)
{
	char all[95], longest[NAME_BYTES + 1], name[NOTIFY_TEXT_MAX];
	const char *const names[] = { "web", "a:b", ":", all, longest,
		"1.2.3" };
	struct keepsake k, back;
	int ends[2];
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(all) - 1; i++)
		all[i] = (char)('!' + i);
	all[sizeof(all) - 1] = '\0';
	memset(longest, ':', NAME_BYTES);
	longest[NAME_BYTES] = '\0';
	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, ends), 0);
	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		k = keepsake(names[i]);
		assert_null(store_fault(&k, ends[0]));
		cut_name(&k, ends[0], name);
		assert_true(strlen(name) <= 255);
		assert_null(strchr(name, ':'));
		assert_true(store_is_name(name));
		assert_int_equal(store_parse_name(name, &back), 0);
		assert_memory_equal(&back, &k, sizeof(k));
	}
	assert_int_equal(close(ends[0]), 0);
	assert_int_equal(close(ends[1]), 0);
}

static void
two_offers_of_one_name_are_two(void **state)
{
	const struct keepsake k = keepsake("web");
	char a[NOTIFY_TEXT_MAX], b[NOTIFY_TEXT_MAX];
	int ends[2];

	(void)state;
	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, ends), 0);
	cut_name(&k, ends[0], a);
	cut_name(&k, ends[1], b);
	assert_string_not_equal(a, b);
	assert_int_equal(close(ends[0]), 0);
	assert_int_equal(close(ends[1]), 0);
}

static void
what_is_no_offer_is_not_kept(void **state)
{
	struct keepsake k = keepsake("web");
	int ends[2], stream[2];

	(void)state;
	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, ends), 0);
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, stream), 0);
	assert_non_null(store_fault(&k, stream[0]));
	assert_non_null(store_fault(&k, STDERR_FILENO));
	k.len = 0;
	assert_non_null(store_fault(&k, ends[0]));
	k.len = 255;
	assert_non_null(store_fault(&k, ends[0]));
	k = keepsake("a\nb");
	assert_non_null(store_fault(&k, ends[0]));
	k = keepsake("web");
	k.what = 2;
	assert_non_null(store_fault(&k, ends[0]));
	k = keepsake("web");
	k.uid++;
	assert_non_null(store_fault(&k, ends[0]));
	k.uid--;
	assert_int_equal(close(ends[1]), 0);
	assert_non_null(store_fault(&k, ends[0]));
	k.what = KEEPSAKE_DROP;
	assert_null(store_fault(&k, ends[0]));
	assert_int_equal(close(ends[0]), 0);
	assert_int_equal(close(stream[0]), 0);
	assert_int_equal(close(stream[1]), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nothing_is_left_to_another_process),
		cmocka_unit_test(variables_without_sense_are_an_error),
		cmocka_unit_test(each_descriptor_has_its_name),
		cmocka_unit_test(names_that_are_missing_are_unknown),
		cmocka_unit_test(nobody_wants_to_be_told),
		cmocka_unit_test(an_address_that_is_none_is_an_error),
		cmocka_unit_test(signs_of_life_are_wanted_in_time),
		cmocka_unit_test(a_kept_name_is_read_as_it_was_written),
		cmocka_unit_test(two_offers_of_one_name_are_two),
		cmocka_unit_test(what_is_no_offer_is_not_kept),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
