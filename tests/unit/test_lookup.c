/*
 * Names, and the race between their addresses: lib/lookup.c and lib/dial.c,
 * with a getaddrinfo() of this file's own.
 */

#include <dlfcn.h>
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <semaphore.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "mux.h"
#include "tcpmux.h"

/* A lookup of never.test waits for one, and posts the other at its end. */
static sem_t may_answer, has_answered;

/* The same for first6.test, whose IPv4 waits for its IPv6. */
static sem_t has_v6;

/* Did a lookup's thread let a signal through? */
static volatile bool lets_signals_through;

static int
real_getaddrinfo(const char *host, const char *port,
    const struct addrinfo *hints, struct addrinfo **found)
{
	int (*real)(const char *, const char *, const struct addrinfo *,
	    struct addrinfo **);
	void *symbol = dlsym(RTLD_NEXT, "getaddrinfo");

	memcpy(&real, &symbol, sizeof(real));
	return real(host, port, hints, found);
}

static void
look_at_signals(void)
{
	sigset_t blocked;
	int i;

	(void)pthread_sigmask(SIG_SETMASK, NULL, &blocked);
	for (i = 1; i < SIGSYS; i++)
		if (i != SIGKILL && i != SIGSTOP && !sigismember(&blocked, i))
			lets_signals_through = true;
}

/*
 * The names of these tests: both.test has an address of each family, v4.test
 * of one; nix.test has none; ill.test fails otherwise; late6.test has its
 * IPv6 when it may, and never.test both; first6.test has that first.
 */
int
getaddrinfo(const char *host, const char *port, const struct addrinfo *hints,
    struct addrinfo **found)
{
	struct addrinfo numeric = *hints;
	const bool is_v6 = hints->ai_family == AF_INET6;
	int result;

	if ((hints->ai_flags & AI_NUMERICHOST) != 0 ||
	    strstr(host, ".test") == NULL)
		return real_getaddrinfo(host, port, hints, found);
	look_at_signals();
	numeric.ai_flags |= AI_NUMERICHOST;
	if (strcmp(host, "nix.test") == 0)
		return EAI_NONAME;
	if (strcmp(host, "ill.test") == 0)
		return is_v6 ? EAI_NODATA : EAI_AGAIN;
	if (strcmp(host, "v4.test") == 0 && is_v6)
		return EAI_NODATA;
	if (strcmp(host, "never.test") == 0 ||
	    (strcmp(host, "late6.test") == 0 && is_v6)) {
		while (sem_wait(&may_answer) == -1)
			continue;
		(void)sem_post(&has_answered);
	}
	if (strcmp(host, "first6.test") == 0 && !is_v6)
		while (sem_wait(&has_v6) == -1)
			continue;
	result = real_getaddrinfo(is_v6 ? "::1" : "127.0.0.1", port, &numeric,
	    found);
	if (strcmp(host, "first6.test") == 0 && is_v6)
		(void)sem_post(&has_v6);
	return result;
}

static int
begin(void **state)
{
	(void)state;
	if (sem_init(&may_answer, 0, 0) == -1 || sem_init(&has_v6, 0, 0) == -1)
		return -1;
	return sem_init(&has_answered, 0, 0);
}

static void
a_name_is_looked_up_and_ipv6_comes_first(void **state)
{
	uint16_t port;
	int fds[2];

	(void)state;
	mux_listen_on_both(fds, &port, 8);
	mux_serve(mux_call("first6.test", port, 0, -1), fds[0],
	    mux_address("[::1]", port));
	mux_serve(mux_call("both.test", port, TCPMUX_CALL_IPV4, -1), fds[1],
	    mux_address("127.0.0.1", port));
	mux_serve(mux_call("v4.test", port, 0, -1), fds[1],
	    mux_address("127.0.0.1", port));
	assert_false(lets_signals_through);
	assert_int_equal(close(fds[0]), 0);
	assert_int_equal(close(fds[1]), 0);
}

static void
a_family_that_refuses_gives_way_to_the_other(void **state)
{
	uint16_t port;
	int fds[2];

	(void)state;
	mux_listen_on_both(fds, &port, 8);
	assert_int_equal(close(fds[0]), 0);
	mux_serve(mux_call("both.test", port, 0, -1), fds[1],
	    mux_address("127.0.0.1", port));
	assert_int_equal(close(fds[1]), 0);
}

static void
a_family_that_swallows_everything_gives_way_to_the_other(void **state)
{
	struct sockaddr_in6 in6 = { .sin6_family = AF_INET6,
		.sin6_addr = in6addr_loopback };
	uint16_t port;
	int fds[2], filler;

	(void)state;
	/* Its queue takes one connection, and then no packet any more. */
	mux_listen_on_both(fds, &port, 0);
	filler = socket(AF_INET6, SOCK_STREAM, 0);
	in6.sin6_port = htons(port);
	assert_int_equal(connect(filler, (struct sockaddr *)&in6, sizeof(in6)),
	    0);
	mux_serve(mux_call("both.test", port, 0, -1), fds[1],
	    mux_address("127.0.0.1", port));
	assert_int_equal(close(filler), 0);
	assert_int_equal(close(fds[0]), 0);
	assert_int_equal(close(fds[1]), 0);
}

static void
a_host_that_refuses_everywhere_is_told_by_its_first_address(void **state)
{
	struct tcpmux_call *c;
	uint16_t port;
	int fds[2];

	(void)state;
	mux_listen_on_both(fds, &port, 8);
	assert_int_equal(close(fds[0]), 0);
	assert_int_equal(close(fds[1]), 0);
	c = mux_call("both.test", port, 0, -1);
	assert_int_equal(tcpmux_call_wait(c), TCPMUX_ERR_UNREACHABLE);
	assert_int_equal(errno, ECONNREFUSED);
	assert_string_equal(tcpmux_call_address(c), mux_address("[::1]", port));
	tcpmux_call_free(c);
}

