/*
 * Numbers as operators write them: counts, times, sizes and rates.
 *
 * Pure.  Each is digits with at most one unit behind them.  Every function
 * here that parses returns 0, or an enum units_err and leaves *value alone.
 */

#ifndef CONF_UNITS_H
#define CONF_UNITS_H

#include <stdint.h>

#include "table/table.h"

/* The longest text that is written, with its NUL. */
#define UNITS_TEXT_MAX 48

enum units_err {
	UNITS_ERR_TEXT = -1, /* not such a number at all */
	UNITS_ERR_RANGE = -2 /* more than the type can hold */
};

/* Digits, and nothing but digits. */
int units_parse_count(const char *text, uint64_t *value);

/* In milliseconds: 250ms, 10s, 5m, 2h or 1d; without a unit, seconds. */
int units_parse_time(const char *text, uint64_t *value);

/* In bytes: 4096, or 64K, 10M, 1G, which are powers of 1024. */
int units_parse_size(const char *text, uint64_t *value);

/*
 * COUNT/TIME, as in 10/1s, or 0 for no limit.  The count of a rate of bytes
 * is a size.
 */
int units_parse_rate(const char *text, struct rate *value);
int units_parse_byte_rate(const char *text, struct rate *value);

/* Write the shortest text that is parsed to the same value. */
void units_format_time(uint64_t ms, char text[static UNITS_TEXT_MAX]);
void units_format_size(uint64_t bytes, char text[static UNITS_TEXT_MAX]);
void units_format_rate(struct rate r, char text[static UNITS_TEXT_MAX]);
void units_format_byte_rate(struct rate r, char text[static UNITS_TEXT_MAX]);

#endif
