/*
 * The types of values that are replies: the text of one, without its sign and
 * its end of line.
 */

#include <string.h>

#include "conf/value.h"

/* Set the span to a reply of this sign. */
static void
take_reply(struct taking *k, const struct option *o, const cfg_opt_t *values,
    void *base, char sign)
{
	const struct value *v = value_at(values, 0);
	struct tcpmux_reply reply = { sign, { v->text, strlen(v->text) } };
	struct tcpmux_span *field = value_field(o, base);
	char line[TCPMUX_REPLY_MAX + 1], *copy;
	ssize_t n;

	if (reply.text.len > 0 && !taking_is_printable(k, o, v))
		return;
	n = tcpmux_format_reply(line, TCPMUX_REPLY_MAX, reply);
	if (n < 0) {
		taking_say(k, v->line,
		    "%s: too long for a reply: write at most %d bytes", o->name,
		    TCPMUX_REPLY_MAX - 3);
		return;
	}
	copy = taking_alloc(k, (size_t)n);
	if (copy == NULL)
		return;
	memcpy(copy, line, (size_t)n);
	*field = (struct tcpmux_span){ copy, (size_t)n };
}

static void
take_ok(struct taking *k, const struct option *o, const cfg_opt_t *values,
    void *base)
{
	take_reply(k, o, values, base, '+');
}

static void
take_refusal(struct taking *k, const struct option *o, const cfg_opt_t *values,
    void *base)
{
	take_reply(k, o, values, base, '-');
}

static void
print_reply(FILE *f, const struct option *o, const void *base)
{
	const struct tcpmux_span *field = value_field_const(o, base);

	if (field->len >= 3)
		value_quote(f, field->p + 1, field->len - 3);
}

const struct option_type type_ok = { .take = take_ok, .print = print_reply };
const struct option_type type_refusal = { .take = take_refusal,
	.print = print_reply };
