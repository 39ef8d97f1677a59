/*
 * Reaching a back end: daemon/relay/dial.c, in a network of its own.
 */

#include <arpa/inet.h>
#include <net/if.h>
#include <netinet/in.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>

#include "daemon/relay/dial.h"

/* The one port that the kernel may choose for us. */
#define ONLY_PORT 40000

static int
begin(void **state)
{
	struct ifreq request = { .ifr_name = "lo", .ifr_flags = IFF_UP };
	FILE *range;
	int fd;

	(void)state;
	if (unshare(CLONE_NEWNET) == -1)
		return 0; /* each test sees it, and is skipped */
	fd = socket(AF_INET, SOCK_STREAM, 0);
	assert_int_equal(ioctl(fd, SIOCSIFFLAGS, &request), 0);
	assert_int_equal(close(fd), 0);
	range = fopen("/proc/sys/net/ipv4/ip_local_port_range", "w");
	assert_non_null(range);
	assert_true(fprintf(range, "%d %d", ONLY_PORT, ONLY_PORT) > 0);
	assert_int_equal(fclose(range), 0);
	return 0;
}

/* Is the only port that is free for us the one of the back end? */
static bool
has_own_network(void)
{
	FILE *range = fopen("/proc/sys/net/ipv4/ip_local_port_range", "r");
	int low = 0;
	bool own;

	own =
	    range != NULL && fscanf(range, "%d", &low) == 1 && low == ONLY_PORT;
	if (range != NULL)
		assert_int_equal(fclose(range), 0);
	return own;
}

static struct backend
at_address(const char *text, uint16_t port)
{
	struct backend b = { .kind = BACKEND_ADDRESS, .port = port };

	if (inet_pton(AF_INET6, text, b.address) != 1)
		fail();
	return b;
}

static enum dial_state
dial(const struct backend *b, size_t n, struct dial *d)
{
	const struct relay_rule rule = { .backends = b, .nbackends = n };

	*d = (struct dial){ .fd = -1 };
	return dial_step(d, &rule, NULL);
}

static void
a_socket_connected_to_itself_is_no_back_end(void **state)
{
	const struct backend four = at_address("::ffff:127.0.0.1", ONLY_PORT);
	const struct backend six = at_address("::1", ONLY_PORT);
	struct sockaddr_in in = { .sin_family = AF_INET,
		.sin_port = htons(ONLY_PORT),
		.sin_addr = { htonl(INADDR_LOOPBACK) } };
	struct dial d;
	int fd;

	(void)state;
	if (!has_own_network())
		skip();
	/* So it would be: */
	fd = socket(AF_INET, SOCK_STREAM, 0);
	assert_int_equal(connect(fd, (struct sockaddr *)&in, sizeof(in)), 0);
	assert_int_equal(close(fd), 0);

	assert_int_equal(dial(&four, 1, &d), DIAL_FAILED);
	assert_int_equal(d.fd, -1);
	assert_int_equal(dial(&six, 1, &d), DIAL_FAILED);
	assert_int_equal(d.fd, -1);
}

static void
the_first_that_answers_is_taken(void **state)
{
	struct backend b[3] = { at_address("::ffff:127.0.0.1", 1),
		{ .kind = BACKEND_UNIX, .host = "/nonexistent/socket" } };
	struct sockaddr_in in = { .sin_family = AF_INET,
		.sin_addr = { htonl(INADDR_LOOPBACK) } };
	socklen_t len = sizeof(in);
	struct dial d;
	int fd;

	(void)state;
	if (!has_own_network())
		skip();
	in.sin_port = htons(ONLY_PORT + 1);
	fd = socket(AF_INET, SOCK_STREAM, 0);
	assert_int_equal(bind(fd, (struct sockaddr *)&in, len), 0);
	assert_int_equal(listen(fd, 1), 0);
	b[2] = at_address("::ffff:127.0.0.1", ONLY_PORT + 1);
	assert_int_equal(dial(b, 3, &d), DIAL_DONE);
	assert_int_equal(d.backend, 2);
	assert_int_equal(close(d.fd), 0);
	assert_int_equal(close(fd), 0);
	assert_int_equal(dial(b, 2, &d), DIAL_FAILED);
}

static void
a_full_queue_is_no_failure(void **state)
{
	struct sockaddr_un un = { .sun_family = AF_UNIX };
	struct backend b = { .kind = BACKEND_UNIX };
	struct dial first, second;
	char path[64];
	int fd;

	(void)state;
	(void)snprintf(path, sizeof(path), "/tmp/tcpmux-dial-%d", getpid());
	memcpy(un.sun_path, path, sizeof(path));
	fd = socket(AF_UNIX, SOCK_STREAM, 0);
	assert_int_equal(bind(fd, (struct sockaddr *)&un, sizeof(un)), 0);
	assert_int_equal(listen(fd, 0), 0);
	b.host = path;
	assert_int_equal(dial(&b, 1, &first), DIAL_DONE);
	assert_int_equal(dial(&b, 1, &second), DIAL_AGAIN);
	assert_int_not_equal(second.fd, -1);
	assert_int_equal(close(first.fd), 0);
	assert_int_equal(close(second.fd), 0);
	assert_int_equal(close(fd), 0);
	assert_int_equal(unlink(path), 0);
}

static void
a_path_that_is_too_long_is_nobody(void **state)
{
	char path[200];
	const struct backend b = { .kind = BACKEND_UNIX, .host = path };
	struct dial d;

	(void)state;
	memset(path, 'x', sizeof(path) - 1);
	path[sizeof(path) - 1] = '\0';
	assert_int_equal(dial(&b, 1, &d), DIAL_FAILED);
}

int
main(int argc, char *argv[])
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_socket_connected_to_itself_is_no_back_end),
		cmocka_unit_test(the_first_that_answers_is_taken),
		cmocka_unit_test(a_full_queue_is_no_failure),
		cmocka_unit_test(a_path_that_is_too_long_is_nobody),
	};

	if (argc > 1)
		cmocka_set_test_filter(argv[1]);
	return cmocka_run_group_tests(tests, begin, NULL);
}
