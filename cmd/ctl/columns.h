/*
 * A table for people: columns that are as wide as what is in them, and not
 * wider than the terminal.
 */

#ifndef CMD_CTL_COLUMNS_H
#define CMD_CTL_COLUMNS_H

#include <stdbool.h>
#include <stddef.h>

/* The most columns of a table. */
#define COLUMNS_MAX 16

enum column_kind {
	COLUMN_LEFT,
	COLUMN_RIGHT,
	COLUMN_CUT, /* left; where there is no room, "..." ends what is there */
};

struct column {
	const char *title;
	enum column_kind kind;
};

/* A table on its way. */
struct columns;

/*
 * Begin with n columns, which are borrowed.  Where memory ends, so does the
 * program, here and below.
 */
struct columns *columns_new(const struct column *columns, size_t n);
void columns_free(struct columns *c);

/* The next cell, escaped; behind the last of a row comes the next row. */
void columns_put(struct columns *c, const char *text);

/*
 * Write all to standard output, in width places, or in as many as it takes if
 * width is 0.
 */
void columns_print(const struct columns *c, size_t width);

/* How wide the terminal is at standard output; 0 if that is none. */
size_t columns_width(void);

#endif
