/*
 * Where the log goes, line by line.
 *
 * A line is a record of record.c, or else a message, something that was said
 * with log_say() or by a program.  Where only records are expected, in a file
 * and in JSON, a message becomes the value of a record's key.
 *
 * A reader that is slow is waited for, but not one that does not read at all:
 * programs write into pipes that are read only between two lines.
 */

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "daemon/logger/outlet.h"
#include "os/clock.h"
#include "table/record.h"

/* So many seconds a reader may keep the log waiting. */
#define STALL_S 1

/* RFC 3164: facility daemon; a record is informational, a message a notice. */
#define FACILITY_DAEMON 3
#define PRIORITY_NOTICE 5
#define PRIORITY_INFO   6

/* The most bytes of one entry: a line twice, once cut into its fields. */
#define ENTRY_MAX (2 * OUTLET_LINE_MAX + 1024)

static const char program_name[] = "tcpmuxd";

static const char *const paths[] = {
	[LOG_STDERR] = "stderr",
	[LOG_SYSLOG] = "/dev/log",
	[LOG_JOURNAL] = "/run/systemd/journal/socket",
};

/* A socket without a peer: each entry finds the log that is there now. */
static int
open_socket(struct outlet *o, const char *path)
{
	const struct timeval wait = { STALL_S, 0 };
	int fd;

	fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd == -1)
		return -1;
	/* Without it a full log would be waited for longer. */
	(void)setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &wait, sizeof(wait));
	o->address.sun_family = AF_UNIX;
	memcpy(o->address.sun_path, path, strlen(path) + 1);
	return fd;
}

/* As the daemon's user: root would write to whatever a link points to. */
static int
open_file(const struct generation *g, const char *path)
{
	const int flags = O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOCTTY;
	const bool is_root = geteuid() == 0 && g->account.is_root;
	int fd, saved;

	if (!is_root)
		return open(path, flags, 0640);
	if (setgroups(0, NULL) == -1 || setegid(g->account.gid) == -1 ||
	    seteuid(g->account.uid) == -1)
		return -1;
	fd = open(path, flags, 0640);
	saved = errno;
	/* Root again, to give up the rest of it in the way of all others. */
	if (seteuid(0) == -1 || setegid(0) == -1)
		return -1;
	errno = saved;
	return fd;
}

const char *
outlet_path(const struct log_rule *rule)
{
	return rule->to == LOG_FILE ? rule->path : paths[rule->to];
}

int
outlet_open(struct outlet *o, const struct generation *g, int control)
{
	struct stat st;

	memset(o, 0, offsetof(struct outlet, text));
	o->rule = &g->table->log;
	o->control = control;
	o->process = (int)getppid();
	switch (o->rule->to) {
	case LOG_STDERR:
		o->fd =
		    fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
		break;
	case LOG_FILE:
		o->fd = open_file(g, outlet_path(o->rule));
		break;
	case LOG_SYSLOG:
		tzset(); /* later there is no file to read it from */
		o->fd = open_socket(o, outlet_path(o->rule));
		break;
	case LOG_JOURNAL:
		o->fd = open_socket(o, outlet_path(o->rule));
		break;
	}
	if (o->fd == -1)
		return -1;
	o->is_file = fstat(o->fd, &st) == 0 && S_ISREG(st.st_mode);
	return 0;
}

/* Wait until there is room.  Returns whether there is. */
static bool
await_room(struct outlet *o)
{
	const struct timespec wait = { o->stalled ? 0 : STALL_S, 0 };
	struct pollfd p[] = { { .fd = o->fd, .events = POLLOUT },
		{ .fd = o->control, .events = 0 } };

	if (ppoll(p, 2, &wait, NULL) == -1)
		return false;
	o->stalled = (p[0].revents & POLLOUT) == 0;
	return !o->stalled;
}

static void
count_lost(struct outlet *o, const char *p, const char *end)
{
	for (; p < end; p++)
		if (*p == '\n')
			o->lost++;
}

void
outlet_flush(struct outlet *o)
{
	const char *p = o->text, *const end = o->text + o->len;
	size_t part;
	ssize_t n;

	while (p < end) {
		/* Where there is room at all, a pipe takes PIPE_BUF at once. */
		part = (size_t)(end - p);
		if (!o->is_file && part > PIPE_BUF)
			part = PIPE_BUF;
		n = await_room(o) ? write(o->fd, p, part) : -1;
		if (n == -1)
			break;
		p += n;
	}
	if (p < end) {
		o->torn = p > o->text ? p[-1] != '\n' : o->torn;
		count_lost(o, p, end);
		o->lost += o->told;
	}
	o->told = 0;
	o->len = 0;
}

static void
keep_line(struct outlet *o, const char *line, size_t len)
{
	if (o->len + len + 2 > sizeof(o->text))
		outlet_flush(o);
	if (o->len == 0 && o->torn) {
		o->text[o->len++] = '\n';
		o->torn = false;
	}
	memcpy(o->text + o->len, line, len);
	o->len += len;
	o->text[o->len++] = '\n';
}

static void
send_entry(struct outlet *o, const char *entry, size_t len)
{
	const struct sockaddr *sa = (const struct sockaddr *)&o->address;

	/* Once nobody has read in time, the next is not waited for. */
	if (sendto(o->fd, entry, len,
		MSG_NOSIGNAL | (o->stalled ? MSG_DONTWAIT : 0), sa,
		sizeof(o->address)) == -1) {
		o->stalled = errno == EAGAIN;
		o->lost++;
	} else
		o->stalled = false;
}

