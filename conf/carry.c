/*
 * A service of inetd or xinetd, written in our form; or a comment that says
 * why there is none.
 */

#include <ctype.h>
#include <errno.h>
#include <string.h>

#include "conf/carry.h"
#include "conf/field.h"

/* What remarks on one service may take; the rest is cut off. */
#define REMARKS_MAX 65536

/* 127.0.0.0/8 and ::1, whence this machine speaks to itself. */
static const struct network loopbacks[] = {
	{ { 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 127 }, 104 },
	{ { 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1 }, 128 },
};

#define LOOPBACKS (sizeof(loopbacks) / sizeof(loopbacks[0]))

void
carry_init(struct carry *c, struct tcpmux_span file, size_t max)
{
	*c = (struct carry){ .file = file };
	emit_init(&c->out, max);
	emit_init(&c->remarks, REMARKS_MAX);
	emit_format(&c->out, "# Carried over from ");
	emit_shown(&c->out, file);
	emit_format(&c->out, "; see tcpmuxd-import(7).\n");
}

void
carry_reserve(struct carry *c, struct tcpmux_span name)
{
	if (nameset_add(&c->reserved, name, 1) == -1)
		c->out.error = ENOMEM;
}

bool
carry_has_failed(const struct carry *c)
{
	return c->out.error != 0;
}

static void
carry_clear(struct carry *c)
{
	emit_clear(&c->out);
	emit_clear(&c->remarks);
	nameset_clear(&c->names);
	nameset_clear(&c->reserved);
	nameset_clear(&c->addresses);
}

char *
carry_take(struct carry *c)
{
	char *text = emit_take(&c->out);
	int saved = errno;

	carry_clear(c);
	errno = saved;
	return text;
}

void
carry_remark(struct carry *c, struct tcpmux_span what, const char *text)
{
	emit_format(&c->remarks, "#\t");
	emit_shown(&c->remarks, what);
	emit_format(&c->remarks, ": %s\n", text);
	if (c->remarks.error == ENOMEM)
		c->out.error = ENOMEM;
}

static void
write_place(struct carry *c, int line)
{
	emit_format(&c->out, "\n# ");
	emit_shown(&c->out, c->file);
	emit_format(&c->out, ":%d", line);
}

/* Write and forget the remarks; too many of them are said to be so. */
static void
write_remarks(struct carry *c)
{
	emit_bytes(&c->out, c->remarks.text, c->remarks.len);
	if (c->remarks.error == E2BIG)
		emit_format(&c->out, "\n#\tand more that is too long\n");
	emit_restart(&c->remarks);
	c->remarks.error = 0;
}

void
carry_begin(struct carry *c, int line)
{
	write_place(c, line);
	emit_format(&c->out, "\n");
	write_remarks(c);
}

void
carry_refuse(struct carry *c, int line, struct tcpmux_span what,
    const char *why)
{
	write_place(c, line);
	emit_format(&c->out, ": not carried over: %s\n#\t", why);
	emit_shown(&c->out, what);
	emit_format(&c->out, "\n");
	write_remarks(c);
}

/* Why name can be no service's, or NULL. */
static const char *
blame_name(struct tcpmux_span name)
{
	switch (tcpmux_check_name(name)) {
	case 0:
		break;
	case TCPMUX_ERR_EMPTY:
		return "it has no name";
	case TCPMUX_ERR_LONG:
		return "its name is longer than 255 bytes";
	default:
		return "its name is not printable ASCII";
	}
	if (name.p[0] == '+' || name.p[0] == '-')
		return "its name begins like a reply";
	if (tcpmux_compare_names(name, field_text("help")) == 0 ||
	    tcpmux_compare_names(name, field_text("tcpmux")) == 0)
		return "its name is reserved";
	return NULL;
}

static bool
has_control(struct tcpmux_span s)
{
	size_t i;

	for (i = 0; i < s.len; i++)
		if ((unsigned char)s.p[i] < ' ' || s.p[i] == 0x7f)
			return true;
	return false;
}

static const char *
blame_target(const struct carried *s)
{
	if (s->kind != CARRIED_EXEC)
		return NULL;
	if (s->user.len == 0)
		return "it has no user";
	if (s->target.len == 0 || s->target.p[0] != '/')
		return "the path of its program does not begin with /";
	if (s->nargs == 0)
		return "its program is given no argv[0]";
	if (has_control(s->user) || has_control(s->group) ||
	    has_control(s->target) || has_control(s->args[0]))
		return "it has control characters where none can be";
	return NULL;
}

