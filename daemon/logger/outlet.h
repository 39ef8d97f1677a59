/*
 * Where the log goes: standard error, a file, syslog or the journal.
 */

#ifndef DAEMON_LOGGER_OUTLET_H
#define DAEMON_LOGGER_OUTLET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/un.h>

#include "daemon/generation.h"

/* The longest line that is taken; the rest of it is cut. */
#define OUTLET_LINE_MAX 2048

struct outlet {
	const struct log_rule *rule;
	int fd;
	int control; /* its end is the end of all waiting, too */
	bool is_file;
	bool stalled; /* nobody reads: what comes is not waited for */
	bool torn;    /* the last line that was written is not whole */
	int64_t lost; /* lines, since the last that went */
	int64_t told; /* of them, in text */
	int process;  /* the daemon's id, for syslog */
	struct sockaddr_un address;
	size_t len;
	char text[16384];
};

/*
 * Open what the configuration names, with the rights of the daemon's user
 * and not with those of root.  Returns 0, or -1 with errno.
 */
int outlet_open(struct outlet *o, const struct generation *g, int control);

/* What it is that this opens, for messages. */
const char *outlet_path(const struct log_rule *rule);

/*
 * Write a line, which has no newline; what is not printable ASCII in it is
 * escaped.  If it cannot be written, it is counted, and the next line that
 * can be tells how many are missing.
 */
void outlet_write(struct outlet *o, const char *line, size_t len);

/* Write what is still kept; once for each turn of a loop. */
void outlet_flush(struct outlet *o);

#endif
