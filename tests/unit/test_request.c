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

/* What one line means; and the answer. */
struct sample {
	const char *line;
	int result;
	enum request_what what;
	const char *name, *option;
};

static const struct sample samples[] = {
	{ "snapshot", 0, ASK_SNAPSHOT, "", "" },
	{ "CONNS", 0, ASK_CONNS, "", "" },
	{ "explain/a/b", 0, ASK_EXPLAIN, "a/b", "" },
	{ "explain,::1%eth0/x", 0, ASK_EXPLAIN, "x", "::1%eth0" },
	{ "reload", 0, ASK_RELOAD, "", "" },
	{ "upgrade", 0, ASK_UPGRADE, "", "" },
	{ "drain", 0, ASK_DRAIN, "", "" },
	{ "Drain/Web", 0, ASK_DRAIN, "Web", "" },
	{ "undrain", 0, ASK_UNDRAIN, "", "" },
	{ "undrain/x", 0, ASK_UNDRAIN, "x", "" },
	{ "kick/x", 0, ASK_KICK, "x", "" },
	{ "kick,12/", 0, ASK_KICK, "", "12" },
	{ "log/refusals", 0, ASK_LOG, "", "refusals" },
	{ "snapshot/", -1, 0, NULL, NULL },
	{ "snapshot/x", -1, 0, NULL, NULL },
	{ "snapshot,x", -1, 0, NULL, NULL },
	{ "snapshot,", -1, 0, NULL, NULL },
	{ "explain", -1, 0, NULL, NULL },
	{ "explain/", -1, 0, NULL, NULL },
	{ "explain,a/", -1, 0, NULL, NULL },
	{ "explain,/a", -1, 0, NULL, NULL },
	{ "drain/", -1, 0, NULL, NULL },
	{ "drain,a/b", -1, 0, NULL, NULL },
	{ "drain,a", -1, 0, NULL, NULL },
	{ "kick", -1, 0, NULL, NULL },
	{ "kick/", -1, 0, NULL, NULL },
	{ "kick,/", -1, 0, NULL, NULL },
	{ "kick,1/x", -1, 0, NULL, NULL },
	{ "log", -1, 0, NULL, NULL },
	{ "log/", -1, 0, NULL, NULL },
	{ "log,a/", -1, 0, NULL, NULL },
	{ "log,a/b", -1, 0, NULL, NULL },
	{ "snapshots", -1, 0, NULL, NULL },
	{ "/snapshot", -1, 0, NULL, NULL },
	{ ",/", -1, 0, NULL, NULL },
	{ "log/"
	  "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx",
	    -1, 0, NULL, NULL },
};

static void
each_request_has_its_own_parts(void **state)
{
	const struct sample *s;
	char line[TCPMUX_REQUEST_MAX];
	struct request r;
	size_t i, len;

	(void)state;
	for (i = 0; i < sizeof(samples) / sizeof(samples[0]); i++) {
		s = &samples[i];
		len = strlen(s->line);
		memcpy(line, s->line, len);
		memcpy(line + len, "\r\n", 2);
		if (request_parse(line, len + 2, &r) != s->result)
			fail_msg("%s", s->line);
		if (s->result == -1)
			continue;
		assert_int_equal(r.what, s->what);
		assert_int_equal(r.flags, 0);
		assert_int_equal(r.name.len, strlen(s->name));
		assert_memory_equal(r.name.p, s->name, r.name.len);
		assert_int_equal(r.option.len, strlen(s->option));
		assert_memory_equal(r.option.p, s->option, r.option.len);
	}
}

static void
what_reads_changes_nothing(void **state)
{
	(void)state;
	assert_false(request_changes(ASK_SNAPSHOT));
	assert_false(request_changes(ASK_CONNS));
	assert_false(request_changes(ASK_EXPLAIN));
	assert_true(request_changes(ASK_RELOAD));
	assert_true(request_changes(ASK_UPGRADE));
	assert_true(request_changes(ASK_DRAIN));
	assert_true(request_changes(ASK_UNDRAIN));
	assert_true(request_changes(ASK_KICK));
	assert_true(request_changes(ASK_LOG));
	assert_string_equal(request_verb(ASK_UNDRAIN), "undrain");
}

static void
each_refusal_is_a_reply_that_begins_with_its_word(void **state)
{
	struct tcpmux_reply reply;
	struct tcpmux_span line;
	const char *word;
	int i;

	(void)state;
	for (i = REQUEST_DENIED; i <= REQUEST_FLOODED; i++) {
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
		cmocka_unit_test(each_request_has_its_own_parts),
		cmocka_unit_test(what_reads_changes_nothing),
		cmocka_unit_test(
		    each_refusal_is_a_reply_that_begins_with_its_word),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
