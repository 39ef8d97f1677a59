/*
 * The types of values that say how a program is started.
 */

#include <inttypes.h>
#include <string.h>

#include "conf/units.h"
#include "conf/value.h"

/* The bounds of nice(2). */
#define NICE_MIN (-20)
#define NICE_MAX 19

#define UMASK_MAX 0777

/* The program and its arguments, which may be any text. */
static void
take_exec(struct taking *k, const struct option *o, const cfg_opt_t *values,
    void *base)
{
	const struct value *path = value_at(values, 0);

	if (path->text[0] != '/')
		taking_say(k, path->line,
		    "%s = %s: not an absolute path: begin it with /", o->name,
		    path->text);
	else
		type_texts.take(k, o, values, base);
}

static void
print_exec(FILE *f, const struct option *o, const void *base)
{
	type_texts.print(f, o, base);
}

const struct option_type type_exec = { .is_list = true,
	.take = take_exec,
	.print = print_exec };

/* Environment */

/* Rule 32: these tell the program who its client is. */
static const char *const reserved[] = { "PROTO", "TCPREMOTEIP", "TCPREMOTEPORT",
	"TCPLOCALIP", "TCPLOCALPORT", "REMOTE_ADDR", "REMOTE_PORT",
	"TCPMUX_SERVICE" };

static bool
variable_is(const char *text, size_t len, const char *name)
{
	return strlen(name) == len && memcmp(text, name, len) == 0;
}

static void
check_variable(struct taking *k, const cfg_opt_t *values, unsigned int i)
{
	const struct value *v = value_at(values, i), *other;
	size_t len = strcspn(v->text, "=");
	size_t j;

	if (len == 0 || v->text[len] == '\0') {
		taking_say(k, v->line,
		    "environment = %s: not a variable: write NAME=VALUE",
		    v->text);
		return;
	}
	for (j = 0; j < sizeof(reserved) / sizeof(reserved[0]); j++)
		if (variable_is(v->text, len, reserved[j]))
			taking_say(k, v->line,
			    "environment = %s: set for each connection: "
			    "leave it out",
			    v->text);
	for (j = 0; j < i; j++) {
		other = value_at(values, (unsigned int)j);
		if (strncmp(v->text, other->text, len + 1) == 0)
			taking_say(k, v->line,
			    "environment = %s: given before, in line %d: "
			    "leave one out",
			    v->text, other->line);
	}
}

static void
take_environment(struct taking *k, const struct option *o,
    const cfg_opt_t *values, void *base)
{
	unsigned int i;

	for (i = 0; i < values->nvalues; i++)
		check_variable(k, values, i);
	type_texts.take(k, o, values, base);
}

const struct option_type type_environment = { .is_list = true,
	.may_be_empty = true,
	.take = take_environment,
	.print = print_exec };

/* Limits of resources */

struct resource {
	const char *name;
	int resource;
	bool is_size;
};

static const struct resource resources[] = {
	{ "as", RLIMIT_AS, true },
	{ "core", RLIMIT_CORE, true },
	{ "cpu", RLIMIT_CPU, false },
	{ "data", RLIMIT_DATA, true },
	{ "fsize", RLIMIT_FSIZE, true },
	{ "locks", RLIMIT_LOCKS, false },
	{ "memlock", RLIMIT_MEMLOCK, true },
	{ "msgqueue", RLIMIT_MSGQUEUE, true },
	{ "nice", RLIMIT_NICE, false },
	{ "nofile", RLIMIT_NOFILE, false },
	{ "nproc", RLIMIT_NPROC, false },
	{ "rss", RLIMIT_RSS, true },
	{ "rtprio", RLIMIT_RTPRIO, false },
	{ "rttime", RLIMIT_RTTIME, false },
	{ "sigpending", RLIMIT_SIGPENDING, false },
	{ "stack", RLIMIT_STACK, true },
};

#define RESOURCES (sizeof(resources) / sizeof(resources[0]))

/* The longest text of one bound that can be right. */
#define BOUND_TEXT_MAX 32

/* Parse one bound, which ends at end. */
static int
parse_bound(const char *text, const char *end, bool is_size, rlim_t *bound)
{
	char copy[BOUND_TEXT_MAX];
	size_t len = (size_t)(end - text);
	uint64_t n;
	int e;

	if (len >= sizeof(copy))
		return UNITS_ERR_TEXT;
	memcpy(copy, text, len);
	copy[len] = '\0';
	if (strcmp(copy, "unlimited") == 0) {
		*bound = RLIM_INFINITY;
		return 0;
	}
	e = is_size ? units_parse_size(copy, &n) : units_parse_count(copy, &n);
	if (e == 0)
		*bound = n;
	return e;
}

/* Parse NAME=SOFT:HARD or NAME=BOTH.  Returns whether it was right. */
static bool
parse_rlimit(const char *text, struct program_rlimit *r)
{
	const char *end = text + strlen(text);
	size_t len = strcspn(text, "=");
	const char *soft = text + len + 1, *colon;
	size_t i;

	if (text[len] == '\0')
		return false;
	for (i = 0; i < RESOURCES; i++)
		if (variable_is(text, len, resources[i].name))
			break;
	if (i == RESOURCES)
		return false;
	r->resource = resources[i].resource;
	colon = strchr(soft, ':');
	if (colon == NULL) {
		if (parse_bound(soft, end, resources[i].is_size,
			&r->limit.rlim_cur) != 0)
			return false;
		r->limit.rlim_max = r->limit.rlim_cur;
		return true;
	}
	return parse_bound(soft, colon, resources[i].is_size,
		   &r->limit.rlim_cur) == 0 &&
	    parse_bound(colon + 1, end, resources[i].is_size,
		&r->limit.rlim_max) == 0;
}