static bool
is_taken(const struct carry *c, const struct carried *s,
    struct tcpmux_span name)
{
	if (!s->is_behind_mux && nameset_find(&c->reserved, name) != 0)
		return true;
	return nameset_find(&c->names, name) != 0;
}

/* Give s a name that is free.  Returns NULL, or why there is none. */
static const char *
choose_name(struct carry *c, struct carried *s)
{
	const char *why = blame_name(s->name);

	if (why != NULL)
		return why;
	if (is_taken(c, s, s->name)) {
		if (s->is_behind_mux || s->id.len == 0 ||
		    blame_name(s->id) != NULL || is_taken(c, s, s->id))
			return "another service has its name already";
		carry_remark(c, s->name,
		    "another service has this name, so its id is used");
		s->name = s->id;
	}
	if (nameset_add(&c->names, s->name, s->line) == -1)
		c->out.error = ENOMEM;
	return NULL;
}

static void
write_string(struct carry *c, const char *option, struct tcpmux_span value)
{
	if (value.len == 0)
		return;
	emit_format(&c->out, "\t%s = ", option);
	emit_quoted(&c->out, value);
	emit_format(&c->out, "\n");
}

/* A value that needs no quotes. */
static void
write_word(struct carry *c, const char *option, struct tcpmux_span value)
{
	if (value.len == 0)
		return;
	emit_format(&c->out, "\t%s = ", option);
	emit_bytes(&c->out, value.p, value.len);
	emit_format(&c->out, "\n");
}

static void
write_number(struct carry *c, const char *option, unsigned int value)
{
	if (value != 0)
		emit_format(&c->out, "\t%s = %u\n", option, value);
}

/* The strings of a list; it has been opened by whoever calls. */
static void
write_items(struct carry *c, const struct tcpmux_span *items, size_t nitems)
{
	size_t i;

	for (i = 0; i < nitems; i++) {
		if (i > 0)
			emit_format(&c->out, ", ");
		emit_quoted(&c->out, items[i]);
	}
	emit_format(&c->out, "}\n");
}

static void
write_networks(struct carry *c, const char *option,
    const struct network *networks, size_t nnetworks)
{
	char text[NETWORK_TEXT_MAX];
	size_t i;

	if (nnetworks == 0)
		return;
	emit_format(&c->out, "\t%s = {", option);
	for (i = 0; i < nnetworks; i++) {
		network_format(&networks[i], text);
		emit_format(&c->out, "%s\"%s\"", i > 0 ? ", " : "", text);
	}
	emit_format(&c->out, "}\n");
}

static void
write_rlimits(struct carry *c, const struct carried *s)
{
	struct tcpmux_span value; /* only digits, and K or M in any case */
	size_t i, j;

	if (s->nrlimits == 0)
		return;
	emit_format(&c->out, "\trlimits = {");
	for (i = 0; i < s->nrlimits; i++) {
		emit_format(&c->out, "%s\"%s=", i > 0 ? ", " : "",
		    s->rlimits[i].name);
		value = s->rlimits[i].value;
		for (j = 0; j < value.len; j++)
			emit_format(&c->out, "%c", toupper(value.p[j]));
		emit_format(&c->out, "\"");
	}
	emit_format(&c->out, "}\n");
}

/*
 * An inetd gives the program its connection as standard error, too.  What
 * runs as root may log people in, whose su and sudo must go on working.
 */
static void
write_program(struct carry *c, const struct carried *s)
{
	emit_format(&c->out, "\texec = {");
	emit_quoted(&c->out, s->target);
	if (s->nargs > 1)
		emit_format(&c->out, ", ");
	write_items(c, s->args + 1, s->nargs - 1);
	if (s->args[0].len != s->target.len ||
	    memcmp(s->args[0].p, s->target.p, s->target.len) != 0)
		write_string(c, "argv0", s->args[0]);
	write_string(c, "user", s->user);
	write_string(c, "group", s->group);
	if (s->no_groups)
		emit_format(&c->out, "\tgroups = {}\n");
	write_word(c, "umask", s->umask);
	write_word(c, "nice", s->nice);
	write_rlimits(c, s);
	if (s->nenv > 0) {
		emit_format(&c->out, "\tenvironment = {");
		write_items(c, s->env, s->nenv);
	}
	emit_format(&c->out, "\tstderr = socket\n");
	if (field_is(s->user, "root") || field_is(s->user, "0"))
		emit_format(&c->out, "\tno-new-privileges = false\n");
	if (s->program_replies)
		emit_format(&c->out, "\treply = service\n");
}

