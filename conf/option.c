/*
 * Every option of the configuration, section by section; tcpmuxd.conf(5) says
 * the same in prose.
 */

#include <string.h>

#include "conf/value.h"

#define COUNT_MAX     1000000000
#define PROCESSES_MAX 1024
#define OFFERS_LIMIT  65536
#define SIZE_LIMIT    (1ULL << 50)

/* In milliseconds. */
#define SECOND    1000
#define DAY       86400000
/* The kernel takes 32767 seconds. */
#define KEEPALIVE 32400000
#define MONTH     (30ULL * DAY)

#define IS(kind) (1U << (kind))
#define BOUNDED  (IS(SERVICE_ECHO) | IS(SERVICE_DISCARD))
#define BUILTIN  (IS(SERVICE_TCPMUX) | BOUNDED | IS(SERVICE_DAYTIME))
#define EXEC     IS(SERVICE_EXEC)
#define RELAY    IS(SERVICE_RELAY)
#define SOCKET   IS(SERVICE_SOCKET)
#define OFFERED  IS(SERVICE_OFFERED)
#define ANY      (BUILTIN | EXEC | RELAY | SOCKET | OFFERED)
/* Those whose connections the daemon sees to their end. */
#define COUNTED  (EXEC | RELAY | BOUNDED | IS(SERVICE_DAYTIME))

#define WORDS(...)                     \
	.words = (const char *const[]) \
	{                              \
		__VA_ARGS__, NULL      \
	}

static const struct option top[] = {
	{ "control", &type_control, .offset = 0 },
	{ "from", &type_networks, .offset = offsetof(struct table, access.from),
	    .count_offset = offsetof(struct table, access.nfrom) },
	{ "fronts", &type_count, .offset = offsetof(struct table, fronts),
	    .min = 1, .max = PROCESSES_MAX },
	{ "import", &type_reference, .offset = 0 },
	{ "include", &type_reference, .offset = 0 },
	{ "max", &type_count, .offset = offsetof(struct table, max),
	    .max = COUNT_MAX },
	{ "max-offers", &type_count,
	    .offset = offsetof(struct table, max_offers), .min = 1,
	    .max = OFFERS_LIMIT },
	{ "max-offers-per-user", &type_count,
	    .offset = offsetof(struct table, max_offers_per_user), .min = 1,
	    .max = OFFERS_LIMIT },
	{ "max-per-source", &type_count,
	    .offset = offsetof(struct table, max_per_source),
	    .max = COUNT_MAX },
	{ "not-from", &type_networks,
	    .offset = offsetof(struct table, access.not_from),
	    .count_offset = offsetof(struct table, access.nnot_from) },
	{ "offered-by", &type_offerers,
	    .offset = offsetof(struct table, offerers),
	    .count_offset = offsetof(struct table, nofferers) },
	{ "offers", &type_flag,
	    .offset = offsetof(struct table, offers_by_prefix),
	    WORDS("rules", "prefix") },
	{ "rate-per-source", &type_rate,
	    .offset = offsetof(struct table, rate_per_source) },
	{ "readers", &type_readers, .offset = offsetof(struct table, readers),
	    .count_offset = offsetof(struct table, nreaders) },
	{ "relays", &type_count, .offset = offsetof(struct table, relays),
	    .min = 1, .max = PROCESSES_MAX },
	{ "request-timeout", &type_time,
	    .offset = offsetof(struct table, request_ms), .min = SECOND,
	    .max = DAY },
	{ "sandbox", &type_sandbox, .offset = 0,
	    WORDS("strict", "best", "off") },
	{ "user", &type_daemon_user, .offset = offsetof(struct table, user) },
	{ "wrong-names-per-source", &type_rate,
	    .offset = offsetof(struct table, wrong_names_per_source) },
	{ .name = NULL },
};

static const struct option log_options[] = {
	{ "bytes", &type_byte_rate,
	    .offset = offsetof(struct log_rule, bytes) },
	{ "format", &type_word, .offset = offsetof(struct log_rule, format),
	    WORDS("text", "json") },
	{ "level", &type_word, .offset = offsetof(struct log_rule, level),
	    WORDS("nothing", "refusals", "connections") },
	{ "lines", &type_rate, .offset = offsetof(struct log_rule, lines) },
	{ "to", &type_log_to, .offset = 0 },
	{ .name = NULL },
};

#define REFUSAL(word, why)                                          \
	{                                                           \
		word, &type_refusal,                                \
		    .offset = offsetof(struct words, refusals[why]) \
	}

/* The words are those of words_reason(). */
static const struct option replies[] = {
	REFUSAL("broken", REFUSE_BROKEN),
	REFUSAL("busy", REFUSE_BUSY),
	REFUSAL("byte", REFUSE_BYTE),
	REFUSAL("cr", REFUSE_CR),
	REFUSAL("down", REFUSE_DOWN),
	REFUSAL("drained", REFUSE_DRAINED),
	REFUSAL("empty", REFUSE_EMPTY),
	REFUSAL("full", REFUSE_FULL),
	REFUSAL("late", REFUSE_LATE),
	REFUSAL("lf", REFUSE_LF),
	REFUSAL("long", REFUSE_LONG),
	REFUSAL("names", REFUSE_NAMES),
	{ "ok", &type_ok, .offset = offsetof(struct words, ok) },
	REFUSAL("rate", REFUSE_RATE),
	REFUSAL("source", REFUSE_SOURCE),
	REFUSAL("stopping", REFUSE_STOPPING),
	REFUSAL("unknown", REFUSE_UNKNOWN),
	REFUSAL("urgent", REFUSE_URGENT),
	{ .name = NULL },
};

