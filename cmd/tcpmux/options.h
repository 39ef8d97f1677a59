/*
 * The command line of tcpmux.
 */

#ifndef CMD_TCPMUX_OPTIONS_H
#define CMD_TCPMUX_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>

#include "cmd/tcpmux/local.h"
#include "cmd/tcpmux/plan.h"

enum options_act {
	OPTIONS_LIST,
	OPTIONS_JOIN,
	OPTIONS_FORWARD, /* -L */
	OPTIONS_PASS,    /* -F */
	OPTIONS_RUN,     /* -e and -E */
};

struct options {
	enum options_act act;
	struct target target;
	struct plan plan;
	bool srv;
	bool json;
	char **program;       /* and its arguments, up to NULL; borrowed */
	int program_fd;       /* the connection is this descriptor, and next */
	struct local *locals; /* of -L; the caller's, as all that is here */
	size_t nlocals;
};

/*
 * Understand the command line, or end the program: with a sentence, or with
 * what --help and --version show.
 */
void options_parse(struct options *options, int argc, char **argv);
void options_clear(struct options *options);

#endif
