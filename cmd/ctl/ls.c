/*
 * Lists the services: what each is, who serves it, and how busy it is.
 */

#include <pwd.h>
#include <stdio.h>
#include <string.h>

#include "cmd/ctl/cells.h"
#include "cmd/ctl/columns.h"
#include "cmd/ctl/question.h"
#include "cmd/ctl/reading.h"
#include "cmd/ctl/show.h"
#include "cmd/document.h"
#include "cmd/escape.h"
#include "cmd/say.h"

static const struct column ls_columns[] = {
	{ "SERVICE", COLUMN_CUT },
	{ "KIND", COLUMN_LEFT },
	{ "STATE", COLUMN_LEFT },
	{ "NOW", COLUMN_RIGHT },
	{ "QUEUE", COLUMN_RIGHT },
	{ "TOTAL", COLUMN_RIGHT },
	{ "REFUSED", COLUMN_RIGHT },
	{ "SERVED BY", COLUMN_CUT },
};

#define LS_COLUMNS (sizeof(ls_columns) / sizeof(ls_columns[0]))

/* How many wait, and of how many that could. */
static void
put_queue(struct columns *c, const struct snapshot_line *line)
{
	const uint64_t max = snapshot_number(line, "queue-max", 0);
	char text[2 * SHOW_MAX], now[SHOW_MAX], of[SHOW_MAX];

	if (snapshot_get(line, "queue") == NULL) {
		columns_put(c, "-");
		return;
	}
	show_count(now, snapshot_number(line, "queue", 0));
	show_count(of, max);
	(void)snprintf(text, sizeof(text), "%s/%s", now, of);
	columns_put(c, max != 0 ? text : now);
}

/* Who serves it; a user that the daemon knows by number only, by name. */
static void
put_server(struct columns *c, const struct snapshot_line *line)
{
	const struct passwd *user = NULL;
	const char *to = snapshot_text(line, "to");

	if (strcmp(snapshot_text(line, "kind"), "offer") == 0 && *to != '\0' &&
	    to[strspn(to, "0123456789")] == '\0')
		user = getpwuid((uid_t)snapshot_number(line, "to", 0));
	if (user != NULL)
		columns_put(c, user->pw_name);
	else
		cells_put_text(c, line, "to");
}

static void
put_service(struct columns *c, const struct snapshot_line *line)
{
	char state[64];

	columns_put(c, snapshot_text(line, "name"));
	columns_put(c, snapshot_text(line, "kind"));
	(void)snprintf(state, sizeof(state), "%s%s",
	    snapshot_text(line, "state"),
	    strcmp(snapshot_text(line, "hidden"), "yes") == 0 ? ",hidden" : "");
	columns_put(c, state);
	cells_put_count(c, line, "current");
	put_queue(c, line);
	cells_put_count(c, line, "requests");
	cells_put_count(c, line, "refused");
	put_server(c, line);
}

static void
show_table(const struct snapshot *s)
{
	const struct snapshot_line *line = NULL;
	struct columns *c = columns_new(ls_columns, LS_COLUMNS);

	while ((line = snapshot_next(s, line, "service")) != NULL)
		put_service(c, line);
	columns_print(c, columns_width());
	columns_free(c);
}

/* One name a line, for scripts and for completion. */
static void
show_names(const struct snapshot *s)
{
	const struct snapshot_line *line = NULL;
	char name[TCPMUX_NAME_MAX * 4 + 1];

	while ((line = snapshot_next(s, line, "service")) != NULL) {
		(void)escape_text(name, sizeof(name),
		    snapshot_text(line, "name")); /* or cut, if it is none */
		(void)puts(name); /* show_end() asks for errors */
	}
}

static void
show_json(const struct snapshot *s)
{
	struct json j = { .file = stdout };

	json_begin(&j, '{');
	document_put_lines(&j, s, "service");
	document_put_lines(&j, s, "offer");
	json_end(&j, '}');
	(void)putchar('\n'); /* show_end() asks for errors */
}

int
ls_run(const struct ctl_options *options)
{
	struct snapshot s;
	int status;

	status = question_put_snapshot(options, "snapshot", &s);
	if (status != SAY_OK)
		return status;
	if ((options->given & CTL_JSON) != 0)
		show_json(&s);
	else if ((options->given & CTL_NAMES) != 0)
		show_names(&s);
	else
		show_table(&s);
	snapshot_clear(&s);
	return show_end();
}
