/*
 * What the sets say to each request: the right answer, in lines that every
 * strict client can read.
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "table/words.h"
#include "tests/unit/guard.h"

#define ROOM 4096

static struct guard input, name_memory;

static const struct words *const sets[] = { &words_default, &words_classic };

#define SETS (sizeof(sets) / sizeof(sets[0]))

static int
map_guards(void **state)
{
	(void)state;
	if (guard_init(&input, ROOM) == -1)
		return -1;
	return guard_init(&name_memory, ROOM);
}

static int
unmap_guards(void **state)
{
	(void)state;
	guard_clear(&input);
	guard_clear(&name_memory);
	return 0;
}

static struct answer
ask(const struct words *t, const char *name)
{
	struct tcpmux_span span;

	span.len = strlen(name);
	span.p = guard_copy(&name_memory, name, span.len);
	assert_int_equal(tcpmux_check_name(span), 0);
	return words_answer(t, span);
}

static void
assert_says(struct answer answer, const char *text, enum answer_then then)
{
	assert_int_equal(answer.text.len, strlen(text));
	assert_memory_equal(answer.text.p, text, strlen(text));
	assert_int_equal(answer.then, then);
}

/* The answer is one whole reply of this sign, for the strictest reader. */
static void
assert_is_reply(struct answer answer, char sign)
{
	struct tcpmux_reply reply;
	const char *buf;
	ssize_t n;

	assert_non_null(answer.text.p);
	assert_in_range(answer.text.len, 3, TCPMUX_REPLY_MAX);
	buf = guard_copy(&input, answer.text.p, answer.text.len);
	n = tcpmux_parse_reply(buf, answer.text.len, TCPMUX_STRICT, &reply);
	assert_int_equal(n, answer.text.len);
	assert_int_equal(reply.sign, sign);
}

static void
rule_4_the_case_of_tcpmux_does_not_matter(void **state)
{
	size_t i;

	(void)state;
	for (i = 0; i < SETS; i++) {
		assert_says(ask(sets[i], "tcpmux"), "+OK FINE\r\n",
		    ANSWER_NEXT);
		assert_says(ask(sets[i], "TCPMUX"), "+OK FINE\r\n",
		    ANSWER_NEXT);
		assert_says(ask(sets[i], "TcpMux"), "+OK FINE\r\n",
		    ANSWER_NEXT);
	}
}

static void
rule_34_tcpmux_is_answered_and_the_next_name_read(void **state)
{
	size_t i;

	(void)state;
	for (i = 0; i < SETS; i++) {
		struct answer answer = ask(sets[i], "tcpmux");

		assert_is_reply(answer, '+');
		assert_int_equal(answer.then, ANSWER_NEXT);
	}
}

static void
rule_10_help_is_reserved_in_any_case(void **state)
{
	(void)state;
	assert_says(ask(&words_default, "HELP"), "tcpmux\r\n", ANSWER_CLOSE);
	assert_says(ask(&words_default, "help"), "tcpmux\r\n", ANSWER_CLOSE);
	assert_says(ask(&words_default, "Help"), "tcpmux\r\n", ANSWER_CLOSE);
	assert_says(ask(&words_default, "hELp"), "tcpmux\r\n", ANSWER_CLOSE);
}

static void
classic_knows_help_in_capitals_only(void **state)
{
	(void)state;
	assert_says(ask(&words_classic, "HELP"), "tcpmux\r\n", ANSWER_CLOSE);
	assert_says(ask(&words_classic, "help"), "-BLOW ME\r\n", ANSWER_CLOSE);
	assert_says(ask(&words_classic, "Help"), "-BLOW ME\r\n", ANSWER_CLOSE);
	assert_says(ask(&words_classic, "HELp"), "-BLOW ME\r\n", ANSWER_CLOSE);
}

static void
rule_12_help_is_a_list_of_names_with_tcpmux_in_it(void **state)
{
	static const struct tcpmux_span tcpmux = { "tcpmux", 6 };
	struct tcpmux_span name, text;
	size_t i, found;
	ssize_t n;

	(void)state;
	for (i = 0; i < SETS; i++) {
		text = ask(sets[i], "HELP").text;
		found = 0;
		while (text.len > 0) {
			const char *buf = guard_copy(&input, text.p, text.len);

			n = tcpmux_parse_help(buf, text.len, TCPMUX_STRICT,
			    &name);
			assert_in_range(n, 1, text.len);
			if (tcpmux_compare_names(name, tcpmux) == 0)
				found++;
			text.p += n;
			text.len -= (size_t)n;
		}
		assert_int_equal(found, 1);
	}
}

