/*
 * Reporting finished connections to the logger: by level, within the budgets
 * of lines and bytes, several lines to a message, and never waiting.
 */

#ifndef DAEMON_REPORT_H
#define DAEMON_REPORT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "daemon/generation.h"
#include "daemon/logger/logger.h"
#include "table/record.h"

/* One for each process. */
struct report {
	const struct log_rule *rule;
	const struct board *board; /* has another level, perhaps */
	enum log_format format;
	int socket;
	int64_t lines_due, bytes_due; /* the budgets, in nanoseconds */
	int64_t suppressed;           /* lines, since the last that went */
	int64_t told; /* of them, in the text that is not sent yet */
	size_t len;
	char text[LOGGER_MESSAGE_MAX];
};

void report_init(struct report *r, const struct generation *g);

/*
 * Would a line of this level be written at all, and is it within the budgets?
 * If not, nobody needs to make up a record; it is counted as suppressed if
 * only the budget is in the way.
 */
bool report_wants(struct report *r, enum log_level level, int64_t now);

/*
 * Add a record that is wanted.  Its time is set, and how many lines should
 * have come before it.
 */
void report_add(struct report *r, struct record *record);

/*
 * Send what has been added; once for each turn of a loop.  If the logger has no
 * room for it, it is sent at the next one, as long as there is room here.
 */
void report_flush(struct report *r);

#endif
