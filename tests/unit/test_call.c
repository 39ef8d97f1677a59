/*
 * A call from an address to the connected socket: lib/call.c, lib/dial.c and
 * lib/connect.c.
 */

#include <errno.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "mux.h"
#include "tcpmux.h"

#define BYTES(s) (s), sizeof(s) - 1

/* Where tests put Unix sockets. */
static char folder[] = "/tmp/unit-call-XXXXXX";

static int
begin(void **state)
{
	(void)state;
	return mkdtemp(folder) == NULL ? -1 : 0;
}

static int
finish(void **state)
{
	(void)state;
	return rmdir(folder);
}

static void
a_service_is_reached_by_address_of_either_family(void **state)
{
	uint16_t port;
	int fds[2];

	(void)state;
	mux_listen_on_both(fds, &port, 8);
	mux_serve(mux_call("127.0.0.1", port, 0, -1), fds[1],
	    mux_address("127.0.0.1", port));
	mux_serve(mux_call("::1", port, TCPMUX_CALL_IPV6, -1), fds[0],
	    mux_address("[::1]", port));
	assert_int_equal(close(fds[0]), 0);
	assert_int_equal(close(fds[1]), 0);
}

static void
nobody_listening_is_unreachable_with_the_errno(void **state)
{
	struct tcpmux_call *c;
	uint16_t port = 0;
	int fd;

	(void)state;
	fd = mux_listen(AF_INET, &port, 8);
	assert_int_equal(close(fd), 0);
	c = mux_call("127.0.0.1", port, 0, -1);
	assert_int_equal(tcpmux_call_wait(c), TCPMUX_ERR_UNREACHABLE);
	assert_int_equal(errno, ECONNREFUSED);
	errno = 0;
	assert_int_equal(tcpmux_call_step(c), TCPMUX_ERR_UNREACHABLE);
	assert_int_equal(errno, ECONNREFUSED);
	assert_string_equal(tcpmux_call_address(c),
	    mux_address("127.0.0.1", port));
	tcpmux_call_free(c);
	errno = 0;
	assert_int_equal(tcpmux_connect("127.0.0.1", port, "echo", -1),
	    TCPMUX_ERR_UNREACHABLE);
	assert_int_equal(errno, ECONNREFUSED);
	assert_int_equal(tcpmux_connect("unix:/nix/nix", 0, "echo", -1),
	    TCPMUX_ERR_UNREACHABLE);
	assert_int_equal(errno, ENOENT);
}

static void
a_step_that_waits_leaves_errno_set(void **state)
{
	struct tcpmux_call *c;
	uint16_t port = 0;
	int fd;

	(void)state;
	fd = mux_listen(AF_INET, &port, 8);
	c = mux_call("127.0.0.1", port, 0, -1);
	errno = EDOM;
	assert_int_equal(tcpmux_call_step(c), TCPMUX_ERR_AGAIN);
	assert_int_not_equal(errno, 0);
	tcpmux_call_free(c);
	assert_int_equal(close(fd), 0);
}

static void
a_server_that_is_silent_is_told_from_one_that_is_not_there(void **state)
{
	struct tcpmux_call *c;
	uint16_t port = 0;
	char text[80];
	int fd;

	(void)state;
	fd = mux_listen(AF_INET, &port, 8);
	c = mux_call("127.0.0.1", port, 0, 50);
	assert_int_equal(tcpmux_call_wait(c), TCPMUX_ERR_TIMEOUT);
	assert_true(snprintf(text, sizeof(text), "no reply from 127.0.0.1:%u",
			port) > 0);
	assert_string_equal(tcpmux_call_text(c), text);
	assert_int_equal(tcpmux_call_take(c), -1);
	tcpmux_call_free(c);
	assert_int_equal(close(fd), 0);
}

static void
a_reset_is_an_end(void **state)
{
	const struct linger hard = { .l_onoff = 1 };
	struct tcpmux_call *c;
	uint16_t port = 0;
	int fd, peer;

	(void)state;
	fd = mux_listen(AF_INET, &port, 8);
	c = mux_call("127.0.0.1", port, 0, -1);
	peer = mux_accept(c, fd);
	mux_hear(c, peer, BYTES("echo\r\n"));
	assert_int_equal(setsockopt(peer, SOL_SOCKET, SO_LINGER, &hard,
			     sizeof(hard)),
	    0);
	assert_int_equal(close(peer), 0);
	assert_int_equal(tcpmux_call_wait(c), TCPMUX_ERR_CLOSED);
	tcpmux_call_free(c);
	assert_int_equal(close(fd), 0);
}

static int
keep_name(const char *name, void *arg)
{
	(void)snprintf(arg, 8, "%s", name); /* it fits */
	return 1;
}

