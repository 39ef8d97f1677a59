/*
 * Reaching a service while the system says no: each call that libtcpmux makes
 * of the C library fails once, at each of its places (T12).
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
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include <cmocka.h>

#include "mux.h"
#include "tcpmux.h"

/* Does the library run, and how many calls go well until one fails? */
static bool is_armed;
static int left;

static bool
fails(int error)
{
	if (!is_armed || left-- != 0)
		return false;
	errno = error;
	return true;
}

/* The linker has the library call these instead of those. */
#define SCARCE(type, name, parameters, arguments, error, failure)          \
	type __real_##name parameters;                                     \
	type __wrap_##name parameters;                                     \
	type __wrap_##name parameters                                      \
	{                                                                  \
		return fails(error) ? (failure) : __real_##name arguments; \
	}

SCARCE(void *, malloc, (size_t n), (n), ENOMEM, NULL)
SCARCE(void *, calloc, (size_t n, size_t size), (n, size), ENOMEM, NULL)
SCARCE(void *, realloc, (void *p, size_t n), (p, n), ENOMEM, NULL)
SCARCE(char *, strdup, (const char *s), (s), ENOMEM, NULL)
SCARCE(char *, strndup, (const char *s, size_t n), (s, n), ENOMEM, NULL)
SCARCE(int, epoll_create1, (int flags), (flags), EMFILE, -1)
SCARCE(int, timerfd_create, (int id, int flags), (id, flags), EMFILE, -1)
SCARCE(int, eventfd, (unsigned int n, int flags), (n, flags), EMFILE, -1)
SCARCE(int, socket, (int domain, int type, int protocol),
    (domain, type, protocol), EMFILE, -1)
SCARCE(int, connect, (int fd, const struct sockaddr *sa, socklen_t len),
    (fd, sa, len), ENETUNREACH, -1)
SCARCE(int, epoll_ctl, (int fd, int op, int to, struct epoll_event *event),
    (fd, op, to, event), ENOMEM, -1)
SCARCE(int, pthread_create,
    (pthread_t * thread, const pthread_attr_t *attributes, void *(*run)(void *),
	void *arg),
    (thread, attributes, run, arg), 0, EAGAIN)

/* As it is called, with a number behind the command or with nothing. */
int __real_fcntl(int fd, int command, ...);
int __wrap_fcntl(int fd, int command, ...);

int
__wrap_fcntl(int fd, int command, ...)
{
	va_list ap;
	int arg;

	if (fails(EPERM))
		return -1;
	if (command != F_SETFL)
		return __real_fcntl(fd, command);
	va_start(ap, command);
	arg = va_arg(ap, int);
	va_end(ap);
	return __real_fcntl(fd, command, arg);
}

/* What is asked, and what a server says that does not listen. */
struct scene {
	const char *host;
	size_t nnames;
	unsigned int flags;
	const char *says;
};

static struct tcpmux_call *
begin_call(const struct scene *s, uint16_t port)
{
	static const char *const name = "echo";
	const struct tcpmux_target target = {
		.size = sizeof(target),
		.host = s->host,
		.port = port,
		.names = &name,
		.nnames = s->nnames,
		.flags = s->flags,
		.timeout_ms = -1,
	};
	struct tcpmux_call *call;

	is_armed = true;
	call = tcpmux_call_new(&target);
	is_armed = false;
	return call;
}

static int
step(struct tcpmux_call *call)
{
	int result;

	is_armed = true;
	result = tcpmux_call_step(call);
	is_armed = false;
	return result;
}

/* Say it to one caller. */
static void
serve(int listener, const char *says)
{
	const int peer = accept(listener, NULL, NULL);

	assert_true(peer != -1);
	mux_say(peer, says, strlen(says));
	/* Where a call of his fails on purpose, he may have gone by now. */
	if (shutdown(peer, SHUT_WR) == -1)
		assert_int_equal(errno, ENOTCONN);
	assert_int_equal(close(peer), 0);
}

/* A call to its end.  Returns its result. */
static int
play(const struct scene *s, int listener, uint16_t port)
{
	struct tcpmux_call *call = begin_call(s, port);
	struct pollfd watched[] = {
		{ .fd = listener, .events = POLLIN },
		{ .events = POLLIN },
	};
	int result;

	if (call == NULL) {
		assert_true(errno == ENOMEM || errno == EMFILE);
		return TCPMUX_ERR_SYSTEM;
	}
	watched[1].fd = tcpmux_call_fd(call);
	while ((result = step(call)) == TCPMUX_ERR_AGAIN) {
		assert_true(poll(watched, 2, -1) > 0);
		if (watched[0].revents != 0)
			serve(listener, s->says);
	}
	if (result != 0) {
		assert_true(strlen(tcpmux_call_text(call)) > 0);
		assert_true(result == TCPMUX_ERR_HOST || errno != 0);
	}
	tcpmux_call_free(call);
	return result;
}

/* Play it with one call that fails, behind n others.  Returns its result. */
static int
play_with_failure(const struct scene *s, int n, int listener, uint16_t port)
{
	struct pollfd watched = { .fd = listener, .events = POLLIN };
	int before, result;

	before = dup(STDERR_FILENO);
	assert_int_equal(close(before), 0);
	left = n;
	result = play(s, listener, port);
	if (poll(&watched, 1, 0) == 1)
		assert_int_equal(close(accept(listener, NULL, NULL)), 0);
	/* But the thread of a lookup may have some for a moment. */
	if (strcmp(s->host, "localhost") != 0) {
		assert_int_equal(dup(STDERR_FILENO), before);
		assert_int_equal(close(before), 0);
	}
	return result;
}

static void
whatever_fails_is_told_and_nothing_is_left_open(void **state)
{
	static char moved[sizeof("@127.0.0.1:65535\r\n")];
	static const struct scene scenes[] = {
		{ "127.0.0.1", 1, 0, "+\r\nx" },
		{ "127.0.0.1", 0, 0, "a\r\nb\r\n" },
		{ "127.0.0.1", 1, TCPMUX_CALL_FOLLOW, moved },
		{ "localhost", 1, TCPMUX_CALL_IPV4, "+\r\nx" },
	};
	const struct scene *s;
	uint16_t port = 0, deaf_port = 0;
	size_t i;
	int listener, deaf, n, result;

	(void)state;
	listener = mux_listen(AF_INET, &port, 8);
	/* The port stays taken, and nobody listens there any more. */
	deaf = mux_listen(AF_INET, &deaf_port, 8);
	assert_int_equal(shutdown(deaf, SHUT_RD), 0);
	(void)snprintf(moved, sizeof(moved), "@127.0.0.1:%u\r\n", deaf_port);
	for (i = 0; i < sizeof(scenes) / sizeof(scenes[0]); i++) {
		s = &scenes[i];
		for (n = 0;; n++) {
			result = play_with_failure(s, n, listener, port);
			if (left >= 0)
				break; /* nothing has failed */
			assert_true(result == 0 ||
			    result == TCPMUX_ERR_SYSTEM ||
			    result == TCPMUX_ERR_HOST ||
			    result == TCPMUX_ERR_UNREACHABLE);
		}
		assert_true(n > 5);
		assert_int_equal(result,
		    s->says[0] == '@' ? TCPMUX_ERR_UNREACHABLE : 0);
	}
	assert_int_equal(close(listener), 0);
	assert_int_equal(close(deaf), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
		    whatever_fails_is_told_and_nothing_is_left_open),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
