/*
 * The lines of an inetd.conf, of the BSD and GNU kind, as services of ours.
 *
 * The fields of a line are service, socket type, protocol, wait, user, program
 * and its arguments from argv[0] on.  Every line is read twice: first for the
 * address that the mux itself is bound to, then to be carried over.
 */

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "conf/carry.h"
#include "conf/field.h"
#include "conf/import.h"

/* One line, and those that continue it. */
struct entry {
	int line;
	struct tcpmux_span text; /* without what continues it */
	struct tcpmux_span address;
	struct tcpmux_span name;
	struct tcpmux_span type;
	struct tcpmux_span protocol;
	struct tcpmux_span wait;
	struct tcpmux_span user;
	struct tcpmux_span program;
	struct tcpmux_span args[CARRY_WORDS_MAX];
	size_t nargs;
	const char *why; /* it cannot be carried over, or NULL */
};

struct inetd {
	struct carry carry;
	struct field scan;
	struct tcpmux_span address; /* of lines that name none */
	struct entry entry;
};

/* A word that begins with a quote ends with it, as FreeBSD and GNU have it. */
static bool
take_word(struct tcpmux_span *rest, struct tcpmux_span *word)
{
	char quote;

	*rest = field_trim(*rest);
	if (rest->len == 0 || (rest->p[0] != '"' && rest->p[0] != '\''))
		return field_word(rest, word);
	quote = *rest->p++;
	rest->len--;
	*word = *rest;
	if (!field_cut(word, quote, rest))
		rest->len = 0;
	return true;
}

static void
take_args(struct entry *e, struct tcpmux_span rest)
{
	struct tcpmux_span word;

	while (take_word(&rest, &word)) {
		if (e->nargs == CARRY_WORDS_MAX) {
			e->why = "it has too many arguments";
			return;
		}
		if (field_has(word, '\0'))
			e->why = "there is a NUL in it";
		e->args[e->nargs++] = word;
	}
}

/*
 * Does a line that begins with white space continue the one before, as BSD has
 * it?  Not if its second word is a socket type: then it is a line for GNU.
 */
static bool
is_continued(struct tcpmux_span line)
{
	static const char *const types[] = { "stream", "dgram", "raw", "rdm",
		"seqpacket" };
	struct tcpmux_span rest = line, word;
	size_t i;

	if (line.len == 0 || (line.p[0] != ' ' && line.p[0] != '\t'))
		return false;
	if (!field_word(&rest, &word) || word.p[0] == '#')
		return false;
	if (!field_word(&rest, &word))
		return true;
	for (i = 0; i < sizeof(types) / sizeof(types[0]); i++)
		if (field_is(word, types[i]))
			return false;
	return true;
}

/* Set the address and the name from the first field. */
static void
split_service(struct inetd *in)
{
	struct entry *e = &in->entry;
	size_t i, colon = e->name.len;

	/* A slash ends the search: names of the mux may have colons. */
	for (i = 0; i < e->name.len && e->name.p[i] != '/'; i++)
		if (e->name.p[i] == ':')
			colon = i;
	e->address = in->address;
	if (colon == e->name.len)
		return;
	e->address.p = e->name.p;
	e->address.len = colon;
	e->name.p += colon + 1;
	e->name.len -= colon + 1;
	if (e->address.len > 2 && e->address.p[0] == '[' &&
	    e->address.p[e->address.len - 1] == ']') {
		e->address.p++;
		e->address.len -= 2;
	}
}

/* Set the fields from the text; all that are missing are empty. */
static void
split_fields(struct inetd *in)
{
	struct entry *e = &in->entry;
	struct tcpmux_span rest = e->text;
	struct tcpmux_span *const fields[] = { &e->name, &e->type, &e->protocol,
		&e->wait, &e->user };
	size_t i;

	for (i = 0; i < sizeof(fields) / sizeof(fields[0]); i++)
		(void)field_word(&rest, fields[i]); /* Empty is checked for. */
	(void)take_word(&rest, &e->program);
	take_args(e, rest);
	if (field_has(e->text, '\0'))
		e->why = "there is a NUL in it";
	split_service(in);
}

