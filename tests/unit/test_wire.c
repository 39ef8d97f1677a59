/*
 * What the parsers of include/tcpmux.h say, and what they leave alone.
 *
 * All input ends at an unreadable page.  The helpers check what holds of
 * every call (no byte is changed, and nothing but the promised is set); the
 * tests check what each call says.
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <sys/resource.h>
#include <sys/types.h>
#include <sys/wait.h>

#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "tcpmux.h"
#include "tests/unit/guard.h"
#include "tests/unit/samples.h"

#define STRICT  TCPMUX_STRICT
#define LENIENT TCPMUX_LENIENT
#define UNSET   ((size_t)-1)

#define REQUEST(s, f) request(SPAN(s), (f))
#define REPLY(s, f)   reply(SPAN(s), (f))
#define HELP(s, f)    help(SPAN(s), (f))
#define HELP_NAME(s)  help_name(SPAN(s))

typedef ssize_t name_parser(const char *, size_t, unsigned int,
    struct tcpmux_span *);

static struct guard input;

static int
map_guards(void **state)
{
	(void)state;
	return guard_init(&input, SAMPLE_MAX);
}

static int
unmap_guards(void **state)
{
	(void)state;
	guard_clear(&input);
	return 0;
}

/* Returns what parse says, and the length of the name, UNSET if it set none. */
static ssize_t
parse_name(name_parser *parse, struct tcpmux_span line, unsigned int flags,
    size_t *name_len)
{
	const char *buf = guard_copy(&input, line.p, line.len);
	struct tcpmux_span name = { graphic, UNSET };
	ssize_t n;

	n = parse(buf, line.len, flags, &name);
	assert_memory_equal(buf, line.p, line.len);
	if (n > 0) {
		assert_in_range(n, 1, line.len);
		assert_int_equal(buf[n - 1], '\n');
		assert_ptr_equal(name.p, buf);
		if (name.len > 0)
			assert_int_equal(name.len,
			    n - (n > 1 && buf[n - 2] == '\r' ? 2 : 1));
		else
			assert_ptr_equal(parse, tcpmux_parse_help);
	} else {
		assert_ptr_equal(name.p, graphic);
		assert_true(name.len == UNSET);
	}
	if (name_len != NULL)
		*name_len = name.len;
	return n;
}

static ssize_t
request(struct tcpmux_span line, unsigned int flags)
{
	return parse_name(tcpmux_parse_request, line, flags, NULL);
}

static ssize_t
help(struct tcpmux_span line, unsigned int flags)
{
	return parse_name(tcpmux_parse_help, line, flags, NULL);
}

/* The length of the name in a whole line of a foreign HELP list. */
static size_t
help_name(struct tcpmux_span line)
{
	size_t len;

	assert_int_equal(parse_name(tcpmux_parse_help, line, LENIENT, &len),
	    line.len);
	return len;
}

static ssize_t
parse_reply(struct tcpmux_span line, unsigned int flags,
    struct tcpmux_reply *out)
{
	const char *buf = guard_copy(&input, line.p, line.len);
	struct tcpmux_reply said = { '?', { graphic, UNSET } };
	ssize_t n;

	n = tcpmux_parse_reply(buf, line.len, flags, &said);
	assert_memory_equal(buf, line.p, line.len);
	if (n > 0) {
		assert_in_range(n, 2, line.len);
		assert_int_equal(buf[n - 1], '\n');
		assert_int_equal(said.sign, buf[0]);
		assert_ptr_equal(said.text.p, buf + 1);
		assert_int_equal(said.text.len,
		    n - 1 - (buf[n - 2] == '\r' ? 2 : 1));
	} else {
		assert_int_equal(said.sign, '?');
		assert_ptr_equal(said.text.p, graphic);
		assert_true(said.text.len == UNSET);
	}
	if (out != NULL)
		*out = said;
	return n;
}

static ssize_t
reply(struct tcpmux_span line, unsigned int flags)
{
	return parse_reply(line, flags, NULL);
}

/* The guard itself: the byte behind the last one kills. */

static void
the_byte_behind_the_input_cannot_be_read(void **state)
{
	static const struct rlimit no_core = { 0, 0 };
	const volatile char *p = guard_copy(&input, "x", 1);
	int status;
	pid_t pid;

	(void)state;
	assert_int_equal(p[0], 'x');
	pid = fork();
	assert_int_not_equal(pid, -1);
	if (pid == 0) {
		/* A sanitizer has its own ideas of this signal. */
		(void)signal(SIGSEGV, SIG_DFL);
		(void)setrlimit(RLIMIT_CORE, &no_core);
		_exit(p[1]);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFSIGNALED(status));
	assert_int_equal(WTERMSIG(status), SIGSEGV);
}

