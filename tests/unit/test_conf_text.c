/*
 * The configuration as text: each mistake is said in its line, and what is
 * printed is read as the same.
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>

#include "conf/units.h"
#include "tests/unit/trial.h"

static void
every_mistake_is_said_in_its_line(void **state)
{
	(void)state;
	trial_says("# one\n/* two\nthree */ alais = 1 /* four */\n"
		   "service x {\n\tmax = ten // five\n\trelay = {'a:1',\n"
		   "\t'b'}\n}\nfrom = 10.0.0.1/8\n",
	    "3: alais: no such option of the top level: did you mean alias, "
	    "of a service?\n"
	    "5: max = ten: not a whole number: write 0 to 1000000000\n"
	    "7: relay = b: no port: write HOST:PORT, \"[ADDRESS]:PORT\" or "
	    "\"unix:/path\"\n"
	    "9: from = 10.0.0.1/8: bits are set behind the prefix: did you "
	    "mean 10.0.0.0/8?\n");
}

static void
what_comes_before_a_broken_section_is_still_checked(void **state)
{
	(void)state;
	trial_says("max = ten\nservice x {\n relay = \n}\nmax = eleven",
	    "4: }: unexpected: write a value behind the =\n"
	    "1: max = ten: not a whole number: write 0 to 1000000000\n");
}

static void
a_misspelt_option_is_one_mistake(void **state)
{
	(void)state;
	trial_says("service x { exce = '/bin/x'  max = 1 }",
	    "1: exce: no such option: did you mean exec?\n");
}

static void
every_duplicate_is_said_where_the_second_is(void **state)
{
	(void)state;
	trial_says("service a { builtin = echo  alias = {b, c} }\n"
		   "service B { builtin = echo }\n"
		   "service d { builtin = echo  alias = {C, A} }\n",
	    "2: service \"B\": has a name that service \"a\" has, in "
	    "test.conf:1, whatever the case: choose another\n"
	    "3: service \"d\": has a name that service \"a\" has, in "
	    "test.conf:1, whatever the case: choose another\n"
	    "3: service \"d\": has a name that service \"a\" has, in "
	    "test.conf:1, whatever the case: choose another\n");
}

static void
the_environment_gets_into_no_string(void **state)
{
	struct trial trial;

	(void)state;
	assert_int_equal(setenv("TCPMUX_TEST", "secret", 1), 0);
	trial_says("service x { exec = {'/bin/x', \"${TCPMUX_TEST}\"} }",
	    "1: ${: the environment is not read: write \\${\n");
	trial_init(&trial,
	    "service x { exec = {'/bin/x', \"\\${TCPMUX_TEST}\", "
	    "'${TCPMUX_TEST}'} }");
	assert_string_equal(trial.said, "");
	assert_string_equal(trial_service(&trial, "x")->program.argv[1],
	    "${TCPMUX_TEST}");
	assert_string_equal(trial_service(&trial, "x")->program.argv[2],
	    "${TCPMUX_TEST}");
	trial_clear(&trial);
}

static void
the_canonical_form_is_sorted_and_leaves_defaults_out(void **state)
{
	(void)state;
	trial_prints("user = x  max = 0  request-timeout = 120\n"
		     "service b { builtin = echo  max-bytes = 64M }\n"
		     "service A { exec = {'/bin/a', 'x\"y\\n'}  umask = 22\n"
		     "from = {}  groups = {} }",
	    "request-timeout = 2m\n"
	    "user = \"x\"\n"
	    "service \"A\" {\n"
	    "\texec = {\"/bin/a\", \"x\\\"y\\\\n\"}\n"
	    "\tfrom = {}\n"
	    "\tgroups = {}\n"
	    "}\n"
	    "service \"b\" {\n"
	    "\tbuiltin = echo\n"
	    "}\n");
}

