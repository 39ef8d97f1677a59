/*
 * Numbers as people read them: few digits, and the unit that suits them.
 */

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "cmd/exporter/shown.h"

/* A unit, as long as a number is below limit: so many of it are one. */
struct shown_unit {
	uint64_t limit;
	uint64_t one;
	const char *name;
};

#define SECOND UINT64_C(1000000)
#define MINUTE (60 * SECOND)
#define HOUR   (60 * MINUTE)
#define DAY    (24 * HOUR)

static const struct shown_unit shown_times[] = {
	{ 1000, 1, "&micro;s" },
	{ SECOND, 1000, "ms" },
	{ 2 * MINUTE, SECOND, "s" },
	{ 2 * HOUR, MINUTE, "min" },
	{ 2 * DAY, HOUR, "h" },
	{ UINT64_MAX, DAY, "days" },
};

static const struct shown_unit shown_sizes[] = {
	{ UINT64_C(1000), 1, "B" },
	{ UINT64_C(1000000), UINT64_C(1000), "kB" },
	{ UINT64_C(1000000000), UINT64_C(1000000), "MB" },
	{ UINT64_C(1000000000000), UINT64_C(1000000000), "GB" },
	{ UINT64_MAX, UINT64_C(1000000000000), "TB" },
};

void
shown_nothing(struct body *b)
{
	body_put(b, "<span class=\"quiet\">&ndash;</span>");
}

void
shown_count(struct body *b, uint64_t n)
{
	char digits[24];
	size_t i, len;
	int r;

	r = snprintf(digits, sizeof(digits), "%" PRIu64, n);
	if (r < 0 || (size_t)r >= sizeof(digits)) {
		b->failed = true;
		return;
	}
	len = (size_t)r;
	for (i = 0; i < len; i++) {
		if (i > 0 && (len - i) % 3 == 0)
			body_put(b, ",");
		body_add(b, &digits[i], 1);
	}
}

/* One decimal where there is but one digit before it. */
static void
shown_in(struct body *b, uint64_t n, const struct shown_unit *unit)
{
	uint64_t whole, tenths;

	while (n >= unit->limit && unit->limit != UINT64_MAX)
		unit++;
	whole = n / unit->one;
	tenths = n % unit->one / (unit->one >= 10 ? unit->one / 10 : 1);
	shown_count(b, whole);
	if (whole < 10 && unit->one > 1 && tenths > 0)
		body_format(b, ".%" PRIu64, tenths);
	body_format(b, "&nbsp;%s", unit->name);
}

void
shown_bytes(struct body *b, uint64_t n)
{
	shown_in(b, n, shown_sizes);
}

void
shown_micro(struct body *b, uint64_t us)
{
	shown_in(b, us, shown_times);
}

void
shown_time(struct body *b, int64_t ms)
{
	const time_t seconds = (time_t)(ms / 1000);
	char text[64];
	struct tm tm;

	if (gmtime_r(&seconds, &tm) == NULL ||
	    strftime(text, sizeof(text), "%Y-%m-%d %H:%M:%S UTC", &tm) == 0) {
		shown_nothing(b);
		return;
	}
	body_put(b, text);
}
