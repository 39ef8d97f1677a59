/*
 * Writes JSON (RFC 8259), in ASCII alone, so that no terminal is commanded by
 * it.
 */

#ifndef CMD_JSON_H
#define CMD_JSON_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

/*
 * A document on its way to file, which is the caller's: it is not asked for
 * errors here, but by ferror(3) in the end.  All zero but file is a new one.
 */
struct json {
	FILE *file;
	bool is_behind; /* a value, so that a comma comes next */
};

/* Begin and end an object, '{' and '}', or an array, '[' and ']'. */
void json_begin(struct json *j, char bracket);
void json_end(struct json *j, char bracket);

/* The key of the next value, in an object: text with _ for each -. */
void json_key(struct json *j, const char *text);

/*
 * A string.  What is no UTF-8 (RFC 3629) stands in it as \xHH, of which the
 * backslash is escaped as any other.
 */
void json_string(struct json *j, const char *text);

void json_number(struct json *j, uint64_t number);
void json_bool(struct json *j, bool is_true);
void json_null(struct json *j);

/* Milliseconds, as seconds with three decimals. */
void json_seconds(struct json *j, int64_t ms);

#endif
