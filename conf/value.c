/*
 * The types of values that options of several sections take.
 */

#include <string.h>

#include "conf/units.h"
#include "conf/value.h"

void *
value_field(const struct option *o, void *base)
{
	return (char *)base + o->offset;
}

const void *
value_field_const(const struct option *o, const void *base)
{
	return (const char *)base + o->offset;
}

const struct value *
value_at(const cfg_opt_t *values, unsigned int i)
{
	return values->values[i]->ptr;
}

const char *const *
taking_copy_all(struct taking *k, const cfg_opt_t *values)
{
	const char **list;
	unsigned int i;

	list = taking_alloc(k, (values->nvalues + 1) * sizeof(*list));
	if (list == NULL)
		return NULL;
	for (i = 0; i < values->nvalues; i++) {
		list[i] = taking_copy(k, value_at(values, i)->text);
		if (list[i] == NULL)
			return NULL;
	}
	return list;
}

bool
taking_is_printable(struct taking *k, const struct option *o,
    const struct value *v)
{
	const char *p;

	for (p = v->text; *p != '\0'; p++)
		if ((unsigned char)*p < ' ' || *p == 0x7f)
			break;
	if (*p == '\0' && p != v->text)
		return true;
	if (*p == '\0')
		taking_say(k, v->line,
		    "%s = \"\": empty: write what it is, or leave it out",
		    o->name);
	else
		taking_say(k, v->line,
		    "%s = \"%s\": a control character: leave it out", o->name,
		    v->text);
	return false;
}

void
value_quote(FILE *f, const char *text, size_t len)
{
	size_t i;

	(void)fputc('"', f); /* as all of f: whoever closes it, asks it */
	for (i = 0; i < len; i++) {
		if (text[i] == '"' || text[i] == '\\' || text[i] == '$')
			(void)fprintf(f, "\\%c", text[i]);
		else if ((unsigned char)text[i] < ' ' || text[i] == 0x7f)
			(void)fprintf(f, "\\x%02x", (unsigned char)text[i]);
		else
			(void)fputc(text[i], f);
	}
	(void)fputc('"', f);
}

/* Text */

static void
take_text(struct taking *k, const struct option *o, const cfg_opt_t *values,
    void *base)
{
	const struct value *v = value_at(values, 0);
	const char **field = value_field(o, base);

	if (taking_is_printable(k, o, v))
		*field = taking_copy(k, v->text);
}

static void
take_path(struct taking *k, const struct option *o, const cfg_opt_t *values,
    void *base)
{
	const struct value *v = value_at(values, 0);

	if (v->text[0] == '/')
		take_text(k, o, values, base);
	else
		taking_say(k, v->line,
		    "%s = %s: not an absolute path: begin it with /", o->name,
		    v->text);
}

static void
print_text(FILE *f, const struct option *o, const void *base)
{
	const char *const *field = value_field_const(o, base);

	if (*field != NULL)
		value_quote(f, *field, strlen(*field));
}

const struct option_type type_text = { .take = take_text, .print = print_text };
const struct option_type type_path = { .take = take_path, .print = print_text };

/* Choices */

static void
say_choices(struct taking *k, const struct option *o, const struct value *v)
{
	char list[256] = "";
	const char *between = "";
	size_t i, used = 0;

	for (i = 0; o->words[i] != NULL; i++) {
		if (i > 0)
			between = o->words[i + 1] == NULL ? " or " : ", ";
		used += (size_t)snprintf(list + used, sizeof(list) - used,
		    "%s%s", between, o->words[i]);
		if (used >= sizeof(list))
			break;
	}
	taking_say(k, v->line, "%s = %s: not one of its values: write %s",
	    o->name, v->text, list);
}

int
taking_find_word(struct taking *k, const struct option *o,
    const struct value *v)
{
	int i;

	for (i = 0; o->words[i] != NULL; i++)
		if (strcmp(v->text, o->words[i]) == 0)
			return i;
	say_choices(k, o, v);
	return -1;
}

