/*
 * The entries of xinetd's configuration, as services of ours.
 *
 * What xinetd makes of mistakes is kept: it passes over attributes that it
 * does not know, that come a second time or have too many values, and does
 * not start a service that has a value it does not understand.  The text is
 * read twice: first for the defaults, which may stand at its end.
 */

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "conf/field.h"
#include "conf/import.h"
#include "conf/xinetd_entry.h"

#define ANY (-1)

struct rule {
	const char *name;
	int nvalues;        /* ANY, or so many words */
	bool is_list;       /* += and -= can be used, and it may come again */
	bool in_defaults;   /* it may stand there */
	const char *remark; /* what to say of it, or NULL */
};

static const char logs[] = "what is logged is in log { }";
static const char banners[] = "nothing is sent before the reply here";

static const struct rule rules[XINETD_ATTRIBUTES] = {
	[XINETD_BANNER] = { "banner", 1, false, true, banners },
	[XINETD_BANNER_FAIL] = { "banner_fail", 1, false, true, banners },
	[XINETD_BANNER_SUCCESS] = { "banner_success", 1, false, true, banners },
	[XINETD_ACCESS_TIMES] = { "access_times", ANY, false, true, NULL },
	[XINETD_BIND] = { "bind", 1, false, true, NULL },
	[XINETD_CPS] = { "cps", 2, false, true, NULL },
	[XINETD_DENY_TIME] = { "deny_time", 1, false, true,
	    "there are no sensors here" },
	[XINETD_DISABLE] = { "disable", 1, false, false, NULL },
	[XINETD_DISABLED] = { "disabled", ANY, true, true, NULL },
	[XINETD_ENABLED] = { "enabled", ANY, true, true, NULL },
	[XINETD_ENV] = { "env", ANY, true, false, NULL },
	[XINETD_FLAGS] = { "flags", ANY, false, false, NULL },
	[XINETD_GROUP] = { "group", 1, false, false, NULL },
	[XINETD_GROUPS] = { "groups", 1, false, true, NULL },
	[XINETD_ID] = { "id", 1, false, false, NULL },
	[XINETD_INSTANCES] = { "instances", 1, false, true, NULL },
	[XINETD_LIBWRAP] = { "libwrap", ANY, false, true,
	    "hosts.allow and hosts.deny are not read here" },
	[XINETD_LOG_ON_FAILURE] = { "log_on_failure", ANY, true, true, logs },
	[XINETD_LOG_ON_SUCCESS] = { "log_on_success", ANY, true, true, logs },
	[XINETD_LOG_TYPE] = { "log_type", ANY, false, true, logs },
	[XINETD_MAX_LOAD] = { "max_load", 1, false, true,
	    "there is no limit by load here" },
	[XINETD_MDNS] = { "mdns", 1, false, true,
	    "nothing is announced by mDNS here" },
	[XINETD_NICE] = { "nice", 1, false, false, NULL },
	[XINETD_NO_ACCESS] = { "no_access", ANY, true, true, NULL },
	[XINETD_ONLY_FROM] = { "only_from", ANY, true, true, NULL },
	[XINETD_PASSENV] = { "passenv", ANY, true, true,
	    "a program gets a clean environment here: see environment" },
	[XINETD_PER_SOURCE] = { "per_source", 1, false, true, NULL },
	[XINETD_PORT] = { "port", 1, false, false, NULL },
	[XINETD_PROTOCOL] = { "protocol", 1, false, false, NULL },
	[XINETD_REDIRECT] = { "redirect", 2, false, false, NULL },
	[XINETD_RLIMIT_AS] = { "rlimit_as", 1, false, false, NULL },
	[XINETD_RLIMIT_CPU] = { "rlimit_cpu", 1, false, false, NULL },
	[XINETD_RLIMIT_DATA] = { "rlimit_data", 1, false, false, NULL },
	[XINETD_RLIMIT_FILES] = { "rlimit_files", 1, false, false, NULL },
	[XINETD_RLIMIT_RSS] = { "rlimit_rss", 1, false, false, NULL },
	[XINETD_RLIMIT_STACK] = { "rlimit_stack", 1, false, false, NULL },
	[XINETD_RPC_NUMBER] = { "rpc_number", 1, false, false, NULL },
	[XINETD_RPC_VERSION] = { "rpc_version", 1, false, false, NULL },
	[XINETD_SERVER] = { "server", 1, false, false, NULL },
	[XINETD_SERVER_ARGS] = { "server_args", ANY, false, false, NULL },
	[XINETD_SOCKET_TYPE] = { "socket_type", 1, false, false, NULL },
	[XINETD_TYPE] = { "type", ANY, false, false, NULL },
	[XINETD_UMASK] = { "umask", 1, false, true, NULL },
	[XINETD_USER] = { "user", 1, false, false, NULL },
	[XINETD_V6ONLY] = { "v6only", 1, false, true,
	    "the listeners decide about IPv4 and IPv6" },
	[XINETD_WAIT] = { "wait", 1, false, false, NULL },
};

