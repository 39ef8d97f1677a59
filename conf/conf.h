/*
 * The configuration's text: to a table, and back.
 *
 * Pure: it reads no file.  Whoever has read the files gives their texts, one
 * after the other, and learns of each mistake.
 */

#ifndef CONF_CONF_H
#define CONF_CONF_H

#include <stdbool.h>

#include "table/table.h"

/* Where conf_parse() says what is wrong.  warning: it can be lived with. */
struct conf_report {
	void (*say)(void *arg, bool warning, const char *file, int line,
	    const char *text);
	void *arg;
	unsigned int mistakes; /* said so far, warnings not counted */
};

/*
 * What the text refers to: called for each include = "..." and
 * import = "...", in order, once the whole text is in the table.  They may
 * call conf_parse() for the same table.
 */
struct conf_refer {
	void (
	    *include)(void *arg, const char *path, const char *file, int line);
	void (*import)(void *arg, const char *path, const char *file, int line);
	void *arg;
};

/*
 * Parse one text, the contents of file, into t, which has not been finished.
 * Every mistake in it is said.  Returns 0, or -1 if there was no memory.
 */
int conf_parse(struct table *t, const char *file, const char *text,
    const struct conf_refer *refer, struct conf_report *report);

/*
 * Finish t, and say what only the whole can show: two services of one name.
 * Returns as conf_parse().
 */
int conf_finish(struct table *t, struct conf_report *report);

/*
 * Write the whole of t in canonical form: each option, sorted, defaults left
 * out.  Parsing that gives the same table.  Returns text, the caller's to
 * free(), or NULL with ENOMEM.
 */
char *conf_print(const struct table *t);

#endif
