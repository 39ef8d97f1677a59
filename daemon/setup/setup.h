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
	char **argv; /* the command line, without the next two words */
	size_t argc;
	char **envp;         /* the environment, as it was at the start */
	int link;            /* SETUP_INHERIT's; -1: there is none */
	const char *program; /* the path of what runs here, or NULL */
};

/*
 * The first word of a program that takes the place of an older one, with the
 * number of a descriptor: not for people.
 */
#define SETUP_INHERIT "--inherit"

/* The configuration that is read unless -f names another. */
#define SETUP_FILE "/etc/tcpmuxd.conf"

/* The configuration's file, which need not be there unless -f names it. */
const char *setup_file(const struct setup *s);

/*
 * Read the configuration, and let the command line overrule it.  Every mistake
 * has been said when the result is NULL; a table is the caller's to free.
 */
struct table *setup_read(const struct setup *s);

#endif
