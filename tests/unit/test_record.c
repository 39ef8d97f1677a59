/*
 * Log lines: whole, in known keys, and without a byte of a stranger's that
 * could be taken for anything but text.
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "table/record.h"
#include "tests/unit/guard.h"

#define DAY_MS INT64_C(86400000)

/* 10000-01-01, in days since 1970. */
#define DAYS_END 2932897

static struct guard memory;

static int
map_guard(void **state)
{
	(void)state;
	return guard_init(&memory, RECORD_MAX);
}

static int
unmap_guard(void **state)
{
	(void)state;
	guard_clear(&memory);
	return 0;
}

static struct tcpmux_span
span(const char *s)
{
	return (struct tcpmux_span){ s, strlen(s) };
}

/* The line of r, NUL-terminated; it lives until the next call. */
static const char *
format(const struct record *r, enum log_format as)
{
	static char line[RECORD_MAX + 1];
	char *buf = guard_last(&memory, RECORD_MAX);
	size_t n;

	n = record_format(r, as, buf);
	assert_in_range(n, 1, RECORD_MAX);
	memcpy(line, buf, n);
	line[n] = '\0';
	assert_ptr_equal(strchr(line, '\n'), line + n - 1);
	return line;
}

static void
set_peer(struct record *r, const char *text)
{
	memset(r->peer, 0, sizeof(r->peer));
	if (strchr(text, ':') != NULL) {
		assert_int_equal(inet_pton(AF_INET6, text, r->peer), 1);
		return;
	}
	r->peer[10] = r->peer[11] = 0xff;
	assert_int_equal(inet_pton(AF_INET, text, r->peer + 12), 1);
}

static struct record
example(void)
{
	struct record r = record_empty;

	r.time_ms = INT64_C(1795258052123);
	set_peer(&r, "::1");
	r.peer_port = 4711;
	r.listener = "[::1]:1";
	r.name = span("date");
	r.verdict = "served";
	r.by = "exec";
	r.user = "nobody";
	r.ms = 12;
	r.status = 0;
	return r;
}

static void
a_line_of_text_is_keys_and_values(void **state)
{
	struct record r = example();

	(void)state;
	assert_string_equal(format(&r, LOG_TEXT),
	    "time=2026-11-21T10:47:32.123Z peer=[::1]:4711 listener=[::1]:1 "
	    "name=date verdict=served by=exec user=nobody ms=12 status=0\n");
	r.verdict = "failed";
	r.reason = "refused";
	r.by = "relay";
	r.user = NULL;
	r.to = "unix:/run/x";
	r.in = 0;
	r.out = INT64_MAX;
	r.status = RECORD_UNKNOWN;
	r.signal = 9;
	r.suppressed = 3;
	assert_string_equal(format(&r, LOG_TEXT),
	    "time=2026-11-21T10:47:32.123Z peer=[::1]:4711 listener=[::1]:1 "
	    "name=date verdict=failed reason=refused by=relay to=unix:/run/x "
	    "in=0 out=9223372036854775807 ms=12 signal=9 suppressed=3\n");
}

static void
a_line_of_json_has_the_same_keys(void **state)
{
	struct record r = example();

	(void)state;
	assert_string_equal(format(&r, LOG_JSON),
	    "{\"time\":\"2026-11-21T10:47:32.123Z\",\"peer\":\"[::1]:4711\","
	    "\"listener\":\"[::1]:1\",\"name\":\"date\","
	    "\"verdict\":\"served\",\"by\":\"exec\",\"user\":\"nobody\","
	    "\"ms\":12,\"status\":0}\n");
}

static void
what_is_not_known_is_left_out(void **state)
{
	(void)state;
	assert_string_equal(format(&record_empty, LOG_TEXT),
	    "time=1970-01-01T00:00:00.000Z\n");
	assert_string_equal(format(&record_empty, LOG_JSON),
	    "{\"time\":\"1970-01-01T00:00:00.000Z\"}\n");
}

static void
a_message_is_a_value_like_others(void **state)
{
	struct record r = record_empty;

	(void)state;
	r.message = span("tcpmuxd: a=\"b\"");
	assert_string_equal(format(&r, LOG_TEXT),
	    "time=1970-01-01T00:00:00.000Z "
	    "message=\"tcpmuxd: a=\\x22b\\x22\"\n");
	assert_string_equal(format(&r, LOG_JSON),
	    "{\"time\":\"1970-01-01T00:00:00.000Z\","
	    "\"message\":\"tcpmuxd: a=\\\\x22b\\\\x22\"}\n");
}

