/*
 * Shows all that the daemon has counted, for each service.
 */

#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "cmd/ctl/cells.h"
#include "cmd/ctl/columns.h"
#include "cmd/ctl/question.h"
#include "cmd/ctl/reading.h"
#include "cmd/ctl/show.h"
#include "cmd/document.h"
#include "cmd/histogram.h"
#include "cmd/say.h"

static const struct column services_columns[] = {
	{ "SERVICE", COLUMN_CUT },
	{ "REQUESTS", COLUMN_RIGHT },
	{ "HANDED", COLUMN_RIGHT },
	{ "REFUSED", COLUMN_RIGHT },
	{ "IN", COLUMN_RIGHT },
	{ "OUT", COLUMN_RIGHT },
	{ "MEAN", COLUMN_RIGHT },
	{ "50%", COLUMN_RIGHT },
	{ "99%", COLUMN_RIGHT },
};

static const struct column refused_columns[] = {
	{ "REFUSED", COLUMN_CUT },
	{ "REASON", COLUMN_LEFT },
	{ "NUMBER", COLUMN_RIGHT },
};

#define SERVICES_COLUMNS \
	(sizeof(services_columns) / sizeof(services_columns[0]))
#define REFUSED_COLUMNS (sizeof(refused_columns) / sizeof(refused_columns[0]))

/* The mean time from accept to hand-over. */
static void
put_mean(struct columns *c, const struct snapshot_line *line)
{
	const uint64_t n = snapshot_number(line, "handed", 0);
	char text[SHOW_MAX];

	if (n == 0 || snapshot_get(line, "time-us") == NULL) {
		columns_put(c, "-");
		return;
	}
	show_microseconds(text, snapshot_number(line, "time-us", 0) / n);
	columns_put(c, text);
}

/* The time within which so many of a hundred were handed over. */
static void
put_quantile(struct columns *c, const struct histogram *h,
    const struct snapshot_line *line, unsigned int percent)
{
	const uint64_t us = histogram_quantile(h, line, percent);
	char text[SHOW_MAX];

	if (us == 0) {
		columns_put(c, "-");
		return;
	}
	if (us == UINT64_MAX) {
		columns_put(c, "longer");
		return;
	}
	show_microseconds(text, us);
	columns_put(c, text);
}

static void
show_services(const struct snapshot *s)
{
	struct columns *c = columns_new(services_columns, SERVICES_COLUMNS);
	const struct snapshot_line *line = NULL;
	struct histogram h;

	histogram_init(&h, s);
	while ((line = snapshot_next(s, line, "service")) != NULL) {
		cells_put_text(c, line, "name");
		cells_put_count(c, line, "requests");
		cells_put_count(c, line, "handed");
		cells_put_count(c, line, "refused");
		cells_put_count(c, line, "in");
		cells_put_count(c, line, "out");
		put_mean(c, line);
		put_quantile(c, &h, line, 50);
		put_quantile(c, &h, line, 99);
	}
	columns_print(c, columns_width());
	columns_free(c);
}

/* Those of each service, or those of all. */
static void
put_refused(struct columns *c, const struct snapshot *s, bool of_all)
{
	const struct snapshot_line *line = NULL;
	const char *name;

	while ((line = snapshot_next(s, line, "refused")) != NULL) {
		name = snapshot_get(line, "name");
		if ((name == NULL) != of_all ||
		    snapshot_number(line, "n", 0) == 0)
			continue;
		columns_put(c, name == NULL ? "(all)" : name);
		cells_put_text(c, line, "reason");
		cells_put_count(c, line, "n");
	}
}

static void
show_tables(const struct snapshot *s)
{
	struct columns *c;

	show_services(s);
	(void)putchar('\n'); /* show_end() asks for errors, here and below */
	c = columns_new(refused_columns, REFUSED_COLUMNS);
	put_refused(c, s, true);
	put_refused(c, s, false);
	columns_print(c, columns_width());
	columns_free(c);
}

int
stats_run(const struct ctl_options *options)
{
	struct json j = { .file = stdout };
	struct snapshot s;
	int status;

	status = question_put_snapshot(options, "snapshot", &s);
	if (status != SAY_OK)
		return status;
	if ((options->given & CTL_JSON) != 0) {
		document_put(&j, &s);
		(void)putchar('\n');
	} else
		show_tables(&s);
	snapshot_clear(&s);
	return show_end();
}
