/*
 * The configuration's text to a table: each option sets its field.
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "tests/unit/trial.h"

static void
an_empty_text_is_the_seed(void **state)
{
	static const char *const texts[] = { "", "\n", "# nothing\n", "/**/",
		" \t\r\n // nothing" };
	struct trial trial;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		trial_init(&trial, texts[i]);
		assert_string_equal(trial.said, "");
		assert_int_equal(trial.t->nservices, 1);
		assert_int_equal(trial.t->nlistens, 0);
		assert_int_equal(trial_service(&trial, "tcpmux")->kind,
		    SERVICE_TCPMUX);
		assert_int_equal(trial.t->request_ms, 10000);
		trial_clear(&trial);
		trial_prints(texts[i], "");
	}
}

static void
each_option_of_the_top_level_sets_its_field(void **state)
{
	struct trial trial;
	const struct table *t;

	(void)state;
	trial_init(&trial,
	    "user = www  fronts = 3  relays = 4  request-timeout = 1500ms\n"
	    "sandbox = off  max = 5  max-per-source = 6\n"
	    "rate-per-source = '7/8s'  wrong-names-per-source = '9/1m'\n"
	    "from = {10.0.0.0/8, '::1'}  not-from = 10.9.0.0/16");
	t = trial.t;
	assert_string_equal(trial.said, "");
	assert_string_equal(t->user, "www");
	assert_string_equal(t->user_file, "test.conf");
	assert_int_equal(t->user_line, 1);
	assert_int_equal(t->fronts, 3);
	assert_int_equal(t->relays, 4);
	assert_int_equal(t->request_ms, 1500);
	assert_int_equal(t->sandbox, SANDBOX_OFF);
	assert_true(t->sandbox_chosen);
	assert_int_equal(t->max, 5);
	assert_int_equal(t->max_per_source, 6);
	assert_int_equal(t->rate_per_source.count, 7);
	assert_int_equal(t->rate_per_source.period_ms, 8000);
	assert_int_equal(t->wrong_names_per_source.count, 9);
	assert_int_equal(t->wrong_names_per_source.period_ms, 60000);
	assert_int_equal(t->access.nfrom, 2);
	assert_int_equal(t->access.from[0].bits, 96 + 8);
	assert_int_equal(t->access.from[1].bits, 128);
	assert_int_equal(t->access.nnot_from, 1);
	trial_clear(&trial);
}

static void
each_option_of_log_sets_its_field(void **state)
{
	struct trial trial;

	(void)state;
	trial_init(&trial,
	    "log { to = '/var/log/x'  format = json  level = refusals\n"
	    "lines = '5/1s'  bytes = '64K/1m' }");
	assert_string_equal(trial.said, "");
	assert_int_equal(trial.t->log.to, LOG_FILE);
	assert_string_equal(trial.t->log.path, "/var/log/x");
	assert_int_equal(trial.t->log.format, LOG_JSON);
	assert_int_equal(trial.t->log.level, LOG_REFUSALS);
	assert_int_equal(trial.t->log.lines.count, 5);
	assert_int_equal(trial.t->log.bytes.count, 65536);
	assert_int_equal(trial.t->log.bytes.period_ms, 60000);
	trial_clear(&trial);
}

static void
assert_text(struct tcpmux_span span, const char *text)
{
	assert_int_equal(span.len, strlen(text));
	assert_memory_equal(span.p, text, span.len);
}

static void
every_refusal_has_its_option(void **state)
{
	struct trial trial;
	char text[128], line[128];
	int why;

	(void)state;
	for (why = REFUSE_EMPTY; why < REFUSE_COUNT; why++) {
		(void)snprintf(text, sizeof(text), "replies { %s = 'no %d' }",
		    words_reason((enum refusal)why), why);
		(void)snprintf(line, sizeof(line), "-no %d\r\n", why);
		trial_init(&trial, text);
		assert_string_equal(trial.said, "");
		assert_text(words_refuse(&trial.t->words, (enum refusal)why)
				.text,
		    line);
		trial_clear(&trial);
	}
}

