/*
 * Networks read and written, and who is let in by them: table/access.c.
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "table/access.h"
#include "tests/unit/guard.h"

#define ROOM 4096

static struct guard memory;

static int
map_guard(void **state)
{
	(void)state;
	return guard_init(&memory, ROOM);
}

static int
unmap_guard(void **state)
{
	(void)state;
	guard_clear(&memory);
	return 0;
}

/* Parse text, which ends at an unreadable page. */
static int
parse(const char *text, struct network *n)
{
	return network_parse(guard_copy(&memory, text, strlen(text) + 1), n);
}

static struct network
network(const char *text)
{
	struct network n;

	assert_int_equal(parse(text, &n), 0);
	return n;
}

/* An address that ends at an unreadable page, until the next call. */
static const uint8_t *
address(const char *text)
{
	struct network n = network(text);

	assert_int_equal(n.bits, 128);
	return (const uint8_t *)guard_copy(&memory, n.address, ADDRESS_BYTES);
}

static void
assert_written(const struct network *n, const char *text)
{
	char *buf = guard_last(&memory, NETWORK_TEXT_MAX);

	network_format(n, buf);
	assert_string_equal(buf, text);
}

static void
a_network_reads_back_in_its_shortest_form(void **state)
{
	static const char *const texts[][2] = {
		{ "0.0.0.0/0", "0.0.0.0/0" },
		{ "::/0", "::/0" },
		{ "10.0.0.0/8", "10.0.0.0/8" },
		{ "10.1.2.3", "10.1.2.3" },
		{ "10.1.2.3/32", "10.1.2.3" },
		{ "::1", "::1" },
		{ "::1/128", "::1" },
		{ "2001:DB8:0::/32", "2001:db8::/32" },
		{ "::ffff:10.1.2.3", "10.1.2.3" },
		{ "::ffff:10.0.0.0/104", "10.0.0.0/8" },
		{ "::ffff:0:0/96", "0.0.0.0/0" },
		{ "::ff00:0:0/88", "::ff00:0:0/88" },
		{ "ffff:ffff:ffff:ffff:ffff:ffff:255.255.255.254/127",
		    "ffff:ffff:ffff:ffff:ffff:ffff:ffff:fffe/127" },
	};
	struct network n;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		n = network(texts[i][0]);
		assert_written(&n, texts[i][1]);
	}
}

static void
assert_no_network(const char *text, int error)
{
	struct network n, before;

	memset(&n, 0x5a, sizeof(n));
	before = n;
	assert_int_equal(parse(text, &n), error);
	assert_memory_equal(&n, &before, sizeof(n));
}

static void
what_is_no_network_is_refused_and_changes_nothing(void **state)
{
	static const char *const texts[] = { "", "/", "/8", "x", "10", "10.0/8",
		"10.0.0.0/", "10.0.0.0/x", "10.0.0.0/-1", "10.0.0.0/+8",
		"10.0.0.0/ 8", "10.0.0.0/8 ", " 10.0.0.0/8", "10.0.0.0/08",
		"10.0.0.0/8/8", "10.0.0.0/255.0.0.0", "010.0.0.0/8",
		"10.0.0.256", "0x0a.0.0.0", "1.2.3.4.5", "fe80::1%lo", "[::1]",
		"::1::", "12345::", "localhost", "*",
		"0000:0000:0000:0000:0000:ffff:255.255.255.255.255.255.255.255",
		"1111:2222:3333:4444:5555:6666:7777:8888:9999:aaaa:bbbb:ccc" };
	static const char *const bits[] = { "10.0.0.0/33", "::/129",
		"10.0.0.0/4294967304", "::/99999999999999999999",
		"10.0.0.0/104" };
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		assert_no_network(texts[i], NETWORK_ERR_TEXT);
	for (i = 0; i < sizeof(bits) / sizeof(bits[0]); i++)
		assert_no_network(bits[i], NETWORK_ERR_BITS);
}

static void
bits_behind_the_prefix_are_refused_with_what_was_meant(void **state)
{
	static const char *const texts[][2] = {
		{ "10.0.0.1/8", "10.0.0.0/8" },
		{ "192.168.1.255/31", "192.168.1.254/31" },
		{ "255.255.255.255/0", "0.0.0.0/0" },
		{ "2001:db8::1/32", "2001:db8::/32" },
		{ "::1/0", "::/0" },
		{ "::ffff:0:0/90", "::ffc0:0:0/90" },
	};
	struct network n;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		assert_int_equal(parse(texts[i][0], &n), NETWORK_ERR_HOST);
		assert_written(&n, texts[i][1]);
	}
}

