/*
 * The header of the PROXY protocol: table/proxy.c.
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "guard.h"
#include "table/proxy.h"

#define SIGNATURE "\r\n\r\n\0\r\nQUIT\n"
#define BYTES(s)  (s), sizeof(s) - 1

static struct guard guard;

static int
begin(void **state)
{
	(void)state;
	return guard_init(&guard, 4096);
}

static int
end(void **state)
{
	(void)state;
	guard_clear(&guard);
	return 0;
}

static ssize_t
parse(const char *p, size_t len, struct proxy *found)
{
	return proxy_parse(guard_copy(&guard, p, len), len, found);
}

/* A whole header: it is taken, and nothing less or more of it. */
static struct proxy
assert_taken(const char *p, size_t len)
{
	struct proxy found = { .from_port = 1 }, untouched = found;
	char more[PROXY_HEADER_MAX + 1];
	size_t i;

	for (i = 0; i < len; i++) {
		assert_int_equal(parse(p, i, &found), 0);
		assert_memory_equal(&found, &untouched, sizeof(found));
	}
	memcpy(more, p, len);
	more[len] = 'x';
	assert_int_equal(parse(more, len + 1, &found), len);
	assert_int_equal(parse(p, len, &found), len);
	return found;
}

/* What must be refused as soon as its first len bytes are there. */
static void
assert_refused(const char *p, size_t len)
{
	struct proxy found;
	ssize_t n = 0;
	size_t i;

	for (i = 0; i <= len && n == 0; i++)
		n = parse(p, i, &found);
	assert_int_equal(n, -1);
}

static void
assert_ends(const struct proxy *p, const char *from, uint16_t from_port,
    const char *to, uint16_t to_port)
{
	assert_true(p->known);
	assert_memory_equal(p->from, from, ADDRESS_BYTES);
	assert_memory_equal(p->to, to, ADDRESS_BYTES);
	assert_int_equal(p->from_port, from_port);
	assert_int_equal(p->to_port, to_port);
}

#define ONES   "\xff\xff\xff\xff\xff\xff\xff\xff"
#define MAPPED "\0\0\0\0\0\0\0\0\0\0\xff\xff"

static void
a_line_tells_both_ends(void **state)
{
	struct proxy p;

	(void)state;
	p = assert_taken(
	    BYTES("PROXY TCP4 192.0.2.1 198.51.100.255 1 65535\r\n"));
	assert_ends(&p, MAPPED "\xc0\0\x02\x01", 1, MAPPED "\xc6\x33\x64\xff",
	    65535);
	p = assert_taken(
	    BYTES("PROXY TCP6 2001:db8::1 ::ffff:1.2.3.4 0 80\r\n"));
	assert_ends(&p, "\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\x01", 0,
	    MAPPED "\x01\x02\x03\x04", 80);
	p = assert_taken(
	    BYTES("PROXY TCP6 ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff "
		  "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff 65535 "
		  "65535\r\n"));
	assert_true(p.known);
	p = assert_taken(BYTES("PROXY TCP6 1:2:3:4:5:6:7:8 1:2:3:4:5:6:1.2.3.4 "
			       "1 2\r\n"));
	assert_true(p.known);
	p = assert_taken(BYTES("PROXY TCP6 1:2:3:4:5:6:7:: ::2:3:4:5:6:7:8 1 "
			       "2\r\n"));
	assert_true(p.known);
}

static void
a_line_may_tell_nothing(void **state)
{
	char longest[] = "PROXY UNKNOWN "
			 "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
			 "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx\r\n";

	(void)state;
	assert_false(assert_taken(BYTES("PROXY UNKNOWN\r\n")).known);
	assert_false(
	    assert_taken(BYTES("PROXY UNKNOWN whatever it is\r\n")).known);
	assert_int_equal(sizeof(longest) - 1, 107);
	assert_false(assert_taken(BYTES(longest)).known);
	memcpy(longest + 105, "xx", 2);
	assert_refused(BYTES(longest));
}

static void
what_is_no_line_is_refused_at_its_first_bad_byte(void **state)
{
	static const char *const bad[] = { "X", "PROXX", "PROXY  ", "p",
		"PROXY U ", "PROXY UNKNOWNx", "PROXY TCP5", "PROXY TCP4  ",
		"PROXY TCP4 1.2.3.4.", "PROXY TCP4 1.2.3 ", "PROXY TCP4 256",
		"PROXY TCP4 :", "PROXY TCP4 1.2.3.4 1.2.3.4 65536",
		"PROXY TCP4 1.2.3.4 1.2.3.4 00", "PROXY TCP4 1.2.3.4 1.2.3.4 -",
		"PROXY TCP4 1.2.3.4 1.2.3.4 1 2 ",
		"PROXY TCP4 1.2.3.4 1.2.3.4 1 \r",
		"PROXY TCP4 1.2.3.4 1.2.3.4 1\r", "PROXY TCP4 1.2.3.4\r",
		"PROXY TCP4 1.2.3.4 1.2.3.4 1 2\n",
		"PROXY TCP4 1.2.3.4 1.2.3.4 1 2\rx", "PROXY UNKNOWN\n",
		"PROXY UNKNOWN \rx", "PROXY TCP6 1.", "PROXY TCP6 g",
		"PROXY TCP6 1:2:3:4:5:6:7:8:", "PROXY TCP6 1::2::",
		"PROXY TCP6 12345", "PROXY TCP6 :::", "PROXY TCP6 ::%" };
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct proxy p;

		assert_int_equal(parse(bad[i], strlen(bad[i]) - 1, &p), 0);
		assert_int_equal(parse(bad[i], strlen(bad[i]), &p), -1);
	}
	assert_refused(BYTES("PROXY TCP4 1.2.3.4 1.2.3.4\0 1 2\r\n"));
	assert_refused(BYTES("PROXY TCP4 1.2.3.4\0 1.2.3.4 1 2\r\n"));
}

