/*
 * The types of values about the control socket: where it is, who may offer
 * names there, and who may read what the daemon knows.
 */

#include <string.h>

#include "conf/value.h"

/* The socket's path, or that there is none. */
static void
take_control(struct taking *k, const struct option *o, const cfg_opt_t *values,
    void *base)
{
	const struct value *v = value_at(values, 0);
	struct table *t = base;

	t->control = NULL;
	t->control_file = k->file;
	t->control_line = v->line;
	t->control_off = strcmp(v->text, "none") == 0;
	if (t->control_off || taking_is_long_path(k, o, v, v->text))
		return;
	if (v->text[0] != '/')
		taking_say(k, v->line,
		    "%s = %s: neither an absolute path nor none: begin it "
		    "with /, or write none",
		    o->name, v->text);
	else if (v->text[strlen(v->text) - 1] == '/')
		taking_say(k, v->line,
		    "%s = %s: the path of a folder: write that of a socket in "
		    "it",
		    o->name, v->text);
	else if (taking_is_printable(k, o, v))
		t->control = taking_copy(k, v->text);
}

static void
print_control(FILE *f, const struct option *o, const void *base)
{
	const struct table *t = base;

	(void)o;
	if (t->control_off)
		(void)fputs("none", f);
	else if (t->control != NULL)
		value_quote(f, t->control, strlen(t->control));
}

const struct option_type type_control = { .take = take_control,
	.print = print_control };

/* Can this be a glob of names?  If not, it is said. */
static bool
check_glob(struct taking *k, const struct option *o, const struct value *v,
    const char *glob)
{
	struct tcpmux_span span = { glob, strlen(glob) };

	switch (tcpmux_check_name(span)) {
	case TCPMUX_ERR_EMPTY:
		taking_say(k, v->line,
		    "%s = %s: no names behind the colon: write them, as in "
		    "web-*, or leave it out",
		    o->name, v->text);
		return false;
	case TCPMUX_ERR_BYTE:
		taking_say(k, v->line,
		    "%s = %s: names that cannot be: use printable ASCII "
		    "without spaces",
		    o->name, v->text);
		return false;
	case 0:
		if (span.len <= TCPMUX_OFFER_NAME_MAX)
			return true;
		break;
	default:
		break;
	}
	taking_say(k, v->line,
	    "%s: longer than any name that can be offered: write at most %d "
	    "bytes behind the colon",
	    o->name, TCPMUX_OFFER_NAME_MAX);
	return false;
}

/* Take USER or %GROUP; and GLOB, unless there is a reason against one. */
static void
take_offerer(struct taking *k, const struct option *o, const struct value *v,
    const char *no_glob, struct offerer *offerer)
{
	const char *colon = strchr(v->text, ':');
	size_t len =
	    colon != NULL ? (size_t)(colon - v->text) : strlen(v->text);

	if (!taking_is_printable(k, o, v))
		return;
	offerer->is_group = v->text[0] == '%';
	offerer->file = k->file;
	offerer->line = v->line;
	offerer->text = taking_copy(k, v->text);
	if (len == (offerer->is_group ? 1 : 0))
		taking_say(k, v->line,
		    "%s = %s: nobody is named: write USER or %%GROUP%s",
		    o->name, v->text,
		    no_glob == NULL ? ", and :NAMES behind it if you like" :
				      "");
	if (colon == NULL)
		return;
	if (no_glob != NULL)
		taking_say(k, v->line, "%s = %s: %s: leave %s out", o->name,
		    v->text, no_glob, colon);
	else if (check_glob(k, o, v, colon + 1) && offerer->text != NULL)
		offerer->glob = offerer->text + len + 1;
}

static void
take_all(struct taking *k, const struct option *o, const cfg_opt_t *values,
    void *base, const char *no_glob)
{
	struct offerer **field = value_field(o, base);
	size_t *count = (size_t *)(void *)((char *)base + o->count_offset);
	struct offerer *list;
	unsigned int i;

	list = taking_alloc(k, (values->nvalues + 1) * sizeof(*list));
	if (list == NULL)
		return;
	for (i = 0; i < values->nvalues; i++)
		take_offerer(k, o, value_at(values, i), no_glob, &list[i]);
	*field = list;
	*count = values->nvalues;
}

static void
take_offerers(struct taking *k, const struct option *o, const cfg_opt_t *values,
    void *base)
{
	take_all(k, o, values, base, NULL);
}

static void
take_service_offerers(struct taking *k, const struct option *o,
    const cfg_opt_t *values, void *base)
{
	take_all(k, o, values, base, "this service has its name");
}

static void
take_readers(struct taking *k, const struct option *o, const cfg_opt_t *values,
    void *base)
{
	take_all(k, o, values, base, "who reads, reads of all services");
}

static void
print_offerers(FILE *f, const struct option *o, const void *base)
{
	struct offerer *const *field = value_field_const(o, base);
	const size_t *count =
	    (const size_t *)(const void *)((const char *)base +
		o->count_offset);
	size_t i;

	(void)fputc('{', f); /* as all of f: whoever closes it, asks it */
	for (i = 0; i < *count; i++) {
		if (i > 0)
			(void)fputs(", ", f);
		value_quote(f, (*field)[i].text, strlen((*field)[i].text));
	}
	(void)fputc('}', f);
}

const struct option_type type_offerers = { .is_list = true,
	.may_be_empty = true,
	.take = take_offerers,
	.print = print_offerers };
const struct option_type type_service_offerers = { .is_list = true,
	.take = take_service_offerers,
	.print = print_offerers };
const struct option_type type_readers = { .is_list = true,
	.may_be_empty = true,
	.take = take_readers,
	.print = print_offerers };