/* For every prefix, the two addresses that differ in the last bit of it. */
static void
a_network_has_what_agrees_in_its_first_bits(void **state)
{
	uint8_t *a = (uint8_t *)guard_last(&memory, ADDRESS_BYTES);
	struct network n;
	unsigned int bit;

	(void)state;
	memset(&n, 0, sizeof(n));
	for (bit = 0; bit < 128; bit++) {
		memset(a, 0, ADDRESS_BYTES);
		a[bit / 8] = (uint8_t)(0x80 >> bit % 8);
		n.bits = (uint8_t)bit;
		assert_true(network_has(&n, a));
		n.bits = (uint8_t)(bit + 1);
		assert_false(network_has(&n, a));
		n.bits = 128;
		assert_false(network_has(&n, a));
	}
}

static void
ipv4_is_no_part_of_any_ipv6_network(void **state)
{
	struct network all = network("::/0"), ipv4 = network("0.0.0.0/0");
	struct network global = network("2000::/3");

	(void)state;
	assert_false(network_has(&all, address("192.0.2.1")));
	assert_true(network_has(&all, address("2001:db8::1")));
	assert_true(network_has(&ipv4, address("192.0.2.1")));
	assert_true(network_has(&ipv4, address("::ffff:192.0.2.1")));
	assert_false(network_has(&ipv4, address("2001:db8::1")));
	assert_false(network_has(&ipv4, address("::1")));
	assert_false(network_has(&global, address("192.0.2.1")));
}

static void
empty_lists_let_everybody_in(void **state)
{
	static const struct access everybody;
	bool allowed = false;

	(void)state;
	assert_true(access_allows(&everybody, address("192.0.2.1")));
	assert_true(access_allows(&everybody, address("::1")));
	assert_null(access_decider(&everybody, address("::1"), &allowed));
	assert_true(allowed);
}

static void
assert_decided(const struct access *a, const char *peer,
    const struct network *by, bool allowed)
{
	bool got = !allowed;

	assert_ptr_equal(access_decider(a, address(peer), &got), by);
	assert_int_equal(got, allowed);
	assert_int_equal(access_allows(a, address(peer)), allowed);
}

static void
from_lets_in_none_but_its_own(void **state)
{
	const struct network from[] = { network("10.0.0.0/8"),
		network("2001:db8::/32") };
	const struct access a = { .from = from, .nfrom = 2 };

	(void)state;
	assert_decided(&a, "10.1.2.3", &from[0], true);
	assert_decided(&a, "::ffff:10.1.2.3", &from[0], true);
	assert_decided(&a, "2001:db8::1", &from[1], true);
	assert_decided(&a, "11.0.0.0", NULL, false);
	assert_decided(&a, "::a00:1", NULL, false);
	assert_decided(&a, "::1", NULL, false);
}

static void
not_from_keeps_out_whoever_from_would_let_in(void **state)
{
	const struct network from[] = { network("10.0.0.0/8") };
	const struct network not_from[] = { network("192.0.2.0/24"),
		network("10.66.0.0/16") };
	const struct access both = { from, 1, not_from, 2 };
	const struct access only = { NULL, 0, not_from, 2 };

	(void)state;
	assert_decided(&both, "10.1.2.3", &from[0], true);
	assert_decided(&both, "10.66.2.3", &not_from[1], false);
	assert_decided(&both, "192.0.2.1", &not_from[0], false);
	assert_decided(&both, "192.0.3.1", NULL, false);
	assert_decided(&only, "10.1.2.3", NULL, true);
	assert_decided(&only, "::ffff:10.66.0.0", &not_from[1], false);
	assert_decided(&only, "::1", NULL, true);
}

int
main(int argc, char *argv[])
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_network_reads_back_in_its_shortest_form),
		cmocka_unit_test(
		    what_is_no_network_is_refused_and_changes_nothing),
		cmocka_unit_test(
		    bits_behind_the_prefix_are_refused_with_what_was_meant),
		cmocka_unit_test(a_network_has_what_agrees_in_its_first_bits),
		cmocka_unit_test(ipv4_is_no_part_of_any_ipv6_network),
		cmocka_unit_test(empty_lists_let_everybody_in),
		cmocka_unit_test(from_lets_in_none_but_its_own),
		cmocka_unit_test(not_from_keeps_out_whoever_from_would_let_in),
	};

	if (argc > 1)
		cmocka_set_test_filter(argv[1]);
	return cmocka_run_group_tests(tests, map_guard, unmap_guard);
}
