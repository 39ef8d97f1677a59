/*
 * The tokens of the configuration's text, one after the other.
 */

#include <string.h>

#include "conf/token.h"

const char *
token_show(const struct tokens *s, char shown[static TOKEN_SHOWN_MAX])
{
	size_t len = (size_t)(s->at - s->start);

	if (len >= TOKEN_SHOWN_MAX)
		len = TOKEN_SHOWN_MAX - 1;
	memcpy(shown, s->start, len);
	shown[len] = '\0';
	return shown;
}

void
token_blank(const struct tokens *s, char *p)
{
	for (; p < s->at; p++)
		if (*p != '\n')
			*p = ' ';
}

/* A comment of one line, which s->at is at. */
static void
skip_line(struct tokens *s)
{
	char *start = s->at;

	s->at += strcspn(s->at, "\n");
	token_blank(s, start);
}

/* A comment in C's manner.  Returns whether it has an end. */
static bool
skip_comment(struct tokens *s)
{
	char *start = s->at, *end = strstr(s->at + 2, "*/"), *p;

	if (end == NULL) {
		taking_say(s->k, s->line,
		    "a comment that does not end: add */");
		return false;
	}
	for (p = start; p < end; p++)
		if (*p == '\n')
			s->line++;
	s->at = end + 2;
	token_blank(s, start);
	return true;
}

/* Come to the next token.  Returns false if there is none to come to. */
static bool
skip_space(struct tokens *s)
{
	for (;;) {
		switch (*s->at) {
		case '\n':
			s->line++;
			s->at++;
			break;
		case ' ':
		case '\t':
		case '\r':
			s->at++;
			break;
		case '#':
			skip_line(s);
			break;
		case '/':
			if (s->at[1] == '/')
				skip_line(s);
			else if (s->at[1] != '*')
				return true;
			else if (!skip_comment(s))
				return false;
			break;
		default:
			return true;
		}
	}
}

/*
 * Look at the escape that s->at is at, in double quotes, and go behind it.
 * The library would end the string at a NUL, and the text at a number that is
 * no byte.
 */
static void
scan_escape(struct tokens *s)
{
	static const char digits[] = "0123456789";
	static const char hex[] = "0123456789abcdefABCDEF";
	char *start = s->at + 1;
	unsigned int value = 0;
	size_t len = strspn(start, digits), i;
	bool is_bad;

	for (i = 0; i < len && i < 4; i++)
		value = value * 8 + (unsigned int)(start[i] - '0');
	is_bad = len > 0 &&
	    (len > 3 || value == 0 || value > 0xff ||
		strcspn(start, "89") < len);
	if (len == 0 && start[0] == 'x' && strspn(start + 1, hex) > 0) {
		len = strspn(start + 1, hex) > 1 ? 3 : 2;
		is_bad = strspn(start + 1, "0") >= len - 1;
	}
	if (is_bad) {
		taking_say(s->k, s->line,
		    "\\%.*s: not a byte: write \\001 to \\377 or \\x01 to \\xff",
		    (int)len, start);
		memset(start, ' ', len);
	}
	if (start[0] == '\n')
		s->line++;
	s->at = start + (len > 0 ? len : start[0] != '\0');
}

/* A string in the quotes that s->at is at.  Returns whether it has an end. */
static bool
scan_string(struct tokens *s)
{
	char quote = *s->at++;

	while (*s->at != quote) {
		if (*s->at == '\0') {
			taking_say(s->k, s->token_line,
			    "a string that does not end: add %c", quote);
			return false;
		}
		if (*s->at == '\n')
			s->line++;
		if (quote == '"' && *s->at == '\\') {
			scan_escape(s);
			continue;
		}
		if (quote == '"' && s->at[0] == '$' && s->at[1] == '{') {
			taking_say(s->k, s->line,
			    "${: the environment is not read: write \\${");
			s->at[0] = ' ';
		}
		if (*s->at == '\\' && s->at[1] != '\0' && s->at[1] != '\n')
			s->at++;
		s->at++;
	}
	s->at++;
	return true;
}

/* Bytes that end a word without quotes. */
#define WORD_END " \t\n\r#\"'={}()+,*"

/* A word without quotes. */
static bool
scan_word(struct tokens *s)
{
	char shown[TOKEN_SHOWN_MAX];
	size_t len = strcspn(s->at, WORD_END);
	const char *p;
	bool is_odd;

	s->at += len;
	is_odd = strchr("()+*", *s->at) != NULL && *s->at != '\0' &&
	    strncmp(s->at, "+=", 2) != 0;
	if (len > 0 && s->at[-1] == '$' && *s->at == '{')
		is_odd = true;
	for (p = s->start; p + 1 < s->at; p++)
		if (p[0] == '/' && p[1] == '/')
			is_odd = true;
	if (len > 0 && !is_odd)
		return true;
	s->at += strcspn(s->at, " \t\n\r\"'{},#");
	if (s->at == s->start)
		s->at++;
	taking_say(s->k, s->line, "%s: write it in quotes",
	    token_show(s, shown));
	return false;
}

static enum token
scan_token(struct tokens *s)
{
	static const char marks[] = "={},";
	static const enum token tokens[] = { TOKEN_EQUALS, TOKEN_OPEN,
		TOKEN_CLOSE, TOKEN_COMMA };
	const char *mark;

	if (*s->at == '\0')
		return TOKEN_END;
	mark = strchr(marks, *s->at);
	if (mark != NULL) {
		s->at++;
		return tokens[mark - marks];
	}
	if (strncmp(s->at, "+=", 2) == 0) {
		s->at += 2;
		return TOKEN_APPEND;
	}
	if (*s->at == '"' || *s->at == '\'')
		return scan_string(s) ? TOKEN_TEXT : TOKEN_BROKEN;
	return scan_word(s) ? TOKEN_TEXT : TOKEN_BROKEN;
}

enum token
token_next(struct tokens *s)
{
	if (!skip_space(s)) {
		s->start = s->at;
		return s->token = TOKEN_BROKEN;
	}
	s->start = s->at;
	s->token_line = s->line;
	return s->token = scan_token(s);
}
