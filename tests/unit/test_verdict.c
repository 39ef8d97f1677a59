/*
 * The verdict on each name and peer, and what HELP lists: table/table.c.
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "table/table.h"
#include "tests/unit/services.h"

static void
assert_finds(const struct table *t, const char *name, const char *canonical)
{
	uint32_t found = table_find(t, span(name));

	if (canonical == NULL) {
		assert_int_equal(found, SERVICE_NONE);
		return;
	}
	assert_in_range(found, 0, t->nservices - 1);
	assert_string_equal(t->services[found].name, canonical);
}

static void
assert_decides(const struct table *t, const char *name, const char *peer,
    enum verdict_what what)
{
	struct verdict v = table_decide(t, span(name), address(peer));

	assert_int_equal(v.what, what);
	if (what == VERDICT_REFUSE)
		assert_int_equal(v.why, REFUSE_UNKNOWN);
	if (what == VERDICT_NEXT || what == VERDICT_HAND_OVER)
		assert_in_range(v.service, 0, t->nservices - 1);
}

/* The names of the answer to HELP, each followed by a space. */
static void
assert_lists(const struct table *t, const char *peer, const char *list)
{
	const uint8_t *from = address(peer);
	char got[4096] = "";
	size_t len = 0;
	uint32_t i;

	for (i = table_listed(t, 0, from); i < t->nservices;
	     i = table_listed(t, i + 1, from))
		len += (size_t)snprintf(got + len, sizeof(got) - len, "%s ",
		    t->services[i].name);
	assert_int_equal(i, t->nservices);
	assert_string_equal(got, list);
}

static void
the_seed_serves_tcpmux_and_nothing_else(void **state)
{
	struct table *t = new_table();

	(void)state;
	finish(t);
	assert_int_equal(t->nservices, 1);
	assert_int_equal(t->nlistens, 0);
	assert_int_equal(t->request_ms, 10000);
	assert_int_equal(t->sandbox, SANDBOX_STRICT);
	assert_int_equal(t->log.level, LOG_CONNECTIONS);
	assert_int_equal(t->services[0].ok.len, strlen("+OK FINE\r\n"));
	assert_decides(t, "tcpmux", "192.0.2.1", VERDICT_NEXT);
	assert_decides(t, "TcpMux", "::1", VERDICT_NEXT);
	assert_decides(t, "HELP", "::1", VERDICT_HELP);
	assert_decides(t, "hElp", "::1", VERDICT_HELP);
	assert_decides(t, "tcpmu", "::1", VERDICT_REFUSE);
	assert_decides(t, "tcpmuxx", "::1", VERDICT_REFUSE);
	assert_lists(t, "::1", "tcpmux ");
	table_free(t);
	table_free(NULL);
}

static void
rule_4_names_and_aliases_are_found_in_any_case(void **state)
{
	static const char *const aliases[] = { "SSHD", "org.example/Login" };
	struct table *t = new_table();

	(void)state;
	add_aliases(t, add(t, "Ssh"), 2, aliases);
	add(t, "date");
	add(t, "+go");
	add(t, "[\\]^_`{|}~@");
	finish(t);
	assert_finds(t, "ssh", "Ssh");
	assert_finds(t, "SSH", "Ssh");
	assert_finds(t, "sshd", "Ssh");
	assert_finds(t, "ORG.EXAMPLE/LOGIN", "Ssh");
	assert_finds(t, "DATE", "date");
	assert_finds(t, "+GO", "+go");
	assert_finds(t, "[\\]^_`{|}~@", "[\\]^_`{|}~@");
	/* Case is no bit: these differ from the name by 0x20, all of them. */
	assert_finds(t, "{|}~_@[\\]^`", NULL);
	assert_finds(t, "ss", NULL);
	assert_finds(t, "sshdd", NULL);
	assert_finds(t, "dat", NULL);
	table_free(t);
}

static void
t2_a_name_that_is_not_good_is_never_found(void **state)
{
	char longest[TCPMUX_NAME_MAX + 2] = "";
	struct table *t = new_table();

	(void)state;
	memset(longest, 'x', TCPMUX_NAME_MAX);
	add(t, longest);
	finish(t);
	assert_finds(t, longest, longest);
	longest[TCPMUX_NAME_MAX] = 'x';
	assert_finds(t, longest, NULL);
	longest[TCPMUX_NAME_MAX - 1] = '\0';
	assert_finds(t, longest, NULL);
	assert_finds(t, "", NULL);
	assert_finds(t, "tcpmux ", NULL);
	assert_int_equal(table_find(t, (struct tcpmux_span){ "tcpmux", 7 }),
	    SERVICE_NONE);
	table_free(t);
}

/* A name that differs from that of every other number. */
static const char *
numbered(uint32_t i)
{
	static char name[32];

	(void)snprintf(name, sizeof(name), "%c%u", i % 2 == 0 ? 's' : 'S', i);
	return name;
}