static void
take_word(struct taking *k, const struct option *o, const cfg_opt_t *values,
    void *base)
{
	unsigned int *field = value_field(o, base);
	int i = taking_find_word(k, o, value_at(values, 0));

	if (i >= 0)
		*field = (unsigned int)i;
}

static void
print_word(FILE *f, const struct option *o, const void *base)
{
	const unsigned int *field = value_field_const(o, base);

	(void)fputs(o->words[*field], f);
}

static void
take_flag(struct taking *k, const struct option *o, const cfg_opt_t *values,
    void *base)
{
	bool *field = value_field(o, base);
	int i = taking_find_word(k, o, value_at(values, 0));

	if (i >= 0)
		*field = i == 1;
}

static void
print_flag(FILE *f, const struct option *o, const void *base)
{
	const bool *field = value_field_const(o, base);

	(void)fputs(o->words[*field ? 1 : 0], f);
}

static void
set_bool(struct taking *k, const struct option *o, const struct value *v,
    bool *field, bool inverted)
{
	int b = cfg_parse_boolean(v->text);

	if (b >= 0)
		*field = (b == 1) != inverted;
	else
		taking_say(k, v->line,
		    "%s = %s: neither true nor false: write true or false",
		    o->name, v->text);
}

static void
take_bool(struct taking *k, const struct option *o, const cfg_opt_t *values,
    void *base)
{
	set_bool(k, o, value_at(values, 0), value_field(o, base), false);
}

static void
take_not(struct taking *k, const struct option *o, const cfg_opt_t *values,
    void *base)
{
	set_bool(k, o, value_at(values, 0), value_field(o, base), true);
}

static void
print_bool(FILE *f, const struct option *o, const void *base)
{
	const bool *field = value_field_const(o, base);

	(void)fputs(*field ? "true" : "false", f);
}

static void
print_not(FILE *f, const struct option *o, const void *base)
{
	const bool *field = value_field_const(o, base);

	(void)fputs(*field ? "false" : "true", f);
}

const struct option_type type_word = { .take = take_word, .print = print_word };
const struct option_type type_flag = { .take = take_flag, .print = print_flag };
const struct option_type type_bool = { .take = take_bool, .print = print_bool };
const struct option_type type_not = { .take = take_not, .print = print_not };

/* Numbers */

/* A kind of number: how it is parsed and written, and what is said of it. */
struct number {
	int (*parse)(const char *text, uint64_t *value);
	void (*format)(uint64_t value, char text[static UNITS_TEXT_MAX]);
	const char *what;
};

static void
format_count(uint64_t value, char text[static UNITS_TEXT_MAX])
{
	(void)snprintf(text, UNITS_TEXT_MAX, "%llu", (unsigned long long)value);
}

static const struct number counts = { units_parse_count, format_count,
	"a whole number" };
static const struct number times = { units_parse_time, units_format_time,
	"a time, as in 250ms, 10s, 5m, 2h or 1d" };
static const struct number sizes = { units_parse_size, units_format_size,
	"a size, as in 4096, 64K, 10M or 1G" };

/* Set *value from v, which must be such a number in the bounds of o. */
static bool
parse_number(struct taking *k, const struct option *o, const struct value *v,
    const struct number *n, uint64_t *value)
{
	char min[UNITS_TEXT_MAX], max[UNITS_TEXT_MAX];
	int e = n->parse(v->text, value);

	if (e == 0 && *value >= o->min && *value <= o->max)
		return true;
	n->format(o->min, min);
	n->format(o->max, max);
	if (e == UNITS_ERR_TEXT)
		taking_say(k, v->line, "%s = %s: not %s: write %s to %s",
		    o->name, v->text, n->what, min, max);
	else
		taking_say(k, v->line, "%s = %s: out of range: write %s to %s",
		    o->name, v->text, min, max);
	return false;
}

