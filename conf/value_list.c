/*
 * The types of values that are lists: texts, names of services, networks; and
 * those that are made by the files that the text refers to.
 */

#include <string.h>

#include "conf/value.h"
#include "table/access.h"

static void
print_list(FILE *f, const char *const *list)
{
	size_t i;

	(void)fputc('{', f); /* as all of f: whoever closes it, asks it */
	for (i = 0; list != NULL && list[i] != NULL; i++) {
		if (i > 0)
			(void)fputs(", ", f);
		value_quote(f, list[i], strlen(list[i]));
	}
	(void)fputc('}', f);
}

static void
take_texts(struct taking *k, const struct option *o, const cfg_opt_t *values,
    void *base)
{
	const char *const **field = value_field(o, base);

	*field = taking_copy_all(k, values);
}

static void
print_texts(FILE *f, const struct option *o, const void *base)
{
	const char *const *const *field = value_field_const(o, base);

	print_list(f, *field);
}

void
taking_check_name(struct taking *k, int line, const char *name)
{
	static const struct tcpmux_span help = { "help", 4 };
	struct tcpmux_span span = { name, strlen(name) };

	switch (tcpmux_check_name(span)) {
	case TCPMUX_ERR_EMPTY:
		taking_say(k, line,
		    "a service without a name: write service \"NAME\" { ... }");
		return;
	case TCPMUX_ERR_LONG:
		taking_say(k, line,
		    "\"%s\": a name that is too long: it may have %d bytes",
		    name, TCPMUX_NAME_MAX);
		return;
	case TCPMUX_ERR_BYTE:
		taking_say(k, line,
		    "\"%s\": not a name of a service: use printable ASCII without "
		    "spaces",
		    name);
		return;
	default:
		break;
	}
	if (tcpmux_compare_names(span, help) == 0)
		taking_say(k, line,
		    "\"%s\": reserved by RFC 1078 for the list of services: "
		    "choose another name",
		    name);
	else if (name[0] == '+' || name[0] == '-')
		taking_say(k, line,
		    "\"%s\": begins like a reply: choose a name that does not "
		    "begin with + or -",
		    name);
}

static void
take_names(struct taking *k, const struct option *o, const cfg_opt_t *values,
    void *base)
{
	size_t *count = (size_t *)(void *)((char *)base + o->count_offset);
	unsigned int i;

	for (i = 0; i < values->nvalues; i++)
		taking_check_name(k, value_at(values, i)->line,
		    value_at(values, i)->text);
	take_texts(k, o, values, base);
	if (!k->is_out_of_memory)
		*count = values->nvalues;
}

const struct option_type type_texts = { .is_list = true,
	.take = take_texts,
	.print = print_texts };

/* No groups at all are not the same as those of the user. */
static void
print_groups(FILE *f, const struct option *o, const void *base)
{
	const char *const *const *field = value_field_const(o, base);

	if (*field != NULL)
		print_list(f, *field);
}

const struct option_type type_groups = { .is_list = true,
	.may_be_empty = true,
	.take = take_texts,
	.print = print_groups };
const struct option_type type_names = { .is_list = true,
	.may_be_empty = true,
	.take = take_names,
	.print = print_texts };

/* Networks */

static void
parse_network(struct taking *k, const struct option *o, const struct value *v,
    struct network *n)
{
	char meant[NETWORK_TEXT_MAX];

	switch (network_parse(v->text, n)) {
	case NETWORK_ERR_TEXT:
		taking_say(k, v->line,
		    "%s = %s: not a network: write ADDRESS or ADDRESS/BITS, "
		    "as in 10.0.0.0/8 or fd00::/8",
		    o->name, v->text);
		break;
	case NETWORK_ERR_BITS:
		taking_say(k, v->line,
		    "%s = %s: more bits than the address has: write at most "
		    "/32 for IPv4 and /128 for IPv6",
		    o->name, v->text);
		break;
	case NETWORK_ERR_HOST:
		network_format(n, meant);
		taking_say(k, v->line,
		    "%s = %s: bits are set behind the prefix: "
		    "did you mean %s?",
		    o->name, v->text, meant);
		break;
	default:
		break;
	}
}

static void
take_networks(struct taking *k, const struct option *o, const cfg_opt_t *values,
    void *base)
{
	const struct network **field = value_field(o, base);
	size_t *count = (size_t *)(void *)((char *)base + o->count_offset);
	struct network *list;
	unsigned int i;

	list = taking_alloc(k, (values->nvalues + 1) * sizeof(*list));
	if (list == NULL)
		return;
	for (i = 0; i < values->nvalues; i++)
		parse_network(k, o, value_at(values, i), &list[i]);
	*field = list;
	*count = values->nvalues;
}

static void
print_networks(FILE *f, const struct option *o, const void *base)
{
	const struct network *const *field = value_field_const(o, base);
	const size_t *count =
	    (const size_t *)(const void *)((const char *)base +
		o->count_offset);
	char text[NETWORK_TEXT_MAX];
	size_t i;

	(void)fputc('{', f);
	for (i = 0; i < *count; i++) {
		network_format(&(*field)[i], text);
		(void)fprintf(f, "%s\"%s\"", i > 0 ? ", " : "", text);
	}
	(void)fputc('}', f);
}

const struct option_type type_networks = { .is_list = true,
	.may_be_empty = true,
	.take = take_networks,
	.print = print_networks };

/* References */

/* They are noted as they are read, as each may stand more than once. */
static void
take_reference(struct taking *k, const struct option *o,
    const cfg_opt_t *values, void *base)
{
	(void)k;
	(void)o;
	(void)values;
	(void)base;
}

/* What they have brought is in the table, and is printed as such. */
static void
print_reference(FILE *f, const struct option *o, const void *base)
{
	(void)f;
	(void)o;
	(void)base;
}

const struct option_type type_reference = { .is_list = true,
	.take = take_reference,
	.print = print_reference };
