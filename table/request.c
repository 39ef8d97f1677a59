/*
 * What is asked at the control socket, and what is answered.
 */

#include <stdbool.h>
#include <string.h>

#include "table/request.h"

#define SPAN(text)                     \
	{                              \
		text, sizeof(text) - 1 \
	}

static const struct {
	const char *word;
	struct tcpmux_span line;
} answers[] = {
	[REQUEST_GRANTED] = { "granted", SPAN("") },
	[REQUEST_DENIED] = { "denied",
	    SPAN("-denied You may not offer this name: offered-by says who "
		 "may.\r\n") },
	[REQUEST_TAKEN] = { "taken",
	    SPAN("-taken Somebody has this name: share or replace your own, "
		 "or take another.\r\n") },
	[REQUEST_CONFIGURED] = { "configured",
	    SPAN(
		"-configured The configuration serves this name itself.\r\n") },
	[REQUEST_NAME] = { "name",
	    SPAN("-name This is no name that can be offered.\r\n") },
	[REQUEST_BUSY] = { "busy",
	    SPAN("-busy There are too many offers. Try again later.\r\n") },
	[REQUEST_LATE] = { "late",
	    SPAN("-late No request has come in time.\r\n") },
	[REQUEST_UNCLEAR] = { "request",
	    SPAN("-request This is no request: tcpmux-control(7) has them "
		 "all.\r\n") },
	[REQUEST_STOPPING] = { "stopping",
	    SPAN("-stopping The server is stopping. Try again later.\r\n") },
	[REQUEST_REPLACED] = { "replaced",
	    SPAN("-replaced Another program has taken this name over.\r\n") },
	[REQUEST_NO_READER] = { "denied",
	    SPAN("-denied You may not read this: readers says who "
		 "may.\r\n") },
	[REQUEST_NO_OWNER] = { "denied",
	    SPAN("-denied Only root and the daemon's own user may do "
		 "this.\r\n") },
	[REQUEST_UNKNOWN] = { "name",
	    SPAN("-name There is no such service, and nobody offers "
		 "one.\r\n") },
	[REQUEST_FLOODED] = { "busy",
	    SPAN("-busy Too much is being asked. Try again in a "
		 "moment.\r\n") },
};

static const struct {
	struct tcpmux_span word;
	unsigned int flag;
} options[] = {
	{ SPAN("share"), TCPMUX_OFFER_SHARE },
	{ SPAN("replace"), TCPMUX_OFFER_REPLACE },
	{ SPAN("hidden"), TCPMUX_OFFER_HIDDEN },
};

/*
 * Cut *s at the first of this byte: returns what was before it, or all, and
 * leaves in *s what is behind.
 */
static struct tcpmux_span
cut(struct tcpmux_span *s, char at)
{
	const char *p = memchr(s->p, at, s->len);
	struct tcpmux_span head = *s;

	if (p == NULL) {
		s->p += s->len;
		s->len = 0;
		return head;
	}
	head.len = (size_t)(p - s->p);
	s->p += head.len + 1;
	s->len -= head.len + 1;
	return head;
}

/* The flag of an option, or 0 if it is none. */
static unsigned int
find_option(struct tcpmux_span word)
{
	size_t i;

	for (i = 0; i < sizeof(options) / sizeof(options[0]); i++)
		if (tcpmux_compare_names(options[i].word, word) == 0)
			return options[i].flag;
	return 0;
}

/* What may be in a request besides its verb; a set of bits. */
enum part {
	PART_NAME = 1,    /* "/NAME" */
	PART_NO_NAME = 2, /* nothing at all */
	PART_OPTION = 4,  /* ",OPTION/NAME" */
	PART_ALONE = 8,   /* ",OPTION/" */
	PART_FLAGS = 16,  /* ",OPTION,OPTION/NAME", where NAME may be "" */
	PART_WORD = 32    /* "/OPTION" */
};

