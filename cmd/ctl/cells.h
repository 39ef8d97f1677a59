/*
 * Cells of a table, out of a line of a snapshot.
 */

#ifndef CMD_CTL_CELLS_H
#define CMD_CTL_CELLS_H

#include "cmd/ctl/columns.h"
#include "cmd/snapshot.h"

/* The text of a key, or "-" if there is none. */
void cells_put_text(struct columns *c, const struct snapshot_line *line,
    const char *key);

/* Its number, in short, or "-" if it is not known. */
void cells_put_count(struct columns *c, const struct snapshot_line *line,
    const char *key);

#endif