struct xinetd {
	struct carry carry;
	struct field scan;
	bool is_survey;
	bool has_defaults;      /* this file, up to here */
	struct nameset enabled; /* ids; used if defaults has the list */
	struct nameset disabled;
	struct xinetd_entry entry;    /* that is being read */
	struct xinetd_entry defaults; /* of the survey: all of them */
	struct xinetd_entry so_far;   /* the lists of those read up to here */
	struct tcpmux_span mux_bind;
};

/* Take a line like #line 7 "/etc/xinetd.d/ftp". */
static void
take_place(struct xinetd *x, struct tcpmux_span line)
{
	struct tcpmux_span word, file;
	unsigned int number;

	(void)field_word(&line, &word); /* It is #line. */
	if (!field_word(&line, &word) || !field_number(word, &number) ||
	    number == 0 || !field_cut(&line, '"', &file) ||
	    !field_cut(&file, '"', &line))
		return;
	if (file.len != x->carry.file.len ||
	    memcmp(file.p, x->carry.file.p, file.len) != 0)
		x->has_defaults = false;
	x->carry.file = file;
	x->scan.line = (int)number - 1;
}

/* The next line that is neither empty nor a comment. */
static bool
next_line(struct xinetd *x, struct tcpmux_span *line)
{
	while (field_line(&x->scan, line)) {
		*line = field_trim(*line);
		if (field_starts(*line, "#line "))
			take_place(x, *line);
		if (line->len > 0 && line->p[0] != '#')
			return true;
	}
	return false;
}

/* Cut a line into attribute, operator and values. */
static bool
split_line(struct tcpmux_span line, struct tcpmux_span *name,
    enum xinetd_op *op, struct tcpmux_span *values)
{
	struct tcpmux_span head = line;

	if (!field_cut(&head, '=', values))
		return false;
	*op = XINETD_SET;
	if (head.len > 0 && head.p[head.len - 1] == '+')
		*op = XINETD_ADD;
	else if (head.len > 0 && head.p[head.len - 1] == '-')
		*op = XINETD_REMOVE;
	if (*op != XINETD_SET)
		head.len--;
	*name = field_trim(head);
	*values = field_trim(*values);
	return field_count(*name) == 1;
}

static enum xinetd_attribute
find_attribute(struct tcpmux_span name)
{
	size_t i;

	if (field_is(name, "interface"))
		return XINETD_BIND;
	for (i = 0; i < XINETD_ATTRIBUTES; i++)
		if (field_is(name, rules[i].name))
			break;
	return (enum xinetd_attribute)i;
}

/* Add the words of a list of ids. */
static void
add_ids(struct xinetd *x, struct nameset *ids, struct tcpmux_span words)
{
	struct tcpmux_span word;

	while (x->is_survey && field_word(&words, &word))
		if (nameset_add(ids, word, x->scan.line) == -1)
			x->carry.out.error = ENOMEM;
}

/* The place in env of the variable that word sets, or that of a new one. */
static size_t
find_variable(const struct xinetd_entry *e, struct tcpmux_span word)
{
	struct tcpmux_span name = word, other, value;
	size_t i;

	(void)field_cut(&name, '=', &value); /* It is there. */
	for (i = 0; i < e->nenv; i++) {
		other = e->env[i];
		(void)field_cut(&other, '=', &value); /* Likewise. */
		if (other.len == name.len &&
		    memcmp(other.p, name.p, name.len) == 0)
			break;
	}
	return i;
}

static const char *
change_env(struct xinetd_entry *e, enum xinetd_op op, struct tcpmux_span words)
{
	struct tcpmux_span word;
	size_t i;

	if (op == XINETD_REMOVE)
		return "env cannot be taken away from";
	if (op == XINETD_SET)
		e->nenv = 0;
	while (field_word(&words, &word)) {
		if (!field_has(word, '='))
			return "its env has a word without =";
		i = find_variable(e, word);
		if (i == CARRY_WORDS_MAX)
			return "its env is too long";
		e->env[i] = word;
		if (i == e->nenv)
			e->nenv++;
	}
	return NULL;
}