static void
rule_29_every_unknown_name_gets_the_same_refusal(void **state)
{
	static const char *const names[] = { "x", "echo", "tcpmu", "tcpmuxx",
		"tcpmux/", "HEL", "HELPX", "HELP.", "+OK", "-", "@host:1" };
	struct tcpmux_span want;
	size_t i, j;

	(void)state;
	for (i = 0; i < SETS; i++) {
		want = words_refuse(sets[i], REFUSE_UNKNOWN).text;
		for (j = 0; j < sizeof(names) / sizeof(names[0]); j++) {
			struct answer answer = ask(sets[i], names[j]);

			assert_ptr_equal(answer.text.p, want.p);
			assert_int_equal(answer.text.len, want.len);
			assert_int_equal(answer.then, ANSWER_CLOSE);
		}
	}
}

static void
a_name_of_255_bytes_is_unknown_like_any_other(void **state)
{
	char name[TCPMUX_NAME_MAX + 1] = "";

	(void)state;
	memset(name, 'x', TCPMUX_NAME_MAX);
	assert_says(ask(&words_classic, name), "-BLOW ME\r\n", ANSWER_CLOSE);
	assert_is_reply(ask(&words_default, name), '-');
}

static void
rule_9_every_refusal_is_one_negative_reply_and_the_end(void **state)
{
	size_t i;
	int why;

	(void)state;
	for (i = 0; i < SETS; i++)
		for (why = REFUSE_EMPTY; why < REFUSE_COUNT; why++) {
			struct answer answer =
			    words_refuse(sets[i], (enum refusal)why);

			assert_is_reply(answer, '-');
			assert_int_equal(answer.then, ANSWER_CLOSE);
		}
}

static void
the_refusals_of_the_default_set_differ_and_say_something(void **state)
{
	struct tcpmux_span a, b;
	int i, j;

	(void)state;
	for (i = REFUSE_EMPTY; i < REFUSE_COUNT; i++) {
		a = words_refuse(&words_default, (enum refusal)i).text;
		assert_true(a.len > 3);
		for (j = i + 1; j < REFUSE_COUNT; j++) {
			b = words_refuse(&words_default, (enum refusal)j).text;
			assert_false(
			    a.len == b.len && memcmp(a.p, b.p, a.len) == 0);
		}
	}
}

static void
classic_has_one_refusal_for_everything(void **state)
{
	int why;

	(void)state;
	for (why = REFUSE_EMPTY; why < REFUSE_COUNT; why++)
		assert_says(words_refuse(&words_classic, (enum refusal)why),
		    "-BLOW ME\r\n", ANSWER_CLOSE);
}

static ssize_t
fault_of(const char *line, size_t len)
{
	struct tcpmux_span name;

	return -tcpmux_parse_request(line, len, TCPMUX_STRICT, &name);
}

static void
a_fault_of_the_request_has_the_refusal_of_its_number(void **state)
{
	static const struct {
		const char *line;
		size_t len;
		enum refusal why;
	} faults[] = {
		{ "\r\n", 2, REFUSE_EMPTY },
		{ "a b\r\n", 5, REFUSE_BYTE },
		{ "a\rb", 3, REFUSE_CR },
		{ "a\n", 2, REFUSE_LF },
	};
	char line[TCPMUX_NAME_MAX + 1];
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(faults) / sizeof(faults[0]); i++)
		assert_int_equal(fault_of(faults[i].line, faults[i].len),
		    faults[i].why);
	memset(line, 'x', sizeof(line));
	assert_int_equal(fault_of(line, sizeof(line)), REFUSE_LONG);
}

int
main(int argc, char *argv[])
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rule_4_the_case_of_tcpmux_does_not_matter),
		cmocka_unit_test(
		    rule_34_tcpmux_is_answered_and_the_next_name_read),
		cmocka_unit_test(rule_10_help_is_reserved_in_any_case),
		cmocka_unit_test(classic_knows_help_in_capitals_only),
		cmocka_unit_test(
		    rule_12_help_is_a_list_of_names_with_tcpmux_in_it),
		cmocka_unit_test(
		    rule_29_every_unknown_name_gets_the_same_refusal),
		cmocka_unit_test(a_name_of_255_bytes_is_unknown_like_any_other),
		cmocka_unit_test(
		    rule_9_every_refusal_is_one_negative_reply_and_the_end),
		cmocka_unit_test(
		    the_refusals_of_the_default_set_differ_and_say_something),
		cmocka_unit_test(classic_has_one_refusal_for_everything),
		cmocka_unit_test(
		    a_fault_of_the_request_has_the_refusal_of_its_number),
	};

	if (argc > 1)
		cmocka_set_test_filter(argv[1]);
	return cmocka_run_group_tests(tests, map_guards, unmap_guards);
}