static void
values_are_quoted_only_if_they_could_be_misread(void **state)
{
	static const char head[] = "time=1970-01-01T00:00:00.000Z ";
	struct record r = record_empty;

	(void)state;
	r.reason = "No such file";
	r.to = "a=b";
	r.user = "x";
	assert_string_equal(format(&r, LOG_TEXT) + strlen(head),
	    "reason=\"No such file\" user=x to=\"a=b\"\n");
}

/* T6: what a stranger sends is escaped, and cut. */
static void
t6_every_byte_of_a_name_is_printed_or_escaped(void **state)
{
	char byte, want[64];
	struct record r = record_empty;
	int c;

	(void)state;
	for (c = 0; c < 256; c++) {
		byte = (char)c;
		r.name = (struct tcpmux_span){ &byte, 1 };
		if (c < ' ' || c > '~' || c == '"' || c == '\\')
			(void)snprintf(want, sizeof(want), " name=\\x%02x\n",
			    (unsigned int)c);
		else if (c == ' ' || c == '=')
			(void)snprintf(want, sizeof(want), " name=\"%c\"\n", c);
		else
			(void)snprintf(want, sizeof(want), " name=%c\n", c);
		assert_string_equal(strchr(format(&r, LOG_TEXT), ' '), want);
	}
}

static void
t6_a_name_is_cut_after_64_bytes(void **state)
{
	char name[TCPMUX_NAME_MAX], want[512] = " name=";
	struct record r = record_empty;
	size_t i;

	(void)state;
	memset(name, 1, sizeof(name));
	for (i = 0; i < RECORD_NAME_MAX; i++)
		strcat(want, "\\x01");
	r.name = (struct tcpmux_span){ name, RECORD_NAME_MAX };
	strcat(want, "\n");
	assert_string_equal(strchr(format(&r, LOG_TEXT), ' '), want);
	r.name.len++;
	strcpy(strchr(want, '\n'), "...\n");
	assert_string_equal(strchr(format(&r, LOG_TEXT), ' '), want);
	r.name.len = sizeof(name);
	assert_string_equal(strchr(format(&r, LOG_TEXT), ' '), want);
}

/* Skip one JSON string, or fail; returns what is behind it. */
static const char *
skip_string(const char *p)
{
	assert_int_equal(*p++, '"');
	while (*p != '"') {
		assert_in_range(*p, ' ', '~');
		if (*p == '\\') {
			assert_int_equal(p[1], '\\');
			p++;
		}
		p++;
	}
	return p + 1;
}

/* One object of strings and numbers, and a newline. */
static void
assert_is_json(const char *p)
{
	char sep = '{';

	while (*p != '}') {
		assert_int_equal(*p++, sep);
		p = skip_string(p);
		assert_int_equal(*p++, ':');
		if (*p == '"')
			p = skip_string(p);
		else
			p += strspn(p, "0123456789");
		sep = ',';
	}
	assert_string_equal(p, "}\n");
}

static struct record
full(const char *text)
{
	struct record r = record_empty;

	r.time_ms = INT64_MAX;
	memset(r.peer, 0xff, sizeof(r.peer));
	r.peer_port = UINT16_MAX;
	r.name = span(text);
	r.listener = r.verdict = r.reason = r.by = r.user = r.to = text;
	r.message = r.name;
	r.in = r.out = r.ms = r.suppressed = INT64_MAX;
	r.status = r.signal = INT32_MAX;
	return r;
}

static void
however_long_the_values_a_line_is_whole(void **state)
{
	static const char tail[] = " in=9223372036854775807 "
				   "out=9223372036854775807 "
				   "ms=9223372036854775807 "
				   "status=2147483647 signal=2147483647 "
				   "suppressed=9223372036854775807\n";
	static const char bytes[] = "a \"\xff";
	char text[2 * RECORD_MAX];
	const char *line;
	struct record r;
	size_t len, i;

	(void)state;
	for (i = 0; i < strlen(bytes); i++)
		for (len = 0; len < sizeof(text); len++) {
			memset(text, bytes[i], len);
			text[len] = '\0';
			r = full(text);
			assert_is_json(format(&r, LOG_JSON));
			line = format(&r, LOG_TEXT);
			assert_string_equal(line + strlen(line) - strlen(tail),
			    tail);
		}
}

static void
every_day_of_four_digit_years_is_the_calendars(void **state)
{
	struct record r = record_empty;
	char want[64];
	struct tm tm;
	time_t t;
	long day;

	(void)state;
	for (day = 0; day < DAYS_END; day++) {
		r.time_ms = day * DAY_MS + day * 29 % DAY_MS;
		t = (time_t)(r.time_ms / 1000);
		assert_non_null(gmtime_r(&t, &tm));
		(void)snprintf(want, sizeof(want),
		    "time=%04d-%02d-%02dT%02d:%02d:%02d.%03dZ\n",
		    tm.tm_year + 1900, tm.tm_mon + 1, tm.tm_mday, tm.tm_hour,
		    tm.tm_min, tm.tm_sec, (int)(r.time_ms % 1000));
		if (strcmp(format(&r, LOG_TEXT), want) != 0)
			assert_string_equal(format(&r, LOG_TEXT), want);
	}
}