static void
ok_of_replies_is_the_default_of_all_services(void **state)
{
	struct trial trial;

	(void)state;
	trial_init(&trial,
	    "service a { builtin = echo }\n"
	    "service b { builtin = echo  ok = 'Mine' }\n"
	    "service c { builtin = echo  ok = '' }\n"
	    "replies { ok = Go }");
	assert_string_equal(trial.said, "");
	assert_text(trial_service(&trial, "a")->ok, "+Go\r\n");
	assert_text(trial_service(&trial, "b")->ok, "+Mine\r\n");
	assert_text(trial_service(&trial, "c")->ok, "+\r\n");
	assert_text(trial_service(&trial, "tcpmux")->ok, "+Go\r\n");
	trial_clear(&trial);
}

static void
each_option_of_a_listener_sets_its_field(void **state)
{
	struct trial trial;
	const struct listen *l;

	(void)state;
	trial_init(&trial,
	    "listen '*' { }\n"
	    "listen '::1' { port = 10001  lenient = yes  from = '::/0'\n"
	    "not-from = '::2'  proxy = require  trust = {'::3', '::4'} }");
	assert_string_equal(trial.said, "");
	assert_int_equal(trial.t->nlistens, 2);
	l = &trial.t->listens[0];
	assert_string_equal(l->address, "*");
	assert_int_equal(l->port, 1);
	assert_false(l->lenient);
	assert_false(l->proxied);
	l = &trial.t->listens[1];
	assert_string_equal(l->address, "::1");
	assert_int_equal(l->port, 10001);
	assert_true(l->lenient);
	assert_true(l->proxied);
	assert_int_equal(l->access.nfrom, 1);
	assert_int_equal(l->access.nnot_from, 1);
	assert_int_equal(l->trust.nfrom, 2);
	trial_clear(&trial);
}

static void
each_option_of_a_program_sets_its_field(void **state)
{
	struct trial trial;
	const struct program *p;

	(void)state;
	trial_init(&trial,
	    "service x { exec = {'/bin/x', '', 'a b'}  user = u  group = g\n"
	    "groups = {h, i}  directory = '/tmp'  umask = 077  nice = -5\n"
	    "rlimits = {'nofile=100', 'as=64M:unlimited'}\n"
	    "environment = {'A=b', 'C='}  argv0 = y  stderr = socket\n"
	    "no-new-privileges = no  reply = service }");
	assert_string_equal(trial.said, "");
	assert_int_equal(trial_service(&trial, "x")->kind, SERVICE_EXEC);
	assert_true(trial_service(&trial, "x")->service_replies);
	p = &trial_service(&trial, "x")->program;
	assert_string_equal(p->argv[0], "/bin/x");
	assert_string_equal(p->argv[1], "");
	assert_string_equal(p->argv[2], "a b");
	assert_null(p->argv[3]);
	assert_string_equal(p->user, "u");
	assert_int_equal(p->user_line, 1);
	assert_string_equal(p->group, "g");
	assert_string_equal(p->group_names[1], "i");
	assert_null(p->group_names[2]);
	assert_int_equal(p->groups_line, 2);
	assert_string_equal(p->directory, "/tmp");
	assert_int_equal(p->umask, 077);
	assert_int_equal(p->nice, -5);
	assert_int_equal(p->nrlimits, 2);
	assert_int_equal(p->rlimits[0].resource, RLIMIT_NOFILE);
	assert_int_equal(p->rlimits[0].limit.rlim_cur, 100);
	assert_int_equal(p->rlimits[0].limit.rlim_max, 100);
	assert_int_equal(p->rlimits[1].limit.rlim_cur, 64 << 20);
	assert_true(p->rlimits[1].limit.rlim_max == RLIM_INFINITY);
	assert_string_equal(p->environment[1], "C=");
	assert_string_equal(p->arg0, "y");
	assert_int_equal(p->stderr_to, STDERR_SOCKET);
	assert_true(p->new_privileges);
	trial_clear(&trial);
}

