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

/*
 * Write what would become of a request for name by the peer with this numeric
 * address, or by anybody if that is NULL, step by step.  Returns whether it
 * would be served; false, too, if address is none, which is written.
 */
bool show_explain(const struct table *t, const char *name, const char *address,
    FILE *f);

#endif