static void
a_time_that_is_no_year_is_the_nearest(void **state)
{
	struct record r = record_empty;

	(void)state;
	r.time_ms = INT64_MIN;
	assert_string_equal(format(&r, LOG_TEXT),
	    "time=1970-01-01T00:00:00.000Z\n");
	r.time_ms = INT64_MAX;
	assert_string_equal(format(&r, LOG_TEXT),
	    "time=9999-12-31T23:59:59.999Z\n");
}

static void
assert_peer(const struct record *r, const char *host)
{
	char want[INET6_ADDRSTRLEN + 16];

	(void)snprintf(want, sizeof(want), " peer=%s:%u\n", host,
	    (unsigned int)r->peer_port);
	assert_string_equal(strchr(format(r, LOG_TEXT), ' '), want);
}

static void
ipv4_is_written_in_its_own_form(void **state)
{
	struct record r = record_empty;

	(void)state;
	set_peer(&r, "10.0.255.1");
	assert_peer(&r, "10.0.255.1");
	set_peer(&r, "0.0.0.0");
	r.peer_port = UINT16_MAX;
	assert_peer(&r, "0.0.0.0");
}

/* RFC 5952; every pattern of groups that are zero. */
static void
ipv6_is_written_as_the_library_does(void **state)
{
	struct record r = record_empty;
	char text[INET6_ADDRSTRLEN], host[INET6_ADDRSTRLEN + 2];
	unsigned int group, zeros;

	(void)state;
	for (zeros = 0; zeros < 0x3f; zeros++)
		for (group = 1; group <= 0xffff; group *= 0x11) {
			memset(r.peer, 0, sizeof(r.peer));
			for (unsigned int i = 0; i < 8; i++)
				if ((zeros >> i & 1) == 0) {
					r.peer[2 * i] = (uint8_t)(group >> 8);
					r.peer[2 * i + 1] = (uint8_t)group;
				}
			assert_non_null(
			    inet_ntop(AF_INET6, r.peer, text, sizeof(text)));
			(void)snprintf(host, sizeof(host), "[%s]", text);
			assert_peer(&r, host);
		}
	set_peer(&r, "1:0:0:2:0:0:0:3");
	assert_peer(&r, "[1:0:0:2::3]");
	set_peer(&r, "1:2:3:4:5:6:7:0");
	assert_peer(&r, "[1:2:3:4:5:6:7:0]");
	set_peer(&r, "1:2:3:4:5:6::");
	assert_peer(&r, "[1:2:3:4:5:6::]");
	set_peer(&r, "::1");
	assert_peer(&r, "[::1]");
}

static void
half_an_escape_is_never_written(void **state)
{
	static const char want[] = "a\\x00\\xffb";
	char *buf;
	size_t size, n;

	(void)state;
	for (size = 0; size <= strlen(want); size++) {
		buf = guard_last(&memory, size);
		n = record_escape("a\0\xff"
				  "b",
		    4, buf, size);
		assert_memory_equal(buf, want, n);
		if (size == 0)
			assert_int_equal(n, 0);
		else
			assert_int_equal(n,
			    size == 10 ? 10 : (size - 1) / 4 * 4 + 1);
	}
	assert_int_equal(record_escape(NULL, 0, buf, 1), 0);
}

int
main(int argc, char *argv[])
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_line_of_text_is_keys_and_values),
		cmocka_unit_test(a_line_of_json_has_the_same_keys),
		cmocka_unit_test(what_is_not_known_is_left_out),
		cmocka_unit_test(a_message_is_a_value_like_others),
		cmocka_unit_test(
		    values_are_quoted_only_if_they_could_be_misread),
		cmocka_unit_test(t6_every_byte_of_a_name_is_printed_or_escaped),
		cmocka_unit_test(t6_a_name_is_cut_after_64_bytes),
		cmocka_unit_test(however_long_the_values_a_line_is_whole),
		cmocka_unit_test(
		    every_day_of_four_digit_years_is_the_calendars),
		cmocka_unit_test(a_time_that_is_no_year_is_the_nearest),
		cmocka_unit_test(ipv4_is_written_in_its_own_form),
		cmocka_unit_test(ipv6_is_written_as_the_library_does),
		cmocka_unit_test(half_an_escape_is_never_written),
	};

	if (argc > 1)
		cmocka_set_test_filter(argv[1]);
	return cmocka_run_group_tests(tests, map_guard, unmap_guard);
}
