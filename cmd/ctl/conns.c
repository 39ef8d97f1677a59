/*
 * Lists the connections that the daemon holds: those that wait for their name,
 * linger behind a reply, or are relayed, or that a program runs for.
 */

#include <inttypes.h>
#include <stdio.h>

#include "cmd/ctl/cells.h"
#include "cmd/ctl/columns.h"
#include "cmd/ctl/question.h"
#include "cmd/ctl/reading.h"
#include "cmd/ctl/show.h"
#include "cmd/document.h"
#include "cmd/say.h"

static const struct column conns_columns[] = {
	{ "ID", COLUMN_RIGHT },
	{ "CLIENT", COLUMN_CUT },
	{ "SERVICE", COLUMN_CUT },
	{ "STATE", COLUMN_LEFT },
	{ "FOR", COLUMN_RIGHT },
	{ "IN", COLUMN_RIGHT },
	{ "OUT", COLUMN_RIGHT },
	{ "PROCESS", COLUMN_CUT },
};

#define CONNS_COLUMNS (sizeof(conns_columns) / sizeof(conns_columns[0]))

/* The process that has it; and the program, if one runs for it. */
static void
put_process(struct columns *c, const struct snapshot_line *line)
{
	const uint64_t pid = snapshot_number(line, "pid", 0);
	char text[128];

	if (pid == 0) {
		cells_put_text(c, line, "process");
		return;
	}
	(void)snprintf(text, sizeof(text), "%.64s, pid %" PRIu64,
	    snapshot_text(line, "process"), pid);
	columns_put(c, text);
}

static void
put_conn(struct columns *c, const struct snapshot_line *line)
{
	char text[SHOW_MAX];

	cells_put_text(c, line, "id");
	cells_put_text(c, line, "peer");
	cells_put_text(c, line, "name");
	cells_put_text(c, line, "state");
	show_duration(text, (int64_t)snapshot_number(line, "ms", 0));
	columns_put(c, text);
	cells_put_count(c, line, "in");
	cells_put_count(c, line, "out");
	put_process(c, line);
}

/* Those that the daemon has besides, and does not list. */
static uint64_t
count_more(const struct snapshot *s)
{
	const struct snapshot_line *line = snapshot_next(s, NULL, "more");

	return line == NULL ? 0 : snapshot_number(line, "n", 0);
}

static void
show_table(const struct snapshot *s)
{
	const struct snapshot_line *line = NULL;
	struct columns *c = columns_new(conns_columns, CONNS_COLUMNS);

	while ((line = snapshot_next(s, line, "conn")) != NULL)
		put_conn(c, line);
	columns_print(c, columns_width());
	columns_free(c);
	if (count_more(s) > 0)
		(void)printf("and %" PRIu64 " more\n", count_more(s));
}

static void
show_json(const struct snapshot *s)
{
	struct json j = { .file = stdout };

	json_begin(&j, '{');
	document_put_lines(&j, s, "conn");
	json_key(&j, "more");
	json_number(&j, count_more(s));
	json_end(&j, '}');
	(void)putchar('\n'); /* show_end() asks for errors */
}

int
conns_run(const struct ctl_options *options)
{
	struct snapshot s;
	int status;

	status = question_put_snapshot(options, "conns", &s);
	if (status != SAY_OK)
		return status;
	if ((options->given & CTL_JSON) != 0)
		show_json(&s);
	else
		show_table(&s);
	snapshot_clear(&s);
	return show_end();
}
