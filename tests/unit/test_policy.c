/*
 * Who may offer which name: table/policy.c, by example and against a model.
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "table/policy.h"
#include "tests/unit/services.h"

#define ROUNDS 200000

/* The users of these tests. */
#define ALICE 1000
#define BOB   1001
#define DEV   2000

static const struct policy_user root = { .uid = 0, .gid = 0 };
static const struct policy_user alice = { .uid = ALICE, .gid = ALICE };
static const struct policy_user bob = { .uid = BOB, .gid = BOB };

/* A service that these may offer. */
static struct service *
add_offered(struct table *t, const char *name, struct offerer *list, size_t n)
{
	struct service *s = add(t, name);

	s->kind = SERVICE_OFFERED;
	s->offerers = list;
	s->nofferers = n;
	return s;
}

/* Who may read, and change things, by the same lists of users and groups. */
static void
t7_readers_may_read_and_only_owners_change(void **state)
{
	static struct offerer list[] = { { .id = ALICE },
		{ .id = DEV, .is_group = true }, { .id = POLICY_NOBODY },
		{ .id = POLICY_NOBODY, .is_group = true } };
	const uint32_t groups[] = { 1, DEV };
	const struct policy_user dev = { BOB, BOB, groups, 2, false };
	const struct policy_user own = { BOB, BOB, NULL, 0, true };
	const struct policy_user nobody = { POLICY_NOBODY, DEV, NULL, 0, true };
	const struct policy_user nobodys = { BOB, POLICY_NOBODY, NULL, 0,
		false };
	struct table *t = new_table();

	(void)state;
	assert_false(policy_may_read(t, &alice));
	assert_true(policy_may_read(t, &root));
	assert_true(policy_may_read(t, &own));
	t->readers = list;
	t->nreaders = sizeof(list) / sizeof(list[0]);
	assert_true(policy_may_read(t, &alice));
	assert_true(policy_may_read(t, &dev));
	assert_false(policy_may_read(t, &bob));
	assert_false(policy_may_read(t, &nobody));
	assert_false(policy_may_read(t, &nobodys));
	assert_true(policy_may_change(&root));
	assert_true(policy_may_change(&own));
	assert_false(policy_may_change(&alice));
	assert_false(policy_may_change(&dev));
	assert_false(policy_may_change(&nobody));
	table_free(t);
}

static enum policy_verdict
decide(const struct table *t, const struct policy_user *user, const char *name)
{
	uint32_t service = 12345;
	enum policy_verdict v = policy_decide(t, user, span(name), &service);

	assert_true(service == SERVICE_NONE || service < t->nservices);
	return v;
}

/* Examples */

static void
a_name_that_cannot_be_offered_is_nobodys(void **state)
{
	static const char *const bad[] = { "", "help", "HELP", "hElP", "tcpmux",
		"TCPMUX", "+x", "-x", "a b", "a\tb", "a\x7f", "\xc3\xa4" };
	struct table *t = new_table();
	char name[TCPMUX_NAME_MAX + 2];
	size_t i;

	(void)state;
	finish(t);
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		assert_false(policy_is_name(span(bad[i])));
		assert_int_equal(decide(t, &root, bad[i]), POLICY_NAME);
		assert_int_equal(decide(t, &alice, bad[i]), POLICY_NAME);
	}
	for (i = 1; i <= TCPMUX_NAME_MAX + 1; i++) {
		memset(name, 'x', i);
		name[i] = '\0';
		assert_int_equal(decide(t, &root, name),
		    i <= TCPMUX_OFFER_NAME_MAX ? POLICY_MAY : POLICY_NAME);
	}
	assert_int_equal(decide(t, &root, "helper"), POLICY_MAY);
	assert_int_equal(decide(t, &root, "x+-"), POLICY_MAY);
	table_free(t);
}