/* Requests. */

static void
rule_3_a_name_and_crlf_is_a_request(void **state)
{
	(void)state;
	assert_int_equal(REQUEST("daytime\r\n", STRICT), 9);
	assert_int_equal(REQUEST("daytime\r\n", LENIENT), 9);
	assert_int_equal(REQUEST("a\r\n", STRICT), 3);
	assert_int_equal(REQUEST("org.example/x@2\r\n", STRICT), 17);
	assert_int_equal(REQUEST("+ok\r\n", STRICT), 5);
	assert_int_equal(REQUEST("-no\r\n", STRICT), 5);
}

static void
rule_4_the_spelling_of_a_name_is_kept(void **state)
{
	struct tcpmux_span name;
	const char *buf = guard_copy(&input, "DayTime\r\n", 9);

	(void)state;
	assert_int_equal(tcpmux_parse_request(buf, 9, STRICT, &name), 9);
	assert_int_equal(name.len, 7);
	assert_memory_equal(name.p, "DayTime", 7);
}

static void
rule_20_a_request_ends_where_the_service_begins(void **state)
{
	(void)state;
	assert_int_equal(REQUEST("echo\r\nhello\r\n", STRICT), 6);
	assert_int_equal(REQUEST("echo\r\n\r\n", STRICT), 6);
	assert_int_equal(REQUEST("echo\r\n\0\xff", STRICT), 6);
	assert_int_equal(REQUEST("echo\r\n\n", LENIENT), 6);
	assert_int_equal(REQUEST("echo\nhello\r\n", LENIENT), 5);
	assert_int_equal(REQUEST("echo\n\r\n", LENIENT), 5);
}

static void
rule_21_every_beginning_of_a_request_wants_more(void **state)
{
	struct tcpmux_span line = line_of(TCPMUX_NAME_MAX, "\r\n");

	(void)state;
	assert_int_equal(line.len, TCPMUX_REQUEST_MAX);
	for (line.len = 0; line.len < TCPMUX_REQUEST_MAX; line.len++) {
		assert_int_equal(request(line, STRICT), 0);
		assert_int_equal(request(line, LENIENT), 0);
	}
	assert_int_equal(request(line, STRICT), TCPMUX_REQUEST_MAX);
}

static void
rule_22_a_cr_waits_for_its_lf(void **state)
{
	(void)state;
	assert_int_equal(REQUEST("echo\r", STRICT), 0);
	assert_int_equal(REQUEST("echo\r", LENIENT), 0);
	assert_int_equal(REQUEST("echo\r\n", STRICT), 6);
}

static void
rule_23_strict_refuses_a_bare_lf(void **state)
{
	(void)state;
	assert_int_equal(REQUEST("echo\n", STRICT), TCPMUX_ERR_LF);
	assert_int_equal(REQUEST("echo\n\r\n", STRICT), TCPMUX_ERR_LF);
	assert_int_equal(REQUEST("\n", STRICT), TCPMUX_ERR_LF);
	assert_int_equal(request(line_of(TCPMUX_NAME_MAX, "\n"), STRICT),
	    TCPMUX_ERR_LF);
}

static void
rule_23_lenient_accepts_a_bare_lf(void **state)
{
	(void)state;
	assert_int_equal(REQUEST("echo\n", LENIENT), 5);
	assert_int_equal(REQUEST("x\n", LENIENT), 2);
	assert_int_equal(request(line_of(TCPMUX_NAME_MAX, "\n"), LENIENT),
	    TCPMUX_NAME_MAX + 1);
}

static void
rule_23_nobody_accepts_a_bare_cr(void **state)
{
	(void)state;
	assert_int_equal(REQUEST("echo\rx", STRICT), TCPMUX_ERR_CR);
	assert_int_equal(REQUEST("echo\rx", LENIENT), TCPMUX_ERR_CR);
	assert_int_equal(REQUEST("echo\r\r", STRICT), TCPMUX_ERR_CR);
	assert_int_equal(REQUEST("echo\r\r\n", LENIENT), TCPMUX_ERR_CR);
	assert_int_equal(REQUEST("echo\r\0\n", STRICT), TCPMUX_ERR_CR);
	assert_int_equal(request(line_of(TCPMUX_NAME_MAX, "\rx"), STRICT),
	    TCPMUX_ERR_CR);
}