static void
version_2_tells_both_ends(void **state)
{
	struct proxy p;

	(void)state;
	p = assert_taken(BYTES(SIGNATURE "\x21\x11\0\x0c\xc0\0\x02\x01"
					 "\xc6\x33\x64\xff\0\x01\xff\xff"));
	assert_ends(&p, MAPPED "\xc0\0\x02\x01", 1, MAPPED "\xc6\x33\x64\xff",
	    65535);
	/* With an extension behind, which does not matter. */
	p = assert_taken(
	    BYTES(SIGNATURE "\x21\x21\0\x28"
			    "\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\x01"
			    "\0\0\0\0\0\0\0\0\0\0\xff\xff\x01\x02\x03\x04"
			    "\0\0\0\x50\x04\0\x01x"));
	assert_ends(&p, "\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\x01", 0,
	    MAPPED "\x01\x02\x03\x04", 80);
}

static void
version_2_may_tell_nothing(void **state)
{
	(void)state;
	assert_false(assert_taken(BYTES(SIGNATURE "\x20\0\0\0")).known);
	assert_false(assert_taken(BYTES(SIGNATURE "\x20\xff\0\x02xx")).known);
	assert_false(assert_taken(BYTES(SIGNATURE "\x21\0\0\0")).known);
	/* A datagram, or a Unix socket, is nobody whom we know. */
	assert_false(assert_taken(BYTES(SIGNATURE "\x21\x12\0\x01x")).known);
	assert_false(assert_taken(BYTES(SIGNATURE "\x21\x31\0\x01x")).known);
}

static void
version_2_is_as_long_as_may_be(void **state)
{
	char header[PROXY_HEADER_MAX] = SIGNATURE "\x20\0\x02\x08";

	(void)state;
	assert_false(assert_taken(header, sizeof(header)).known);
	assert_refused(BYTES(SIGNATURE "\x20\0\x02\x09"));
	assert_refused(BYTES(SIGNATURE "\x20\0\x03"));
}

static void
what_is_not_version_2_is_refused(void **state)
{
	(void)state;
	assert_refused(BYTES("\r\n\r\n\0\r\nQUIT\r"));
	assert_refused(BYTES(SIGNATURE "\x11"));
	assert_refused(BYTES(SIGNATURE "\x31"));
	assert_refused(BYTES(SIGNATURE "\x22"));
	assert_refused(BYTES(SIGNATURE "\x21\x41"));
	assert_refused(BYTES(SIGNATURE "\x21\x10"));
	assert_refused(BYTES(SIGNATURE "\x21\x01"));
	assert_refused(BYTES(SIGNATURE "\x21\x13"));
	/* Too short for its addresses. */
	assert_refused(BYTES(SIGNATURE "\x21\x11\0\x0b"));
	assert_refused(BYTES(SIGNATURE "\x21\x21\0\x23"));
}

/* Write p in this version, into memory that ends where it may, and read it. */
static void
assert_reads_back(const struct proxy *p, int version)
{
	char *buf = guard_last(&guard, PROXY_FORMAT_MAX);
	struct proxy back;
	char copy[PROXY_FORMAT_MAX];
	size_t len;

	len = proxy_format(p, version, buf);
	assert_in_range(len, 1, PROXY_FORMAT_MAX);
	memcpy(copy, buf, len);
	back = assert_taken(copy, len);
	assert_int_equal(back.known, p->known);
	if (p->known)
		assert_ends(&back, (const char *)p->from, p->from_port,
		    (const char *)p->to, p->to_port);
}

static void
what_is_written_reads_back(void **state)
{
	static const char ends[][ADDRESS_BYTES + 1] = {
		MAPPED "\x7f\0\0\x01",
		MAPPED "\xff\xff\xff\xff",
		"\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\x01",
		ONES ONES,
	};
	const size_t n = sizeof(ends) / sizeof(ends[0]);
	struct proxy p = { .known = false };
	size_t i;
	int version;

	(void)state;
	for (version = 1; version <= 2; version++) {
		p.known = false;
		assert_reads_back(&p, version);
		p.known = true;
		for (i = 0; i < n * n; i++) {
			memcpy(p.from, ends[i / n], ADDRESS_BYTES);
			memcpy(p.to, ends[i % n], ADDRESS_BYTES);
			p.from_port = (uint16_t)(65535 * (i % 2));
			p.to_port = 65535;
			assert_reads_back(&p, version);
		}
	}
}

int
main(int argc, char *argv[])
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_line_tells_both_ends),
		cmocka_unit_test(a_line_may_tell_nothing),
		cmocka_unit_test(
		    what_is_no_line_is_refused_at_its_first_bad_byte),
		cmocka_unit_test(version_2_tells_both_ends),
		cmocka_unit_test(version_2_may_tell_nothing),
		cmocka_unit_test(version_2_is_as_long_as_may_be),
		cmocka_unit_test(what_is_not_version_2_is_refused),
		cmocka_unit_test(what_is_written_reads_back),
	};

	if (argc > 1)
		cmocka_set_test_filter(argv[1]);
	return cmocka_run_group_tests(tests, begin, end);
}