static void
a_text_that_is_printed_is_read_as_the_same(void **state)
{
	static const char text[] =
	    "control = \"/run/x y\"\n"
	    "from = {\"10.0.0.0/8\", \"fd00::/8\", \"192.0.2.1\"}\n"
	    "fronts = 2\n"
	    "max-offers = 1\n"
	    "max-offers-per-user = 65536\n"
	    "offered-by = {\"a\", \"b:\\\"*?\", \"%c\"}\n"
	    "offers = prefix\n"
	    "rate-per-source = \"10/250ms\"\n"
	    "readers = {\"a\", \"%c\"}\n"
	    "request-timeout = 90s\n"
	    "sandbox = strict\n"
	    "user = \"x\"\n"
	    "log {\n\tbytes = \"2M/1m\"\n\tlines = \"0\"\n"
	    "\tto = \"/log\"\n}\n"
	    "replies {\n\tbusy = \"\\\"\\$\\\\\"\n\tok = \"\"\n}\n"
	    "listen \"*\" {\n}\n"
	    "listen \"::1\" {\n\tlenient = true\n\tport = 2\n}\n"
	    "service \"A\" {\n"
	    "\texec = {\"/bin/a\", \"\", \"\\x01\\x0a\\${HOME}\"}\n"
	    "\tfrom = {}\n\tgroups = {}\n\tnice = -3\n"
	    "\tno-new-privileges = false\n\treply = service\n"
	    "\trlimits = {\"cpu=unlimited\", \"as=64M:1G\"}\n"
	    "\tumask = 007\n}\n"
	    "service \"b\" {\n\tbuiltin = echo\n\tmax-bytes = 1025\n}\n"
	    "service \"c\" {\n\tkeep-alive = 0\n\tok = \"Go\"\n"
	    "\trelay = {\"h:1\", \"unix:/x\"}\n}\n"
	    "service \"d\" {\n\toffered-by = {\"a\", \"%b\"}\n}\n"
	    "service \"e\" {\n\tok = \"Go\"\n\treply = mux\n"
	    "\tsocket = \"/x\"\n}\n"
	    "service \"f\" {\n\tsocket = \"/x\"\n}\n"
	    "service \"tcpmux\" {\n\tbuiltin = tcpmux\n\thidden = true\n}\n";

	(void)state;
	trial_prints(text, text);
	trial_prints("control = none", "control = none\n");
	trial_prints("readers = {}", "");
	trial_prints("offered-by = {}  offers = rules  max-offers = 4096", "");
}

static void
times_sizes_and_rates_are_read_as_they_are_written(void **state)
{
	static const uint64_t values[] = { 1, 999, 1000, 1001, 60000, 90000,
		3600000, 86400000, 86400001, 1024, 65536, 1048576, 1073741824,
		4294967295 };
	char text[UNITS_TEXT_MAX];
	struct rate rate;
	uint64_t n;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
		units_format_time(values[i], text);
		assert_int_equal(units_parse_time(text, &n), 0);
		assert_int_equal(n, values[i]);
		units_format_size(values[i], text);
		assert_int_equal(units_parse_size(text, &n), 0);
		assert_int_equal(n, values[i]);
		units_format_byte_rate((struct rate){ (uint32_t)values[i],
					   250 },
		    text);
		assert_int_equal(units_parse_byte_rate(text, &rate), 0);
		assert_int_equal(rate.count, values[i]);
		assert_int_equal(rate.period_ms, 250);
	}
}

static void
what_is_no_number_is_refused(void **state)
{
	static const char *const texts[] = { "", " 1", "1 ", "+1", "-1", "1.5",
		"0x10", "s", "1ss", "1S", "1KK", "1k", "1e3", "ten" };
	uint64_t n = 42;
	struct rate rate;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		assert_int_equal(units_parse_count(texts[i], &n),
		    UNITS_ERR_TEXT);
		assert_int_equal(units_parse_time(texts[i], &n),
		    UNITS_ERR_TEXT);
		assert_int_equal(units_parse_size(texts[i], &n),
		    UNITS_ERR_TEXT);
		assert_int_equal(units_parse_rate(texts[i], &rate),
		    UNITS_ERR_TEXT);
	}
	assert_int_equal(units_parse_count("18446744073709551616", &n),
	    UNITS_ERR_RANGE);
	assert_int_equal(units_parse_time("18446744073709551615d", &n),
	    UNITS_ERR_RANGE);
	assert_int_equal(n, 42);
}

int
main(int argc, char *argv[])
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_mistake_is_said_in_its_line),
		cmocka_unit_test(
		    what_comes_before_a_broken_section_is_still_checked),
		cmocka_unit_test(a_misspelt_option_is_one_mistake),
		cmocka_unit_test(every_duplicate_is_said_where_the_second_is),
		cmocka_unit_test(the_environment_gets_into_no_string),
		cmocka_unit_test(
		    the_canonical_form_is_sorted_and_leaves_defaults_out),
		cmocka_unit_test(a_text_that_is_printed_is_read_as_the_same),
		cmocka_unit_test(
		    times_sizes_and_rates_are_read_as_they_are_written),
		cmocka_unit_test(what_is_no_number_is_refused),
	};

	if (argc > 1)
		cmocka_set_test_filter(argv[1]);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
