/*
 * A first look at the text of a configuration: its structure.
 */

#include <stdlib.h>

#include "conf/scan.h"
#include "conf/token.h"
#include "conf/value.h"

/* A section that is being read. */
struct place {
	enum section section;
	size_t mark;           /* its own, but for the top level */
	int seen[OPTIONS_MAX]; /* the line of each of its options, or 0 */
};

/* Blank out what begins at start, and may have been meant for p. */
static void
blank_doubtful(const struct tokens *s, const struct place *p, char *start)
{
	if (p->section != SECTION_TOP)
		s->k->marks[p->mark].is_doubtful = true;
	token_blank(s, start);
}

/* Say that the token is none of what may stand here.  Returns false. */
static bool
say_unexpected(const struct tokens *s, const char *what)
{
	char shown[TOKEN_SHOWN_MAX];

	if (s->token == TOKEN_BROKEN)
		return false;
	taking_say(s->k, s->token_line, "%s: unexpected: %s",
	    s->token == TOKEN_END ? "end of the text" : token_show(s, shown),
	    what);
	return false;
}

/* The rest of a list, behind its {. */
static bool
scan_list(struct tokens *s, unsigned int *values)
{
	for (;;) {
		if (token_next(s) == TOKEN_CLOSE)
			return true;
		if (s->token != TOKEN_TEXT)
			return say_unexpected(s,
			    "write a value, or } behind "
			    "the last one");
		(*values)++;
		if (token_next(s) == TOKEN_CLOSE)
			return true;
		if (s->token != TOKEN_COMMA)
			return say_unexpected(s,
			    "write , or } behind a value; one with = in it "
			    "needs quotes");
	}
}

static void
say_unknown(const struct tokens *s, enum section in, const char *name, int line)
{
	const char *nearest = option_nearest(in, name);
	enum section other = option_elsewhere(in, name);

	if (option_find(in, name) != NULL)
		taking_say(s->k, line,
		    "%s: an option, and no section: write %s = VALUE", name,
		    name);
	else if (in == SECTION_TOP &&
	    option_find_section(name) != SECTION_COUNT)
		taking_say(s->k, line,
		    "%s: a section, and no option: write %s { ... }", name,
		    name);
	else if (other != SECTION_COUNT)
		taking_say(s->k, line,
		    "%s: no such option of %s: it belongs to %s", name,
		    option_section_prose(in), option_section_prose(other));
	else if (option_find_section(name) != SECTION_COUNT)
		taking_say(s->k, line,
		    "%s: it cannot be in %s: write it behind the }", name,
		    option_section_prose(in));
	else if (nearest != NULL)
		taking_say(s->k, line, "%s: no such option: did you mean %s?",
		    name, nearest);
	else if (option_nearest_elsewhere(in, name, &other) != NULL)
		taking_say(s->k, line,
		    "%s: no such option of %s: did you mean %s, of %s?", name,
		    option_section_prose(in),
		    option_nearest_elsewhere(in, name, &other),
		    option_section_prose(other));
	else
		taking_say(s->k, line,
		    "%s: no such option of %s: see tcpmuxd.conf(5)", name,
		    option_section_prose(in));
}

/* Say if this is no way to set o, which is in p. */
static void
check_use(const struct tokens *s, struct place *p, const struct option *o,
    int line, bool is_list, unsigned int values, enum token assign)
{
	int *seen = &p->seen[o - option_list(p->section)];
	int before = *seen;

	*seen = line;
	if (values == 0 && p->section != SECTION_TOP)
		s->k->marks[p->mark].empty_line = line;
	if (is_list && !o->type->is_list)
		taking_say(s->k, line,
		    "%s: takes one value, not a list: write %s = VALUE",
		    o->name, o->name);
	else if (assign == TOKEN_APPEND && !o->type->is_list)
		taking_say(s->k, line,
		    "%s: not a list: write = for +=", o->name);
	else if (values == 0 && !o->type->may_be_empty)
		taking_say(s->k, line,
		    "%s: empty: write at least one value, or leave it out",
		    o->name);
	else if (before != 0 && assign == TOKEN_EQUALS &&
	    o->type != &type_reference)
		taking_say(s->k, line,
		    "%s: given before, in line %d: leave one out", o->name,
		    before);
}

/* name = value: what follows the equals sign. */
static bool
scan_value(struct tokens *s, struct place *p, const char *name, char *start,
    int line)
{
	const struct option *o = option_find(p->section, name);
	enum token assign = s->token;
	unsigned int values = 1;
	bool is_list = false;

	if (token_next(s) == TOKEN_OPEN) {
		is_list = true;
		values = 0;
		if (!scan_list(s, &values))
			return false;
	} else if (s->token != TOKEN_TEXT) {
		return say_unexpected(s, "write a value behind the =");
	}
	if (o == NULL) {
		say_unknown(s, p->section, name, line);
		blank_doubtful(s, p, start);
	} else {
		check_use(s, p, o, line, is_list, values, assign);
	}
	return true;
}

