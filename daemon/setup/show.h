/*
 * A table as sentences: what would be served, and what would become of one
 * request, and why.
 */

#ifndef DAEMON_SETUP_SHOW_H
#define DAEMON_SETUP_SHOW_H

#include <stdbool.h>
#include <stdio.h>

#include "table/table.h"

/*
 * Write each listener, and a line for each service: its name, its kind, who
 * may use it, who runs it, and what that is.  Errors are left in f.
 */
void show_table(const struct table *t, FILE *f);

/* What no table tells, but a daemon that serves it. */
struct show_now {
	bool is_drained; /* the name, or all */
	uint32_t takers; /* programs that take connections for it themselves */
};

/*
 * Write what would become of a request for name by the peer with this numeric
 * address, or by anybody if that is NULL, step by step: as things are now, or
 * if that is not known, and NULL, as far as the table tells.  Returns whether
 * it would be served; false, too, if address is none, which is written.
 */
bool show_explain(const struct table *t, const char *name, const char *address,
    const struct show_now *now, FILE *f);

#endif