static const struct option listener[] = {
	{ "from", &type_networks,
	    .offset = offsetof(struct listen, access.from),
	    .count_offset = offsetof(struct listen, access.nfrom) },
	{ "lenient", &type_bool, .offset = offsetof(struct listen, lenient) },
	{ "not-from", &type_networks,
	    .offset = offsetof(struct listen, access.not_from),
	    .count_offset = offsetof(struct listen, access.nnot_from) },
	{ "port", &type_port, .offset = offsetof(struct listen, port),
	    .max = UINT16_MAX },
	{ "proxy", &type_flag, .offset = offsetof(struct listen, proxied),
	    WORDS("none", "require") },
	{ "trust", &type_networks,
	    .offset = offsetof(struct listen, trust.from),
	    .count_offset = offsetof(struct listen, trust.nfrom) },
	{ .name = NULL },
};

static const struct option service[] = {
	{ "alias", &type_names, .offset = offsetof(struct service, aliases),
	    .count_offset = offsetof(struct service, naliases), .kinds = ANY },
	{ "argv0", &type_text, .offset = offsetof(struct service, program.arg0),
	    .kinds = EXEC },
	{ "builtin", &type_word, .offset = offsetof(struct service, kind),
	    WORDS("tcpmux", "echo", "discard", "daytime"), .kinds = BUILTIN },
	{ "connect-timeout", &type_time,
	    .offset = offsetof(struct service, relay.connect_ms), .min = 1,
	    .max = DAY, .kinds = RELAY },
	{ "description", &type_text,
	    .offset = offsetof(struct service, description), .kinds = ANY },
	{ "directory", &type_path,
	    .offset = offsetof(struct service, program.directory),
	    .kinds = EXEC },
	{ "environment", &type_environment,
	    .offset = offsetof(struct service, program.environment),
	    .kinds = EXEC },
	{ "exec", &type_exec, .offset = offsetof(struct service, program.argv),
	    .kinds = EXEC },
	{ "from", &type_networks,
	    .offset = offsetof(struct service, access.from),
	    .count_offset = offsetof(struct service, access.nfrom),
	    .kinds = ANY },
	{ "group", &type_text,
	    .offset = offsetof(struct service, program.group), .kinds = EXEC },
	{ "groups", &type_groups,
	    .offset = offsetof(struct service, program.group_names),
	    .kinds = EXEC },
	{ "half-closed-timeout", &type_time,
	    .offset = offsetof(struct service, relay.half_ms), .max = MONTH,
	    .kinds = RELAY },
	{ "hidden", &type_bool, .offset = offsetof(struct service, hidden),
	    .kinds = ANY },
	{ "idle-timeout", &type_time,
	    .offset = offsetof(struct service, relay.idle_ms), .max = MONTH,
	    .kinds = RELAY },
	{ "keep-alive", &type_time,
	    .offset = offsetof(struct service, relay.keepalive_ms),
	    .max = KEEPALIVE, .kinds = RELAY },
	{ "max", &type_count, .offset = offsetof(struct service, max),
	    .max = COUNT_MAX, .kinds = COUNTED },
	{ "max-bytes", &type_size,
	    .offset = offsetof(struct service, builtin.bytes), .min = 1,
	    .max = SIZE_LIMIT, .kinds = BOUNDED },
	{ "max-per-source", &type_count,
	    .offset = offsetof(struct service, max_per_source),
	    .max = COUNT_MAX, .kinds = COUNTED },
	{ "max-time", &type_time,
	    .offset = offsetof(struct service, builtin.ms), .min = SECOND,
	    .max = MONTH, .kinds = BOUNDED },
	{ "nice", &type_nice, .offset = offsetof(struct service, program.nice),
	    .kinds = EXEC },
	{ "no-new-privileges", &type_not,
	    .offset = offsetof(struct service, program.new_privileges),
	    .kinds = EXEC },
	{ "not-from", &type_networks,
	    .offset = offsetof(struct service, access.not_from),
	    .count_offset = offsetof(struct service, access.nnot_from),
	    .kinds = ANY },
	{ "offered-by", &type_service_offerers,
	    .offset = offsetof(struct service, offerers),
	    .count_offset = offsetof(struct service, nofferers),
	    .kinds = OFFERED },
	{ "ok", &type_ok, .offset = offsetof(struct service, ok),
	    .kinds = BUILTIN | EXEC | RELAY | SOCKET },
	{ "proxy", &type_word, .offset = offsetof(struct service, relay.proxy),
	    WORDS("none", "v1", "v2"), .kinds = RELAY },
	{ "rate", &type_rate, .offset = offsetof(struct service, rate),
	    .kinds = ANY },
	{ "relay", &type_backends, .offset = offsetof(struct service, relay),
	    .kinds = RELAY },
	{ "reply", &type_flag,
	    .offset = offsetof(struct service, service_replies),
	    WORDS("mux", "service"), .kinds = EXEC | SOCKET },
	{ "rlimits", &type_rlimits, .offset = offsetof(struct service, program),
	    .kinds = EXEC },
	{ "socket", &type_socket, .offset = offsetof(struct service, socket),
	    .kinds = SOCKET },
	{ "stderr", &type_word,
	    .offset = offsetof(struct service, program.stderr_to),
	    WORDS("log", "socket", "null"), .kinds = EXEC },
	{ "umask", &type_umask,
	    .offset = offsetof(struct service, program.umask), .kinds = EXEC },
	{ "user", &type_text, .offset = offsetof(struct service, program.user),
	    .kinds = EXEC },
	{ .name = NULL },
};