static void
a_program_has_safe_defaults(void **state)
{
	struct trial trial;
	const struct program *p;

	(void)state;
	trial_init(&trial, "service x { exec = '/bin/x' }");
	assert_string_equal(trial.said, "");
	p = &trial_service(&trial, "x")->program;
	assert_null(p->argv[1]);
	assert_null(p->user);
	assert_int_equal(p->umask, 022);
	assert_int_equal(p->nice, 0);
	assert_int_equal(p->stderr_to, STDERR_LOG);
	assert_false(p->new_privileges);
	assert_non_null(p->name);
	assert_false(trial_service(&trial, "x")->service_replies);
	trial_clear(&trial);
}

static void
each_option_of_a_relay_sets_its_field(void **state)
{
	struct trial trial;
	const struct relay_rule *r;

	(void)state;
	trial_init(&trial,
	    "service x { relay = {'127.0.0.1:22', '[::1]:23', 'h.example:24',\n"
	    "'unix:/run/x', 'H.EXAMPLE:25', other:26}\n"
	    "connect-timeout = 1s  idle-timeout = 2m  half-closed-timeout = 0\n"
	    "keep-alive = 0  proxy = v2 }");
	assert_string_equal(trial.said, "");
	r = &trial_service(&trial, "x")->relay;
	assert_int_equal(r->nbackends, 6);
	assert_int_equal(r->backends[0].kind, BACKEND_ADDRESS);
	assert_int_equal(r->backends[0].address[15], 1);
	assert_int_equal(r->backends[0].address[11], 0xff);
	assert_int_equal(r->backends[0].port, 22);
	assert_int_equal(r->backends[1].kind, BACKEND_ADDRESS);
	assert_int_equal(r->backends[1].address[11], 0);
	assert_int_equal(r->backends[2].kind, BACKEND_NAME);
	assert_string_equal(r->backends[2].host, "h.example");
	assert_string_equal(r->backends[2].text, "h.example:24");
	assert_int_equal(r->backends[3].kind, BACKEND_UNIX);
	assert_string_equal(r->backends[3].host, "/run/x");
	assert_int_equal(r->backends[4].name, r->backends[2].name);
	assert_int_not_equal(r->backends[5].name, r->backends[2].name);
	assert_int_equal(trial.t->nnames, 2);
	assert_string_equal(trial.t->names[r->backends[5].name], "other");
	assert_int_equal(r->connect_ms, 1000);
	assert_int_equal(r->idle_ms, 120000);
	assert_int_equal(r->half_ms, 0);
	assert_int_equal(r->keepalive_ms, 0);
	assert_int_equal(r->proxy, PROXY_V2);
	trial_clear(&trial);
}

static void
the_options_of_every_service_set_their_fields(void **state)
{
	struct trial trial;
	const struct service *s;

	(void)state;
	trial_init(&trial,
	    "\n\nservice X {\n builtin = discard  max-bytes = 1K\n"
	    "max-time = 5m  alias = {y, Z}  description = 'it'  hidden = on\n"
	    "max = 1  max-per-source = 2  rate = '3/4s' from = {} }\n"
	    "service S { socket = '/run/s' }");
	assert_string_equal(trial.said, "");
	s = trial_service(&trial, "x");
	assert_ptr_equal(s, trial_service(&trial, "z"));
	assert_string_equal(s->name, "X");
	assert_int_equal(s->naliases, 2);
	assert_string_equal(s->description, "it");
	assert_int_equal(s->kind, SERVICE_DISCARD);
	assert_int_equal(s->builtin.bytes, 1024);
	assert_int_equal(s->builtin.ms, 300000);
	assert_true(s->hidden);
	assert_int_equal(s->max, 1);
	assert_int_equal(s->max_per_source, 2);
	assert_int_equal(s->rate.count, 3);
	assert_true(s->has_access);
	assert_int_equal(s->access.nfrom, 0);
	assert_string_equal(s->file, "test.conf");
	assert_int_equal(s->line, 3);
	assert_int_equal(s->kind_line, 4);
	assert_string_equal(trial_service(&trial, "s")->socket, "/run/s");
	assert_false(trial_service(&trial, "s")->has_access);
	trial_clear(&trial);
}

