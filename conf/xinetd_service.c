/*
 * One entry of xinetd's configuration, carried over into a service of ours.
 */

#include <string.h>

#include "conf/field.h"
#include "conf/xinetd_entry.h"

/* The entry that is carried over, and what becomes of it. */
struct job {
	struct carry *carry;
	const struct xinetd_entry *entry;
	const struct xinetd_entry *defaults;
	struct carried service;
	struct tcpmux_span args[CARRY_WORDS_MAX + 1];
};

static const struct {
	enum xinetd_attribute attribute;
	const char *name; /* ours */
} rlimits[] = {
	{ XINETD_RLIMIT_AS, "as" },
	{ XINETD_RLIMIT_CPU, "cpu" },
	{ XINETD_RLIMIT_DATA, "data" },
	{ XINETD_RLIMIT_FILES, "nofile" },
	{ XINETD_RLIMIT_RSS, "rss" },
	{ XINETD_RLIMIT_STACK, "stack" },
};

/* What the entry itself says; empty if it says nothing. */
static struct tcpmux_span
own(const struct job *j, enum xinetd_attribute attribute)
{
	return j->entry->value[attribute];
}

/* What the entry says, or else the defaults. */
static struct tcpmux_span
value(const struct job *j, enum xinetd_attribute attribute)
{
	if (own(j, attribute).p != NULL)
		return own(j, attribute);
	return j->defaults->value[attribute];
}

static bool
has_type(const struct xinetd_entry *e, const char *type)
{
	return field_has_word(e->value[XINETD_TYPE], type);
}

bool
xinetd_is_mux(const struct xinetd_entry *e)
{
	return field_is(e->name, "tcpmux") && has_type(e, "INTERNAL");
}

bool
xinetd_is_behind_mux(const struct xinetd_entry *e)
{
	return has_type(e, "TCPMUX") || has_type(e, "TCPMUXPLUS");
}

/* Are all words of s among those of known? */
static bool
is_known(struct tcpmux_span s, const char *known)
{
	struct tcpmux_span word, rest, other;
	bool found = true;

	while (found && field_word(&s, &word)) {
		rest = field_text(known);
		found = false;
		while (!found && field_word(&rest, &other))
			found = other.len == word.len &&
			    memcmp(other.p, word.p, word.len) == 0;
	}
	return found;
}

/* Is it something that a mux can serve?  NULL, or why not. */
static const char *
blame_sort(const struct job *j)
{
	struct tcpmux_span type = own(j, XINETD_SOCKET_TYPE);
	struct tcpmux_span protocol = own(j, XINETD_PROTOCOL);

	if (!is_known(own(j, XINETD_TYPE),
		"RPC INTERNAL UNLISTED TCPMUX TCPMUXPLUS"))
		return "its type is not known";
	if (has_type(j->entry, "RPC"))
		return "RPC finds its services by port";
	if (type.p == NULL ? !field_is(protocol, "tcp") :
			     !field_is(type, "stream"))
		return "only streams go through the mux";
	if (protocol.p != NULL && !field_is(protocol, "tcp") &&
	    !field_is(protocol, "tcp6"))
		return "only TCP goes through the mux";
	if (own(j, XINETD_WAIT).p == NULL)
		return "it says nothing of wait, so xinetd does not start it";
	if (!field_is(own(j, XINETD_WAIT), "no"))
		return "its program wants to accept connections itself";
	return NULL;
}

/* What let fewer in than we could: then nobody is let in. */
static const char *
blame_restrictions(const struct job *j)
{
	struct tcpmux_span flags = own(j, XINETD_FLAGS);

	if (!is_known(flags,
		"INTERCEPT NORETRY IDONLY NAMEINARGS NODELAY "
		"KEEPALIVE NOLIBWRAP SENSOR IPv4 IPv6 LABELED "
		"REUSE"))
		return "it has a flag that is not known";
	if (field_has_word(flags, "SENSOR"))
		return "there are no sensors here";
	if (field_has_word(flags, "IDONLY"))
		return "nobody is asked who he is (RFC 1413) here";
	if (field_has_word(flags, "LABELED"))
		return "labels of SELinux are not passed on here";
	if (value(j, XINETD_ACCESS_TIMES).p != NULL)
		return "there are no times of access here";
	if (j->entry->no_access.nnames > 0)
		return "no_access has hosts by name, and they are not looked "
		       "up here";
	if (j->entry->only_from.is_set && j->entry->only_from.nnetworks == 0)
		return "only_from lets nobody in that is known by address";
	return NULL;
}

