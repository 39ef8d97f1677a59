/*
 * What a daemon says of itself, cut into strings.
 */

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

#include "cmd/snapshot.h"

static struct snapshot
snapshot_of(const char *text)
{
	struct snapshot s;

	assert_int_equal(snapshot_take_text(&s, strdup(text), strlen(text)), 0);
	return s;
}

static void
lines_are_found_by_their_word(void **state)
{
	struct snapshot s = snapshot_of("tcpmuxd pid=1\nservice name=a\n"
					"other\nservice name=b\n");
	const struct snapshot_line *line;

	(void)state;
	assert_int_equal(s.n, 4);
	line = snapshot_next(&s, NULL, "service");
	assert_string_equal(snapshot_text(line, "name"), "a");
	line = snapshot_next(&s, line, "service");
	assert_string_equal(snapshot_text(line, "name"), "b");
	assert_null(snapshot_next(&s, line, "service"));
	assert_null(snapshot_next(&s, NULL, "conn"));
	snapshot_clear(&s);
	assert_null(snapshot_next(&s, NULL, "conn"));
}

static void
a_value_is_resolved_and_a_missing_one_is_none(void **state)
{
	struct snapshot s = snapshot_of(
	    "a b=1\\x20\\x3D\\xff2 c= d=x=y name=\\x00\\xg0\\x1 b=9 e");

	(void)state;
	assert_string_equal(snapshot_get(s.lines, "b"),
	    "1 =\xff"
	    "2");
	assert_string_equal(snapshot_get(s.lines, "c"), "");
	assert_string_equal(snapshot_get(s.lines, "d"), "x=y");
	assert_string_equal(snapshot_get(s.lines, "name"), "\\x00\\xg0\\x1");
	assert_null(snapshot_get(s.lines, "e"));
	assert_string_equal(snapshot_text(s.lines, "e"), "");
	snapshot_clear(&s);
}

static void
what_makes_no_sense_is_left_out(void **state)
{
	struct snapshot s = snapshot_of("\n\n a=1\nw  =2 x  y=3\nlast z=4 q");

	(void)state;
	assert_int_equal(s.n, 2);
	assert_string_equal(s.lines[0].word, "w");
	assert_string_equal(snapshot_text(s.lines, "y"), "3");
	assert_string_equal(snapshot_text(&s.lines[1], "z"), "4");
	snapshot_clear(&s);
}

static void
numbers_are_decimal_and_bounded(void **state)
{
	struct snapshot s = snapshot_of(
	    "n a=17 b=18446744073709551615 c=18446744073709551616 d=-1 e=1x "
	    "f= g=007");

	(void)state;
	assert_int_equal(snapshot_number(s.lines, "a", 5), 17);
	assert_true(snapshot_number(s.lines, "b", 5) == UINT64_MAX);
	assert_true(snapshot_number(s.lines, "c", 5) == UINT64_MAX);
	assert_int_equal(snapshot_number(s.lines, "d", 5), 5);
	assert_int_equal(snapshot_number(s.lines, "e", 5), 5);
	assert_int_equal(snapshot_number(s.lines, "f", 5), 5);
	assert_int_equal(snapshot_number(s.lines, "g", 5), 7);
	assert_int_equal(snapshot_number(s.lines, "h", 5), 5);
	snapshot_clear(&s);
}

static void
times_have_three_decimals(void **state)
{
	struct snapshot s = snapshot_of(
	    "t a=1700000000.125 b=5 c=5.1 d=5.12345 e=99999999999999999999 f=x");

	(void)state;
	assert_true(snapshot_time(s.lines, "a") == 1700000000125);
	assert_int_equal(snapshot_time(s.lines, "b"), 5000);
	assert_int_equal(snapshot_time(s.lines, "c"), 5100);
	assert_int_equal(snapshot_time(s.lines, "d"), 5123);
	assert_int_equal(snapshot_time(s.lines, "e"), 0);
	assert_int_equal(snapshot_time(s.lines, "f"), 0);
	snapshot_clear(&s);
}

