/*
 * Offering a name to a daemon that goes, or has no time, between the moment
 * when a program connects to it and the one when the program asks.
 */

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>

#include "tcpmux.h"

/* The place of the control socket, and who listens there. */
static char folder[64];
static char path[96];
static int control;

/* What the daemon does when the library connects to it, or has connected. */
static enum moment {
	MOMENT_NONE,
	MOMENT_SAYS_AND_CLOSES, /* a refusal, before it is asked */
	MOMENT_SAYS_AND_WAITS,  /* the same, and closes when it is asked */
	MOMENT_ENDS,            /* with the connection in its queue */
	MOMENT_HAS_NO_TIME,     /* its queue is full */
} moment;

/* The daemon's end of the connection; does it close that when it is asked? */
static int peer = -1;
static bool waits_for_question;

/* The linker has the library call these instead of those. */
int __real_connect(int fd, const struct sockaddr *sa, socklen_t len);
int __wrap_connect(int fd, const struct sockaddr *sa, socklen_t len);

ssize_t __real_send(int fd, const void *p, size_t len, int flags);
ssize_t __wrap_send(int fd, const void *p, size_t len, int flags);

static void
daemon_says(const char *line)
{
	const ssize_t len = (ssize_t)strlen(line);

	peer = accept(control, NULL, NULL);
	assert_return_code(peer, errno);
	assert_int_equal(__real_send(peer, line, (size_t)len, 0), len);
}

static void
daemon_closes(void)
{
	assert_return_code(close(peer), errno);
	peer = -1;
}

static void
daemon_ends(void)
{
	assert_return_code(close(control), errno);
	control = -1;
}

int
__wrap_connect(int fd, const struct sockaddr *sa, socklen_t len)
{
	const enum moment now = moment;
	int result;

	moment = MOMENT_NONE;
	if (now == MOMENT_HAS_NO_TIME) {
		errno = EAGAIN;
		return -1;
	}
	result = __real_connect(fd, sa, len);
	if (result == -1)
		return result;
	if (now == MOMENT_ENDS)
		daemon_ends();
	else if (now == MOMENT_NONE)
		daemon_says("+web\r\n");
	else
		daemon_says("-busy Come back.\r\n");
	if (now == MOMENT_SAYS_AND_CLOSES)
		daemon_closes();
	waits_for_question = now == MOMENT_SAYS_AND_WAITS;
	return result;
}

ssize_t
__wrap_send(int fd, const void *p, size_t len, int flags)
{
	const ssize_t n = __real_send(fd, p, len, flags);
	const int saved = errno;

	if (waits_for_question)
		daemon_closes();
	waits_for_question = false;
	errno = saved;
	return n;
}

static int
begin(void **state)
{
	struct sockaddr_un un = { .sun_family = AF_UNIX };

	(void)state;
	(void)strcpy(folder, "/tmp/tcpmux-gone-XXXXXX");
	assert_non_null(mkdtemp(folder));
	assert_return_code(chmod(folder, 0755), errno);
	(void)snprintf(path, sizeof(path), "%s/tcpmux", folder);
	assert_return_code(mkdir(path, 0755), errno);
	(void)strcat(path, "/control");
	(void)strcpy(un.sun_path, path);
	control = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	assert_return_code(bind(control, (struct sockaddr *)&un, sizeof(un)),
	    errno);
	assert_return_code(chmod(path, 0666), errno);
	assert_return_code(listen(control, 8), errno);
	return 0;
}

static int
end(void **state)
{
	(void)state;
	if (peer != -1)
		daemon_closes();
	if (control != -1)
		daemon_ends();
	(void)unlink(path);
	*strrchr(path, '/') = '\0';
	(void)rmdir(path);
	(void)rmdir(folder);
	return 0;
}

/* Offer a name, and be refused for the reason that the daemon has. */
static void
assert_reason_is_heard(void)
{
	struct tcpmux_offer *o;

	assert_int_equal(tcpmux_listen(path, "web", 0, &o), TCPMUX_ERR_REFUSED);
	assert_string_equal(tcpmux_offer_text(o), "busy Come back.");
	tcpmux_close(o);
}

static void
a_reason_that_comes_before_the_question_is_heard(void **state)
{
	(void)state;
	moment = MOMENT_SAYS_AND_CLOSES;
	assert_reason_is_heard();
}

static void
a_reason_of_who_leaves_the_question_unread_is_heard(void **state)
{
	(void)state;
	moment = MOMENT_SAYS_AND_WAITS;
	assert_reason_is_heard();
}

static void
a_daemon_that_goes_in_between_is_none(void **state)
{
	struct tcpmux_offer *o;

	(void)state;
	moment = MOMENT_ENDS;
	assert_int_equal(tcpmux_listen(path, "web", 0, &o),
	    TCPMUX_ERR_NO_DAEMON);
	assert_null(o);
}

static void
a_daemon_that_goes_in_between_is_waited_for(void **state)
{
	struct tcpmux_offer *o;

	(void)state;
	moment = MOMENT_ENDS;
	assert_int_equal(tcpmux_listen(path, "web", TCPMUX_OFFER_WAIT, &o), 0);
	assert_false(tcpmux_offer_is_up(o));
	tcpmux_close(o);
}

static void
a_daemon_without_time_is_not_passed_over_for_another(void **state)
{
	const uid_t user = geteuid();
	struct tcpmux_offer *o;

	(void)state;
	assert_int_equal(setenv("XDG_RUNTIME_DIR", folder, 1), 0);
	if (user == 0) /* who would ask the daemon of the machine */
		assert_return_code(seteuid(1), errno);
	moment = MOMENT_HAS_NO_TIME;
	assert_int_equal(tcpmux_listen(NULL, "web", 0, &o), 0);
	assert_true(tcpmux_offer_is_up(o));
	tcpmux_close(o);
	if (user == 0)
		assert_return_code(seteuid(0), errno);
	assert_int_equal(unsetenv("XDG_RUNTIME_DIR"), 0);
}

int
main(int argc, char *argv[])
{
	const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)
		TEST(a_reason_that_comes_before_the_question_is_heard),
		TEST(a_reason_of_who_leaves_the_question_unread_is_heard),
		TEST(a_daemon_that_goes_in_between_is_none),
		TEST(a_daemon_that_goes_in_between_is_waited_for),
		TEST(a_daemon_without_time_is_not_passed_over_for_another),
	};

	if (argc > 1)
		cmocka_set_test_filter(argv[1]);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