static void
take_count(struct taking *k, const struct option *o, const cfg_opt_t *values,
    void *base)
{
	uint32_t *field = value_field(o, base);
	uint64_t n;

	if (parse_number(k, o, value_at(values, 0), &counts, &n))
		*field = (uint32_t)n;
}

static void
print_count(FILE *f, const struct option *o, const void *base)
{
	const uint32_t *field = value_field_const(o, base);

	(void)fprintf(f, "%u", *field);
}

static void
take_port(struct taking *k, const struct option *o, const cfg_opt_t *values,
    void *base)
{
	uint16_t *field = value_field(o, base);
	uint64_t n;

	if (parse_number(k, o, value_at(values, 0), &counts, &n))
		*field = (uint16_t)n;
}

static void
print_port(FILE *f, const struct option *o, const void *base)
{
	const uint16_t *field = value_field_const(o, base);

	(void)fprintf(f, "%u", *field);
}

static void
take_time(struct taking *k, const struct option *o, const cfg_opt_t *values,
    void *base)
{
	uint32_t *field = value_field(o, base);
	uint64_t n;

	if (parse_number(k, o, value_at(values, 0), &times, &n))
		*field = (uint32_t)n;
}

static void
print_time(FILE *f, const struct option *o, const void *base)
{
	const uint32_t *field = value_field_const(o, base);
	char text[UNITS_TEXT_MAX];

	units_format_time(*field, text);
	(void)fputs(text, f);
}

static void
take_size(struct taking *k, const struct option *o, const cfg_opt_t *values,
    void *base)
{
	(void)parse_number(k, o, value_at(values, 0), &sizes,
	    value_field(o, base)); /* or it is said, and nothing is used */
}

static void
print_size(FILE *f, const struct option *o, const void *base)
{
	const uint64_t *field = value_field_const(o, base);
	char text[UNITS_TEXT_MAX];

	units_format_size(*field, text);
	(void)fputs(text, f);
}

const struct option_type type_count = { .take = take_count,
	.print = print_count };
const struct option_type type_port = { .take = take_port, .print = print_port };
const struct option_type type_time = { .take = take_time, .print = print_time };
const struct option_type type_size = { .take = take_size, .print = print_size };

/* Rates */

static void
set_rate(struct taking *k, const struct option *o, const struct value *v,
    int (*parse)(const char *text, struct rate *value), struct rate *field)
{
	switch (parse(v->text, field)) {
	case UNITS_ERR_TEXT:
		taking_say(k, v->line,
		    "%s = %s: not a rate: write COUNT/TIME, as in 10/1s or "
		    "300/1m, or 0 for no limit",
		    o->name, v->text);
		break;
	case UNITS_ERR_RANGE:
		taking_say(k, v->line,
		    "%s = %s: out of range: write at least 1/1ms and at most "
		    "4294967295/49d, or 0 for no limit",
		    o->name, v->text);
		break;
	default:
		break;
	}
}

static void
take_rate(struct taking *k, const struct option *o, const cfg_opt_t *values,
    void *base)
{
	set_rate(k, o, value_at(values, 0), units_parse_rate,
	    value_field(o, base));
}

static void
take_byte_rate(struct taking *k, const struct option *o,
    const cfg_opt_t *values, void *base)
{
	set_rate(k, o, value_at(values, 0), units_parse_byte_rate,
	    value_field(o, base));
}

static void
print_rate(FILE *f, const struct option *o, const void *base)
{
	const struct rate *field = value_field_const(o, base);
	char text[UNITS_TEXT_MAX];

	units_format_rate(*field, text);
	(void)fprintf(f, "\"%s\"", text);
}

static void
print_byte_rate(FILE *f, const struct option *o, const void *base)
{
	const struct rate *field = value_field_const(o, base);
	char text[UNITS_TEXT_MAX];

	units_format_byte_rate(*field, text);
	(void)fprintf(f, "\"%s\"", text);
}

const struct option_type type_rate = { .take = take_rate, .print = print_rate };
const struct option_type type_byte_rate = { .take = take_byte_rate,
	.print = print_byte_rate };
