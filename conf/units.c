/*
 * Numbers as operators write them: counts, times, sizes and rates.
 */

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "conf/units.h"

struct unit {
	const char *name;
	uint64_t factor;
};

/* From the largest, as they are tried when a number is written. */
static const struct unit times[] = {
	{ "d", 86400000 },
	{ "h", 3600000 },
	{ "m", 60000 },
	{ "s", 1000 },
	{ "ms", 1 },
	{ "", 1000 },
};

static const struct unit sizes[] = {
	{ "G", 1073741824 },
	{ "M", 1048576 },
	{ "K", 1024 },
	{ "", 1 },
};

static const struct unit none[] = { { "", 1 } };

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

/* Parse digits and one of n units from the text that ends at end. */
static int
parse(const char *text, const char *end, const struct unit *units, size_t n,
    uint64_t *value)
{
	const char *p;
	uint64_t number = 0;
	size_t i, rest;

	for (p = text; p < end && *p >= '0' && *p <= '9'; p++)
		if (__builtin_mul_overflow(number, 10, &number) ||
		    __builtin_add_overflow(number, *p - '0', &number))
			return UNITS_ERR_RANGE;
	rest = (size_t)(end - p);
	for (i = 0; i < n; i++)
		if (strlen(units[i].name) == rest &&
		    memcmp(units[i].name, p, rest) == 0)
			break;
	if (p == text || i == n)
		return UNITS_ERR_TEXT;
	if (__builtin_mul_overflow(number, units[i].factor, &number))
		return UNITS_ERR_RANGE;
	*value = number;
	return 0;
}

int
units_parse_count(const char *text, uint64_t *value)
{
	return parse(text, text + strlen(text), none, COUNT(none), value);
}

int
units_parse_time(const char *text, uint64_t *value)
{
	return parse(text, text + strlen(text), times, COUNT(times), value);
}

int
units_parse_size(const char *text, uint64_t *value)
{
	return parse(text, text + strlen(text), sizes, COUNT(sizes), value);
}

/* Parse a rate whose count has one of these n units. */
static int
parse_rate(const char *text, const struct unit *units, size_t n,
    struct rate *value)
{
	const char *slash = strchr(text, '/');
	uint64_t count, period;
	int e;

	if (strcmp(text, "0") == 0) {
		*value = (struct rate){ 0, 0 };
		return 0;
	}
	if (slash == NULL)
		return UNITS_ERR_TEXT;
	e = parse(text, slash, units, n, &count);
	if (e == 0)
		e = units_parse_time(slash + 1, &period);
	if (e != 0)
		return e;
	if (count == 0 || count > UINT32_MAX || period == 0 ||
	    period > UINT32_MAX)
		return UNITS_ERR_RANGE;
	*value = (struct rate){ (uint32_t)count, (uint32_t)period };
	return 0;
}

int
units_parse_rate(const char *text, struct rate *value)
{
	return parse_rate(text, none, COUNT(none), value);
}

int
units_parse_byte_rate(const char *text, struct rate *value)
{
	return parse_rate(text, sizes, COUNT(sizes), value);
}

/* Write value in the largest of the units that divides it. */
static void
format(uint64_t value, const struct unit *units,
    char text[static UNITS_TEXT_MAX])
{
	if (value == 0) {
		memcpy(text, "0", 2);
		return;
	}
	while (value % units->factor != 0)
		units++;
	/* Twenty digits and a unit always have room. */
	(void)snprintf(text, UNITS_TEXT_MAX, "%" PRIu64 "%s",
	    value / units->factor, units->name);
}

void
units_format_time(uint64_t ms, char text[static UNITS_TEXT_MAX])
{
	format(ms, times, text);
}

void
units_format_size(uint64_t bytes, char text[static UNITS_TEXT_MAX])
{
	format(bytes, sizes, text);
}

static void
format_rate(struct rate r, const struct unit *units,
    char text[static UNITS_TEXT_MAX])
{
	char count[UNITS_TEXT_MAX], period[UNITS_TEXT_MAX];

	format(r.count, units, count);
	format(r.period_ms, times, period);
	/* Both together are at most 10 digits, a slash, 8 digits and a unit. */
	(void)snprintf(text, UNITS_TEXT_MAX, r.count == 0 ? "0" : "%.20s/%.20s",
	    count, period);
}

void
units_format_rate(struct rate r, char text[static UNITS_TEXT_MAX])
{
	format_rate(r, none, text);
}

void
units_format_byte_rate(struct rate r, char text[static UNITS_TEXT_MAX])
{
	format_rate(r, sizes, text);
}
