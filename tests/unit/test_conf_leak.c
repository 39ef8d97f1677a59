/*
 * The configuration as text takes no memory for good.
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <malloc.h>

#include "tests/unit/trial.h"

static void
parse_good_and_bad(int times)
{
	while (times-- > 0) {
		trial_says("max = 5\nservice x { relay = 'h:1' alias = y }\n"
			   "include = 'a'",
		    "");
		trial_says("max = ten",
		    "1: max = ten: not a whole number: write 0 to "
		    "1000000000\n");
	}
}

static void
ten_thousand_parses_leave_nothing_behind(void **state)
{
	size_t before;

	(void)state;
	parse_good_and_bad(10);
	before = mallinfo2().uordblks;
	parse_good_and_bad(10000);
	/* What malloc(3) keeps for itself varies by less than a byte each. */
	assert_in_range(mallinfo2().uordblks, 0, before + 10000);
}

int
main(int argc, char *argv[])
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(ten_thousand_parses_leave_nothing_behind),
	};

	if (argc > 1)
		cmocka_set_test_filter(argv[1]);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