static void
a_service_that_has_moved_is_looked_up(void **state)
{
	struct tcpmux_call *c;
	char line[32];
	uint16_t port;
	int fds[2], n, peer;

	(void)state;
	mux_listen_on_both(fds, &port, 8);
	c = mux_call("::1", port, TCPMUX_CALL_FOLLOW, -1);
	peer = mux_accept(c, fds[0]);
	n = snprintf(line, sizeof(line), "@v4.test:%u\r\n", port);
	mux_say(peer, line, (size_t)n);
	mux_serve(c, fds[1], mux_address("127.0.0.1", port));
	assert_int_equal(close(peer), 0);
	assert_int_equal(close(fds[0]), 0);
	assert_int_equal(close(fds[1]), 0);
}

static void
an_answer_that_is_late_is_not_waited_for(void **state)
{
	uint16_t port;
	int fds[2];

	(void)state;
	mux_listen_on_both(fds, &port, 8);
	mux_serve(mux_call("late6.test", port, 0, -1), fds[1],
	    mux_address("127.0.0.1", port));
	assert_int_equal(sem_post(&may_answer), 0);
	assert_int_equal(sem_wait(&has_answered), 0);
	assert_int_equal(close(fds[0]), 0);
	assert_int_equal(close(fds[1]), 0);
}

static void
a_name_that_is_not_there_is_told(void **state)
{
	struct tcpmux_call *c;
	char text[80];

	(void)state;
	c = mux_call("nix.test", 1, 0, -1);
	assert_int_equal(tcpmux_call_wait(c), TCPMUX_ERR_HOST);
	(void)snprintf(text, sizeof(text), "nix.test: %s",
	    gai_strerror(EAI_NONAME));
	assert_string_equal(tcpmux_call_text(c), text);
	assert_string_equal(tcpmux_call_address(c), "");
	tcpmux_call_free(c);

	c = mux_call("ill.test", 1, 0, -1);
	assert_int_equal(tcpmux_call_wait(c), TCPMUX_ERR_HOST);
	(void)snprintf(text, sizeof(text), "ill.test: %s",
	    gai_strerror(EAI_AGAIN));
	assert_string_equal(tcpmux_call_text(c), text);
	tcpmux_call_free(c);

	c = mux_call("::1", 1, TCPMUX_CALL_IPV4, -1);
	assert_int_equal(tcpmux_call_wait(c), TCPMUX_ERR_HOST);
	tcpmux_call_free(c);
}

static void
a_lookup_that_never_ends_is_left_alone_at_the_deadline(void **state)
{
	struct tcpmux_call *c;
	int i;

	(void)state;
	c = mux_call("never.test", 1, 0, 20);
	assert_int_equal(tcpmux_call_wait(c), TCPMUX_ERR_TIMEOUT);
	assert_string_equal(tcpmux_call_text(c),
	    "never.test is still being looked up");
	tcpmux_call_free(c);
	c = mux_call("never.test", 1, 0, -1);
	assert_int_equal(tcpmux_call_step(c), TCPMUX_ERR_AGAIN);
	tcpmux_call_free(c);
	for (i = 0; i < 4; i++)
		assert_int_equal(sem_post(&may_answer), 0);
	for (i = 0; i < 4; i++)
		assert_int_equal(sem_wait(&has_answered), 0);
}

static void
a_child_of_the_program_does_not_keep_a_call_awake(void **state)
{
	struct tcpmux_call *c;
	struct pollfd watched = { .events = POLLIN };
	uint16_t port;
	int fds[2], hold[2], peer;
	pid_t child;
	char byte;

	(void)state;
	mux_listen_on_both(fds, &port, 8);
	assert_int_equal(pipe(hold), 0);
	c = mux_call("v4.test", port, 0, -1);
	/* It has all that the call has opened so far, the lookups too. */
	child = fork();
	if (child == 0) {
		(void)close(hold[1]);
		_exit(read(hold[0], &byte, 1) != 0);
	}
	peer = mux_accept(c, fds[1]);
	mux_hear(c, peer, "echo\r\n", 6);
	assert_int_equal(tcpmux_call_step(c), TCPMUX_ERR_AGAIN);
	watched.fd = tcpmux_call_fd(c);
	assert_int_equal(poll(&watched, 1, 0), 0);
	tcpmux_call_free(c);
	assert_int_equal(close(hold[0]), 0);
	assert_int_equal(close(hold[1]), 0);
	assert_int_equal(waitpid(child, NULL, 0), child);
	assert_int_equal(close(peer), 0);
	assert_int_equal(close(fds[0]), 0);
	assert_int_equal(close(fds[1]), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_name_is_looked_up_and_ipv6_comes_first),
		cmocka_unit_test(a_family_that_refuses_gives_way_to_the_other),
		cmocka_unit_test(
		    a_family_that_swallows_everything_gives_way_to_the_other),
		cmocka_unit_test(
		    a_host_that_refuses_everywhere_is_told_by_its_first_address),
		cmocka_unit_test(a_service_that_has_moved_is_looked_up),
		cmocka_unit_test(an_answer_that_is_late_is_not_waited_for),
		cmocka_unit_test(a_name_that_is_not_there_is_told),
		cmocka_unit_test(
		    a_lookup_that_never_ends_is_left_alone_at_the_deadline),
		cmocka_unit_test(
		    a_child_of_the_program_does_not_keep_a_call_awake),
	};

	return cmocka_run_group_tests(tests, begin, NULL);
}