/* Read the next line that is no comment; false at the end. */
static bool
read_entry(struct inetd *in)
{
	struct entry *e = &in->entry;
	struct field after;
	struct tcpmux_span line;

	do {
		if (!field_line(&in->scan, &line))
			return false;
		line = field_trim(line);
	} while (line.len == 0 || line.p[0] == '#');
	memset(e, 0, offsetof(struct entry, args));
	e->nargs = 0;
	e->why = NULL;
	e->line = in->scan.line;
	e->text = line;
	split_fields(in);
	after = in->scan;
	while (field_line(&after, &line) && is_continued(line)) {
		take_args(e, line);
		in->scan = after;
	}
	if (e->nargs == 0)
		e->args[e->nargs++] = field_last_part(e->program);
	return true;
}

/* A line with no more than "ADDRESS:" is about those that follow. */
static bool
is_address_line(const struct entry *e)
{
	return e->type.len == 0 && e->name.len == 0 && e->address.len > 0 &&
	    e->why == NULL;
}

static bool
is_mux(const struct entry *e)
{
	return field_is(e->name, "tcpmux") && field_is(e->program, "internal");
}

/* Why an entry is nothing for a mux, or NULL. */
static const char *
blame_entry(const struct entry *e)
{
	if (e->why != NULL)
		return e->why;
	if (e->program.len == 0)
		return "it has too few fields";
	if (field_starts(e->protocol, "rpc/"))
		return "RPC finds its services by port";
	if (!field_is(e->type, "stream"))
		return "only streams go through the mux";
	if (!field_starts(e->protocol, "tcp"))
		return "only TCP goes through the mux";
	if (!field_starts(e->wait, "nowait") && !field_starts(e->wait, "wait"))
		return "its fourth field is neither wait nor nowait";
	if (!field_starts(e->wait, "nowait"))
		return "its program wants to accept connections itself";
	return NULL;
}

/* nowait[.RATE] or nowait[:RATE] or nowait[/MAX[/PER-MINUTE[/PER-SOURCE]]]. */
static const char *
read_limits(struct carry *c, const struct entry *e, struct carried *s)
{
	struct tcpmux_span rest = e->wait, field;
	unsigned int numbers[3] = { 0 };
	size_t n = 0;
	char kind;

	rest.p += strlen("nowait");
	rest.len -= strlen("nowait");
	if (rest.len == 0)
		return NULL;
	kind = rest.p[0];
	rest.p++;
	rest.len--;
	do {
		field = rest;
		if (!field_cut(&field, '/', &rest))
			rest.len = 0;
		if (n == 3 || !field_number(field, &numbers[n++]))
			return "its limits are not numbers";
	} while (rest.len > 0);
	if (kind == '/') {
		s->max = numbers[0];
		s->max_per_source = numbers[2];
		if (numbers[1] != 0)
			carry_remark(c, e->wait,
			    "there is no limit a minute and source here");
		return NULL;
	}
	s->rate = numbers[0];
	s->rate_period = "1m";
	return (kind == '.' || kind == ':') && n == 1 ?
	    NULL :
	    "its limits are not numbers";
}

/* USER[:GROUP][/CLASS] or USER.GROUP. */
static void
read_user(struct carry *c, const struct entry *e, struct carried *s)
{
	struct tcpmux_span class = { NULL, 0 };

	s->user = e->user;
	if (field_cut(&s->user, '/', &class))
		carry_remark(c, class, "there are no login classes here");
	if (!field_cut(&s->user, ':', &s->group))
		(void)field_cut(&s->user, '.', &s->group); /* It may be none. */
}

/* The variants of TCP say what inetd does with its own sockets. */
static void
remark_protocol(struct carry *c, const struct entry *e)
{
	if (field_has(e->protocol, ','))
		carry_remark(c, e->protocol,
		    "the sizes of buffers are the system's");
	else if (!field_is(e->protocol, "tcp"))
		carry_remark(c, e->protocol,
		    "the listeners decide about IPv4 and IPv6");
}

static const char *
read_internal(const struct entry *e, struct carried *s)
{
	s->kind = CARRIED_BUILTIN;
	s->target = s->name;
	if (field_is(e->name, "echo") || field_is(e->name, "discard") ||
	    field_is(e->name, "daytime"))
		return NULL;
	return "tcpmuxd has no such service of its own";
}

