/*
 * The parsing of one text: what all who take part in it share, and how they
 * say what is wrong.
 *
 * Of the configuration's own files only; others see conf.h.
 */

#ifndef CONF_TAKING_H
#define CONF_TAKING_H

#include <stdbool.h>
#include <stddef.h>

#include "conf/conf.h"

/* What the first look has found of a section. */
struct mark {
	int line;
	int empty_line;   /* of an option that has no value, the last one */
	bool is_doubtful; /* something in it has been blanked out */
};

/* The parsing of one text, and where its mistakes are said. */
struct taking {
	struct table *t;
	const char *file; /* belongs to t */
	struct conf_report *report;
	const struct conf_refer *refer;
	struct reference *references; /* the last first */
	struct mark *marks; /* of the sections, in the order of the text */
	size_t nmarks;
	size_t mark; /* the section that is being taken */
	bool is_out_of_memory;
};

/*
 * Say that something is wrong in the text that is being taken, as in "max =
 * ten: not a number: write 0 or more".  What is no printable character
 * becomes a question mark.
 */
void taking_say(struct taking *k, int line, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

/* The section that is being taken. */
const struct mark *taking_mark(const struct taking *k);

/* Memory of the table; NULL is noted in k. */
void *taking_alloc(struct taking *k, size_t size);
const char *taking_copy(struct taking *k, const char *text);

#endif