static void
write_relay(struct carry *c, const struct carried *s)
{
	char text[TCPMUX_NAME_MAX + 1];
	size_t len = 0;
	bool bare = field_has(s->target, ':');

	/* Both have been checked to be short by whoever has read them. */
	if (bare)
		text[len++] = '[';
	memcpy(text + len, s->target.p, s->target.len);
	len += s->target.len;
	if (bare)
		text[len++] = ']';
	text[len++] = ':';
	memcpy(text + len, s->port.p, s->port.len);
	len += s->port.len;
	write_string(c, "relay", (struct tcpmux_span){ text, len });
}

static void
write_service(struct carry *c, const struct carried *s)
{
	emit_format(&c->out, "service ");
	emit_quoted(&c->out, s->name);
	emit_format(&c->out, " {\n");
	switch (s->kind) {
	case CARRIED_EXEC:
		write_program(c, s);
		break;
	case CARRIED_RELAY:
		write_relay(c, s);
		break;
	case CARRIED_BUILTIN:
		write_word(c, "builtin", s->target);
		break;
	}
	write_networks(c, "from", s->from, s->nfrom);
	write_networks(c, "not-from", s->not_from, s->nnot_from);
	write_number(c, "max", s->max);
	write_number(c, "max-per-source", s->max_per_source);
	if (s->rate != 0)
		emit_format(&c->out, "\trate = \"%u/%s\"\n", s->rate,
		    s->rate_period);
	emit_format(&c->out, "}\n");
}

void
carry_service(struct carry *c, struct carried *s)
{
	const char *why = blame_target(s);

	if (why == NULL && s->target.len + s->port.len + 3 > TCPMUX_NAME_MAX &&
	    s->kind == CARRIED_RELAY)
		why = "the name of its back end is too long";
	if (why == NULL)
		why = choose_name(c, s);
	if (why != NULL) {
		carry_refuse(c, s->line, s->name, why);
		return;
	}
	carry_begin(c, s->line);
	write_service(c, s);
}

static bool
is_loopback(const struct network *n)
{
	size_t i;

	for (i = 0; i < LOOPBACKS; i++)
		if (n->bits >= loopbacks[i].bits &&
		    network_has(&loopbacks[i], n->address))
			return true;
	return false;
}

/* Is text an address of this machine that only itself can reach? */
static bool
is_loopback_text(struct tcpmux_span text)
{
	char copy[NETWORK_TEXT_MAX];
	struct network n;

	if (field_is(text, "localhost"))
		return true;
	if (text.len >= sizeof(copy))
		return false;
	memcpy(copy, text.p, text.len);
	copy[text.len] = '\0';
	return network_parse(copy, &n) == 0 && is_loopback(&n);
}

static bool
is_everywhere(struct tcpmux_span address)
{
	return address.len == 0 || field_is(address, "*") ||
	    field_is(address, "0.0.0.0") || field_is(address, "::");
}

const char *
carry_bind(struct carry *c, struct carried *s, struct tcpmux_span address)
{
	size_t i;

	if (address.len > 0 && address.len == c->mux_address.len &&
	    memcmp(address.p, c->mux_address.p, address.len) == 0)
		return NULL;
	if (is_everywhere(address)) {
		if (!is_everywhere(c->mux_address))
			carry_remark(c, s->name,
			    "it was bound to more addresses than the mux is");
		return NULL;
	}
	if (!is_loopback_text(address))
		return "it was bound to an address, and the mux is not: "
		       "write it with a from = {...}";
	for (i = 0; i < s->nfrom; i++)
		if (!is_loopback(&s->from[i]))
			return "it was bound to this machine and let others "
			       "in: write it with a from = {...}";
	if (s->nfrom == 0) {
		s->from = loopbacks;
		s->nfrom = LOOPBACKS;
	}
	return NULL;
}

void
carry_listen(struct carry *c, int line, struct tcpmux_span address,
    struct tcpmux_span port, const struct access *access)
{
	if (field_is(address, "localhost"))
		address = field_text("127.0.0.1");
	if (nameset_find(&c->addresses, address) != 0) {
		carry_refuse(c, line, address,
		    "there is a listener at this address already");
		return;
	}
	if (nameset_add(&c->addresses, address, line) == -1)
		c->out.error = ENOMEM;
	carry_begin(c, line);
	emit_format(&c->out, "listen ");
	emit_quoted(&c->out, address);
	emit_format(&c->out, " {\n");
	write_word(c, "port", port.len > 0 ? port : field_text("1"));
	write_networks(c, "from", access->from, access->nfrom);
	write_networks(c, "not-from", access->not_from, access->nnot_from);
	emit_format(&c->out, "}\n");
}
