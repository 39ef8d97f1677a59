/*
 * Asking a daemon that this test plays, which may be hostile, while the system
 * may say no.
 */

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>

#include "tcpmux.h"

#define PATIENCE_MS 20000

/* The place of the control socket, and who listens there. */
static char path[96];
static int control;

/* What the daemon says to the next that asks, and what it has heard. */
struct daemon {
	const char *says; /* NULL: it closes */
	size_t len;
	int fds[2];   /* what it sends with that; -1 is none */
	bool is_deaf; /* it says so without having read */
	bool stays;   /* it does not close, */
	int fd;       /* its end of the connection */
	char request[TCPMUX_REQUEST_MAX + 1];
	pthread_t thread;
};

/* The call of the library that fails once, and how many go well before. */
static int left = -1;
static int failure;

static bool
fails(void)
{
	if (left == -1 || left-- != 0)
		return false;
	errno = failure;
	return true;
}

/* The linker has the library call these instead of those. */
#define SCARCE(type, name, parameters, arguments)                    \
	type __real_##name parameters;                               \
	type __wrap_##name parameters;                               \
	type __wrap_##name parameters                                \
	{                                                            \
		return fails() ? (type)-1 : __real_##name arguments; \
	}

SCARCE(int, socket, (int domain, int type, int protocol),
    (domain, type, protocol))
SCARCE(int, connect, (int fd, const struct sockaddr *sa, socklen_t len),
    (fd, sa, len))
SCARCE(ssize_t, send, (int fd, const void *p, size_t len, int flags),
    (fd, p, len, flags))
SCARCE(ssize_t, recvmsg, (int fd, struct msghdr *msg, int flags),
    (fd, msg, flags))
SCARCE(int, poll, (struct pollfd * p, nfds_t n, int ms), (p, n, ms))

static int
begin(void **state)
{
	struct sockaddr_un un = { .sun_family = AF_UNIX };

	(void)state;
	(void)strcpy(path, "/tmp/tcpmux-ask-XXXXXX");
	assert_non_null(mkdtemp(path));
	(void)strcat(path, "/control");
	(void)strcpy(un.sun_path, path);
	control = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	assert_return_code(bind(control, (struct sockaddr *)&un, sizeof(un)),
	    errno);
	assert_return_code(listen(control, 0), errno);
	return 0;
}

static int
end(void **state)
{
	(void)state;
	if (control != -1)
		(void)close(control);
	(void)unlink(path);
	*strrchr(path, '/') = '\0';
	(void)rmdir(path);
	return 0;
}

static void
say(int fd, const struct daemon *d)
{
	union {
		struct cmsghdr head;
		char bytes[CMSG_SPACE(2 * sizeof(int))];
	} room = { .bytes = { 0 } };
	const union {
		const void *in;
		void *out;
	} base = { d->says };
	struct iovec iov = { base.out, d->len };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1 };
	const size_t n =
	    (d->fds[0] != -1 ? 1U : 0U) + (d->fds[1] != -1 ? 1U : 0U);

	if (n > 0) {
		room.head.cmsg_level = SOL_SOCKET;
		room.head.cmsg_type = SCM_RIGHTS;
		room.head.cmsg_len = CMSG_LEN(n * sizeof(int));
		memcpy(CMSG_DATA(&room.head), d->fds, n * sizeof(int));
		msg.msg_control = room.bytes;
		msg.msg_controllen = CMSG_SPACE(n * sizeof(int));
	}
	/* Whoever asked may have ended, where a call of his fails. */
	(void)sendmsg(fd, &msg, MSG_NOSIGNAL);
}

static void *
serve(void *arg)
{
	struct daemon *d = arg;
	ssize_t n = 0;

	d->fd = accept(control, NULL, NULL);
	if (!d->is_deaf)
		n = recv(d->fd, d->request, sizeof(d->request) - 1, 0);
	d->request[n > 0 ? n : 0] = '\0';
	if (d->says != NULL)
		say(d->fd, d);
	if (!d->stays)
		(void)close(d->fd);
	return NULL;
}

