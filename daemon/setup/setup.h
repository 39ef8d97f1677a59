/*
 * What the command line says, and the table that it leads to.
 */

#ifndef DAEMON_SETUP_SETUP_H
#define DAEMON_SETUP_SETUP_H

#include <stdbool.h>

#include "table/table.h"

struct setup {
	const char *file; /* -f; NULL: the usual one, if it is there */
	const char *listen[TABLE_LISTENERS_MAX]; /* -l, as they were typed */
	size_t nlisten;
	int wait_s; /* -w; 0: as configured */
	bool lenient;
};

/* The configuration that is read unless -f names another. */
#define SETUP_FILE "/etc/tcpmuxd.conf"

/*
 * Read the configuration, and let the command line overrule it.  Every mistake
 * has been said when the result is NULL; a table is the caller's to free.
 */
struct table *setup_read(const struct setup *s);

#endif
