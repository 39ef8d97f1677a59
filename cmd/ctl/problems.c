/*
 * What is wrong with a daemon, by what it says of itself.
 */

#include <inttypes.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "cmd/ctl/problems.h"
#include "cmd/ctl/show.h"
#include "cmd/escape.h"

/* That a process had to be replaced is worth a word for so long. */
#define REPLACED_MS 3600000

/* A loop turns each second; this is late, and at 4 s it is replaced. */
#define BEAT_LATE_MS 2500

/* A start that takes so long, in milliseconds, has got stuck. */
#define START_LATE_MS 10000

struct problems {
	void (*each)(const char *problem, void *arg);
	void *arg;
	size_t n;
};

__attribute__((format(printf, 2, 3))) static void
found(struct problems *p, const char *format, ...)
{
	char text[PROBLEM_MAX], shown[PROBLEM_MAX];
	va_list arguments;

	va_start(arguments, format);
	(void)vsnprintf(text, sizeof(text), format, arguments); /* or cut */
	va_end(arguments);
	(void)escape_text(shown, sizeof(shown), text); /* likewise */
	p->n++;
	p->each(shown, p->arg);
}

static bool
is(const struct snapshot_line *line, const char *key, const char *value)
{
	return strcmp(snapshot_text(line, key), value) == 0;
}

/* The daemon as a whole; line may be NULL. */
static void
look_at_daemon(struct problems *p, const struct snapshot_line *line)
{
	uint64_t n;
	int64_t age;
	char text[SHOW_MAX];

	if (line == NULL) {
		found(p, "the daemon says nothing of itself");
		return;
	}
	if (is(line, "state", "draining"))
		found(p, "it refuses all new connections: tcpmuxctl undrain");
	else if (!is(line, "state", "serving"))
		found(p, "it is %s", snapshot_text(line, "state"));
	if (is(line, "sandbox", "off"))
		found(p, "the sandbox is off");
	n = snapshot_number(line, "replaced", 0);
	age = snapshot_time(line, "now") - snapshot_time(line, "replaced-last");
	if (n > 0 && age < REPLACED_MS) {
		show_duration(text, age);
		found(p,
		    "%" PRIu64 " %s died or got stuck, the last %s ago: "
		    "the log has why",
		    n, n == 1 ? "process" : "processes", text);
	}
}

static void
look_at_process(struct problems *p, const struct snapshot_line *line,
    int64_t now)
{
	const uint64_t beat = snapshot_number(line, "beat-ms", 0);
	const int64_t age = now - snapshot_time(line, "since");
	const char *role = snapshot_text(line, "role");
	char text[SHOW_MAX];

	if (beat >= BEAT_LATE_MS) {
		show_duration(text, (int64_t)beat);
		found(p, "%s.%s (pid %s) has not moved for %s", role,
		    snapshot_text(line, "number"), snapshot_text(line, "pid"),
		    text);
	}
	if (is(line, "state", "starting") && now != 0 && age > START_LATE_MS) {
		show_duration(text, age);
		found(p, "%s.%s (pid %s) has been starting for %s", role,
		    snapshot_text(line, "number"), snapshot_text(line, "pid"),
		    text);
	}
}

/* Its processes: is there one that accepts? */
static void
look_at_processes(struct problems *p, const struct snapshot *s, int64_t now)
{
	const struct snapshot_line *line = NULL;
	bool accepts = false;

	while ((line = snapshot_next(s, line, "process")) != NULL) {
		look_at_process(p, line, now);
		if (is(line, "role", "front") && is(line, "state", "serving"))
			accepts = true;
	}
	if (!accepts)
		found(p, "no front serves: nobody accepts connections");
}

static void
look_at_service(struct problems *p, const struct snapshot_line *line)
{
	const uint64_t queue = snapshot_number(line, "queue", 0);
	const uint64_t max = snapshot_number(line, "queue-max", 0);
	const char *name = snapshot_text(line, "name");

	if (is(line, "state", "down"))
		found(p, "service %s: nobody serves it", name);
	else if (is(line, "state", "drained"))
		found(p,
		    "service %s refuses new connections: "
		    "tcpmuxctl undrain %s",
		    name, name);
	else if (max > 0 && queue >= max)
		found(p, "service %s: its queue is full, %" PRIu64 " wait",
		    name, queue);
}

size_t
problems_find(const struct snapshot *s,
    void (*each)(const char *problem, void *arg), void *arg)
{
	const struct snapshot_line *daemon = snapshot_next(s, NULL, "tcpmuxd");
	const struct snapshot_line *line = NULL;
	struct problems p = { .each = each, .arg = arg };

	look_at_daemon(&p, daemon);
	look_at_processes(&p, s,
	    daemon == NULL ? 0 : snapshot_time(daemon, "now"));
	while ((line = snapshot_next(s, line, "service")) != NULL)
		look_at_service(&p, line);
	return p.n;
}
