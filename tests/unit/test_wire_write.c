/*
 * What the writers of include/tcpmux.h write, which names are names, and how
 * two of them compare.
 *
 * All input and all output ends at an unreadable page.  The helpers check
 * what holds of every call (nothing is written but the bytes that it says);
 * the tests check what each call says and writes.
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "tcpmux.h"
#include "tests/unit/guard.h"
#include "tests/unit/samples.h"

#define FILL 0x5a

typedef ssize_t name_writer(char *, size_t, struct tcpmux_span);

static struct guard input, other, output;

static int
map_guards(void **state)
{
	(void)state;
	if (guard_init(&input, SAMPLE_MAX) == -1 ||
	    guard_init(&other, SAMPLE_MAX) == -1)
		return -1;
	return guard_init(&output, SAMPLE_MAX);
}

static int
unmap_guards(void **state)
{
	(void)state;
	guard_clear(&input);
	guard_clear(&other);
	guard_clear(&output);
	return 0;
}

/* Of the page before the guard, only the n bytes at buf may have changed. */
static void
assert_only_written(const char *buf, ssize_t n)
{
	const char *p, *end = buf + (n > 0 ? n : 0);

	for (p = output.base; p < output.base + output.size; p++)
		if (p < buf || p >= end)
			assert_int_equal(*p, FILL);
}

/* The last size bytes before the unreadable page: what is written to. */
static char *
paper(size_t size)
{
	return guard_last(&output, size);
}

static ssize_t
write_name(name_writer *writer, size_t size, struct tcpmux_span name)
{
	ssize_t n;

	memset(output.base, FILL, output.size);
	name.p = guard_copy(&input, name.p, name.len);
	n = writer(paper(size), size, name);
	assert_only_written(paper(size), n);
	return n;
}

static ssize_t
write_request(size_t size, struct tcpmux_span name)
{
	return write_name(tcpmux_format_request, size, name);
}

static ssize_t
write_help(size_t size, struct tcpmux_span name)
{
	return write_name(tcpmux_format_help, size, name);
}

static ssize_t
write_folded(size_t size, struct tcpmux_span name)
{
	return write_name(tcpmux_fold_name, size, name);
}

static ssize_t
write_reply(size_t size, char sign, struct tcpmux_span text)
{
	struct tcpmux_reply reply = { sign, text };
	ssize_t n;

	memset(output.base, FILL, output.size);
	reply.text.p = guard_copy(&input, text.p, text.len);
	n = tcpmux_format_reply(paper(size), size, reply);
	assert_only_written(paper(size), n);
	return n;
}

static int
check_name(struct tcpmux_span name)
{
	name.p = guard_copy(&input, name.p, name.len);
	return tcpmux_check_name(name);
}

static int
compare_names(struct tcpmux_span a, struct tcpmux_span b)
{
	a.p = guard_copy(&input, a.p, a.len);
	b.p = guard_copy(&other, b.p, b.len);
	return tcpmux_compare_names(a, b);
}

/* Names. */

static void
rule_24_every_byte_is_in_a_name_or_not(void **state)
{
	char bytes[3];
	struct tcpmux_span name = { bytes, sizeof(bytes) };
	size_t i;
	int c;

	(void)state;
	for (i = 0; i < sizeof(bytes); i++)
		for (c = 0; c < 256; c++) {
			memcpy(bytes, "abc", sizeof(bytes));
			bytes[i] = (char)c;
			assert_int_equal(check_name(name),
			    is_graphic(c) ? 0 : TCPMUX_ERR_BYTE);
		}
}

static void
rule_24_a_name_is_checked_for_its_length(void **state)
{
	(void)state;
	assert_int_equal(check_name(SPAN("")), TCPMUX_ERR_EMPTY);
	assert_int_equal(check_name(SPAN("x")), 0);
	assert_int_equal(check_name(line_of(255, "")), 0);
	assert_int_equal(check_name(line_of(256, "")), TCPMUX_ERR_LONG);
	/* Too long comes first: no byte of such a name is looked at. */
	assert_int_equal(check_name(line_of(255, " ")), TCPMUX_ERR_LONG);
	assert_int_equal(check_name(line_of(254, " ")), TCPMUX_ERR_BYTE);
}

