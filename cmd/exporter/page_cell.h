/*
 * One value of a line of the snapshot, as the status page shows it.
 */

#ifndef CMD_EXPORTER_PAGE_CELL_H
#define CMD_EXPORTER_PAGE_CELL_H

#include "cmd/exporter/body.h"
#include "cmd/exporter/template.h"
#include "cmd/histogram.h"
#include "cmd/snapshot.h"

/* A page that is being written.  All but b is borrowed from its snapshot. */
struct page {
	struct body *b;
	const struct snapshot *s; /* or NULL */
	const char *why;
	const char *host;
	int64_t now;           /* milliseconds since 1970 */
	uint64_t refused;      /* in all */
	uint64_t refused_most; /* for one reason */
	struct histogram histogram;
};

/* Add it, in a format below TEMPLATE_EACH. */
void page_cell(const struct page *p, const struct template_part *part,
    const struct snapshot_line *line);

#endif