static void
rule_23_nobody_accepts_a_nul(void **state)
{
	(void)state;
	assert_int_equal(REQUEST("\0", STRICT), TCPMUX_ERR_BYTE);
	assert_int_equal(REQUEST("\0", LENIENT), TCPMUX_ERR_BYTE);
	assert_int_equal(REQUEST("echo\0\r\n", STRICT), TCPMUX_ERR_BYTE);
	assert_int_equal(REQUEST("echo\0\r\n", LENIENT), TCPMUX_ERR_BYTE);
}

/* What a request says in which byte c stands at offset i of "abc" CR LF. */
static ssize_t
expected_with(int c, size_t i, unsigned int flags)
{
	if (is_graphic(c))
		return 5;
	if (c == '\r')
		return i == 0 ? TCPMUX_ERR_EMPTY : TCPMUX_ERR_CR;
	if (c != '\n')
		return TCPMUX_ERR_BYTE;
	if (flags == STRICT)
		return TCPMUX_ERR_LF;
	return i == 0 ? TCPMUX_ERR_EMPTY : (ssize_t)i + 1;
}

static void
rule_24_a_name_is_made_of_0x21_to_0x7e(void **state)
{
	char line[5];
	size_t i;
	int c;

	(void)state;
	assert_int_equal(GRAPHIC_COUNT, 0x7e - 0x21 + 1);
	for (i = 0; i < 3; i++)
		for (c = 0; c < 256; c++) {
			struct tcpmux_span all = { line, sizeof(line) };

			memcpy(line, "abc\r\n", sizeof(line));
			line[i] = (char)c;
			assert_int_equal(request(all, STRICT),
			    expected_with(c, i, STRICT));
			assert_int_equal(request(all, LENIENT),
			    expected_with(c, i, LENIENT));
		}
}

static void
rule_24_an_empty_line_is_not_a_request(void **state)
{
	(void)state;
	assert_int_equal(REQUEST("\r\n", STRICT), TCPMUX_ERR_EMPTY);
	assert_int_equal(REQUEST("\r\n", LENIENT), TCPMUX_ERR_EMPTY);
	assert_int_equal(REQUEST("\n", LENIENT), TCPMUX_ERR_EMPTY);
	/* No byte behind it could help, so none is waited for. */
	assert_int_equal(REQUEST("\r", STRICT), TCPMUX_ERR_EMPTY);
	assert_int_equal(REQUEST("\rx", LENIENT), TCPMUX_ERR_EMPTY);
}

static void
rule_24_a_name_has_1_to_255_bytes(void **state)
{
	(void)state;
	assert_int_equal(REQUEST("x\r\n", STRICT), 3);
	assert_int_equal(request(line_of(255, "\r\n"), STRICT), 257);
	/* The 256th byte of a name decides it, whatever follows. */
	assert_int_equal(request(line_of(255, ""), STRICT), 0);
	assert_int_equal(request(line_of(256, ""), STRICT), TCPMUX_ERR_LONG);
	assert_int_equal(request(line_of(256, "\r\n"), LENIENT),
	    TCPMUX_ERR_LONG);
	assert_int_equal(request(line_of(4000, "\n"), LENIENT),
	    TCPMUX_ERR_LONG);
	assert_int_equal(request(line_of(255, " "), STRICT), TCPMUX_ERR_BYTE);
}

static void
rule_24_the_first_fault_of_a_request_is_named(void **state)
{
	(void)state;
	assert_int_equal(REQUEST("a b\n", STRICT), TCPMUX_ERR_BYTE);
	assert_int_equal(REQUEST("a\n b", STRICT), TCPMUX_ERR_LF);
	assert_int_equal(REQUEST("a\rb\0", STRICT), TCPMUX_ERR_CR);
	assert_int_equal(REQUEST("\r\r\0", STRICT), TCPMUX_ERR_EMPTY);
	assert_int_equal(REQUEST("\xc3\xa4\r\n", STRICT), TCPMUX_ERR_BYTE);
	assert_int_equal(REQUEST("a\x7f\r\n", STRICT), TCPMUX_ERR_BYTE);
}

/* Replies. */