static void
what_the_configuration_serves_is_for_nobody_to_offer(void **state)
{
	static const char *const aliases[] = { "web", "www" };
	struct offerer any = { .id = ALICE };
	struct policy_user own = alice;
	struct table *t = new_table();

	(void)state;
	own.is_own = true;
	t->offerers = &any;
	t->nofferers = 1;
	add_aliases(t, add(t, "http"), 2, aliases);
	finish(t);
	assert_int_equal(decide(t, &root, "http"), POLICY_CONFIGURED);
	assert_int_equal(decide(t, &root, "WWW"), POLICY_CONFIGURED);
	assert_int_equal(decide(t, &own, "Web"), POLICY_CONFIGURED);
	assert_int_equal(decide(t, &alice, "http"), POLICY_CONFIGURED);
	assert_int_equal(decide(t, &alice, "https"), POLICY_MAY);
	table_free(t);
}

static void
t7_nobody_may_but_root_and_the_daemons_own_user(void **state)
{
	struct policy_user own = alice;
	struct table *t = new_table();

	(void)state;
	own.is_own = true;
	finish(t);
	assert_int_equal(decide(t, &root, "x"), POLICY_MAY);
	assert_int_equal(decide(t, &own, "x"), POLICY_MAY);
	assert_int_equal(decide(t, &alice, "x"), POLICY_DENIED);
	assert_int_equal(decide(t, &alice, "alice.x"), POLICY_DENIED);
	table_free(t);
}

static void
t7_user_65534_is_never_an_owner(void **state)
{
	static const uint32_t groups[] = { DEV, POLICY_NOBODY };
	struct offerer list[] = { { .id = POLICY_NOBODY },
		{ .id = DEV, .is_group = true },
		{ .id = POLICY_NOBODY, .is_group = true } };
	const struct login login = { POLICY_NOBODY, "nobody" };
	struct policy_user nobody = { .uid = POLICY_NOBODY,
		.gid = POLICY_NOBODY,
		.groups = groups,
		.ngroups = 2,
		.is_own = true };
	struct policy_user member = { .uid = ALICE,
		.gid = POLICY_NOBODY,
		.groups = &groups[1],
		.ngroups = 1 };
	struct table *t = new_table();

	(void)state;
	t->offerers = list;
	t->nofferers = 3;
	t->offers_by_prefix = true;
	t->logins = &login;
	t->nlogins = 1;
	(void)add_offered(t, "db", list, 3);
	finish(t);
	assert_int_equal(decide(t, &nobody, "x"), POLICY_DENIED);
	assert_int_equal(decide(t, &nobody, "db"), POLICY_DENIED);
	assert_int_equal(decide(t, &nobody, "nobody.x"), POLICY_DENIED);
	/* Nor is a group of this number one that anybody is in. */
	assert_int_equal(decide(t, &member, "x"), POLICY_DENIED);
	assert_int_equal(decide(t, &member, "db"), POLICY_DENIED);
	table_free(t);
}

static void
a_service_with_offered_by_is_for_its_own_offerers_only(void **state)
{
	static const char *const aliases[] = { "sql" };
	struct offerer general = { .id = ALICE };
	struct offerer own = { .id = BOB };
	struct table *t = new_table();
	uint32_t service;

	(void)state;
	t->offerers = &general;
	t->nofferers = 1;
	add_aliases(t, add_offered(t, "db", &own, 1), 1, aliases);
	finish(t);
	assert_int_equal(decide(t, &alice, "db"), POLICY_DENIED);
	assert_int_equal(decide(t, &alice, "other"), POLICY_MAY);
	assert_int_equal(decide(t, &bob, "other"), POLICY_DENIED);
	assert_int_equal(decide(t, &root, "db"), POLICY_MAY);
	assert_int_equal(policy_decide(t, &bob, span("SQL"), &service),
	    POLICY_MAY);
	assert_string_equal(t->services[service].name, "db");
	assert_int_equal(policy_decide(t, &alice, span("sql"), &service),
	    POLICY_DENIED);
	assert_string_equal(t->services[service].name, "db");
	assert_int_equal(policy_decide(t, &root, span("x"), &service),
	    POLICY_MAY);
	assert_int_equal(service, SERVICE_NONE);
	table_free(t);
}