/* RFC 3164, as the local syslog reads it. */
static void
send_syslog(struct outlet *o, int priority, const char *line, size_t len)
{
	static const char *const months[] = { "Jan", "Feb", "Mar", "Apr", "May",
		"Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec" };
	char entry[ENTRY_MAX];
	const time_t now = (time_t)(clock_wall() / 1000);
	struct tm tm;
	int n;

	if (localtime_r(&now, &tm) == NULL)
		return;
	n = snprintf(entry, sizeof(entry),
	    "<%d>%s %2d %02d:%02d:%02d %s[%d]: %.*s",
	    FACILITY_DAEMON * 8 + priority, months[tm.tm_mon], tm.tm_mday,
	    tm.tm_hour, tm.tm_min, tm.tm_sec, program_name, o->process,
	    (int)len, line);
	if (n > 0 && (size_t)n < sizeof(entry))
		send_entry(o, entry, (size_t)n);
}

/* An entry of the journal: lines of KEY=value. */
struct entry {
	size_t len;
	char text[ENTRY_MAX];
};

static void
entry_add(struct entry *e, const char *p, size_t len)
{
	if (len > sizeof(e->text) - e->len)
		len = sizeof(e->text) - e->len;
	memcpy(e->text + e->len, p, len);
	e->len += len;
}

/*
 * Take one key=value off a record, without quotes, and add it as a field of
 * our own.  Returns what is behind it, or NULL if it is none.
 */
static const char *
entry_add_field(struct entry *e, const char *p, const char *end)
{
	static const char head[] = "TCPMUX_";
	const char *value;
	char letter, stop = ' ';

	entry_add(e, head, strlen(head));
	for (; p < end && *p >= 'a' && *p <= 'z'; p++) {
		letter = (char)(*p - 'a' + 'A');
		entry_add(e, &letter, 1);
	}
	if (p == end || *p++ != '=')
		return NULL;
	entry_add(e, "=", 1);
	if (p < end && *p == '"') {
		stop = '"';
		p++;
	}
	value = p;
	while (p < end && *p != stop)
		p++;
	entry_add(e, value, (size_t)(p - value));
	entry_add(e, "\n", 1);
	if (stop == '"' && p < end)
		p++;
	return p < end ? p + 1 : p;
}

static void
send_journal(struct outlet *o, int priority, const char *line, size_t len)
{
	const char *p = line, *const end = line + len;
	struct entry e = { 0, "" };
	size_t whole;

	e.len = (size_t)snprintf(e.text, sizeof(e.text),
	    "PRIORITY=%d\nSYSLOG_IDENTIFIER=%s\nMESSAGE=", priority,
	    program_name);
	entry_add(&e, line, len);
	entry_add(&e, "\n", 1);
	while (priority == PRIORITY_INFO && p != NULL && p < end) {
		whole = e.len;
		p = entry_add_field(&e, p, end);
		if (p == NULL)
			e.len = whole;
	}
	send_entry(o, e.text, e.len);
}

/* Is a line a record, by its first key, or what was said? */
static bool
is_record(const struct outlet *o, const char *line, size_t len)
{
	static const char text[] = "time=", json[] = "{\"time\":";
	const char *head = text;

	if (o->rule->format == LOG_JSON && o->rule->to != LOG_JOURNAL)
		head = json;
	return len > strlen(head) && memcmp(line, head, strlen(head)) == 0;
}

/* Does a message become a record here? */
static bool
is_wrapped(const struct outlet *o)
{
	return o->rule->to == LOG_FILE ||
	    (o->rule->to == LOG_STDERR && o->rule->format == LOG_JSON);
}

/* Write a line that is printable. */
static void
put_line(struct outlet *o, int priority, const char *line, size_t len)
{
	const size_t head = strlen(program_name) + strlen(": ");

	switch (o->rule->to) {
	case LOG_STDERR:
	case LOG_FILE:
		keep_line(o, line, len);
		break;
	case LOG_SYSLOG:
		/* Our name is the tag already. */
		if (priority == PRIORITY_NOTICE && len > head)
			send_syslog(o, priority, line + head, len - head);
		else
			send_syslog(o, priority, line, len);
		break;
	case LOG_JOURNAL:
		send_journal(o, priority, line, len);
		break;
	}
}

/* Write a record of our own, in the form that all others have here. */
static void
put_record(struct outlet *o, struct record *r)
{
	const bool is_text = o->rule->to == LOG_JOURNAL;
	char line[RECORD_MAX];
	size_t n;

	r->time_ms = clock_wall();
	n = record_format(r, is_text ? LOG_TEXT : o->rule->format, line);
	put_line(o, PRIORITY_INFO, line, n - 1);
}

static void
tell_lost(struct outlet *o)
{
	const int64_t lost = o->lost;
	struct record r = record_empty;

	r.suppressed = lost;
	o->lost = 0;
	put_record(o, &r);
	if (o->len > 0)
		o->told += lost; /* it is not written yet */
	else if (o->lost > 0)
		o->lost = lost;
}

void
outlet_write(struct outlet *o, const char *line, size_t len)
{
	const bool is_message = !is_record(o, line, len);
	const int priority = is_message ? PRIORITY_NOTICE : PRIORITY_INFO;
	char clean[OUTLET_LINE_MAX];
	struct record r = record_empty;
	size_t i = 0;

	if (o->lost > 0)
		tell_lost(o);
	if (is_message && is_wrapped(o)) {
		r.message = (struct tcpmux_span){ line, len };
		put_record(o, &r);
		return;
	}
	while (i < len && line[i] >= ' ' && line[i] <= '~')
		i++;
	if (i < len || len > sizeof(clean)) {
		len = record_escape(line, len, clean, sizeof(clean));
		line = clean;
	}
	put_line(o, priority, line, len);
}