/* Cut start off the beginning of *s, if it is there. */
static bool
cut_start(struct tcpmux_span *s, const char *start)
{
	if (!field_starts(*s, start))
		return false;
	s->p += strlen(start);
	s->len -= strlen(start);
	return true;
}

/* Set *s from the entry.  Returns NULL, or why it cannot be carried over. */
static const char *
read_service(struct inetd *in, struct carried *s)
{
	const struct entry *e = &in->entry;
	const char *why = blame_entry(e);

	*s = (struct carried){ .line = e->line, .name = e->name };
	if (why == NULL)
		why = read_limits(&in->carry, e, s);
	if (why != NULL)
		return why;
	remark_protocol(&in->carry, e);
	s->is_behind_mux = cut_start(&s->name, "tcpmux/");
	if (s->is_behind_mux)
		s->program_replies = !cut_start(&s->name, "+");
	else
		why = carry_bind(&in->carry, s, e->address);
	if (why == NULL && field_is(e->program, "internal"))
		return read_internal(e, s);
	read_user(&in->carry, e, s);
	s->target = e->program;
	s->args = e->args;
	s->nargs = e->nargs;
	return why;
}

/* The addresses of the mux, which may be several with commas. */
static void
carry_mux(struct inetd *in)
{
	const struct entry *e = &in->entry;
	struct tcpmux_span address = e->address, rest;
	struct access everybody = { 0 };

	if (!field_is(e->wait, "nowait"))
		carry_remark(&in->carry, e->wait,
		    "limits are of each service here: see max and rate");
	if (address.len == 0 && field_is(e->protocol, "tcp4"))
		address = field_text("0.0.0.0");
	else if (address.len == 0 && field_is(e->protocol, "tcp6only"))
		address = field_text("::");
	if (address.len == 0 || field_is(address, "*")) {
		carry_remark(&in->carry, e->name, "it is always served");
		carry_begin(&in->carry, e->line);
		return;
	}
	do {
		rest.len = 0;
		(void)field_cut(&address, ',', &rest); /* The last has none. */
		carry_listen(&in->carry, e->line, address,
		    (struct tcpmux_span){ NULL, 0 }, &everybody);
		address = rest;
	} while (address.len > 0);
}

static void
carry_entry(struct inetd *in)
{
	struct carried s;
	const char *why;

	if (is_mux(&in->entry) && blame_entry(&in->entry) == NULL) {
		carry_mux(in);
		return;
	}
	why = read_service(in, &s);
	if (why != NULL)
		carry_refuse(&in->carry, s.line, in->entry.text, why);
	else
		carry_service(&in->carry, &s);
}

/* Learn what must be known before the first line is carried over. */
static void
survey_entry(struct inetd *in)
{
	struct tcpmux_span name = in->entry.name;

	if (is_mux(&in->entry))
		in->carry.mux_address = in->entry.address;
	if (blame_entry(&in->entry) != NULL || !cut_start(&name, "tcpmux/"))
		return;
	(void)cut_start(&name, "+"); /* It need not be there. */
	carry_reserve(&in->carry, name);
}

/* Go through all lines. */
static void
read_text(struct inetd *in, struct tcpmux_span text, bool is_survey)
{
	in->scan = (struct field){ text, 0 };
	in->address = (struct tcpmux_span){ NULL, 0 };
	while (!carry_has_failed(&in->carry) && read_entry(in)) {
		if (is_address_line(&in->entry))
			in->address = in->entry.address;
		else if (!is_survey)
			carry_entry(in);
		else
			survey_entry(in);
	}
}

char *
import_inetd(const char *file, const char *text, size_t len)
{
	struct inetd *in;
	char *written;
	int saved;

	if (len > IMPORT_MAX) {
		errno = E2BIG;
		return NULL;
	}
	in = malloc(sizeof(*in));
	if (in == NULL)
		return NULL;
	carry_init(&in->carry, field_text(file), IMPORT_WRITTEN_MAX);
	read_text(in, (struct tcpmux_span){ text, len }, true);
	read_text(in, (struct tcpmux_span){ text, len }, false);
	written = carry_take(&in->carry);
	saved = errno;
	free(in);
	errno = saved;
	return written;
}