static struct daemon
daemon_of(const char *says)
{
	return (struct daemon){ .says = says,
		.len = says != NULL ? strlen(says) : 0,
		.fds = { -1, -1 } };
}

/* Ask for "snapshot"; returns what tcpmux_ask() does. */
static int
ask(struct daemon *d, char answer[TCPMUX_REPLY_MAX], int *text)
{
	int r, saved;

	assert_int_equal(pthread_create(&d->thread, NULL, serve, d), 0);
	r = tcpmux_ask(path, "snapshot", PATIENCE_MS, answer, text);
	saved = errno;
	assert_int_equal(pthread_join(d->thread, NULL), 0);
	errno = saved;
	return r;
}

static int
file_of(const char *text)
{
	int fd = memfd_create("text", MFD_CLOEXEC);

	assert_return_code(fd, errno);
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	return fd;
}

/* The lowest descriptor that is free: it grows by one for each that leaks. */
static int
lowest_free(void)
{
	int fd = dup(0);

	(void)close(fd);
	return fd;
}

/* Ask a daemon that says this, and nothing comes of it but err. */
static void
assert_comes_to(struct daemon d, int err)
{
	const int before = lowest_free();
	char answer[TCPMUX_REPLY_MAX];
	int text = 0;

	assert_int_equal(ask(&d, answer, &text), err);
	assert_int_equal(text, -1);
	assert_string_equal(answer, "");
	assert_int_equal(lowest_free(), before);
}

static void
what_is_asked_is_one_line_and_so_is_the_answer(void **state)
{
	struct daemon d = daemon_of("+It is so.\r\n");
	char answer[TCPMUX_REPLY_MAX];
	int text;

	(void)state;
	assert_int_equal(ask(&d, answer, &text), 0);
	assert_string_equal(d.request, "snapshot\r\n");
	assert_string_equal(answer, "It is so.");
	assert_int_equal(text, -1);
}

static void
a_file_comes_with_either_sign(void **state)
{
	static const char *const says[] = { "+\r\n", "-failed No.\r\n" };
	char answer[TCPMUX_REPLY_MAX], bytes[8];
	struct stat st;
	struct daemon d;
	size_t i;
	int text;

	(void)state;
	for (i = 0; i < 2; i++) {
		d = daemon_of(says[i]);
		d.fds[0] = file_of("more\n");
		assert_int_equal(ask(&d, answer, &text),
		    i == 0 ? 0 : TCPMUX_ERR_REFUSED);
		assert_int_equal(fcntl(text, F_GETFD), FD_CLOEXEC);
		assert_return_code(fstat(text, &st), errno);
		assert_int_equal(pread(text, bytes, sizeof(bytes), 0), 5);
		assert_memory_equal(bytes, "more\n", 5);
		(void)close(text);
		(void)close(d.fds[0]);
	}
	assert_string_equal(answer, "failed No.");
}

static void
a_file_that_nobody_wants_is_closed(void **state)
{
	struct daemon d = daemon_of("+\r\n");
	char answer[TCPMUX_REPLY_MAX];
	int before;

	(void)state;
	d.fds[0] = file_of("");
	before = lowest_free();
	assert_int_equal(ask(&d, answer, NULL), 0);
	assert_int_equal(lowest_free(), before);
	(void)close(d.fds[0]);
}

static void
the_longest_answer_fits(void **state)
{
	char says[TCPMUX_REPLY_MAX + 1], answer[TCPMUX_REPLY_MAX];
	struct daemon d;

	(void)state;
	memset(says, 'a', sizeof(says));
	says[0] = '-';
	(void)strcpy(says + TCPMUX_REPLY_MAX - 2, "\r\n");
	d = daemon_of(says);
	assert_int_equal(ask(&d, answer, NULL), TCPMUX_ERR_REFUSED);
	assert_int_equal(strlen(answer), TCPMUX_REPLY_MAX - 3);
}

