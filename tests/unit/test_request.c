/*
 * What programs ask, and what they are answered: table/request.c.
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "table/request.h"

static void
a_request_is_one_line_of_the_grammar(void **state)
{
	static const char *const bad[] = { "", "\r\n", "x\r\n", "offer\r\n",
		"offer/x", "offer/x\n", "offer/x\r\nmore", "offer,/x\r\n",
		"offer,share,/x\r\n", "offer,share,share/x\r\n", "/x\r\n",
		"offer,/\r\n", "offers/x\r\n", "offer,sha/x\r\n" };
	struct request r;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(request_parse(bad[i], strlen(bad[i]), &r), -1);
	assert_int_equal(request_parse("offer/a/,b\r\n", 12, &r), 0);
	assert_int_equal(r.name.len, 4);
	assert_memory_equal(r.name.p, "a/,b", 4);
	assert_int_equal(r.flags, 0);
	assert_int_equal(request_parse("offer/\r\n", 8, &r), 0);
	assert_int_equal(r.name.len, 0);
	assert_int_equal(request_parse("Offer,HIDDEN,share,replace/x\r\n", 30,
			     &r),
	    0);
	assert_int_equal(r.flags,
	    TCPMUX_OFFER_HIDDEN | TCPMUX_OFFER_SHARE | TCPMUX_OFFER_REPLACE);
}

static void
each_refusal_is_a_reply_that_begins_with_its_word(void **state)
{
	struct tcpmux_reply reply;
	struct tcpmux_span line;
	const char *word;
	int i;

	(void)state;
	for (i = REQUEST_DENIED; i <= REQUEST_REPLACED; i++) {
		line = request_refusal((enum request_answer)i);
		word = request_word((enum request_answer)i);
		assert_int_equal(tcpmux_parse_reply(line.p, line.len,
				     TCPMUX_STRICT, &reply),
		    line.len);
		assert_int_equal(reply.sign, '-');
		assert_memory_equal(reply.text.p, word, strlen(word));
		assert_int_equal(reply.text.p[strlen(word)], ' ');
		assert_int_equal(reply.text.p[reply.text.len - 1], '.');
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_request_is_one_line_of_the_grammar),
		cmocka_unit_test(
		    each_refusal_is_a_reply_that_begins_with_its_word),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