static void
rule_5_a_reply_starts_with_a_sign(void **state)
{
	char line[] = "?OK\r\n";
	int c;

	(void)state;
	for (c = 0; c < 256; c++) {
		ssize_t want = c == '+' || c == '-' ? 5 : TCPMUX_ERR_SIGN;

		line[0] = (char)c;
		assert_int_equal(REPLY(line, STRICT), want);
		assert_int_equal(REPLY(line, LENIENT), want);
	}
	assert_int_equal(REPLY("x", STRICT), TCPMUX_ERR_SIGN);
	assert_int_equal(REPLY("\r\n", STRICT), TCPMUX_ERR_SIGN);
	assert_int_equal(REPLY("\n", LENIENT), TCPMUX_ERR_SIGN);
}

static void
rule_6_a_sign_and_crlf_is_a_whole_reply(void **state)
{
	struct tcpmux_reply said;

	(void)state;
	assert_int_equal(parse_reply(SPAN("+\r\n"), STRICT, &said), 3);
	assert_int_equal(said.sign, '+');
	assert_int_equal(said.text.len, 0);
	assert_int_equal(parse_reply(SPAN("-\r\n"), LENIENT, &said), 3);
	assert_int_equal(said.sign, '-');
	assert_int_equal(said.text.len, 0);
}

static void
rule_6_the_message_follows_at_once(void **state)
{
	struct tcpmux_reply said;

	(void)state;
	assert_int_equal(parse_reply(SPAN("+OK FINE\r\n"), STRICT, &said), 10);
	assert_int_equal(said.text.len, 7);
	assert_memory_equal(said.text.p, "OK FINE", 7);
	assert_int_equal(parse_reply(SPAN("- a \r\n"), STRICT, &said), 6);
	assert_int_equal(said.text.len, 3);
	assert_memory_equal(said.text.p, " a ", 3);
	assert_int_equal(REPLY("++-\r\n", STRICT), 5);
}

static void
rule_6_a_message_holds_all_but_cr_lf_and_nul(void **state)
{
	char line[] = "+a?b\r\n";
	int c;

	(void)state;
	for (c = 0; c < 256; c++) {
		ssize_t strict = 6, lenient = 6;

		if (c == '\0')
			strict = lenient = TCPMUX_ERR_BYTE;
		if (c == '\r')
			strict = lenient = TCPMUX_ERR_CR;
		if (c == '\n') {
			strict = TCPMUX_ERR_LF;
			lenient = 3;
		}
		line[2] = (char)c;
		assert_int_equal(REPLY(line, STRICT), strict);
		assert_int_equal(REPLY(line, LENIENT), lenient);
	}
}

static void
rule_7_only_crlf_ends_a_reply(void **state)
{
	(void)state;
	assert_int_equal(REPLY("+OK\n", STRICT), TCPMUX_ERR_LF);
	assert_int_equal(REPLY("+\n", STRICT), TCPMUX_ERR_LF);
	assert_int_equal(REPLY("+OK\rx", STRICT), TCPMUX_ERR_CR);
	assert_int_equal(REPLY("+OK\rx", LENIENT), TCPMUX_ERR_CR);
	assert_int_equal(REPLY("+OK\n", LENIENT), 4);
	assert_int_equal(REPLY("+\n", LENIENT), 2);
}

static void
rule_8_the_byte_behind_a_reply_is_the_first_of_the_service(void **state)
{
	(void)state;
	assert_int_equal(REPLY("+OK\r\n220 mail\r\n", STRICT), 5);
	assert_int_equal(REPLY("+\r\n\r\n", STRICT), 3);
	assert_int_equal(REPLY("+OK\n\r\n", LENIENT), 4);
}

static void
rule_21_every_beginning_of_a_reply_wants_more(void **state)
{
	char line[TCPMUX_REPLY_MAX];
	struct tcpmux_span all = { line, 0 };

	(void)state;
	memset(line, 'x', sizeof(line));
	line[0] = '-';
	memcpy(line + sizeof(line) - 2, "\r\n", 2);
	for (; all.len < sizeof(line); all.len++) {
		assert_int_equal(reply(all, STRICT), 0);
		assert_int_equal(reply(all, LENIENT), 0);
	}
	assert_int_equal(reply(all, STRICT), TCPMUX_REPLY_MAX);
}

