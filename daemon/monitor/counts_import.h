/*
 * The numbers that another daemon had counted, whose place this one takes, out
 * of the text of its last snapshot.
 */

#ifndef DAEMON_MONITOR_COUNTS_IMPORT_H
#define DAEMON_MONITOR_COUNTS_IMPORT_H

#include <stdbool.h>
#include <stddef.h>

#include "table/stats.h"
#include "table/table.h"

/*
 * Add them to what this one counts; or, if subtract is set, take them away
 * again, before those of a later snapshot of the same daemon are added.  What
 * is not understood is not counted.
 */
void counts_import(const struct stats *s, const struct table *t,
    const char *text, size_t len, bool subtract);

#endif