static void
a_reset_behind_whole_lines_ends_a_list(void **state)
{
	const struct linger hard = { .l_onoff = 1 };
	struct tcpmux_target list = { .size = sizeof(list),
		.host = "127.0.0.1",
		.timeout_ms = -1 };
	struct tcpmux_call *c;
	int fd, peer;

	(void)state;
	fd = mux_listen(AF_INET, &list.port, 8);
	c = tcpmux_call_new(&list);
	peer = mux_accept(c, fd);
	mux_hear(c, peer, BYTES("HELP\r\n"));
	mux_say(peer, BYTES("a\r\nb\r\nc"));
	assert_int_equal(setsockopt(peer, SOL_SOCKET, SO_LINGER, &hard,
			     sizeof(hard)),
	    0);
	assert_int_equal(close(peer), 0);
	assert_int_equal(tcpmux_call_wait(c), 0);
	assert_int_equal(tcpmux_call_names(c), 2);
	assert_int_equal(tcpmux_call_take(c), -1);
	tcpmux_call_free(c);
	assert_int_equal(close(fd), 0);
}

/* Answer one HELP in a process of its own, which ends then. */
static pid_t
begin_lister(int listener)
{
	const pid_t child = fork();
	char request[6];
	int peer;

	if (child != 0)
		return child;
	peer = accept(listener, NULL, NULL);
	if (recv(peer, request, 6, MSG_WAITALL) != 6 ||
	    send(peer, BYTES("one\r\ntwo\r\n"), MSG_NOSIGNAL) == -1)
		_exit(1);
	_exit(close(peer) == -1);
}

static void
a_list_is_told_until_its_reader_has_enough(void **state)
{
	uint16_t port = 0;
	char name[8] = "";
	int fd, status;
	pid_t child;

	(void)state;
	fd = mux_listen(AF_INET, &port, 8);
	child = begin_lister(fd);
	assert_int_equal(tcpmux_list("127.0.0.1", port, -1, keep_name, name),
	    2);
	assert_string_equal(name, "one");
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
	assert_int_equal(close(fd), 0);
	assert_int_equal(tcpmux_list("127.0.0.1", port, -1, keep_name, name),
	    TCPMUX_ERR_UNREACHABLE);
	assert_int_equal(tcpmux_list(NULL, port, -1, keep_name, name),
	    TCPMUX_ERR_ARGUMENT);
}

/* Have a server say that the service is at a port. */
static void
say_moved(struct tcpmux_call *c, int listener, const char *host, uint16_t port)
{
	char line[64];
	int n, peer;

	n = snprintf(line, sizeof(line), "@%s:%u\r\n", host, port);
	peer = mux_accept(c, listener);
	mux_hear(c, peer, BYTES("echo\r\n"));
	mux_say(peer, line, (size_t)n);
	assert_int_equal(close(peer), 0);
}

static void
a_service_that_has_moved_is_followed_once(void **state)
{
	struct tcpmux_call *c;
	uint16_t port;
	int fds[2];

	(void)state;
	mux_listen_on_both(fds, &port, 8);
	c = mux_call("127.0.0.1", port, TCPMUX_CALL_FOLLOW, -1);
	say_moved(c, fds[1], "[::1]", port);
	mux_serve(c, fds[0], mux_address("[::1]", port));

	c = mux_call("127.0.0.1", port, TCPMUX_CALL_FOLLOW, -1);
	say_moved(c, fds[1], "[::1]", port);
	say_moved(c, fds[0], "host.example", 7);
	assert_int_equal(tcpmux_call_wait(c), TCPMUX_ERR_MOVED);
	assert_string_equal(tcpmux_call_text(c), "host.example:7");
	tcpmux_call_free(c);

	c = mux_call("127.0.0.1", port, 0, -1);
	say_moved(c, fds[1], "[::1]", port);
	assert_int_equal(tcpmux_call_wait(c), TCPMUX_ERR_MOVED);
	tcpmux_call_free(c);
	assert_int_equal(close(fds[0]), 0);
	assert_int_equal(close(fds[1]), 0);
}

static int
listen_unix(struct sockaddr_un *un, char host[static 64], int backlog)
{
	int fd;

	memset(un, 0, sizeof(*un));
	un->sun_family = AF_UNIX;
	assert_true(
	    snprintf(un->sun_path, sizeof(un->sun_path), "%s/mux", folder) > 0);
	assert_true(snprintf(host, 64, "unix:%s/mux", folder) > 0);
	fd = socket(AF_UNIX, SOCK_STREAM, 0);
	assert_int_equal(bind(fd, (struct sockaddr *)un, sizeof(*un)), 0);
	assert_int_equal(listen(fd, backlog), 0);
	return fd;
}

static void
a_unix_socket_is_a_host(void **state)
{
	struct sockaddr_un un;
	char host[64];
	int fd;

	(void)state;
	fd = listen_unix(&un, host, 8);
	mux_serve(mux_call(host, 0, 0, -1), fd, host);
	assert_int_equal(unlink(un.sun_path), 0);
	assert_int_equal(close(fd), 0);
}