static void
each_option_about_the_control_socket_sets_its_field(void **state)
{
	struct trial trial;
	const struct table *t;

	(void)state;
	trial_init(&trial,
	    "control = '/run/x'\n"
	    "offered-by = {a, 'b:B-*:?',\n'%c', '%d:[x]'}\n"
	    "offers = prefix  max-offers = 5  max-offers-per-user = 6\n"
	    "readers = {a, '%b'}");
	t = trial.t;
	assert_string_equal(trial.said, "");
	assert_string_equal(t->control, "/run/x");
	assert_false(t->control_off);
	assert_string_equal(t->control_file, "test.conf");
	assert_int_equal(t->control_line, 1);
	assert_int_equal(t->nofferers, 4);
	assert_string_equal(t->offerers[0].text, "a");
	assert_null(t->offerers[0].glob);
	assert_false(t->offerers[0].is_group);
	assert_string_equal(t->offerers[1].glob, "B-*:?");
	assert_int_equal(t->offerers[1].line, 2);
	assert_string_equal(t->offerers[2].text, "%c");
	assert_true(t->offerers[2].is_group);
	assert_null(t->offerers[2].glob);
	assert_int_equal(t->offerers[2].line, 3);
	assert_string_equal(t->offerers[2].file, "test.conf");
	assert_true(t->offerers[3].is_group);
	assert_string_equal(t->offerers[3].glob, "[x]");
	assert_true(t->offers_by_prefix);
	assert_int_equal(t->max_offers, 5);
	assert_int_equal(t->max_offers_per_user, 6);
	assert_int_equal(t->nreaders, 2);
	assert_string_equal(t->readers[0].text, "a");
	assert_false(t->readers[0].is_group);
	assert_true(t->readers[1].is_group);
	assert_null(t->readers[1].glob);
	assert_int_equal(t->readers[1].line, 5);
	trial_clear(&trial);
}

static void
t7_by_default_nobody_may_offer_but_the_socket_is_there(void **state)
{
	struct trial trial;

	(void)state;
	trial_init(&trial, "");
	assert_null(trial.t->control);
	assert_false(trial.t->control_off);
	assert_int_equal(trial.t->nofferers, 0);
	assert_false(trial.t->offers_by_prefix);
	assert_int_equal(trial.t->max_offers, 4096);
	assert_int_equal(trial.t->max_offers_per_user, 64);
	trial_clear(&trial);
	trial_init(&trial, "control = none");
	assert_string_equal(trial.said, "");
	assert_null(trial.t->control);
	assert_true(trial.t->control_off);
	trial_clear(&trial);
}

static void
the_last_control_holds_whatever_it_is(void **state)
{
	struct trial trial;

	(void)state;
	trial_init(&trial, "");
	table_free(trial.t);
	trial.t = table_new();
	assert_non_null(trial.t);
	trial_parse(&trial, "control = none");
	trial_parse(&trial, "control = '/run/x'");
	assert_false(trial.t->control_off);
	assert_string_equal(trial.t->control, "/run/x");
	trial_parse(&trial, "control = none");
	assert_true(trial.t->control_off);
	assert_null(trial.t->control);
	assert_string_equal(trial.said, "");
	trial_clear(&trial);
}

