/*
 * Shows how the daemon is, on one page, and what is wrong first.
 */

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "cmd/ctl/problems.h"
#include "cmd/ctl/question.h"
#include "cmd/ctl/reading.h"
#include "cmd/ctl/show.h"
#include "cmd/document.h"
#include "cmd/escape.h"
#include "cmd/say.h"

/* Room for one line of somebody's text, escaped. */
#define TEXT_MAX 1024

/* The most problems that are told one by one. */
#define PROBLEMS_MAX 20

/* What is put is asked for errors by show_end(), in all that follows. */

static void
put_problem(const char *problem, void *arg)
{
	size_t *n = arg;

	if ((*n)++ < PROBLEMS_MAX)
		(void)printf("  ! %s\n", problem);
}

static void
put_problems(const struct snapshot *s)
{
	size_t told = 0, n;

	n = problems_find(s, put_problem, &told);
	if (n > PROBLEMS_MAX)
		(void)printf("  ! and %zu more\n", n - PROBLEMS_MAX);
	(void)putchar('\n');
}

/* The begin of a line, which is what it is about. */
static void
put_title(const char *title)
{
	(void)printf("%-13s ", title);
}

/* The text of a key, escaped. */
static void
put_text(const struct snapshot_line *line, const char *key)
{
	char text[TEXT_MAX];

	(void)escape_text(text, sizeof(text), snapshot_text(line, key));
	(void)fputs(text, stdout);
}

/* " 12 accepted", with a comma in front unless it is the first. */
static void
put_count(const struct snapshot_line *line, const char *key, const char *title,
    const char *comma)
{
	char text[SHOW_MAX];

	show_count(text, snapshot_number(line, key, 0));
	(void)printf("%s%s %s", comma, text, title);
}

static void
put_daemon(const struct snapshot_line *line)
{
	const int64_t started = snapshot_time(line, "started");
	char since[SHOW_MAX], age[SHOW_MAX];

	show_time(since, started);
	show_duration(age, snapshot_time(line, "now") - started);
	(void)fputs("tcpmuxd ", stdout);
	put_text(line, "version");
	(void)fputs(" is ", stdout);
	put_text(line, "state");
	(void)printf(", pid %" PRIu64 ", for %s, since %s\n",
	    snapshot_number(line, "pid", 0), age, since);
}

static void
put_configuration(const struct snapshot_line *line)
{
	put_title("configuration");
	put_text(line, "config");
	(void)putchar('\n');
	put_title("settings");
	(void)fputs("user ", stdout);
	put_text(line, "user");
	(void)fputs(", log ", stdout);
	put_text(line, "log");
	(void)fputs(", sandbox ", stdout);
	put_text(line, "sandbox");
	(void)putchar('\n');
	put_title("generation");
	(void)printf("%" PRIu64 "; reloads: %" PRIu64 ", upgrades: %" PRIu64
		     ", processes replaced: %" PRIu64 "\n",
	    snapshot_number(line, "generation", 0),
	    snapshot_number(line, "reloads", 0),
	    snapshot_number(line, "upgrades", 0),
	    snapshot_number(line, "replaced", 0));
}

static void
put_listeners(const struct snapshot *s)
{
	const struct snapshot_line *line = NULL;
	const char *title = "listens at";

	while ((line = snapshot_next(s, line, "listener")) != NULL) {
		put_title(title);
		put_text(line, "address");
		if (strcmp(snapshot_text(line, "lenient"), "yes") == 0)
			(void)fputs(", lenient", stdout);
		if (strcmp(snapshot_text(line, "proxied"), "yes") == 0)
			(void)fputs(", behind a proxy", stdout);
		(void)putchar('\n');
		title = "";
	}
}

/* How many lines of a word have this value of a key; any, if it is NULL. */
static uint64_t
count(const struct snapshot *s, const char *word, const char *key,
    const char *value)
{
	const struct snapshot_line *line = NULL;
	uint64_t n = 0;

	while ((line = snapshot_next(s, line, word)) != NULL)
		if (value == NULL ||
		    strcmp(snapshot_text(line, key), value) == 0)
			n++;
	return n;
}