static void
a_unix_socket_with_a_full_queue_is_tried_again(void **state)
{
	struct sockaddr_un un;
	struct tcpmux_call *c;
	char host[64];
	int fd, filler, i;

	(void)state;
	fd = listen_unix(&un, host, 0);
	filler = socket(AF_UNIX, SOCK_STREAM, 0);
	assert_int_equal(connect(filler, (struct sockaddr *)&un, sizeof(un)),
	    0);
	c = mux_call(host, 0, 0, -1);
	for (i = 0; i < 3; i++) {
		struct pollfd watched = { tcpmux_call_fd(c), POLLIN, 0 };

		assert_int_equal(poll(&watched, 1, -1), 1);
		assert_int_equal(tcpmux_call_step(c), TCPMUX_ERR_AGAIN);
	}
	assert_int_equal(close(accept(fd, NULL, NULL)), 0);
	mux_serve(c, fd, host);
	assert_int_equal(unlink(un.sun_path), 0);
	assert_int_equal(close(filler), 0);
	assert_int_equal(close(fd), 0);
}

static void
what_cannot_be_is_einval(void **state)
{
	static const char *const name = "echo";
	static const char *const none = NULL;
	const struct tcpmux_target good = { .size = sizeof(good),
		.host = "127.0.0.1",
		.names = &name,
		.nnames = 1 };
	struct tcpmux_target bad[] = { good, good, good, good, good, good, good,
		good, good, good };
	char host[200] = "unix:";
	size_t i;

	(void)state;
	memset(host + 5, 'x', sizeof(host) - 6);
	host[sizeof(host) - 1] = '\0';
	bad[0].size = 8;
	bad[1].host = NULL;
	bad[2].host = "";
	bad[3].host = "unix:";
	bad[4].host = host;
	bad[5].names = NULL;
	bad[6].names = &none;
	bad[7].nnames = 65;
	bad[8].flags = TCPMUX_CALL_IPV4 | TCPMUX_CALL_IPV6;
	bad[9].flags = 1U << 31;
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		errno = 0;
		assert_null(tcpmux_call_new(&bad[i]));
		assert_int_equal(errno, EINVAL);
	}
	assert_null(tcpmux_call_new(NULL));
	tcpmux_call_free(NULL);
}

/* The lowest descriptor that is free. */
static int
lowest_free(void)
{
	const int fd = dup(STDERR_FILENO);

	assert_int_equal(close(fd), 0);
	return fd;
}

static void
a_call_can_be_given_up_at_any_time_and_leaves_nothing_open(void **state)
{
	const int before = lowest_free();
	struct tcpmux_call *c;
	uint16_t port;
	int fds[2], peer;

	(void)state;
	mux_listen_on_both(fds, &port, 8);
	c = mux_call("127.0.0.1", port, 0, -1);
	assert_int_equal(tcpmux_call_step(c), TCPMUX_ERR_AGAIN);
	tcpmux_call_free(c); /* while it connects, or just has */
	assert_int_equal(close(accept(fds[1], NULL, NULL)), 0);
	c = mux_call("127.0.0.1", port, 0, -1);
	peer = mux_accept(c, fds[1]);
	mux_hear(c, peer, BYTES("echo\r\n"));
	tcpmux_call_free(c); /* while it waits for the reply */
	assert_int_equal(close(peer), 0);
	c = mux_call("127.0.0.1", port, 0, -1);
	peer = mux_accept(c, fds[1]);
	mux_say(peer, BYTES("+\r\n"));
	assert_int_equal(tcpmux_call_wait(c), 0);
	tcpmux_call_free(c); /* with a socket that nobody took */
	assert_int_equal(close(peer), 0);
	assert_int_equal(close(fds[0]), 0);
	assert_int_equal(close(fds[1]), 0);
	assert_int_equal(lowest_free(), before);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
		    a_service_is_reached_by_address_of_either_family),
		cmocka_unit_test(
		    nobody_listening_is_unreachable_with_the_errno),
		cmocka_unit_test(
		    a_server_that_is_silent_is_told_from_one_that_is_not_there),
		cmocka_unit_test(a_reset_is_an_end),
		cmocka_unit_test(a_reset_behind_whole_lines_ends_a_list),
		cmocka_unit_test(a_list_is_told_until_its_reader_has_enough),
		cmocka_unit_test(a_service_that_has_moved_is_followed_once),
		cmocka_unit_test(a_unix_socket_is_a_host),
		cmocka_unit_test(
		    a_unix_socket_with_a_full_queue_is_tried_again),
		cmocka_unit_test(what_cannot_be_is_einval),
		cmocka_unit_test(a_step_that_waits_leaves_errno_set),
		cmocka_unit_test(
		    a_call_can_be_given_up_at_any_time_and_leaves_nothing_open),
	};

	return cmocka_run_group_tests(tests, begin, finish);
}
