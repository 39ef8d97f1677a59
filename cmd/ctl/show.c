/*
 * Text and numbers for people.
 */

#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <time.h>

#include "cmd/ctl/show.h"
#include "cmd/escape.h"
#include "cmd/say.h"

/* The longest line of somebody else's text; what is longer is cut. */
#define LINE_MAX_SHOWN 4096

void
show_text(FILE *f, const char *text)
{
	char line[LINE_MAX_SHOWN], shown[LINE_MAX_SHOWN * 4];
	size_t len;

	while (*text != '\0') {
		len = strcspn(text, "\n");
		(void)snprintf(line, sizeof(line), "%.*s", (int)len, text);
		(void)escape_text(shown, sizeof(shown), line); /* or cut */
		/* The caller asks for errors, if anybody can be told. */
		(void)fprintf(f, "%s\n", shown);
		text += len + (text[len] == '\n' ? 1 : 0);
	}
}

void
show_count(char buf[static SHOW_MAX], uint64_t n)
{
	static const char units[] = "kMGTPE";
	size_t unit = 0;
	uint64_t scale = 1000;

	if (n < 10000) {
		(void)snprintf(buf, SHOW_MAX, "%" PRIu64, n);
		return;
	}
	while (unit + 1 < sizeof(units) - 1 && n / scale >= 1000) {
		scale *= 1000;
		unit++;
	}
	/* Cut, and not rounded: nothing is said to be more than it is. */
	if (n / scale >= 100)
		(void)snprintf(buf, SHOW_MAX, "%" PRIu64 "%c", n / scale,
		    units[unit]);
	else if (n / scale >= 10)
		(void)snprintf(buf, SHOW_MAX, "%" PRIu64 ".%" PRIu64 "%c",
		    n / scale, n / (scale / 10) % 10, units[unit]);
	else
		(void)snprintf(buf, SHOW_MAX, "%" PRIu64 ".%02" PRIu64 "%c",
		    n / scale, n / (scale / 100) % 100, units[unit]);
}

void
show_duration(char buf[static SHOW_MAX], int64_t ms)
{
	const int64_t s = ms / 1000, m = s / 60, h = m / 60, d = h / 24;

	if (ms < 0)
		(void)snprintf(buf, SHOW_MAX, "0s");
	else if (s == 0)
		(void)snprintf(buf, SHOW_MAX, "%" PRId64 "ms", ms);
	else if (s < 60)
		(void)snprintf(buf, SHOW_MAX, "%" PRId64 ".%" PRId64 "s", s,
		    ms / 100 % 10);
	else if (m < 60)
		(void)snprintf(buf, SHOW_MAX, "%" PRId64 "m%02" PRId64 "s", m,
		    s % 60);
	else if (h < 24)
		(void)snprintf(buf, SHOW_MAX, "%" PRId64 "h%02" PRId64 "m", h,
		    m % 60);
	else
		(void)snprintf(buf, SHOW_MAX, "%" PRId64 "d%02" PRId64 "h", d,
		    h % 24);
}

void
show_microseconds(char buf[static SHOW_MAX], uint64_t us)
{
	if (us < 1000)
		(void)snprintf(buf, SHOW_MAX, "%" PRIu64 "us", us);
	else if (us < 100000)
		(void)snprintf(buf, SHOW_MAX, "%" PRIu64 ".%" PRIu64 "ms",
		    us / 1000, us / 100 % 10);
	else
		show_duration(buf, (int64_t)(us / 1000));
}

void
show_time(char buf[static SHOW_MAX], int64_t ms)
{
	const time_t seconds = (time_t)(ms / 1000);
	struct tm tm;

	if (localtime_r(&seconds, &tm) == NULL ||
	    strftime(buf, SHOW_MAX, "%Y-%m-%d %H:%M:%S", &tm) == 0)
		(void)snprintf(buf, SHOW_MAX, "%" PRId64, ms / 1000);
}

int
show_end(void)
{
	if (fflush(stdout) != EOF && ferror(stdout) == 0)
		return SAY_OK;
	say("standard output cannot be written: %s", strerror(errno));
	return SAY_BROKEN;
}
