/*
 * Lines, words and numbers of a text that somebody else has written.
 *
 * Pure.  All that is found borrows the text.
 */

#ifndef CONF_FIELD_H
#define CONF_FIELD_H

#include <stdbool.h>
#include <stddef.h>

#include "tcpmux.h"

/* The rest of a text, and how many lines have been taken from it. */
struct field {
	struct tcpmux_span rest;
	int line;
};

/*
 * Take the next line, without its end and without white space behind it.
 * Returns false at the end of the text.
 */
bool field_line(struct field *s, struct tcpmux_span *line);

/*
 * Take the next word from *rest, up to a space or tab.  Returns false if none
 * is left.
 */
bool field_word(struct tcpmux_span *rest, struct tcpmux_span *word);

/* How many words are in s? */
size_t field_count(struct tcpmux_span s);

/* s without spaces and tabs at both ends. */
struct tcpmux_span field_trim(struct tcpmux_span s);

/* The text of a C string. */
struct tcpmux_span field_text(const char *text);

bool field_is(struct tcpmux_span s, const char *text);
bool field_starts(struct tcpmux_span s, const char *text);
bool field_has(struct tcpmux_span s, char c);

/* Is text one of the words of s? */
bool field_has_word(struct tcpmux_span s, const char *text);

/*
 * Cut s at the first byte that is c: what comes before it stays in *s, what
 * comes behind it is *behind.  Returns false, with both left alone, if there
 * is none.
 */
bool field_cut(struct tcpmux_span *s, char c, struct tcpmux_span *behind);

/* What comes behind the last slash of a path. */
struct tcpmux_span field_last_part(struct tcpmux_span path);

/* Is s 1 to 18 decimal digits? */
bool field_is_digits(struct tcpmux_span s);

/* Set *number from s, which must be decimal digits only, up to 2^31 - 1. */
bool field_number(struct tcpmux_span s, unsigned int *number);

#endif