static void
rule_16_who_takes_a_connection_says_plus_unless_told_otherwise(void **state)
{
	struct trial trial;
	const struct service *s;

	(void)state;
	trial_init(&trial,
	    "service a { socket = '/x' }\n"
	    "service b { socket = '/x'  reply = mux  ok = Go }\n"
	    "service c { socket = '/x'  reply = service }\n"
	    "service d { offered-by = {u, '%g'}  alias = e  hidden = yes\n"
	    "from = '10.0.0.0/8'  rate = '3/1s'  description = 'it' }\n");
	assert_string_equal(trial.said, "");
	assert_true(trial_service(&trial, "a")->service_replies);
	assert_false(trial_service(&trial, "b")->service_replies);
	assert_text(trial_service(&trial, "b")->ok, "+Go\r\n");
	assert_true(trial_service(&trial, "c")->service_replies);
	s = trial_service(&trial, "E");
	assert_int_equal(s->kind, SERVICE_OFFERED);
	assert_true(s->service_replies);
	assert_int_equal(s->nofferers, 2);
	assert_string_equal(s->offerers[0].text, "u");
	assert_true(s->offerers[1].is_group);
	assert_int_equal(s->kind_line, 4);
	trial_clear(&trial);
}

static void
tcpmux_may_be_configured_but_is_always_there(void **state)
{
	struct trial trial;

	(void)state;
	trial_init(&trial,
	    "service TcpMux { builtin = tcpmux  description = 'the mux' }");
	assert_string_equal(trial.said, "");
	assert_int_equal(trial.t->nservices, 1);
	assert_string_equal(trial_service(&trial, "tcpmux")->name, "TcpMux");
	assert_string_equal(trial_service(&trial, "tcpmux")->description,
	    "the mux");
	trial_clear(&trial);
}

static void
references_are_told_in_order_with_their_lines(void **state)
{
	struct trial trial;

	(void)state;
	trial_init(&trial,
	    "include = 'a'\nimport = 'b'\ninclude = {'c',\n'd/*.conf'}\n"
	    "max = 5\nimport += e");
	assert_string_equal(trial.said, "");
	assert_string_equal(trial.referred,
	    "1: include a\n2: import b\n3: include c\n4: include d/*.conf\n"
	    "6: import e\n");
	assert_int_equal(trial.t->max, 5);
	trial_clear(&trial);
}

static void
the_last_of_several_texts_wins(void **state)
{
	struct trial trial;

	(void)state;
	trial_init(&trial, "");
	table_free(trial.t);
	trial.t = table_new();
	assert_non_null(trial.t);
	trial_parse(&trial, "max = 1  log { level = nothing  format = json }");
	assert_int_equal(conf_parse(trial.t, "test.conf",
			     "max = 2  log { level = refusals }", &trial.refer,
			     &trial.report),
	    0);
	assert_int_equal(conf_finish(trial.t, &trial.report), 0);
	assert_string_equal(trial.said, "");
	assert_int_equal(trial.t->max, 2);
	assert_int_equal(trial.t->log.level, LOG_REFUSALS);
	assert_int_equal(trial.t->log.format, LOG_JSON);
	trial_clear(&trial);
}

int
main(int argc, char *argv[])
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_empty_text_is_the_seed),
		cmocka_unit_test(each_option_of_the_top_level_sets_its_field),
		cmocka_unit_test(each_option_of_log_sets_its_field),
		cmocka_unit_test(every_refusal_has_its_option),
		cmocka_unit_test(ok_of_replies_is_the_default_of_all_services),
		cmocka_unit_test(each_option_of_a_listener_sets_its_field),
		cmocka_unit_test(each_option_of_a_program_sets_its_field),
		cmocka_unit_test(a_program_has_safe_defaults),
		cmocka_unit_test(each_option_of_a_relay_sets_its_field),
		cmocka_unit_test(the_options_of_every_service_set_their_fields),
		cmocka_unit_test(
		    each_option_about_the_control_socket_sets_its_field),
		cmocka_unit_test(
		    t7_by_default_nobody_may_offer_but_the_socket_is_there),
		cmocka_unit_test(the_last_control_holds_whatever_it_is),
		cmocka_unit_test(
		    rule_16_who_takes_a_connection_says_plus_unless_told_otherwise),
		cmocka_unit_test(tcpmux_may_be_configured_but_is_always_there),
		cmocka_unit_test(references_are_told_in_order_with_their_lines),
		cmocka_unit_test(the_last_of_several_texts_wins),
	};

	if (argc > 1)
		cmocka_set_test_filter(argv[1]);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