/* Do what one attribute says. */
static void
take_value(struct xinetd *x, enum xinetd_attribute attribute, enum xinetd_op op,
    struct tcpmux_span values)
{
	struct xinetd_entry *e = &x->entry;
	const char *why = NULL;

	if (attribute == XINETD_ONLY_FROM)
		why = hosts_change(&e->only_from, op, values);
	else if (attribute == XINETD_NO_ACCESS)
		why = hosts_change(&e->no_access, op, values);
	else if (attribute == XINETD_ENV)
		why = change_env(e, op, values);
	else if (attribute == XINETD_ENABLED)
		add_ids(x, &x->enabled, values);
	else if (attribute == XINETD_DISABLED)
		add_ids(x, &x->disabled, values);
	else if (!rules[attribute].is_list && values.len == 0)
		why = "an attribute of it has no value";
	else if (attribute == XINETD_DISABLE && !field_is(values, "yes") &&
	    !field_is(values, "no"))
		why = "its disable is neither yes nor no";
	e->value[attribute] = values;
	if (why != NULL && e->why == NULL)
		e->why = why;
}

/* Take one line of an entry. */
static void
take_line(struct xinetd *x, struct tcpmux_span line, bool is_defaults)
{
	enum xinetd_attribute attribute;
	struct tcpmux_span name, values;
	const struct rule *rule;
	enum xinetd_op op;

	if (!split_line(line, &name, &op, &values) || field_has(line, '\0')) {
		x->entry.why = "a line of it is not understood";
		carry_remark(&x->carry, line, "this line");
		return;
	}
	attribute = find_attribute(name);
	rule = &rules[attribute];
	if (attribute == XINETD_ATTRIBUTES ||
	    (is_defaults ? !rule->in_defaults :
			   attribute == XINETD_ENABLED ||
			attribute == XINETD_DISABLED)) {
		carry_remark(&x->carry, line, "xinetd knows no such attribute");
		return;
	}
	if ((!rule->is_list &&
		(x->entry.value[attribute].p != NULL || op != XINETD_SET)) ||
	    (rule->nvalues != ANY &&
		field_count(values) != (size_t)rule->nvalues)) {
		carry_remark(&x->carry, line, "xinetd passes over it");
		return;
	}
	if (rule->remark != NULL)
		carry_remark(&x->carry, line, rule->remark);
	if (is_defaults && op == XINETD_SET)
		op = XINETD_ADD;
	take_value(x, attribute, op, values);
}

/* Pass over the rest of something that is not understood. */
static void
skip_block(struct xinetd *x)
{
	struct tcpmux_span line;

	while (next_line(x, &line))
		if (field_is(line, "}"))
			return;
}

/* Read what stands between { and }. */
static void
read_block(struct xinetd *x, bool is_defaults)
{
	struct tcpmux_span line;

	while (next_line(x, &line)) {
		if (field_is(line, "}"))
			return;
		take_line(x, line, is_defaults);
	}
	x->entry.why = "it has no } at its end";
}

/* Make x->entry an empty one; what it had may stay in its arrays. */
static void
begin_entry(struct xinetd *x, struct tcpmux_span name)
{
	struct xinetd_entry *e = &x->entry;

	e->line = x->scan.line;
	e->name = name;
	e->why = NULL;
	memset(e->value, 0, sizeof(e->value));
	e->nenv = 0;
	hosts_copy(&e->only_from, &x->so_far.only_from);
	hosts_copy(&e->no_access, &x->so_far.no_access);
	emit_restart(&x->carry.remarks);
}

/* Keep what the defaults say: for good, and for what comes behind them. */
static void
keep_defaults(struct xinetd *x)
{
	const struct xinetd_entry *e = &x->entry;
	size_t i;

	hosts_copy(&x->so_far.only_from, &e->only_from);
	hosts_copy(&x->so_far.no_access, &e->no_access);
	for (i = 0; i < XINETD_ATTRIBUTES; i++)
		if (x->is_survey && e->value[i].p != NULL)
			x->defaults.value[i] = e->value[i];
	if (x->so_far.why == NULL)
		x->so_far.why = e->why;
	if (x->is_survey)
		return;
	carry_begin(&x->carry, e->line);
	if (e->why != NULL)
		carry_refuse(&x->carry, e->line, e->name, e->why);
}