static void
take_rlimit(struct taking *k, const struct value *v,
    const struct program_rlimit *before, size_t n, struct program_rlimit *r)
{
	size_t i;

	if (!parse_rlimit(v->text, r)) {
		taking_say(k, v->line,
		    "rlimits = %s: not a limit: write NAME=BOTH or "
		    "NAME=SOFT:HARD, as in nofile=100, as=64M:128M or "
		    "cpu=unlimited",
		    v->text);
		return;
	}
	if (r->limit.rlim_cur > r->limit.rlim_max)
		taking_say(k, v->line,
		    "rlimits = %s: the soft limit is above the hard one: "
		    "write the lower one first",
		    v->text);
	for (i = 0; i < n; i++)
		if (before[i].resource == r->resource)
			taking_say(k, v->line,
			    "rlimits = %s: this limit is given before: "
			    "leave one out",
			    v->text);
}

static void
take_rlimits(struct taking *k, const struct option *o, const cfg_opt_t *values,
    void *base)
{
	struct program *program = value_field(o, base);
	struct program_rlimit *list;
	unsigned int i;

	list = taking_alloc(k, (values->nvalues + 1) * sizeof(*list));
	if (list == NULL)
		return;
	for (i = 0; i < values->nvalues; i++) {
		list[i].resource = -1;
		take_rlimit(k, value_at(values, i), list, i, &list[i]);
	}
	program->rlimits = list;
	program->nrlimits = values->nvalues;
}

static void
print_bound(FILE *f, rlim_t bound, bool is_size)
{
	char text[UNITS_TEXT_MAX];

	if (bound == RLIM_INFINITY) {
		(void)fputs("unlimited", f);
	} else if (is_size) {
		units_format_size(bound, text);
		(void)fputs(text, f);
	} else {
		(void)fprintf(f, "%" PRIu64, (uint64_t)bound);
	}
}

static void
print_rlimit(FILE *f, const struct program_rlimit *r)
{
	const struct resource *what = resources;

	while (what->resource != r->resource)
		what++;
	(void)fprintf(f, "\"%s=", what->name);
	print_bound(f, r->limit.rlim_cur, what->is_size);
	if (r->limit.rlim_cur != r->limit.rlim_max) {
		(void)fputc(':', f);
		print_bound(f, r->limit.rlim_max, what->is_size);
	}
	(void)fputc('"', f);
}

static void
print_rlimits(FILE *f, const struct option *o, const void *base)
{
	const struct program *program = value_field_const(o, base);
	size_t i;

	(void)fputc('{', f);
	for (i = 0; i < program->nrlimits; i++) {
		if (i > 0)
			(void)fputs(", ", f);
		print_rlimit(f, &program->rlimits[i]);
	}
	(void)fputc('}', f);
}

const struct option_type type_rlimits = { .is_list = true,
	.may_be_empty = true,
	.take = take_rlimits,
	.print = print_rlimits };

/* Umask and nice */

static void
take_umask(struct taking *k, const struct option *o, const cfg_opt_t *values,
    void *base)
{
	const struct value *v = value_at(values, 0);
	mode_t *field = value_field(o, base);
	mode_t mask = 0;
	const char *p;

	for (p = v->text; *p >= '0' && *p <= '7' && mask <= UMASK_MAX; p++)
		mask = mask * 8 + (mode_t)(*p - '0');
	if (*p != '\0' || p == v->text || mask > UMASK_MAX)
		taking_say(k, v->line,
		    "%s = %s: not a mask: write it in octal, as in 022, up to "
		    "0777",
		    o->name, v->text);
	else
		*field = mask;
}

static void
print_umask(FILE *f, const struct option *o, const void *base)
{
	const mode_t *field = value_field_const(o, base);

	(void)fprintf(f, "%03o", (unsigned int)*field);
}

static void
take_nice(struct taking *k, const struct option *o, const cfg_opt_t *values,
    void *base)
{
	const struct value *v = value_at(values, 0);
	bool is_negative = v->text[0] == '-';
	int *field = value_field(o, base);
	uint64_t n;

	if (units_parse_count(v->text + is_negative, &n) != 0 ||
	    n > (is_negative ? -NICE_MIN : NICE_MAX))
		taking_say(k, v->line,
		    "%s = %s: not a niceness: write a whole number from %d "
		    "to %d",
		    o->name, v->text, NICE_MIN, NICE_MAX);
	else
		*field = is_negative ? -(int)n : (int)n;
}

static void
print_nice(FILE *f, const struct option *o, const void *base)
{
	const int *field = value_field_const(o, base);

	(void)fprintf(f, "%d", *field);
}

const struct option_type type_umask = { .take = take_umask,
	.print = print_umask };
const struct option_type type_nice = { .take = take_nice, .print = print_nice };