static void
groups_are_the_first_and_all_others_of_the_user(void **state)
{
	static const uint32_t groups[] = { 7, DEV, 9 };
	struct offerer dev = { .id = DEV, .is_group = true };
	struct policy_user user = { .uid = ALICE, .gid = DEV };
	struct table *t = new_table();

	(void)state;
	t->offerers = &dev;
	t->nofferers = 1;
	finish(t);
	assert_int_equal(decide(t, &user, "x"), POLICY_MAY);
	user.gid = 8;
	assert_int_equal(decide(t, &user, "x"), POLICY_DENIED);
	user.groups = groups;
	user.ngroups = 3;
	assert_int_equal(decide(t, &user, "x"), POLICY_MAY);
	user.ngroups = 1;
	assert_int_equal(decide(t, &user, "x"), POLICY_DENIED);
	/* A user is no group, whatever the number. */
	user.uid = DEV;
	assert_int_equal(decide(t, &user, "x"), POLICY_DENIED);
	table_free(t);
}

static void
a_glob_matches_names_in_any_case(void **state)
{
	static const struct {
		const char *glob, *name;
		bool matches;
	} cases[] = {
		{ "web-*", "WEB-1", true },
		{ "web-*", "web-", true },
		{ "web-*", "web", false },
		{ "WEB-?", "web-1", true },
		{ "web-?", "web-", false },
		{ "web-?", "web-12", false },
		{ "*", "x", true },
		{ "*.*", "a.b.c", true },
		{ "*.*", "abc", false },
		{ "*a*b", "xaxbxb", true },
		{ "*a*b", "xaxbxbx", false },
		{ "[a]", "a", false },
		{ "[a]", "[A]", true },
		{ "a\\*", "a\\bc", true },
		/* These differ from letters in the bit of the case only. */
		{ "a@[", "A`{", false },
	};
	struct offerer o = { .id = ALICE };
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		o.glob = cases[i].glob;
		assert_int_equal(policy_covers(&o, span(cases[i].name)),
		    cases[i].matches);
	}
}

static void
by_prefix_a_name_is_the_logins_that_it_begins_with(void **state)
{
	static const struct login logins[] = { { ALICE, "alice" },
		{ BOB, "Bob" }, { 1002, "alice.b" }, { 1003, "eve" },
		{ 1004, "EVE" }, { 1005, "two" }, { 1005, "TWO" } };
	const struct policy_user eve = { .uid = 1003 }, two = { .uid = 1005 };
	struct table *t = new_table();

	(void)state;
	t->logins = logins;
	t->nlogins = sizeof(logins) / sizeof(logins[0]);
	finish(t);
	assert_int_equal(decide(t, &alice, "alice.x"), POLICY_DENIED);
	t->offers_by_prefix = true;
	assert_int_equal(decide(t, &alice, "alice.x"), POLICY_MAY);
	assert_int_equal(decide(t, &alice, "ALICE.x"), POLICY_MAY);
	assert_int_equal(decide(t, &alice, "alice."), POLICY_DENIED);
	assert_int_equal(decide(t, &alice, "alice"), POLICY_DENIED);
	assert_int_equal(decide(t, &alice, "alicex.y"), POLICY_DENIED);
	assert_int_equal(decide(t, &alice, "bob.x"), POLICY_DENIED);
	assert_int_equal(decide(t, &bob, "bob.x"), POLICY_MAY);
	/* What begins with a longer login is not the shorter one's. */
	assert_int_equal(decide(t, &alice, "alice.b.x"), POLICY_DENIED);
	assert_int_equal(decide(t, &alice, "alice.bx"), POLICY_MAY);
	/* What two users could claim is neither's. */
	assert_int_equal(decide(t, &eve, "eve.x"), POLICY_DENIED);
	assert_null(policy_prefix_owner(t, span("eve.x")));
	assert_int_equal(decide(t, &two, "two.x"), POLICY_MAY);
	assert_string_equal(policy_login(t, BOB), "Bob");
	assert_string_equal(policy_login(t, 1005), "two");
	assert_null(policy_login(t, 999));
	assert_null(policy_login(t, 1006));
	table_free(t);
}