/* The octets with A to Z replaced by a to z, from the alphabet. */
static void
fill_folded(unsigned char folded[256])
{
	static const char upper[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ";
	static const char lower[] = "abcdefghijklmnopqrstuvwxyz";
	size_t i;

	for (i = 0; i < 256; i++)
		folded[i] = (unsigned char)i;
	for (i = 0; i < 26; i++)
		folded[(unsigned char)upper[i]] = (unsigned char)lower[i];
}

static void
rule_4_any_two_bytes_compare_as_folded_octets(void **state)
{
	unsigned char folded[256];
	char byte_a, byte_b;
	struct tcpmux_span name_a = { &byte_a, 1 }, name_b = { &byte_b, 1 };
	int a, b, more;

	(void)state;
	fill_folded(folded);
	for (a = 0; a < 256; a++)
		for (b = 0; b < 256; b++) {
			byte_a = (char)a;
			byte_b = (char)b;
			more = folded[a] - folded[b];
			assert_int_equal(compare_names(name_a, name_b),
			    (more > 0) - (more < 0));
		}
}

static void
rule_4_names_compare_without_regard_to_case(void **state)
{
	(void)state;
	assert_int_equal(compare_names(SPAN("DayTime"), SPAN("daytime")), 0);
	assert_int_equal(compare_names(SPAN("HELP"), SPAN("help")), 0);
	assert_int_equal(compare_names(SPAN("abc"), SPAN("ABD")), -1);
	assert_int_equal(compare_names(SPAN("ABD"), SPAN("abc")), 1);
	/* These pairs differ in the bit that tells a letter's case. */
	assert_int_equal(compare_names(SPAN("[x"), SPAN("{x")), -1);
	assert_int_equal(compare_names(SPAN("`x"), SPAN("@x")), 1);
	assert_int_equal(compare_names(SPAN("_"), SPAN("a")), -1);
}

static void
rule_4_a_name_sorts_behind_its_beginnings(void **state)
{
	(void)state;
	assert_int_equal(compare_names(SPAN(""), SPAN("")), 0);
	assert_int_equal(compare_names(SPAN(""), SPAN("a")), -1);
	assert_int_equal(compare_names(SPAN("a"), SPAN("")), 1);
	assert_int_equal(compare_names(SPAN("echo"), SPAN("ECHO2")), -1);
	assert_int_equal(compare_names(SPAN("ECHO2"), SPAN("echo")), 1);
	assert_int_equal(compare_names(SPAN("b"), SPAN("AA")), 1);
}

static void
rule_4_a_folded_name_is_in_lower_case(void **state)
{
	unsigned char folded[256];
	size_t i;

	(void)state;
	fill_folded(folded);
	assert_int_equal(write_folded(GRAPHIC_COUNT, SPAN(graphic)),
	    GRAPHIC_COUNT);
	for (i = 0; i < GRAPHIC_COUNT; i++)
		assert_int_equal((unsigned char)paper(GRAPHIC_COUNT)[i],
		    folded[(unsigned char)graphic[i]]);
	assert_int_equal(write_folded(255, line_of(255, "")), 255);
	assert_int_equal(write_folded(300, SPAN("ABC")), 3);
	assert_memory_equal(paper(300), "abc", 3);
}

static void
rule_4_what_is_no_name_is_not_folded(void **state)
{
	(void)state;
	assert_int_equal(write_folded(300, SPAN("")), TCPMUX_ERR_EMPTY);
	assert_int_equal(write_folded(300, line_of(256, "")), TCPMUX_ERR_LONG);
	assert_int_equal(write_folded(300, SPAN("AB ")), TCPMUX_ERR_BYTE);
	assert_int_equal(write_folded(2, SPAN("ABC")), TCPMUX_ERR_ROOM);
	assert_int_equal(write_folded(0, SPAN("A")), TCPMUX_ERR_ROOM);
}

/* Formatting. */

static void
rule_3_a_written_request_is_a_name_and_crlf(void **state)
{
	(void)state;
	assert_int_equal(write_request(9, SPAN("DayTime")), 9);
	assert_memory_equal(paper(9), "DayTime\r\n", 9);
	assert_int_equal(write_request(99, SPAN("+x")), 4);
	assert_memory_equal(paper(99), "+x\r\n", 4);
}

/* What is no name cannot be written, nor what has no room. */
static void
assert_names_only(name_writer *writer)
{
	char name[] = "a?b";
	int c;

	assert_int_equal(write_name(writer, 300, SPAN("")), TCPMUX_ERR_EMPTY);
	assert_int_equal(write_name(writer, 300, line_of(256, "")),
	    TCPMUX_ERR_LONG);
	for (c = 0; c < 256; c++) {
		name[1] = (char)c;
		assert_int_equal(write_name(writer, 5, SPAN(name)),
		    is_graphic(c) ? 5 : TCPMUX_ERR_BYTE);
	}
	assert_int_equal(write_name(writer, 257, line_of(255, "")), 257);
	assert_int_equal(write_name(writer, 256, line_of(255, "")),
	    TCPMUX_ERR_ROOM);
	assert_int_equal(write_name(writer, 3, SPAN("x")), 3);
	assert_int_equal(write_name(writer, 2, SPAN("x")), TCPMUX_ERR_ROOM);
	assert_int_equal(write_name(writer, 0, SPAN("x")), TCPMUX_ERR_ROOM);
}

static void
rule_24_a_request_is_written_for_names_only(void **state)
{
	(void)state;
	assert_names_only(tcpmux_format_request);
}

static void
rule_24_help_is_written_for_names_only(void **state)
{
	(void)state;
	assert_names_only(tcpmux_format_help);
}

static void
rule_12_a_signed_name_is_not_listed(void **state)
{
	(void)state;
	assert_int_equal(write_help(99, SPAN("+x")), TCPMUX_ERR_SIGN);
	assert_int_equal(write_help(99, SPAN("-x")), TCPMUX_ERR_SIGN);
	assert_int_equal(write_help(99, SPAN("x+-")), 5);
	assert_memory_equal(paper(99), "x+-\r\n", 5);
}

static void
rule_7_a_written_reply_ends_with_crlf(void **state)
{
	(void)state;
	assert_int_equal(write_reply(10, '+', SPAN("OK FINE")), 10);
	assert_memory_equal(paper(10), "+OK FINE\r\n", 10);
	assert_int_equal(write_reply(3, '-', SPAN("")), 3);
	assert_memory_equal(paper(3), "-\r\n", 3);
}

static void
rule_5_a_reply_is_written_with_a_sign_only(void **state)
{
	int c;

	(void)state;
	for (c = 0; c < 256; c++)
		assert_int_equal(write_reply(9, (char)c, SPAN("OK")),
		    c == '+' || c == '-' ? 5 : TCPMUX_ERR_SIGN);
}

static void
rule_6_a_reply_is_written_for_one_line_only(void **state)
{
	char text[] = "a?b";
	int c;

	(void)state;
	for (c = 0; c < 256; c++) {
		text[1] = (char)c;
		assert_int_equal(write_reply(6, '+', SPAN(text)),
		    c == '\r' || c == '\n' || c == 0 ? TCPMUX_ERR_BYTE : 6);
	}
}

static void
a_written_reply_has_room_and_512_bytes_at_most(void **state)
{
	(void)state;
	assert_int_equal(write_reply(512, '-', line_of(509, "")), 512);
	assert_int_equal(write_reply(511, '-', line_of(509, "")),
	    TCPMUX_ERR_ROOM);
	assert_int_equal(write_reply(600, '-', line_of(510, "")),
	    TCPMUX_ERR_LONG);
	assert_int_equal(write_reply(2, '-', SPAN("")), TCPMUX_ERR_ROOM);
	assert_int_equal(write_reply(0, '-', SPAN("")), TCPMUX_ERR_ROOM);
}

static void
what_is_written_is_what_is_read(void **state)
{
	char bytes[TCPMUX_NAME_MAX];
	struct tcpmux_span name = { bytes, 0 }, again;
	struct tcpmux_reply reply;
	const char *buf = paper(300);
	ssize_t n, seen;

	(void)state;
	for (name.len = 1; name.len <= sizeof(bytes); name.len++) {
		/* Another byte each time; no name here begins with a sign. */
		bytes[name.len - 1] = graphic[name.len % GRAPHIC_COUNT];

		n = write_request(300, name);
		seen =
		    tcpmux_parse_request(buf, (size_t)n, TCPMUX_STRICT, &again);
		assert_int_equal(seen, n);
		assert_int_equal(again.len, name.len);
		assert_memory_equal(again.p, bytes, name.len);

		n = write_help(300, name);
		seen = tcpmux_parse_help(buf, (size_t)n, TCPMUX_STRICT, &again);
		assert_int_equal(seen, n);
		assert_int_equal(again.len, name.len);
		assert_memory_equal(again.p, bytes, name.len);

		n = write_reply(300, '-', name);
		seen =
		    tcpmux_parse_reply(buf, (size_t)n, TCPMUX_STRICT, &reply);
		assert_int_equal(seen, n);
		assert_int_equal(reply.sign, '-');
		assert_int_equal(reply.text.len, name.len);
		assert_memory_equal(reply.text.p, bytes, name.len);
	}
}

int
main(int argc, char *argv[])
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rule_24_every_byte_is_in_a_name_or_not),
		cmocka_unit_test(rule_24_a_name_is_checked_for_its_length),
		cmocka_unit_test(rule_4_any_two_bytes_compare_as_folded_octets),
		cmocka_unit_test(rule_4_names_compare_without_regard_to_case),
		cmocka_unit_test(rule_4_a_name_sorts_behind_its_beginnings),
		cmocka_unit_test(rule_4_a_folded_name_is_in_lower_case),
		cmocka_unit_test(rule_4_what_is_no_name_is_not_folded),
		cmocka_unit_test(rule_3_a_written_request_is_a_name_and_crlf),
		cmocka_unit_test(rule_24_a_request_is_written_for_names_only),
		cmocka_unit_test(rule_24_help_is_written_for_names_only),
		cmocka_unit_test(rule_12_a_signed_name_is_not_listed),
		cmocka_unit_test(rule_7_a_written_reply_ends_with_crlf),
		cmocka_unit_test(rule_5_a_reply_is_written_with_a_sign_only),
		cmocka_unit_test(rule_6_a_reply_is_written_for_one_line_only),
		cmocka_unit_test(
		    a_written_reply_has_room_and_512_bytes_at_most),
		cmocka_unit_test(what_is_written_is_what_is_read),
	};

	if (argc > 1)
		cmocka_set_test_filter(argv[1]);
	return cmocka_run_group_tests(tests, map_guards, unmap_guards);
}
