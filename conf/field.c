/*
 * Lines, words and numbers of a text that somebody else has written.
 */

#include <limits.h>
#include <string.h>

#include "conf/field.h"

#define DIGITS_MAX 18

static bool
is_blank(char c)
{
	return c == ' ' || c == '\t';
}

struct tcpmux_span
field_text(const char *text)
{
	return (struct tcpmux_span){ text, strlen(text) };
}

struct tcpmux_span
field_trim(struct tcpmux_span s)
{
	while (s.len > 0 && is_blank(s.p[0])) {
		s.p++;
		s.len--;
	}
	while (s.len > 0 && is_blank(s.p[s.len - 1]))
		s.len--;
	return s;
}

bool
field_line(struct field *s, struct tcpmux_span *line)
{
	const char *end;

	if (s->rest.len == 0)
		return false;
	end = memchr(s->rest.p, '\n', s->rest.len);
	line->p = s->rest.p;
	line->len = end != NULL ? (size_t)(end - line->p) : s->rest.len;
	s->rest.p += line->len;
	s->rest.len -= line->len;
	if (end != NULL) {
		s->rest.p++;
		s->rest.len--;
	}
	s->line++;
	while (line->len > 0 &&
	    (is_blank(line->p[line->len - 1]) ||
		line->p[line->len - 1] == '\r'))
		line->len--;
	return true;
}

bool
field_word(struct tcpmux_span *rest, struct tcpmux_span *word)
{
	*rest = field_trim(*rest);
	word->p = rest->p;
	word->len = 0;
	while (rest->len > 0 && !is_blank(rest->p[0])) {
		rest->p++;
		rest->len--;
		word->len++;
	}
	return word->len > 0;
}

size_t
field_count(struct tcpmux_span s)
{
	struct tcpmux_span word;
	size_t n = 0;

	while (field_word(&s, &word))
		n++;
	return n;
}

bool
field_is(struct tcpmux_span s, const char *text)
{
	return s.len == strlen(text) && memcmp(s.p, text, s.len) == 0;
}

bool
field_starts(struct tcpmux_span s, const char *text)
{
	size_t len = strlen(text);

	return s.len >= len && memcmp(s.p, text, len) == 0;
}

bool
field_has(struct tcpmux_span s, char c)
{
	return s.len > 0 && memchr(s.p, c, s.len) != NULL;
}

bool
field_has_word(struct tcpmux_span s, const char *text)
{
	struct tcpmux_span word;

	while (field_word(&s, &word))
		if (field_is(word, text))
			return true;
	return false;
}

bool
field_cut(struct tcpmux_span *s, char c, struct tcpmux_span *behind)
{
	const char *at = s->len > 0 ? memchr(s->p, c, s->len) : NULL;

	if (at == NULL)
		return false;
	behind->p = at + 1;
	behind->len = s->len - (size_t)(at - s->p) - 1;
	s->len = (size_t)(at - s->p);
	return true;
}

bool
field_is_digits(struct tcpmux_span s)
{
	size_t i;

	for (i = 0; i < s.len; i++)
		if (s.p[i] < '0' || s.p[i] > '9')
			return false;
	return s.len > 0 && s.len <= DIGITS_MAX;
}

bool
field_number(struct tcpmux_span s, unsigned int *number)
{
	unsigned long long n = 0;
	size_t i;

	if (!field_is_digits(s))
		return false;
	for (i = 0; i < s.len; i++)
		n = 10 * n + (unsigned long long)(s.p[i] - '0');
	*number = (unsigned int)n;
	return n <= INT_MAX;
}

struct tcpmux_span
field_last_part(struct tcpmux_span path)
{
	struct tcpmux_span behind;

	while (field_cut(&path, '/', &behind))
		path = behind;
	return path;
}