/* The model: what is said above, in the most simple way there is. */

static char
lower(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c + 32) : c;
}

static bool
model_glob(const char *glob, const char *name)
{
	if (*glob == '*')
		return model_glob(glob + 1, name) ||
		    (*name != '\0' && model_glob(glob, name + 1));
	if (*name == '\0')
		return *glob == '\0';
	return (*glob == '?' || lower(*glob) == lower(*name)) &&
	    model_glob(glob + 1, name + 1);
}

static bool
model_has_prefix(const char *login, const char *name)
{
	while (*login != '\0' && lower(*login) == lower(*name)) {
		login++;
		name++;
	}
	return *login == '\0' && name[0] == '.' && name[1] != '\0';
}

/* Nobody else has a login that fits as well or better. */
static bool
model_prefix(const struct table *t, uint32_t uid, const char *name)
{
	size_t i, j;

	for (i = 0; i < t->nlogins; i++) {
		if (t->logins[i].uid != uid ||
		    !model_has_prefix(t->logins[i].name, name))
			continue;
		for (j = 0; j < t->nlogins; j++)
			if (t->logins[j].uid != uid &&
			    model_has_prefix(t->logins[j].name, name) &&
			    strlen(t->logins[j].name) >=
				strlen(t->logins[i].name))
				break;
		if (j == t->nlogins)
			return true;
	}
	return false;
}

static bool
model_list(const struct offerer *list, size_t n, const struct policy_user *user,
    const char *name)
{
	bool is_one;
	size_t i, j;

	for (i = 0; i < n; i++) {
		is_one = list[i].is_group ? list[i].id == user->gid :
					    list[i].id == user->uid;
		for (j = 0; j < user->ngroups; j++)
			is_one |=
			    list[i].is_group && list[i].id == user->groups[j];
		if (is_one && list[i].id != POLICY_NOBODY &&
		    (list[i].glob == NULL || model_glob(list[i].glob, name)))
			return true;
	}
	return false;
}

/* One of few texts, so that they often have to do with each other. */
static const char *
any_text(char text[static 8], const char *letters)
{
	size_t n = 1 + (size_t)(rand() % 6), i;

	for (i = 0; i < n; i++)
		text[i] = letters[(size_t)rand() % strlen(letters)];
	text[n] = '\0';
	return text;
}

static uint32_t
any_id(void)
{
	static const uint32_t ids[] = { 0, 1, 2, 3, POLICY_NOBODY };

	return ids[rand() % 5];
}

static void
a_glob_matches_as_the_model_does(void **state)
{
	struct offerer o = { .id = 1 };
	char glob[8], name[8];
	int i, matched = 0;

	(void)state;
	for (i = 0; i < ROUNDS; i++) {
		o.glob = any_text(glob, "aB*?");
		(void)any_text(name, "AbB");
		assert_int_equal(policy_covers(&o, span(name)),
		    model_glob(glob, name));
		matched += model_glob(glob, name);
	}
	assert_in_range(matched, ROUNDS / 10, ROUNDS * 9 / 10);
}

/* A table and a user of it, of which everything changes. */
struct world {
	struct table *t;
	struct policy_user user;
	struct offerer list[4], own[2];
	struct login logins[4];
	uint32_t groups[2];
	char globs[4][8], names[4][8], name[8];
};