static void
put_processes(const struct snapshot *s)
{
	const struct snapshot_line *line = NULL;
	uint64_t cpu = 0, rss = 0, finish;
	char text[SHOW_MAX];

	while ((line = snapshot_next(s, line, "process")) != NULL) {
		cpu += snapshot_number(line, "cpu-us", 0);
		rss += snapshot_number(line, "rss-kb", 0);
	}
	put_title("processes");
	(void)printf("%" PRIu64, count(s, "process", NULL, NULL));
	finish = count(s, "process", "state", "finishing");
	if (finish > 0)
		(void)printf(" (%" PRIu64 " of them finish)", finish);
	show_duration(text, (int64_t)(cpu / 1000));
	(void)printf("; %s of CPU", text);
	show_count(text, rss * 1024);
	(void)printf(", %sB of memory at most\n", text);
}

static void
put_services(const struct snapshot *s)
{
	put_title("services");
	(void)printf("%" PRIu64 ": %" PRIu64 " up, %" PRIu64 " down, %" PRIu64
		     " drained; %" PRIu64 " by offers\n",
	    count(s, "service", NULL, NULL), count(s, "service", "state", "up"),
	    count(s, "service", "state", "down"),
	    count(s, "service", "state", "drained"),
	    count(s, "offer", NULL, NULL));
}

static void
put_total(const struct snapshot_line *line)
{
	put_title("connections");
	put_count(line, "accepted", "accepted", "");
	put_count(line, "waiting", "waiting for their name", ", ");
	put_count(line, "lingering", "lingering", ", ");
	(void)putchar('\n');
	put_title("requests");
	put_count(line, "requests", "in all", "");
	put_count(line, "help", "of HELP", ", ");
	put_count(line, "tcpmux", "of tcpmux", ", ");
	(void)putchar('\n');
	put_title("handed over");
	put_count(line, "handed-exec", "to programs started", "");
	put_count(line, "handed-relay", "to relays", ", ");
	put_count(line, "handed-socket", "to sockets", ", ");
	put_count(line, "handed-offer", "to offers", ", ");
	(void)putchar('\n');
	put_title("bytes");
	put_count(line, "in", "in", "");
	put_count(line, "out", "out, where they are known", ", ");
	(void)putchar('\n');
}

/* Of all, by their reasons. */
static void
put_refused(const struct snapshot *s)
{
	const struct snapshot_line *line = NULL;
	const char *comma = "";
	char text[SHOW_MAX];

	put_title("refused");
	while ((line = snapshot_next(s, line, "refused")) != NULL) {
		if (snapshot_get(line, "name") != NULL ||
		    snapshot_number(line, "n", 0) == 0)
			continue;
		show_count(text, snapshot_number(line, "n", 0));
		(void)printf("%s%s ", comma, text);
		put_text(line, "reason");
		comma = ", ";
	}
	(void)puts(*comma == '\0' ? "none" : "");
}

static void
show_page(const struct snapshot *s)
{
	const struct snapshot_line *daemon = snapshot_next(s, NULL, "tcpmuxd");
	const struct snapshot_line *total = snapshot_next(s, NULL, "total");

	if (daemon != NULL)
		put_daemon(daemon);
	put_problems(s);
	if (daemon != NULL)
		put_configuration(daemon);
	put_listeners(s);
	put_processes(s);
	put_services(s);
	if (total != NULL)
		put_total(total);
	put_refused(s);
}

static void
put_json_problem(const char *problem, void *arg)
{
	json_string(arg, problem);
}

static void
show_json(const struct snapshot *s)
{
	struct json j = { .file = stdout };

	json_begin(&j, '{');
	json_key(&j, "problems");
	json_begin(&j, '[');
	(void)problems_find(s, put_json_problem, &j); /* they are counted */
	json_end(&j, ']');
	document_put_lines(&j, s, "tcpmuxd");
	document_put_lines(&j, s, "listener");
	document_put_lines(&j, s, "process");
	document_put_lines(&j, s, "total");
	json_end(&j, '}');
	(void)putchar('\n');
}

int
status_run(const struct ctl_options *options)
{
	struct snapshot s;
	int status;

	status = question_put_snapshot(options, "snapshot", &s);
	if (status != SAY_OK)
		return status;
	if ((options->given & CTL_JSON) != 0)
		show_json(&s);
	else
		show_page(&s);
	snapshot_clear(&s);
	return show_end();
}
