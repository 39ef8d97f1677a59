/*
 * The status page: a snapshot in the templates of page/.
 */

#ifndef CMD_EXPORTER_PAGE_H
#define CMD_EXPORTER_PAGE_H

#include "cmd/exporter/body.h"
#include "cmd/snapshot.h"

/* More services, or offers, are not shown, but counted. */
#define PAGE_ROWS_MAX 500

/*
 * Add the page.  s may be NULL, and then why is a sentence that says why.
 * host is the name of this machine.
 */
void page_write(struct body *b, const struct snapshot *s, const char *why,
    const char *host);

#endif