static void
world_init(struct world *w)
{
	memset(w, 0, sizeof(*w));
	w->t = new_table();
	(void)add(w->t, "a.b");
	(void)add_offered(w->t, "a.c", w->own, 2);
	finish(w->t);
	w->t->offerers = w->list;
	w->t->logins = w->logins;
	w->user.groups = w->groups;
}

static void
offerer_shuffle(struct offerer *o)
{
	o->id = any_id();
	o->is_group = rand() % 2 == 0;
}

static void
world_shuffle(struct world *w)
{
	size_t i;

	for (i = 0; i < 4; i++) {
		offerer_shuffle(&w->list[i]);
		offerer_shuffle(&w->own[i / 2]);
		w->list[i].glob = any_text(w->globs[i], "ac.*?");
		w->logins[i].uid = any_id();
		w->logins[i].name = any_text(w->names[i], "aA.");
		w->groups[i / 2] = any_id();
	}
	w->t->nofferers = (size_t)rand() % 3;
	w->t->nlogins = (size_t)rand() % 5;
	w->t->offers_by_prefix = rand() % 2 == 0;
	w->user.uid = any_id();
	w->user.gid = any_id();
	w->user.ngroups = (size_t)rand() % 3;
	w->user.is_own = rand() % 8 == 0;
	(void)any_text(w->name, rand() % 2 == 0 ? "aC.b" : "+a.");
	if (rand() % 8 == 0)
		(void)strcpy(w->name, rand() % 2 == 0 ? "a.b" : "A.C");
}

static enum policy_verdict
model_decide(const struct world *w)
{
	const struct table *t = w->t;
	bool allowed;

	if (w->name[0] == '+')
		return POLICY_NAME;
	if (strcmp(w->name, "a.b") == 0)
		return POLICY_CONFIGURED;
	if (w->user.uid == POLICY_NOBODY)
		return POLICY_DENIED;
	if (w->user.uid == 0 || w->user.is_own)
		return POLICY_MAY;
	if (model_glob("a.c", w->name))
		allowed = model_list(w->own, 2, &w->user, w->name);
	else
		allowed =
		    model_list(w->list, t->nofferers, &w->user, w->name) ||
		    (t->offers_by_prefix &&
			model_prefix(t, w->user.uid, w->name));
	return allowed ? POLICY_MAY : POLICY_DENIED;
}

static void
every_verdict_is_that_of_the_model(void **state)
{
	int counts[POLICY_DENIED + 1] = { 0 }, i;
	enum policy_verdict want;
	struct world w;

	(void)state;
	world_init(&w);
	for (i = 0; i < ROUNDS; i++) {
		world_shuffle(&w);
		want = model_decide(&w);
		counts[want]++;
		assert_int_equal(decide(w.t, &w.user, w.name), want);
	}
	for (i = 0; i <= POLICY_DENIED; i++)
		assert_true(counts[i] > ROUNDS / 100);
	table_free(w.t);
}

int
main(int argc, char *argv[])
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_name_that_cannot_be_offered_is_nobodys),
		cmocka_unit_test(
		    what_the_configuration_serves_is_for_nobody_to_offer),
		cmocka_unit_test(
		    t7_nobody_may_but_root_and_the_daemons_own_user),
		cmocka_unit_test(t7_user_65534_is_never_an_owner),
		cmocka_unit_test(t7_readers_may_read_and_only_owners_change),
		cmocka_unit_test(
		    a_service_with_offered_by_is_for_its_own_offerers_only),
		cmocka_unit_test(
		    groups_are_the_first_and_all_others_of_the_user),
		cmocka_unit_test(a_glob_matches_names_in_any_case),
		cmocka_unit_test(
		    by_prefix_a_name_is_the_logins_that_it_begins_with),
		cmocka_unit_test(a_glob_matches_as_the_model_does),
		cmocka_unit_test(every_verdict_is_that_of_the_model),
	};

	if (argc > 1)
		cmocka_set_test_filter(argv[1]);
	srand(1);
	return cmocka_run_group_tests(tests, map_guard, unmap_guard);
}