/* The sections, and the options of each. */
static const struct {
	const char *name;
	const char *prose;
	const struct option *options;
} sections[] = {
	[SECTION_TOP] = { "", "the top level", top },
	[SECTION_LOG] = { "log", "log", log_options },
	[SECTION_REPLIES] = { "replies", "replies", replies },
	[SECTION_LISTEN] = { "listen", "a listener", listener },
	[SECTION_SERVICE] = { "service", "a service", service },
};

/* A name this long is near to nothing. */
#define NAME_MAX 32

const struct option *
option_list(enum section s)
{
	return sections[s].options;
}

const char *
option_section_name(enum section s)
{
	return sections[s].name;
}

const char *
option_section_prose(enum section s)
{
	return sections[s].prose;
}

const struct option *
option_find(enum section s, const char *name)
{
	const struct option *o;

	for (o = sections[s].options; o->name != NULL; o++)
		if (strcmp(o->name, name) == 0)
			return o;
	return NULL;
}

enum section
option_find_section(const char *name)
{
	enum section s;

	for (s = SECTION_LOG; s < SECTION_COUNT; s++)
		if (strcmp(sections[s].name, name) == 0)
			break;
	return s;
}

enum section
option_elsewhere(enum section s, const char *name)
{
	enum section other;

	for (other = SECTION_TOP; other < SECTION_COUNT; other++)
		if (other != s && option_find(other, name) != NULL)
			break;
	return other;
}

/* As typed by somebody who does not mind: a small letter, a hyphen. */
static char
fold(char c)
{
	if (c >= 'A' && c <= 'Z')
		return (char)(c - 'A' + 'a');
	return c == '_' ? '-' : c;
}

static size_t
smallest(size_t a, size_t b, size_t c)
{
	size_t least = a < b ? a : b;

	return least < c ? least : c;
}

/*
 * How many letters must be put in, left out, exchanged for another or, being
 * neighbours, for each other, to make a of b; both are at most NAME_MAX long.
 */
static size_t
distance(const char *a, const char *b)
{
	size_t row[NAME_MAX + 1][NAME_MAX + 1];
	size_t la = strlen(a), lb = strlen(b), i, j;

	for (i = 0; i <= la; i++)
		row[i][0] = i;
	for (j = 0; j <= lb; j++)
		row[0][j] = j;
	for (i = 1; i <= la; i++)
		for (j = 1; j <= lb; j++) {
			row[i][j] =
			    smallest(row[i - 1][j] + 1, row[i][j - 1] + 1,
				row[i - 1][j - 1] +
				    (fold(a[i - 1]) != fold(b[j - 1])));
			if (i > 1 && j > 1 && fold(a[i - 1]) == b[j - 2] &&
			    fold(a[i - 2]) == b[j - 1] &&
			    row[i - 2][j - 2] + 1 < row[i][j])
				row[i][j] = row[i - 2][j - 2] + 1;
		}
	return row[la][lb];
}

/* Take candidate as the nearest if it is nearer than *best. */
static void
compare(const char *name, const char *candidate, size_t *best,
    const char **nearest)
{
	size_t d = distance(name, candidate);

	if (d >= *best)
		return;
	*best = d;
	*nearest = candidate;
}

const char *
option_nearest(enum section s, const char *name)
{
	const struct option *o;
	const char *nearest = NULL;
	size_t best = strlen(name) / 3 + 2;
	enum section other;

	if (strlen(name) > NAME_MAX)
		return NULL;
	for (o = sections[s].options; o->name != NULL; o++)
		compare(name, o->name, &best, &nearest);
	for (other = SECTION_LOG; s == SECTION_TOP && other < SECTION_COUNT;
	     other++)
		compare(name, sections[other].name, &best, &nearest);
	return nearest;
}

const char *
option_nearest_elsewhere(enum section s, const char *name, enum section *other)
{
	enum section candidate;
	const char *nearest = NULL;

	for (candidate = SECTION_SERVICE; nearest == NULL; candidate--) {
		if (candidate != s)
			nearest = option_nearest(candidate, name);
		*other = candidate;
		if (candidate == SECTION_TOP)
			break;
	}
	return nearest;
}
