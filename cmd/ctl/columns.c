/*
 * A table for people.
 */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "cmd/ctl/columns.h"
#include "cmd/escape.h"
#include "cmd/say.h"

/* Between two columns. */
#define GAP 2

/* A column that is cut keeps so many places at least. */
#define CUT_MIN 8

/* The longest text in a cell, before it is escaped. */
#define CELL_MAX 512

struct columns {
	const struct column *columns;
	size_t n;
	char **cells;
	size_t used, size;
	size_t widths[COLUMNS_MAX];
};

static void *
check(void *memory)
{
	if (memory == NULL)
		say_fatal(SAY_SYSTEM, "there is no memory left");
	return memory;
}

struct columns *
columns_new(const struct column *columns, size_t n)
{
	struct columns *c = check(calloc(1, sizeof(*c)));
	size_t i;

	c->columns = columns;
	c->n = n;
	for (i = 0; i < n; i++)
		c->widths[i] = strlen(columns[i].title);
	return c;
}

void
columns_free(struct columns *c)
{
	size_t i;

	for (i = 0; i < c->used; i++)
		free(c->cells[i]);
	free(c->cells);
	free(c);
}

void
columns_put(struct columns *c, const char *text)
{
	const size_t column = c->used % c->n;
	char shown[CELL_MAX * 4];
	size_t len;

	len = escape_text(shown, sizeof(shown), text);
	if (c->used == c->size) {
		c->size = c->size == 0 ? 64 : c->size * 2;
		c->cells =
		    check(reallocarray(c->cells, c->size, sizeof(*c->cells)));
	}
	c->cells[c->used++] = check(strdup(shown));
	if (len > c->widths[column])
		c->widths[column] = len;
}

/* The widest column that can still be cut, or c->n if there is none. */
static size_t
find_widest(const struct columns *c, const size_t *widths)
{
	size_t i, widest = c->n;

	for (i = 0; i < c->n; i++)
		if (c->columns[i].kind == COLUMN_CUT && widths[i] > CUT_MIN &&
		    (widest == c->n || widths[i] > widths[widest]))
			widest = i;
	return widest;
}

/* Cut columns until all fit into width, or as far as that goes. */
static void
fit(const struct columns *c, size_t *widths, size_t width)
{
	size_t i, total = 0, widest;

	for (i = 0; i < c->n; i++)
		total += widths[i] + (i > 0 ? GAP : 0);
	for (; width != 0 && total > width; total--) {
		widest = find_widest(c, widths);
		if (widest == c->n)
			break;
		widths[widest]--;
	}
}

/* Standard output is asked for errors by show_end(), here and below. */
static void
print_cell(const struct columns *c, size_t column, const char *text,
    size_t width)
{
	const int places = (int)width;

	if (column > 0)
		(void)printf("%*s", GAP, "");
	if (c->columns[column].kind == COLUMN_RIGHT)
		(void)printf("%*s", places, text);
	else if (strlen(text) > width)
		(void)printf("%.*s...", places - 3, text);
	else if (column + 1 < c->n)
		(void)printf("%-*s", places, text);
	else
		(void)printf("%s", text); /* and no spaces behind it */
}

void
columns_print(const struct columns *c, size_t width)
{
	size_t widths[COLUMNS_MAX], i, column = 0;

	memcpy(widths, c->widths, sizeof(widths));
	fit(c, widths, width);
	for (i = 0; i < c->n; i++)
		print_cell(c, i, c->columns[i].title, widths[i]);
	(void)putchar('\n');
	for (i = 0; i < c->used; i++) {
		print_cell(c, column, c->cells[i], widths[column]);
		if (++column == c->n) {
			(void)putchar('\n');
			column = 0;
		}
	}
}

size_t
columns_width(void)
{
	struct winsize size;

	if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == -1)
		return 0;
	return size.ws_col;
}