/* A number or UNLIMITED; 0 would let nobody in. */
static const char *
read_limit(const struct job *j, enum xinetd_attribute attribute,
    unsigned int *limit)
{
	struct tcpmux_span text = value(j, attribute);

	if (text.p == NULL || field_is(text, "UNLIMITED"))
		return NULL;
	if (!field_number(text, limit))
		return "its limits are not numbers";
	return *limit > 0 ? NULL : "its limit is 0, which lets nobody in";
}

static const char *
read_limits(struct job *j)
{
	struct carried *s = &j->service;
	struct tcpmux_span rest = value(j, XINETD_CPS), count;
	const char *why;

	why = read_limit(j, XINETD_INSTANCES, &s->max);
	if (why == NULL)
		why = read_limit(j, XINETD_PER_SOURCE, &s->max_per_source);
	if (why != NULL || !field_word(&rest, &count))
		return why;
	s->rate_period = "1s";
	return field_number(count, &s->rate) ? NULL :
					       "its limits are not numbers";
}

static void
remark_flags(const struct job *j)
{
	struct tcpmux_span flags = own(j, XINETD_FLAGS), flag;

	while (field_word(&flags, &flag)) {
		if (field_is(flag, "IPv4") || field_is(flag, "IPv6"))
			carry_remark(j->carry, flag,
			    "the listeners decide about IPv4 and IPv6");
		else if (field_is(flag, "INTERCEPT"))
			carry_remark(j->carry, flag,
			    "access is decided once, when it is asked for");
		else if (field_is(flag, "NODELAY") ||
		    field_is(flag, "KEEPALIVE"))
			carry_remark(j->carry, flag,
			    "a program gets its connection as it came in");
	}
}

static void
remark_names(const struct job *j)
{
	if (j->entry->only_from.nnames > 0)
		carry_remark(j->carry, j->entry->only_from.name,
		    "hosts known by name only are not let in here");
}

/* Who may: both lists, and what else the address says. */
static const char *
read_access(struct job *j)
{
	const struct hosts *only = &j->entry->only_from;
	const struct hosts *no = &j->entry->no_access;
	struct carried *s = &j->service;

	remark_names(j);
	s->from = only->networks;
	s->nfrom = only->is_set ? only->nnetworks : 0;
	s->not_from = no->networks;
	s->nnot_from = no->is_set ? no->nnetworks : 0;
	s->is_behind_mux = xinetd_is_behind_mux(j->entry);
	if (s->is_behind_mux)
		return NULL;
	return carry_bind(j->carry, s, value(j, XINETD_BIND));
}

/* A number with K or M behind it, or UNLIMITED. */
static const char *
read_rlimits(struct job *j)
{
	struct carried *s = &j->service;
	struct tcpmux_span text, digits;
	size_t i;

	for (i = 0; i < sizeof(rlimits) / sizeof(rlimits[0]); i++) {
		text = own(j, rlimits[i].attribute);
		if (text.p == NULL)
			continue;
		if (field_is(text, "UNLIMITED")) {
			carry_remark(j->carry, field_text(rlimits[i].name),
			    "UNLIMITED is as much as tcpmuxd itself may have");
			continue;
		}
		digits = text;
		if (text.len > 1 && strchr("kKmM", text.p[text.len - 1]))
			digits.len--;
		if (!field_is_digits(digits))
			return "its rlimits are not numbers";
		s->rlimits[s->nrlimits].name = rlimits[i].name;
		s->rlimits[s->nrlimits++].value = text;
	}
	return NULL;
}

/* An octal number, and one with a sign. */
static const char *
read_numbers(struct job *j)
{
	struct carried *s = &j->service;
	struct tcpmux_span digits;
	unsigned int number;
	size_t i;

	s->umask = value(j, XINETD_UMASK);
	for (i = 0; i < s->umask.len; i++)
		if (s->umask.p[i] < '0' || s->umask.p[i] > '7')
			return "its umask is not an octal number";
	s->nice = own(j, XINETD_NICE);
	digits = s->nice;
	if (digits.len > 0 && digits.p[0] == '-') {
		digits.p++;
		digits.len--;
	}
	if (s->nice.p != NULL && !field_number(digits, &number))
		return "its nice is not a number";
	return read_rlimits(j);
}

/* argv[0] is the last part of the path, unless NAMEINARGS says otherwise. */
static const char *
read_args(struct job *j)
{
	struct carried *s = &j->service;
	struct tcpmux_span rest = own(j, XINETD_SERVER_ARGS);
	struct tcpmux_span word;

	s->args = j->args;
	if (!field_has_word(own(j, XINETD_FLAGS), "NAMEINARGS"))
		j->args[s->nargs++] = field_last_part(s->target);
	while (field_word(&rest, &word)) {
		if (s->nargs == CARRY_WORDS_MAX)
			return "it has too many arguments";
		j->args[s->nargs++] = word;
	}
	return NULL;
}