/* What follows the { of something unknown, up to its }. */
static bool
skip_braces(struct tokens *s, const char *name, int line)
{
	unsigned int depth = 1;

	while (depth > 0) {
		switch (token_next(s)) {
		case TOKEN_OPEN:
			depth++;
			break;
		case TOKEN_CLOSE:
			depth--;
			break;
		case TOKEN_END:
			taking_say(s->k, line, "%s: not closed: add }", name);
			return false;
		case TOKEN_BROKEN:
			return false;
		default:
			break;
		}
	}
	return true;
}

static bool scan_item(struct tokens *s, struct place *p);

/* Make the mark of a section that begins. */
static bool
add_mark(struct tokens *s, struct place *p, int line)
{
	struct taking *k = s->k;
	struct mark *more;

	/* As many as there are, doubled whenever they are a power of 2. */
	if ((k->nmarks & (k->nmarks - 1)) == 0) {
		more = reallocarray(k->marks,
		    k->nmarks == 0 ? 1 : k->nmarks * 2, sizeof(*more));
		if (more == NULL) {
			k->is_out_of_memory = true;
			return false;
		}
		k->marks = more;
	}
	p->mark = k->nmarks++;
	k->marks[p->mark] = (struct mark){ .line = line };
	return true;
}

/* What follows the { of a section that is known. */
static bool
scan_section(struct tokens *s, enum section section, int line)
{
	struct place p = { .section = section };

	if (!add_mark(s, &p, line))
		return false;
	while (token_next(s) != TOKEN_CLOSE) {
		if (s->token == TOKEN_END) {
			taking_say(s->k, line, "%s: not closed: add }",
			    option_section_name(section));
			return false;
		}
		if (!scan_item(s, &p))
			return false;
	}
	return true;
}

/* name { or name "TITLE" {: what follows the {. */
static bool
scan_braces(struct tokens *s, const struct place *p, const char *name,
    char *start, int line, bool has_title)
{
	enum section inner = SECTION_COUNT;
	bool wants_title;

	if (p->section == SECTION_TOP)
		inner = option_find_section(name);
	wants_title = inner == SECTION_LISTEN || inner == SECTION_SERVICE;
	if (inner != SECTION_COUNT && has_title == wants_title)
		return scan_section(s, inner, line);
	if (inner == SECTION_COUNT)
		say_unknown(s, p->section, name, line);
	else if (inner == SECTION_SERVICE)
		taking_say(s->k, line,
		    "service: no name: write service \"NAME\" { ... }");
	else if (inner == SECTION_LISTEN)
		taking_say(s->k, line,
		    "listen: no address: write listen \"ADDRESS\" { ... }, "
		    "or \"*\" for all");
	else
		taking_say(s->k, line, "%s: has no name: write %s { ... }",
		    name, name);
	if (!skip_braces(s, name, line))
		return false;
	blank_doubtful(s, p, start);
	return true;
}

/* What begins with the token, which should be a name. */
static bool
scan_item(struct tokens *s, struct place *p)
{
	char name[TOKEN_SHOWN_MAX], *start = s->start;
	int line = s->token_line;
	bool has_title;

	if (s->token == TOKEN_CLOSE) {
		taking_say(s->k, line, "}: nothing is open here: leave it out");
		return false;
	}
	if (s->token != TOKEN_TEXT)
		return say_unexpected(s, "write NAME = VALUE");
	(void)token_show(s, name); /* it is kept in name */
	switch (token_next(s)) {
	case TOKEN_EQUALS:
	case TOKEN_APPEND:
		return scan_value(s, p, name, start, line);
	case TOKEN_OPEN:
		return scan_braces(s, p, name, start, line, false);
	case TOKEN_TEXT:
		has_title = token_next(s) == TOKEN_OPEN;
		if (has_title)
			return scan_braces(s, p, name, start, line, true);
		break;
	default:
		break;
	}
	if (s->token != TOKEN_BROKEN)
		taking_say(s->k, line, "%s: no = behind it: write %s = VALUE",
		    name, name);
	return false;
}

int
scan_text(struct taking *k, char *text)
{
	struct tokens s = { .k = k, .line = 1 };
	struct place top = { .section = SECTION_TOP };
	char *start;

	s.at = text;
	while (token_next(&s) != TOKEN_END) {
		start = s.start;
		if (!scan_item(&s, &top)) {
			*start = '\0';
			break;
		}
	}
	return k->is_out_of_memory ? -1 : 0;
}
