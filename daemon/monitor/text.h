/*
 * Lines of text for whoever has asked at the control socket: a word and then
 * key=value, each behind a space.
 */

#ifndef DAEMON_MONITOR_TEXT_H
#define DAEMON_MONITOR_TEXT_H

#include <stddef.h>
#include <stdint.h>

#include "tcpmux.h"

/* Bytes that are written at a time. */
#define TEXT_PIECE 32768

struct text {
	int fd;
	int error; /* errno of the first write that failed, or 0 */
	size_t len;
	char buf[TEXT_PIECE];
};

/* Write to fd, which stays the caller's. */
void text_begin(struct text *t, int fd);

/* A line begins with its word; and ends. */
void text_line(struct text *t, const char *word);
void text_end(struct text *t);

/*
 * A key and its value.  Bytes that are not printable ASCII, and the space, the
 * quote and the backslash, are written as \xHH, so that no value can look like
 * something else.
 */
void text_span(struct text *t, const char *key, struct tcpmux_span value);
void text_string(struct text *t, const char *key, const char *value);
void text_number(struct text *t, const char *key, uint64_t value);

/* n of them, with a comma between. */
void text_numbers(struct text *t, const char *key, const uint64_t *v, size_t n);

/* Milliseconds, as seconds with 3 decimals. */
void text_time(struct text *t, const char *key, int64_t ms);

/* Write what is left.  Returns 0; or -1 with errno if anything failed. */
int text_flush(struct text *t);

#endif
