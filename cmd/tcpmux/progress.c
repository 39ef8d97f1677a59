/*
 * One line on how a transfer goes, written over itself on a terminal.
 */

#include <inttypes.h>
#include <stdio.h>
#include <unistd.h>

#include "cmd/clock.h"
#include "cmd/say.h"
#include "cmd/tcpmux/progress.h"

/* Between two lines. */
#define PROGRESS_PERIOD 1000

void
progress_init(struct progress *progress, bool on, bool live)
{
	progress->on = on;
	progress->live = on && live && isatty(STDERR_FILENO) == 1;
	progress->since = progress->shown = clock_now();
	progress->then = 0;
}

int
progress_wait(const struct progress *progress)
{
	int64_t due;

	if (!progress->live)
		return -1;
	due = progress->shown + PROGRESS_PERIOD - clock_now();
	return due < 0 ? 0 : (int)due;
}

/* A number of bytes for a person: 3 digits or 4, and a unit. */
static void
progress_format(char *out, size_t size, double bytes)
{
	static const char *const unit[] = { "B", "KiB", "MiB", "GiB", "TiB" };
	size_t i = 0;

	for (; bytes >= 1024 && i < sizeof(unit) / sizeof(unit[0]) - 1; i++)
		bytes /= 1024;
	/* All of it fits: the caller has room for 32 bytes. */
	(void)snprintf(out, size, i == 0 ? "%.0f %s" : "%.1f %s", bytes,
	    unit[i]);
}

static void
progress_line(char *line, size_t size, uint64_t up, uint64_t down, double rate)
{
	char sent[32], received[32], each[32];

	progress_format(sent, sizeof(sent), (double)up);
	progress_format(received, sizeof(received), (double)down);
	progress_format(each, sizeof(each), rate);
	(void)snprintf(line, size, "%s sent, %s received, %s/s", sent, received,
	    each); /* it fits */
}

static double
progress_rate(uint64_t bytes, int64_t ms)
{
	return ms <= 0 ? 0 : (double)bytes * 1000 / (double)ms;
}

void
progress_show(struct progress *progress, uint64_t up, uint64_t down)
{
	int64_t now;
	char line[128];

	if (!progress->live || progress_wait(progress) > 0)
		return;
	now = clock_now();
	progress_line(line, sizeof(line), up, down,
	    progress_rate(up + down - progress->then, now - progress->shown));
	say_progress(line);
	progress->shown = now;
	progress->then = up + down;
}

void
progress_end(struct progress *progress, uint64_t up, uint64_t down)
{
	int64_t ms = clock_now() - progress->since;
	char line[128];

	if (!progress->on)
		return;
	progress_line(line, sizeof(line), up, down,
	    progress_rate(up + down, ms));
	say("%s, in %" PRId64 ".%03d s", line, ms / 1000, (int)(ms % 1000));
}
