/*
 * Answers to HELP of every kind of server, and other bytes of strangers:
 * lib/list.c, lib/escape.c and lib/address.c.
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "guard.h"
#include "lib/address.h"
#include "lib/escape.h"
#include "lib/list.h"

static struct guard guard;

static int
begin(void **state)
{
	(void)state;
	return guard_init(&guard, 4096);
}

static int
finish(void **state)
{
	(void)state;
	guard_clear(&guard);
	return 0;
}

/* An answer, and the names that are in it, each with a space behind. */
struct sample {
	const char *answer;
	size_t len;
	int result;
	const char *names; /* or the remark, if it fails */
};

#define SAMPLE(answer, result, names)                     \
	{                                                 \
		answer, sizeof(answer) - 1, result, names \
	}

static const struct sample samples[] = {
	SAMPLE("a\r\nb\r\n", 0, "a b "),
	SAMPLE("a\nb\n", 0, "a b "),
	SAMPLE("a\nB\r\nc", 0, "a B c "),
	SAMPLE("+OK\r\na\r\n", 0, "a "),
	SAMPLE("+\r\n", 0, ""),
	SAMPLE("\r\n\r\n", 0, ""),
	SAMPLE("a\r\n\0b\r\n\0", 0, "a b "),
	SAMPLE("Services:\r\na\r\n b c\r\nd\r\n", 0, "Services: a d "),
	SAMPLE("# all of them\r\na\r\n+x\r\n-y\r\n\xff\r\n", 0, "a "),
	SAMPLE("a\r\r\n", TCPMUX_ERR_FOREIGN, "a\r"),
	SAMPLE("-busy\r\na\r\n", TCPMUX_ERR_REFUSED, "-busy"),
	SAMPLE("-busy", TCPMUX_ERR_REFUSED, "-busy"),
	SAMPLE("-Service name not found\r\n\0", TCPMUX_ERR_REFUSED,
	    "-Service name not found"),
	SAMPLE("HTTP/1.1 400 Bad Request\r\n\r\n<p>\r\n", TCPMUX_ERR_FOREIGN,
	    "HTTP/1.1 400 Bad Request"),
	SAMPLE("SSH-2.0-x\r\n", TCPMUX_ERR_FOREIGN, "SSH-2.0-x"),
	SAMPLE("220 mail ready\r\n500 what?\r\n", TCPMUX_ERR_FOREIGN,
	    "220 mail ready"),
	SAMPLE("", TCPMUX_ERR_CLOSED, ""),
	SAMPLE("\0", TCPMUX_ERR_CLOSED, ""),
};

static void
play(struct list *l, const struct sample *s, size_t step)
{
	char names[64] = "";
	size_t i, n;
	int result = 0;

	for (i = 0; i < s->len && result == 0; i += n) {
		n = s->len - i < step ? s->len - i : step;
		result = tcpmux_list_feed(l,
		    guard_copy(&guard, s->answer + i, n), n);
	}
	if (result == 0)
		result = tcpmux_list_end(l, false);
	assert_int_equal(result, s->result);
	for (i = 0; result == 0 && i < l->n; i++) {
		strcat(names, tcpmux_list_name(l, i));
		strcat(names, " ");
	}
	if (result == 0) {
		assert_string_equal(names, s->names);
	} else {
		assert_int_equal(l->remark_len, strlen(s->names));
		assert_memory_equal(l->remark, s->names, l->remark_len);
	}
}

static void
rule_35_names_are_found_in_every_servers_list(void **state)
{
	struct list l;
	size_t i, step;

	(void)state;
	for (i = 0; i < sizeof(samples) / sizeof(samples[0]); i++) {
		for (step = 1; step < 32; step++) {
			memset(&l, 0, sizeof(l));
			play(&l, &samples[i], step);
			tcpmux_list_clear(&l);
		}
	}
}

static void
a_reset_leaves_whole_lines_only(void **state)
{
	struct list l = { 0 };

	(void)state;
	assert_int_equal(tcpmux_list_feed(&l, "a\r\nb", 4), 0);
	assert_int_equal(tcpmux_list_end(&l, true), 0);
	assert_int_equal(l.n, 1);
	tcpmux_list_clear(&l);
	assert_int_equal(tcpmux_list_feed(&l, "a", 1), 0);
	assert_int_equal(tcpmux_list_end(&l, true), TCPMUX_ERR_CLOSED);
	tcpmux_list_clear(&l);
}