static void
a_reply_has_512_bytes_at_most(void **state)
{
	char line[TCPMUX_REPLY_MAX + 1];
	struct tcpmux_span all = { line, 0 };
	struct tcpmux_reply said;

	(void)state;
	memset(line, 'x', sizeof(line));
	line[0] = '+';
	all.len = 1 + 509 + 2;
	memcpy(line + 1 + 509, "\r\n", 2);
	assert_int_equal(parse_reply(all, STRICT, &said), 512);
	assert_int_equal(said.text.len, 509);
	all.len--;
	line[1 + 509] = '\n';
	assert_int_equal(parse_reply(all, LENIENT, &said), 511);
	assert_int_equal(said.text.len, 509);

	line[1 + 509] = 'x';
	all.len = 1 + 510;
	assert_int_equal(reply(all, STRICT), TCPMUX_ERR_LONG);
	all.len = 1 + 510 + 2;
	memcpy(line + 1 + 510, "\r\n", 2);
	assert_int_equal(reply(all, STRICT), TCPMUX_ERR_LONG);
	assert_int_equal(reply(all, LENIENT), TCPMUX_ERR_LONG);
}

/* A reply of a server that exists, and what each kind of reader makes of it. */
struct field {
	struct tcpmux_span bytes;
	ssize_t strict;
	ssize_t lenient;
};

static void
rule_35_replies_of_the_field_are_understood(void **state)
{
	static const struct field field[] = {
		{ { "+Go\r\n", 5 }, 5, 5 },
		{ { "+OK\r\n", 5 }, 5, 5 },
		{ { "+\r\n", 3 }, 3, 3 },
		{ { "+OK name\r\n", 10 }, 10, 10 },
		{ { "+ connected\n", 12 }, TCPMUX_ERR_LF, 12 },
		{ { "+Go\r\n\0", 6 }, 5, 5 },
		{ { "-Service not available\r\n", 24 }, 24, 24 },
		{ { "-Service name not found\r\n\0", 26 }, 25, 25 },
		{ { "-Service not found\r\n", 20 }, 20, 20 },
		{ { "-unknown service\r\n", 18 }, 18, 18 },
		{ { "-NO x\r\n", 7 }, 7, 7 },
		{ { "@host:99\r\n", 10 }, TCPMUX_ERR_SIGN, TCPMUX_ERR_SIGN },
		{ { "", 0 }, 0, 0 },
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(field) / sizeof(field[0]); i++) {
		assert_int_equal(reply(field[i].bytes, STRICT),
		    field[i].strict);
		assert_int_equal(reply(field[i].bytes, LENIENT),
		    field[i].lenient);
	}
}

/* Lines of the answer to HELP. */

static void
rule_12_a_line_of_help_is_a_name_and_crlf(void **state)
{
	(void)state;
	assert_int_equal(HELP("tcpmux\r\n", STRICT), 8);
	assert_int_equal(HELP("tcpmux\r\necho\r\n", STRICT), 8);
	assert_int_equal(HELP("", STRICT), 0);
	assert_int_equal(HELP("tcpmux\r", STRICT), 0);
	assert_int_equal(HELP("tcpmux\n", STRICT), TCPMUX_ERR_LF);
	assert_int_equal(HELP("\r\n", STRICT), TCPMUX_ERR_EMPTY);
	assert_int_equal(HELP("a remark\r\n", STRICT), TCPMUX_ERR_BYTE);
	assert_int_equal(HELP("a\rb\r\n", STRICT), TCPMUX_ERR_CR);
	assert_int_equal(HELP("a+\r\n", STRICT), 4);
	assert_int_equal(help(line_of(255, "\r\n"), STRICT), 257);
	assert_int_equal(help(line_of(256, "\r\n"), STRICT), TCPMUX_ERR_LONG);
}

static void
rule_12_a_line_of_help_does_not_start_with_a_sign(void **state)
{
	(void)state;
	assert_int_equal(HELP("+tcpmux\r\n", STRICT), TCPMUX_ERR_SIGN);
	assert_int_equal(HELP("-tcpmux\r\n", STRICT), TCPMUX_ERR_SIGN);
	assert_int_equal(HELP("+", STRICT), TCPMUX_ERR_SIGN);
	assert_int_equal(HELP("-", STRICT), TCPMUX_ERR_SIGN);
}

static void
rule_35_names_of_a_foreign_list_are_found(void **state)
{
	(void)state;
	assert_int_equal(HELP_NAME("tcpmux\r\n"), 6);
	assert_int_equal(HELP_NAME("tcpmux\n"), 6);
	assert_int_equal(HELP_NAME("x\n"), 1);
	assert_int_equal(HELP_NAME("a+-\r\n"), 3);
	assert_int_equal(help_name(line_of(255, "\r\n")), 255);
	assert_int_equal(HELP("tcpmux\necho\n", LENIENT), 7);
	assert_int_equal(HELP("tcpmux\r", LENIENT), 0);
	assert_int_equal(HELP("tcpmux", LENIENT), 0);
	assert_int_equal(HELP("", LENIENT), 0);
}