static void
a_daemon_that_refuses_before_it_is_asked_is_heard(void **state)
{
	struct daemon d = daemon_of("-busy Come back.\r\n");
	char answer[TCPMUX_REPLY_MAX];

	(void)state;
	d.is_deaf = true;
	assert_int_equal(ask(&d, answer, NULL), TCPMUX_ERR_REFUSED);
	assert_string_equal(answer, "busy Come back.");
}

static void
what_is_no_answer_is_foreign(void **state)
{
	static const char *const bad[] = { "+", "+\n", "hello\r\n",
		"+a\r\n+b\r\n", "+a\rb\r\n", "\r\n" };
	char longest[TCPMUX_REPLY_MAX + 2];
	struct daemon d;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_comes_to(daemon_of(bad[i]), TCPMUX_ERR_FOREIGN);
	memset(longest, 'a', sizeof(longest));
	longest[0] = '+';
	(void)strcpy(longest + TCPMUX_REPLY_MAX - 1, "\r\n");
	assert_comes_to(daemon_of(longest), TCPMUX_ERR_FOREIGN);
	d = daemon_of("+\0\r\n");
	d.len = 4;
	assert_comes_to(d, TCPMUX_ERR_FOREIGN);
}

static void
what_is_no_file_or_one_too_many_is_foreign(void **state)
{
	struct daemon d = daemon_of("+\r\n");
	int ends[2];

	(void)state;
	assert_return_code(pipe2(ends, O_CLOEXEC), errno);
	d.fds[0] = ends[0];
	assert_comes_to(d, TCPMUX_ERR_FOREIGN);
	d.fds[0] = file_of("");
	d.fds[1] = d.fds[0];
	assert_comes_to(d, TCPMUX_ERR_FOREIGN);
	/* A file without a line is none of an answer, either. */
	d = daemon_of("");
	d.fds[0] = ends[0];
	assert_comes_to(d, TCPMUX_ERR_FOREIGN);
	(void)close(ends[0]);
	(void)close(ends[1]);
}

static void
a_daemon_that_goes_without_an_answer_has_closed(void **state)
{
	struct daemon d = daemon_of(NULL);

	(void)state;
	assert_comes_to(d, TCPMUX_ERR_CLOSED);
	d.is_deaf = true;
	assert_comes_to(d, TCPMUX_ERR_CLOSED);
}

static void
a_daemon_that_does_not_answer_is_not_waited_for_longer(void **state)
{
	char answer[TCPMUX_REPLY_MAX];
	int text;

	(void)state;
	assert_int_equal(tcpmux_ask(path, "reload", 1, answer, &text),
	    TCPMUX_ERR_TIMEOUT);
	/* Now its queue is full. */
	assert_int_equal(tcpmux_ask(path, "reload", 1, answer, &text),
	    TCPMUX_ERR_TIMEOUT);
	assert_int_equal(tcpmux_ask(path, "reload", 0, answer, &text),
	    TCPMUX_ERR_TIMEOUT);
}

static void
a_daemon_that_has_no_time_yet_is_asked_again(void **state)
{
	struct daemon d = daemon_of("+\r\n");
	char answer[TCPMUX_REPLY_MAX];

	(void)state;
	left = 1; /* behind socket() comes connect() */
	failure = EAGAIN;
	assert_int_equal(ask(&d, answer, NULL), 0);
	assert_int_equal(left, -1);
}

static void
nobody_there_is_no_daemon(void **state)
{
	char answer[TCPMUX_REPLY_MAX];

	(void)state;
	(void)close(control);
	control = -1;
	assert_int_equal(tcpmux_ask(path, "snapshot", -1, answer, NULL),
	    TCPMUX_ERR_NO_DAEMON);
	assert_int_equal(unlink(path), 0);
	assert_int_equal(tcpmux_ask(path, "snapshot", -1, answer, NULL),
	    TCPMUX_ERR_NO_DAEMON);
	assert_int_equal(tcpmux_ask("/dev/null/x", "snapshot", -1, answer,
			     NULL),
	    TCPMUX_ERR_NO_DAEMON);
}