/* Is it switched off?  NULL, or how. */
static const char *
blame_switches(struct xinetd *x)
{
	const struct xinetd_entry *e = &x->entry;
	struct tcpmux_span id = e->value[XINETD_ID];

	if (id.p == NULL)
		id = e->name;
	if (field_is(e->value[XINETD_DISABLE], "yes") ||
	    field_has_word(e->value[XINETD_FLAGS], "DISABLE"))
		return "it is disabled";
	if (nameset_find(&x->disabled, id) != 0)
		return "it is in the list of those disabled";
	if (x->defaults.value[XINETD_ENABLED].p != NULL &&
	    nameset_find(&x->enabled, id) == 0)
		return "it is not in the list of those enabled";
	return NULL;
}

static void
end_service(struct xinetd *x)
{
	const char *why = blame_switches(x);

	if (x->is_survey) {
		if (why == NULL && xinetd_is_mux(&x->entry))
			x->mux_bind = x->entry.value[XINETD_BIND];
		if (why == NULL && xinetd_is_behind_mux(&x->entry))
			carry_reserve(&x->carry, x->entry.name);
		return;
	}
	if (why == NULL && x->so_far.why != NULL)
		why = "the defaults before it are not understood";
	if (why != NULL)
		carry_refuse(&x->carry, x->entry.line, x->entry.name, why);
	else
		xinetd_carry(&x->carry, &x->entry, &x->defaults);
}

/* Say what is wrong outside of any entry. */
static void
refuse_line(struct xinetd *x, struct tcpmux_span line, const char *why)
{
	if (!x->is_survey)
		carry_refuse(&x->carry, x->scan.line, line, why);
}

/* Take one entry, which begins with line. */
static void
take_entry(struct xinetd *x, struct tcpmux_span line)
{
	struct tcpmux_span rest = line, keyword, name, brace;
	bool is_defaults;

	(void)field_word(&rest, &keyword); /* The line is not empty. */
	(void)field_word(&rest, &name);
	if (field_is(keyword, "include") || field_is(keyword, "includedir")) {
		refuse_line(x, line, "the files that it includes are not here");
		return;
	}
	is_defaults = field_is(keyword, "defaults");
	begin_entry(x, is_defaults ? keyword : name);
	if (!is_defaults && (!field_is(keyword, "service") || name.len == 0)) {
		refuse_line(x, line, "it is neither a service nor defaults");
		skip_block(x);
	} else if (!next_line(x, &brace) || !field_is(brace, "{")) {
		refuse_line(x, line, "there is no line with { behind it");
		skip_block(x);
	} else if (is_defaults && x->has_defaults) {
		refuse_line(x, line, "xinetd passes over second defaults");
		skip_block(x);
	} else {
		read_block(x, is_defaults);
		x->has_defaults = x->has_defaults || is_defaults;
		if (is_defaults)
			keep_defaults(x);
		else
			end_service(x);
	}
}

static void
read_text(struct xinetd *x, struct tcpmux_span file, struct tcpmux_span text,
    bool is_survey)
{
	struct tcpmux_span line;

	x->carry.file = file;
	x->scan = (struct field){ text, 0 };
	x->is_survey = is_survey;
	x->has_defaults = false;
	x->so_far.why = NULL;
	hosts_clear(&x->so_far.only_from);
	hosts_clear(&x->so_far.no_access);
	while (!carry_has_failed(&x->carry) && next_line(x, &line))
		take_entry(x, line);
}

char *
import_xinetd(const char *file, const char *text, size_t len)
{
	struct tcpmux_span name = field_text(file), all = { text, len };
	struct xinetd *x;
	char *written;
	int saved;

	if (len > IMPORT_MAX) {
		errno = E2BIG;
		return NULL;
	}
	x = calloc(1, sizeof(*x));
	if (x == NULL)
		return NULL;
	carry_init(&x->carry, name, IMPORT_WRITTEN_MAX);
	read_text(x, name, all, true);
	x->carry.mux_address = x->mux_bind.p != NULL ?
	    x->mux_bind :
	    x->defaults.value[XINETD_BIND];
	read_text(x, name, all, false);
	nameset_clear(&x->enabled);
	nameset_clear(&x->disabled);
	written = carry_take(&x->carry);
	saved = errno;
	free(x);
	errno = saved;
	return written;
}
