/*
 * What programs ask at the control socket, and what they are answered.
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
	    SPAN("-request Say offer/NAME and CR LF, in one message.\r\n") },
	[REQUEST_STOPPING] = { "stopping",
	    SPAN("-stopping The server is stopping. Try again later.\r\n") },
	[REQUEST_REPLACED] = { "replaced",
	    SPAN("-replaced Another program has taken this name over.\r\n") },
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

int
request_parse(const char *message, size_t len, struct request *r)
{
	const struct tcpmux_span offer = SPAN("offer");
	struct tcpmux_span line, head;
	unsigned int flag;
	bool more;

	if (tcpmux_parse_request(message, len, TCPMUX_STRICT, &line) !=
		(ssize_t)len ||
	    len == 0 || memchr(line.p, '/', line.len) == NULL)
		return -1;
	head = cut(&line, '/');
	r->name = line;
	r->flags = 0;
	more = memchr(head.p, ',', head.len) != NULL;
	if (tcpmux_compare_names(cut(&head, ','), offer) != 0)
		return -1;
	while (more) {
		more = memchr(head.p, ',', head.len) != NULL;
		flag = find_option(cut(&head, ','));
		if (flag == 0 || (r->flags & flag) != 0)
			return -1;
		r->flags |= flag;
	}
	return 0;
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