static const struct {
	struct tcpmux_span word;
	unsigned int parts; /* enum part */
} verbs[] = {
	[ASK_OFFER] = { SPAN("offer"), PART_FLAGS },
	[ASK_SNAPSHOT] = { SPAN("snapshot"), PART_NO_NAME },
	[ASK_CONNS] = { SPAN("conns"), PART_NO_NAME },
	[ASK_EXPLAIN] = { SPAN("explain"), PART_NAME | PART_OPTION },
	[ASK_RELOAD] = { SPAN("reload"), PART_NO_NAME },
	[ASK_UPGRADE] = { SPAN("upgrade"), PART_NO_NAME },
	[ASK_DRAIN] = { SPAN("drain"), PART_NAME | PART_NO_NAME },
	[ASK_UNDRAIN] = { SPAN("undrain"), PART_NAME | PART_NO_NAME },
	[ASK_KICK] = { SPAN("kick"), PART_NAME | PART_ALONE },
	[ASK_LOG] = { SPAN("log"), PART_WORD },
};

#define VERBS (sizeof(verbs) / sizeof(verbs[0]))

/* The options of an offer.  Returns 0, or -1. */
static int
parse_flags(struct tcpmux_span list, bool more, struct request *r)
{
	unsigned int flag;

	while (more) {
		more = memchr(list.p, ',', list.len) != NULL;
		flag = find_option(cut(&list, ','));
		if (flag == 0 || (r->flags & flag) != 0)
			return -1;
		r->flags |= flag;
	}
	return 0;
}

/*
 * What is behind the verb: options, if there is a comma, and a name, if there
 * is a slash.  Returns 0 if that verb has such parts, or -1.
 */
static int
parse_parts(unsigned int parts, bool comma, bool slash, struct request *r)
{
	unsigned int part = PART_NAME;

	if (parts & PART_FLAGS)
		return slash ? 0 : -1;
	if (comma &&
	    (!slash || r->option.len == 0 ||
		r->option.len > REQUEST_OPTION_MAX))
		return -1;
	if (!slash)
		return (parts & PART_NO_NAME) != 0 ? 0 : -1;
	if (comma)
		part = r->name.len == 0 ? PART_ALONE : PART_OPTION;
	else if (r->name.len == 0)
		return -1;
	if (part == PART_NAME && (parts & PART_WORD)) {
		r->option = r->name;
		r->name.len = 0;
		return r->option.len <= REQUEST_OPTION_MAX ? 0 : -1;
	}
	return (parts & part) != 0 ? 0 : -1;
}

int
request_parse(const char *message, size_t len, struct request *r)
{
	struct tcpmux_span line, head, verb;
	bool comma, slash;
	size_t i;

	if (len == 0 ||
	    tcpmux_parse_request(message, len, TCPMUX_STRICT, &line) !=
		(ssize_t)len)
		return -1;
	slash = memchr(line.p, '/', line.len) != NULL;
	head = cut(&line, '/');
	comma = memchr(head.p, ',', head.len) != NULL;
	verb = cut(&head, ',');
	*r = (struct request){ .name = line, .option = head };
	for (i = 0; i < VERBS; i++)
		if (tcpmux_compare_names(verb, verbs[i].word) == 0)
			break;
	if (i == VERBS || parse_parts(verbs[i].parts, comma, slash, r) == -1)
		return -1;
	r->what = (enum request_what)i;
	if ((verbs[i].parts & PART_FLAGS) == 0)
		return 0;
	r->option.len = 0;
	return parse_flags(head, comma, r);
}

bool
request_changes(enum request_what what)
{
	return what >= ASK_RELOAD;
}

const char *
request_verb(enum request_what what)
{
	return verbs[what].word.p;
}

struct tcpmux_span
request_refusal(enum request_answer why)
{
	return answers[why].line;
}

const char *
request_word(enum request_answer why)
{
	return answers[why].word;
}
