/*
 * The tokens of the configuration's text, one after the other.
 *
 * Of scan.c only.  Comments are blanked out as they are met.
 */

#ifndef CONF_TOKEN_H
#define CONF_TOKEN_H

#include "conf/option.h"

/* The longest piece of the text that a message shows, with a NUL. */
#define TOKEN_SHOWN_MAX 64

enum token {
	TOKEN_END,
	TOKEN_TEXT,
	TOKEN_EQUALS,
	TOKEN_APPEND, /* += */
	TOKEN_COMMA,
	TOKEN_OPEN,
	TOKEN_CLOSE,
	TOKEN_BROKEN /* and it has been said */
};

struct tokens {
	struct taking *k;
	char *at; /* what follows the token */
	int line; /* there */
	/* The token: */
	enum token token;
	char *start;
	int token_line;
};

/* Go to the next token, and return it. */
enum token token_next(struct tokens *s);

/* The token as a string, for messages; cut where that is too long. */
const char *token_show(const struct tokens *s,
    char shown[static TOKEN_SHOWN_MAX]);

/* Put blanks in place of what begins at p and ends with the token. */
void token_blank(const struct tokens *s, char *p);

#endif