static void
lists_have_commas(void **state)
{
	struct snapshot s = snapshot_of("l a=1,2,3 b=1,,2 c=1, d= e=4");
	uint64_t n[3];

	(void)state;
	assert_int_equal(snapshot_numbers(s.lines, "a", n, 3), 3);
	assert_int_equal(n[2], 3);
	assert_int_equal(snapshot_numbers(s.lines, "a", n, 2), 2);
	assert_int_equal(snapshot_numbers(s.lines, "b", n, 3), 0);
	assert_int_equal(snapshot_numbers(s.lines, "c", n, 3), 0);
	assert_int_equal(snapshot_numbers(s.lines, "d", n, 3), 0);
	assert_int_equal(snapshot_numbers(s.lines, "e", n, 3), 1);
	snapshot_clear(&s);
}

static void
a_word_is_in_a_list_as_a_whole(void **state)
{
	(void)state;
	assert_true(snapshot_is_listed("user,caps", "user"));
	assert_true(snapshot_is_listed("user,caps", "caps"));
	assert_false(snapshot_is_listed("no-new-privs,,capsule", "caps"));
	assert_false(snapshot_is_listed("", "caps"));
}

static void
a_text_with_a_nul_or_too_many_lines_is_refused(void **state)
{
	const size_t len = SNAPSHOT_LINES_MAX;
	char *text = calloc(1, len + 1);
	struct snapshot s;

	(void)state;
	memset(text, '\n', len);
	assert_int_equal(snapshot_take_text(&s, text, len), -1);
	assert_int_equal(errno, EFBIG);
	assert_null(s.text);
	assert_int_equal(snapshot_take_text(&s, calloc(1, 3), 2), -1);
	assert_int_equal(errno, EBADMSG);
	assert_null(s.lines);
}

static void
a_file_is_read_from_its_start_whatever_its_size(void **state)
{
	const size_t sizes[] = { 0, 1, 65535, 65536, 200000 };
	size_t i, len;
	char *text;
	int fd;

	(void)state;
	for (i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		fd = memfd_create("text", MFD_CLOEXEC);
		assert_return_code(ftruncate(fd, (off_t)sizes[i]), errno);
		(void)lseek(fd, 0, SEEK_END);
		text = snapshot_read(fd, &len);
		assert_non_null(text);
		assert_int_equal(len, sizes[i]);
		assert_int_equal(text[len], 0);
		free(text);
		(void)close(fd);
	}
}

static void
a_file_that_is_too_long_or_no_file_is_an_error(void **state)
{
	const int fd = memfd_create("text", MFD_CLOEXEC);
	size_t len;

	(void)state;
	assert_return_code(ftruncate(fd, (off_t)1 << 40), errno);
	assert_null(snapshot_read(fd, &len));
	assert_int_equal(errno, EFBIG);
	assert_return_code(ftruncate(fd, (off_t)SNAPSHOT_SIZE_MAX + 1), errno);
	assert_null(snapshot_read(fd, &len));
	assert_int_equal(errno, EFBIG);
	(void)close(fd);
	assert_null(snapshot_read(fd, &len));
	assert_int_equal(errno, EBADF);
}

int
main(int argc, char *argv[])
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lines_are_found_by_their_word),
		cmocka_unit_test(a_value_is_resolved_and_a_missing_one_is_none),
		cmocka_unit_test(what_makes_no_sense_is_left_out),
		cmocka_unit_test(numbers_are_decimal_and_bounded),
		cmocka_unit_test(times_have_three_decimals),
		cmocka_unit_test(lists_have_commas),
		cmocka_unit_test(a_word_is_in_a_list_as_a_whole),
		cmocka_unit_test(
		    a_text_with_a_nul_or_too_many_lines_is_refused),
		cmocka_unit_test(
		    a_file_is_read_from_its_start_whatever_its_size),
		cmocka_unit_test(
		    a_file_that_is_too_long_or_no_file_is_an_error),
	};

	if (argc > 1)
		cmocka_set_test_filter(argv[1]);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