static void
what_cannot_be_asked_is_an_argument(void **state)
{
	char answer[TCPMUX_REPLY_MAX], request[TCPMUX_NAME_MAX + 2];

	(void)state;
	memset(request, 'a', sizeof(request));
	request[sizeof(request) - 1] = '\0';
	assert_int_equal(tcpmux_ask(path, "", -1, answer, NULL),
	    TCPMUX_ERR_ARGUMENT);
	assert_int_equal(tcpmux_ask(path, "two words", -1, answer, NULL),
	    TCPMUX_ERR_ARGUMENT);
	assert_int_equal(tcpmux_ask(path, "a\r\nb", -1, answer, NULL),
	    TCPMUX_ERR_ARGUMENT);
	assert_int_equal(tcpmux_ask(path, request, -1, answer, NULL),
	    TCPMUX_ERR_ARGUMENT);
	assert_int_equal(tcpmux_ask("", "snapshot", -1, answer, NULL),
	    TCPMUX_ERR_ARGUMENT);
}

static void
an_answer_whose_file_finds_no_descriptor_is_told(void **state)
{
	struct daemon d = daemon_of("+\r\n");
	struct rlimit old, none;
	char answer[TCPMUX_REPLY_MAX];
	int text, before, both, last;

	(void)state;
	d.stays = true;
	d.fds[0] = file_of("");
	/* Two for the ends of the connection, and then none. */
	before = dup(0);
	both = dup(0);
	last = dup(0);
	(void)close(before);
	(void)close(both);
	(void)close(last);
	assert_return_code(getrlimit(RLIMIT_NOFILE, &old), errno);
	none = old;
	none.rlim_cur = (rlim_t)last;
	assert_return_code(setrlimit(RLIMIT_NOFILE, &none), errno);
	assert_int_equal(ask(&d, answer, &text), TCPMUX_ERR_SYSTEM);
	assert_int_equal(errno, EMFILE);
	assert_return_code(setrlimit(RLIMIT_NOFILE, &old), errno);
	assert_int_equal(text, -1);
	(void)close(d.fd);
	assert_int_equal(lowest_free(), before);
	(void)close(d.fds[0]);
}

static void
whatever_fails_is_told_and_nothing_is_left_open(void **state)
{
	static const int errors[] = { EMFILE, ENOMEM, EINTR, EACCES };
	char answer[TCPMUX_REPLY_MAX];
	const int before = lowest_free();
	size_t i;
	int n, text;

	(void)state;
	/* Nobody answers: socket, connect, send, recvmsg and poll fail. */
	for (i = 0; i < sizeof(errors) / sizeof(errors[0]); i++)
		for (n = 0; n < 5; n++) {
			left = n;
			failure = errors[i];
			assert_int_equal(tcpmux_ask(path, "snapshot",
					     PATIENCE_MS, answer, &text),
			    TCPMUX_ERR_SYSTEM);
			assert_int_equal(errno, errors[i]);
			assert_int_equal(left, -1);
			assert_int_equal(text, -1);
			assert_int_equal(lowest_free(), before);
			/* Who has connected is to be let go. */
			if (n >= 2)
				(void)close(accept(control, NULL, NULL));
		}
}

int
main(int argc, char *argv[])
{
	const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)
		TEST(what_is_asked_is_one_line_and_so_is_the_answer),
		TEST(a_file_comes_with_either_sign),
		TEST(a_file_that_nobody_wants_is_closed),
		TEST(the_longest_answer_fits),
		TEST(a_daemon_that_refuses_before_it_is_asked_is_heard),
		TEST(what_is_no_answer_is_foreign),
		TEST(what_is_no_file_or_one_too_many_is_foreign),
		TEST(a_daemon_that_goes_without_an_answer_has_closed),
		TEST(a_daemon_that_does_not_answer_is_not_waited_for_longer),
		TEST(a_daemon_that_has_no_time_yet_is_asked_again),
		TEST(nobody_there_is_no_daemon),
		TEST(what_cannot_be_asked_is_an_argument),
		TEST(an_answer_whose_file_finds_no_descriptor_is_told),
		TEST(whatever_fails_is_told_and_nothing_is_left_open),
	};

	if (argc > 1)
		cmocka_set_test_filter(argv[1]);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