static const char *
read_program(struct job *j)
{
	struct carried *s = &j->service;
	struct tcpmux_span groups = value(j, XINETD_GROUPS);
	const char *why;

	s->kind = CARRIED_EXEC;
	s->target = own(j, XINETD_SERVER);
	s->user = own(j, XINETD_USER);
	s->group = own(j, XINETD_GROUP);
	s->no_groups = !field_is(groups, "yes");
	if (groups.p != NULL && s->no_groups && !field_is(groups, "no"))
		return "its groups is neither yes nor no";
	s->program_replies =
	    has_type(j->entry, "TCPMUX") && !has_type(j->entry, "TCPMUXPLUS");
	s->env = j->entry->env;
	s->nenv = j->entry->nenv;
	why = read_numbers(j);
	return why != NULL ? why : read_args(j);
}

static const char *
read_redirect(struct job *j)
{
	struct carried *s = &j->service;
	struct tcpmux_span rest = own(j, XINETD_REDIRECT);
	unsigned int port;

	if (has_type(j->entry, "TCPMUX"))
		return "its back end says + itself, and here the relay does";
	s->kind = CARRIED_RELAY;
	(void)field_word(&rest, &s->target); /* Empty is checked for. */
	(void)field_word(&rest, &s->port);
	if (!field_number(s->port, &port) || port == 0 || port > 65535)
		return "the port of its redirect is not a number";
	return NULL;
}

static const char *
read_internal(struct job *j)
{
	struct carried *s = &j->service;

	s->kind = CARRIED_BUILTIN;
	s->target = s->name;
	if (field_is(s->name, "echo") || field_is(s->name, "discard") ||
	    field_is(s->name, "daytime"))
		return NULL;
	return "tcpmuxd has no such service of its own";
}

/* What is the same for the mux itself and for all others. */
static const char *
read_common(struct job *j)
{
	const char *why = j->entry->why;

	if (why == NULL)
		why = blame_sort(j);
	if (why == NULL)
		why = blame_restrictions(j);
	if (why == NULL)
		why = read_limits(j);
	return why;
}

static const char *
read_service(struct job *j)
{
	const char *why = read_access(j);

	if (why != NULL)
		return why;
	remark_flags(j);
	if (has_type(j->entry, "INTERNAL"))
		return read_internal(j);
	if (own(j, XINETD_REDIRECT).p != NULL)
		return read_redirect(j);
	return read_program(j);
}

/* A listener, if there is anything to say of it. */
static void
carry_mux(struct job *j)
{
	const struct xinetd_entry *e = j->entry;
	struct tcpmux_span address = value(j, XINETD_BIND);
	struct tcpmux_span port = own(j, XINETD_PORT);
	unsigned int number;
	struct access access = { e->only_from.networks,
		e->only_from.is_set ? e->only_from.nnetworks : 0,
		e->no_access.networks,
		e->no_access.is_set ? e->no_access.nnetworks : 0 };

	if (port.p != NULL &&
	    (!field_number(port, &number) || number > 65535)) {
		carry_refuse(j->carry, e->line, e->name,
		    "its port is not a number");
		return;
	}
	remark_names(j);
	if (j->service.max != 0 || j->service.max_per_source != 0 ||
	    j->service.rate != 0)
		carry_remark(j->carry, e->name,
		    "limits are of each service here: see max and rate");
	if (address.p == NULL && port.p == NULL && access.nfrom == 0 &&
	    access.nnot_from == 0) {
		carry_remark(j->carry, e->name, "it is always served");
		carry_begin(j->carry, e->line);
		return;
	}
	carry_listen(j->carry, e->line,
	    address.p != NULL ? address : field_text("*"), port, &access);
}

void
xinetd_carry(struct carry *c, const struct xinetd_entry *e,
    const struct xinetd_entry *defaults)
{
	struct job j = { .carry = c, .entry = e, .defaults = defaults };
	const char *why;

	j.service.line = e->line;
	j.service.name = e->name;
	j.service.id = e->value[XINETD_ID];
	why = read_common(&j);
	if (why == NULL && xinetd_is_mux(e)) {
		carry_mux(&j);
		return;
	}
	if (why == NULL)
		why = read_service(&j);
	if (why != NULL)
		carry_refuse(c, e->line, e->name, why);
	else
		carry_service(c, &j.service);
}