static void
rule_35_remarks_of_a_foreign_list_are_passed_over(void **state)
{
	(void)state;
	assert_int_equal(HELP_NAME("+Available services:\r\n"), 0);
	assert_int_equal(HELP_NAME("+\r\n"), 0);
	assert_int_equal(HELP_NAME("+tcpmux\r\n"), 0);
	assert_int_equal(HELP_NAME("-no help\r\n"), 0);
	assert_int_equal(HELP_NAME("-tcpmux\n"), 0);
	assert_int_equal(HELP_NAME("echo  the echo service\r\n"), 0);
	assert_int_equal(HELP_NAME("\xc3\xa4\r\n"), 0);
	assert_int_equal(HELP_NAME("\r\n"), 0);
	assert_int_equal(HELP_NAME("\n"), 0);
	assert_int_equal(help_name(line_of(256, "\r\n")), 0);
	assert_int_equal(help_name(line_of(510, "\r\n")), 0);
	assert_int_equal(help_name(line_of(510, "\n")), 0);
}

static void
rule_35_what_is_no_line_ends_a_foreign_list(void **state)
{
	(void)state;
	assert_int_equal(HELP("a\0b\r\n", LENIENT), TCPMUX_ERR_BYTE);
	assert_int_equal(HELP("a\rb\r\n", LENIENT), TCPMUX_ERR_CR);
	assert_int_equal(HELP("\r", LENIENT), 0);
	assert_int_equal(HELP("\rx", LENIENT), TCPMUX_ERR_CR);
	assert_int_equal(help(line_of(510, ""), LENIENT), 0);
	assert_int_equal(help(line_of(511, ""), LENIENT), TCPMUX_ERR_LONG);
	assert_int_equal(help(line_of(511, "\r\n"), LENIENT), TCPMUX_ERR_LONG);
}

int
main(int argc, char *argv[])
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_byte_behind_the_input_cannot_be_read),
		cmocka_unit_test(rule_3_a_name_and_crlf_is_a_request),
		cmocka_unit_test(rule_4_the_spelling_of_a_name_is_kept),
		cmocka_unit_test(
		    rule_20_a_request_ends_where_the_service_begins),
		cmocka_unit_test(
		    rule_21_every_beginning_of_a_request_wants_more),
		cmocka_unit_test(rule_22_a_cr_waits_for_its_lf),
		cmocka_unit_test(rule_23_strict_refuses_a_bare_lf),
		cmocka_unit_test(rule_23_lenient_accepts_a_bare_lf),
		cmocka_unit_test(rule_23_nobody_accepts_a_bare_cr),
		cmocka_unit_test(rule_23_nobody_accepts_a_nul),
		cmocka_unit_test(rule_24_a_name_is_made_of_0x21_to_0x7e),
		cmocka_unit_test(rule_24_an_empty_line_is_not_a_request),
		cmocka_unit_test(rule_24_a_name_has_1_to_255_bytes),
		cmocka_unit_test(rule_24_the_first_fault_of_a_request_is_named),
		cmocka_unit_test(rule_5_a_reply_starts_with_a_sign),
		cmocka_unit_test(rule_6_a_sign_and_crlf_is_a_whole_reply),
		cmocka_unit_test(rule_6_the_message_follows_at_once),
		cmocka_unit_test(rule_6_a_message_holds_all_but_cr_lf_and_nul),
		cmocka_unit_test(rule_7_only_crlf_ends_a_reply),
		cmocka_unit_test(
		    rule_8_the_byte_behind_a_reply_is_the_first_of_the_service),
		cmocka_unit_test(rule_21_every_beginning_of_a_reply_wants_more),
		cmocka_unit_test(a_reply_has_512_bytes_at_most),
		cmocka_unit_test(rule_35_replies_of_the_field_are_understood),
		cmocka_unit_test(rule_12_a_line_of_help_is_a_name_and_crlf),
		cmocka_unit_test(
		    rule_12_a_line_of_help_does_not_start_with_a_sign),
		cmocka_unit_test(rule_35_names_of_a_foreign_list_are_found),
		cmocka_unit_test(
		    rule_35_remarks_of_a_foreign_list_are_passed_over),
		cmocka_unit_test(rule_35_what_is_no_line_ends_a_foreign_list),
	};

	if (argc > 1)
		cmocka_set_test_filter(argv[1]);
	return cmocka_run_group_tests(tests, map_guards, unmap_guards);
}