static void
a_hundred_thousand_services_are_all_found(void **state)
{
	enum {
		MANY = 100000
	};
	struct table *t = new_table();
	uint32_t i;

	(void)state;
	for (i = 0; i < MANY; i++)
		add(t, numbered(i * 7919 % MANY));
	finish(t);
	assert_int_equal(t->nservices, MANY + 1);
	for (i = 0; i < MANY; i++)
		assert_finds(t, numbered(i), numbered(i));
	for (i = MANY; i < 2 * MANY; i++)
		assert_finds(t, numbered(i), NULL);
	for (i = 1; i < t->nservices; i++)
		assert_int_equal(tcpmux_compare_names(
				     (struct tcpmux_span){
					 t->services[i - 1].name,
					 strlen(t->services[i - 1].name) },
				     span(t->services[i].name)),
		    -1);
	table_free(t);
}

static void
rule_29_denied_and_unknown_are_the_same_verdict(void **state)
{
	struct table *t = new_table();
	struct service *s;
	struct verdict denied, unknown;

	(void)state;
	add(t, "everybody");
	s = add(t, "inside");
	s->has_access = true;
	set_from(t, &s->access, "10.0.0.0/8");
	finish(t);
	assert_decides(t, "inside", "10.0.0.1", VERDICT_HAND_OVER);
	assert_decides(t, "inside", "11.0.0.1", VERDICT_REFUSE);
	assert_decides(t, "inside", "::1", VERDICT_REFUSE);
	assert_decides(t, "everybody", "11.0.0.1", VERDICT_HAND_OVER);
	denied = table_decide(t, span("inside"), address("11.0.0.1"));
	unknown = table_decide(t, span("insidx"), address("11.0.0.1"));
	assert_int_equal(denied.what, unknown.what);
	assert_int_equal(denied.why, unknown.why);
	assert_int_equal(denied.service, table_find(t, span("inside")));
	assert_int_equal(unknown.service, SERVICE_NONE);
	table_free(t);
}

static void
a_service_without_access_of_its_own_has_the_tables(void **state)
{
	static const struct access everybody;
	struct table *t = new_table();
	struct service *s;

	(void)state;
	add(t, "inside");
	s = add(t, "open");
	s->has_access = true;
	s->access = everybody;
	set_from(t, &t->access, "fd00::/8");
	finish(t);
	assert_decides(t, "inside", "fd00::1", VERDICT_HAND_OVER);
	assert_decides(t, "inside", "fe00::1", VERDICT_REFUSE);
	assert_decides(t, "open", "fe00::1", VERDICT_HAND_OVER);
	assert_decides(t, "tcpmux", "fe00::1", VERDICT_REFUSE);
	assert_decides(t, "tcpmux", "fd00::1", VERDICT_NEXT);
	assert_decides(t, "HELP", "fe00::1", VERDICT_HELP);
	assert_lists(t, "fe00::1", "open ");
	table_free(t);
}

static void
rule_33_help_lists_what_this_peer_may_use(void **state)
{
	static const char *const aliases[] = { "clock" };
	struct table *t = new_table();
	struct service *s;

	(void)state;
	add(t, "Web");
	add_aliases(t, add(t, "Date"), 1, aliases);
	add(t, "secret")->hidden = true;
	s = add(t, "inside");
	s->has_access = true;
	set_from(t, &s->access, "10.0.0.0/8");
	finish(t);
	assert_lists(t, "10.0.0.1", "Date inside tcpmux Web ");
	assert_lists(t, "::1", "Date tcpmux Web ");
	/* What is not listed is served. */
	assert_decides(t, "secret", "::1", VERDICT_HAND_OVER);
	assert_decides(t, "clock", "::1", VERDICT_HAND_OVER);
	table_free(t);
}

static void
a_list_goes_on_behind_any_name(void **state)
{
	struct table *t = new_table();

	(void)state;
	add(t, "b");
	add(t, "D");
	finish(t);
	assert_int_equal(table_behind(t, span("A")), 0);
	assert_int_equal(table_behind(t, span("B")), 1);
	assert_int_equal(table_behind(t, span("c")), 1);
	assert_int_equal(table_behind(t, span("d")), 2);
	assert_int_equal(table_behind(t, span("tcpmux")), 3);
	assert_int_equal(table_behind(t, span("z")), 3);
	table_free(t);
}

int
main(int argc, char *argv[])
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_seed_serves_tcpmux_and_nothing_else),
		cmocka_unit_test(
		    rule_4_names_and_aliases_are_found_in_any_case),
		cmocka_unit_test(t2_a_name_that_is_not_good_is_never_found),
		cmocka_unit_test(a_hundred_thousand_services_are_all_found),
		cmocka_unit_test(
		    rule_29_denied_and_unknown_are_the_same_verdict),
		cmocka_unit_test(
		    a_service_without_access_of_its_own_has_the_tables),
		cmocka_unit_test(rule_33_help_lists_what_this_peer_may_use),
		cmocka_unit_test(a_list_goes_on_behind_any_name),
	};

	if (argc > 1)
		cmocka_set_test_filter(argv[1]);
	return cmocka_run_group_tests(tests, map_guard, unmap_guard);
}
