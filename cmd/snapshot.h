/*
 * What tcpmuxd says of itself: the text of tcpmux-control(7), lines of a word
 * and of key=value, as strings that can be asked for by their keys.
 *
 * Nothing in it is believed: it may be cut, or from somebody else.  A line or
 * a key that makes no sense is left out.  Strings are NUL-terminated, and may
 * hold any other byte: whoever shows them escapes them.
 */

#ifndef CMD_SNAPSHOT_H
#define CMD_SNAPSHOT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The longest text, in bytes, and the most lines. */
#define SNAPSHOT_SIZE_MAX  ((size_t)64 << 20)
#define SNAPSHOT_LINES_MAX ((size_t)1 << 20)

struct snapshot_line {
	const char *word;
	const char *end; /* behind the last value's NUL */
};

/* Everything in lines lives in text.  All zero is an empty one. */
struct snapshot {
	struct snapshot_line *lines;
	size_t n;
	char *text;
};

/*
 * Read a file from its start to its end, wherever its offset is.  Returns its
 * text, with a NUL behind the len bytes, the caller's to free; or NULL with
 * errno: ENOMEM, EFBIG if it is too long, or those of pread(2).
 */
char *snapshot_read(int fd, size_t *len);

/*
 * Take the lines of a text of len bytes, and the text with them, even if that
 * fails.  Returns 0, or -1 with errno: ENOMEM, EFBIG if there are too many, or
 * EBADMSG if there is a NUL in it.  Then s is empty.
 */
int snapshot_take_text(struct snapshot *s, char *text, size_t len);

void snapshot_clear(struct snapshot *s);

/*
 * The next line with that word behind line, or the first if line is NULL.
 * Returns NULL if there is none.
 */
const struct snapshot_line *snapshot_next(const struct snapshot *s,
    const struct snapshot_line *line, const char *word);

/*
 * Walk through the pairs of a line: *at is NULL at first.  Returns the next
 * key and sets *value, or NULL behind the last.
 */
const char *snapshot_pair(const struct snapshot_line *line, const char **at,
    const char **value);

/* The value of a key, the first if there are several; NULL if there is none. */
const char *snapshot_get(const struct snapshot_line *line, const char *key);

/* The same, but "" if there is none. */
const char *snapshot_text(const struct snapshot_line *line, const char *key);

/*
 * The same as a number.  Returns otherwise if there is none, or if it is no
 * decimal number; one that is too large is UINT64_MAX.
 */
uint64_t snapshot_number(const struct snapshot_line *line, const char *key,
    uint64_t otherwise);

/* A time of day in seconds, with or without decimals, in milliseconds; or 0. */
int64_t snapshot_time(const struct snapshot_line *line, const char *key);

/*
 * The numbers of a list with commas between.  Returns how many there are, at
 * most max, of which each is set; 0 if one of them is no number.
 */
size_t snapshot_numbers(const struct snapshot_line *line, const char *key,
    uint64_t *numbers, size_t max);

/* Is a word in a value that is a list with commas between? */
bool snapshot_is_listed(const char *list, const char *word);

#endif
