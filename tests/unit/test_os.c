/*
 * Numbers and addresses as people type them, and messages with descriptors:
 * os/number.c, os/socket.c and os/message.c.
 */

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "os/message.h"
#include "os/number.h"
#include "os/socket.h"

static void
a_number_is_digits_up_to_its_maximum(void **state)
{
	int n = -1;

	(void)state;
	assert_int_equal(number_parse("0", 10, &n), 0);
	assert_int_equal(n, 0);
	assert_int_equal(number_parse("10", 10, &n), 0);
	assert_int_equal(n, 10);
	assert_int_equal(number_parse("007", 10, &n), 0);
	assert_int_equal(n, 7);
	assert_int_equal(number_parse("2147483647", INT32_MAX, &n), 0);
	assert_int_equal(n, INT32_MAX);
}

static void
what_is_no_number_changes_nothing(void **state)
{
	static const char *const bad[] = { "", "-1", "+1", " 1", "1 ", "1s",
		"0x1", "11", "99999999999999999999", "1.5", "\xb2" };
	size_t i;
	int n = 42;

	(void)state;
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		assert_int_equal(number_parse(bad[i], 10, &n), -1);
		assert_int_equal(n, 42);
	}
	assert_int_equal(number_parse("9", 5, &n), -1);
	assert_int_equal(number_parse("1", 0, &n), -1);
	assert_int_equal(n, 42);
	assert_int_equal(number_parse("2147483648", INT32_MAX, &n), -1);
	assert_int_equal(n, 42);
}

/* Parse text, which is one address, and write it back. */
static void
assert_reads_back(const char *text, const char *back)
{
	char buf[ADDRESS_TEXT_MAX];
	struct address a[2];

	assert_int_equal(address_parse(text, a), 1);
	address_format(&a[0], buf);
	assert_string_equal(buf, back);
}

static void
an_address_reads_back_as_it_was_written(void **state)
{
	(void)state;
	assert_reads_back("127.0.0.1:1", "127.0.0.1:1");
	assert_reads_back("0.0.0.0:65535", "0.0.0.0:65535");
	assert_reads_back("[::1]:0", "[::1]:0");
	assert_reads_back("[::]:10001", "[::]:10001");
	assert_reads_back("[2001:DB8:0:0::1]:7", "[2001:db8::1]:7");
	assert_reads_back("[fe80::1%lo]:7", "[fe80::1%lo]:7");
}

static void
a_star_is_every_address_of_both_families(void **state)
{
	struct address a[2];

	(void)state;
	assert_int_equal(address_parse("*:7", a), 2);
	assert_int_equal(a[0].u.sa.sa_family, AF_INET);
	assert_int_equal(a[1].u.sa.sa_family, AF_INET6);
	assert_int_equal(address_port(&a[0]), 7);
	assert_int_equal(address_port(&a[1]), 7);
}

static void
what_is_no_address_is_refused(void **state)
{
	static const char *const bad[] = { "", ":", ":1", "1", "127.0.0.1",
		"127.0.0.1:", "127.0.0.1:x", "127.0.0.1:65536", "[::1]",
		"[::1]:", "[]:1", "::1:1", "[::1:1", "::1]:1", "localhost:1",
		"127.0.0.1:1 ", "256.0.0.1:1", "[127.0.0.1]:1", "[*]:1",
		"0x7f.1:1x", "*:", "**:1",
		"[::1%there-is-no-such-interface]:1" };
	char longest[256];
	struct address a[2];
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(address_parse(bad[i], a), -1);
	memset(longest, '1', sizeof(longest));
	memcpy(longest + sizeof(longest) - 3, ":1", 3);
	assert_int_equal(address_parse(longest, a), -1);
}

static void
port_0_becomes_the_port_that_the_kernel_chose(void **state)
{
	struct address a[2];
	int fd;

	(void)state;
	assert_int_equal(address_parse("127.0.0.1:0", a), 1);
	fd = socket_listen(&a[0]);
	assert_int_not_equal(fd, -1);
	assert_int_not_equal(address_port(&a[0]), 0);
	/* The same address a second time is another's already. */
	assert_int_equal(socket_listen(&a[0]), -1);
	assert_int_equal(close(fd), 0);
}

/* Send one byte and n copies of standard input, at most 2. */
static void
send_descriptors(int socket, size_t n)
{
	const int fds[2] = { STDIN_FILENO, STDIN_FILENO };
	union {
		struct cmsghdr head;
		char bytes[CMSG_SPACE(sizeof(fds))];
	} room = { .bytes = { 0 } };
	char byte = 'x';
	struct iovec iov = { &byte, 1 };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1 };

	room.head.cmsg_level = SOL_SOCKET;
	room.head.cmsg_type = SCM_RIGHTS;
	room.head.cmsg_len = CMSG_LEN(n * sizeof(int));
	memcpy(CMSG_DATA(&room.head), fds, n * sizeof(int));
	msg.msg_control = room.bytes;
	msg.msg_controllen = CMSG_SPACE(n * sizeof(int));
	assert_int_equal(sendmsg(socket, &msg, 0), 1);
}

/* The number that the next descriptor gets. */
static int
next_descriptor(void)
{
	const int fd = dup(STDIN_FILENO);

	assert_int_equal(close(fd), 0);
	return fd;
}

static void
a_message_brings_one_descriptor(void **state)
{
	int ends[2], fd, next;
	char byte;

	(void)state;
	assert_int_equal(message_pair(ends, 0), 0);
	next = next_descriptor();
	send_descriptors(ends[0], 1);
	assert_int_equal(message_receive(ends[1], &byte, 1, &fd), 1);
	assert_int_equal(fd, next);
	assert_int_equal(close(fd), 0);
	assert_int_equal(close(ends[0]), 0);
	assert_int_equal(close(ends[1]), 0);
}

static void
a_message_with_two_descriptors_is_dropped_with_both(void **state)
{
	int ends[2], fd, next;
	char byte;

	(void)state;
	assert_int_equal(message_pair(ends, 0), 0);
	next = next_descriptor();
	send_descriptors(ends[0], 2);
	assert_int_equal(message_receive(ends[1], &byte, 1, &fd), -1);
	assert_int_equal(errno, EMSGSIZE);
	assert_int_equal(fd, -1);
	assert_int_equal(next_descriptor(), next);
	assert_int_equal(close(ends[0]), 0);
	assert_int_equal(close(ends[1]), 0);
}

int
main(int argc, char *argv[])
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_number_is_digits_up_to_its_maximum),
		cmocka_unit_test(what_is_no_number_changes_nothing),
		cmocka_unit_test(an_address_reads_back_as_it_was_written),
		cmocka_unit_test(a_star_is_every_address_of_both_families),
		cmocka_unit_test(what_is_no_address_is_refused),
		cmocka_unit_test(port_0_becomes_the_port_that_the_kernel_chose),
		cmocka_unit_test(a_message_brings_one_descriptor),
		cmocka_unit_test(
		    a_message_with_two_descriptors_is_dropped_with_both),
	};

	if (argc > 1)
		cmocka_set_test_filter(argv[1]);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