static void
a_line_of_any_length_is_a_remark(void **state)
{
	struct list l = { 0 };
	const char *first;
	int i;

	(void)state;
	for (first = "+x "; *first != '\0'; first++) {
		assert_int_equal(tcpmux_list_feed(&l, first, 1), 0);
		for (i = 0; i < 100000; i++)
			assert_int_equal(tcpmux_list_feed(&l, "x", 1), 0);
		assert_int_equal(tcpmux_list_feed(&l, "\r\na\r\n", 5), 0);
		assert_int_equal(tcpmux_list_end(&l, false), 0);
		assert_int_equal(l.n, 1);
		assert_string_equal(tcpmux_list_name(&l, 0), "a");
		tcpmux_list_clear(&l);
	}
}

/* Feed a line again and again.  Returns how often it was taken. */
static size_t
flood(const char *line)
{
	struct list l = { 0 };
	size_t n = 0;

	while (n < 2 * LIST_BYTES_MAX &&
	    tcpmux_list_feed(&l, line, strlen(line)) == 0)
		n++;
	tcpmux_list_clear(&l);
	return n;
}

static void
a_list_is_bounded(void **state)
{
	(void)state;
	assert_int_equal(flood("a\n"), LIST_NAMES_MAX);
	assert_int_equal(flood("\n"), LIST_BYTES_MAX);
	assert_int_equal(flood("x"), LIST_BYTES_MAX);
	assert_int_equal(flood("service-with-a-long-name-000000\n"),
	    LIST_BYTES_MAX / 32);
}

static void
bytes_are_escaped_and_never_cut_in_two(void **state)
{
	static const char all[] = "a~ \x7f\n\xff";
	char text[32];

	(void)state;
	tcpmux_escape(text, sizeof(text), all, sizeof(all));
	assert_string_equal(text, "a~ \\x7f\\x0a\\xff\\x00");
	tcpmux_escape(text, 8, all, sizeof(all));
	assert_string_equal(text, "a~ \\x7f");
	tcpmux_escape(text, 7, all, sizeof(all));
	assert_string_equal(text, "a~ ");
	tcpmux_escape(text, 1, all, sizeof(all));
	assert_string_equal(text, "");
}

/* Is text HOST:PORT, and that host and port? */
static bool
splits(const char *text, const char *host, uint16_t port)
{
	const size_t len = strlen(text);
	struct tcpmux_span found, all = { guard_copy(&guard, text, len), len };
	uint16_t n;

	return tcpmux_address_split(all, &found, &n) &&
	    found.len == strlen(host) &&
	    memcmp(found.p, host, found.len) == 0 && n == port;
}

static void
a_new_place_is_host_and_port_and_no_unix_socket(void **state)
{
	static const char *const bad[] = { "", ":", "a", "a:", ":1", "a:0",
		"a:65536", "a:123456", "a:-1", "a:1x", "unix:/run/x:1", "::1:1",
		"[]:1", "[unix:/run/x]:1", "[unix:x]:1", "[%a]:1", "[a]b]:1",
		"[::1]", "[::1]1", "a:1:" };
	struct tcpmux_span host;
	uint16_t port;
	size_t i;

	(void)state;
	assert_true(splits("a:1", "a", 1));
	assert_true(splits("host.example:65535", "host.example", 65535));
	assert_true(splits("[::1]:80", "::1", 80));
	assert_true(splits("[fe80::1%eth0]:80", "fe80::1%eth0", 80));
	assert_true(splits("[::ffff:1.2.3.4]:80", "::ffff:1.2.3.4", 80));
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		const size_t len = strlen(bad[i]);
		const struct tcpmux_span all = {
			guard_copy(&guard, bad[i], len), len
		};

		assert_false(tcpmux_address_split(all, &host, &port));
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rule_35_names_are_found_in_every_servers_list),
		cmocka_unit_test(a_reset_leaves_whole_lines_only),
		cmocka_unit_test(a_line_of_any_length_is_a_remark),
		cmocka_unit_test(a_list_is_bounded),
		cmocka_unit_test(bytes_are_escaped_and_never_cut_in_two),
		cmocka_unit_test(
		    a_new_place_is_host_and_port_and_no_unix_socket),
	};

	return cmocka_run_group_tests(tests, begin, finish);
}
