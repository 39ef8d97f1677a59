/*
 * Writes JSON (RFC 8259).  Nothing that is written is asked for errors: the
 * caller does that in the end.
 */

#include <inttypes.h>
#include <stddef.h>

#include "cmd/json.h"

/* The first of two surrogates (RFC 8259, "Strings"), and the bits of one. */
#define SURROGATE_HIGH 0xd800U
#define SURROGATE_LOW  0xdc00U
#define SURROGATE_BITS 10
#define BEYOND_16_BITS 0x10000U

static void
put_comma(struct json *j)
{
	if (j->is_behind)
		(void)fputs(", ", j->file);
	j->is_behind = true;
}

void
json_begin(struct json *j, char bracket)
{
	put_comma(j);
	(void)fputc(bracket, j->file);
	j->is_behind = false;
}

void
json_end(struct json *j, char bracket)
{
	(void)fputc(bracket, j->file);
	j->is_behind = true;
}

/*
 * The character at p and, in *len, its bytes; or 0 if none begins there
 * (RFC 3629: the shortest form, no surrogates, at most U+10FFFF).
 */
static uint32_t
decode(const unsigned char *p, size_t *len)
{
	static const uint32_t least[] = { 0, 0, 0x80, 0x800, BEYOND_16_BITS };
	uint32_t c;
	size_t i;

	*len = p[0] < 0x80 ? 1 :
	    p[0] < 0xc0    ? 0 :
	    p[0] < 0xe0    ? 2 :
	    p[0] < 0xf0    ? 3 :
	    p[0] < 0xf8    ? 4 :
			     0;
	if (*len < 2)
		return *len == 1 ? p[0] : 0;
	c = p[0] & (0x7fU >> *len);
	for (i = 1; i < *len; i++) {
		if ((p[i] & 0xc0) != 0x80) /* so is the NUL at the end */
			return 0;
		c = c << 6 | (p[i] & 0x3fU);
	}
	if (c < least[*len] || c > 0x10ffff ||
	    (c >= SURROGATE_HIGH && c < 0xe000))
		return 0;
	return c;
}

static void
put_character(FILE *f, uint32_t c)
{
	if (c == '"' || c == '\\')
		(void)fprintf(f, "\\%c", (char)c);
	else if (c >= 0x20 && c <= 0x7e)
		(void)fputc((int)c, f);
	else if (c < BEYOND_16_BITS)
		(void)fprintf(f, "\\u%04" PRIx32, c);
	else
		(void)fprintf(f, "\\u%04" PRIx32 "\\u%04" PRIx32,
		    SURROGATE_HIGH + ((c - BEYOND_16_BITS) >> SURROGATE_BITS),
		    SURROGATE_LOW + (c & ((1U << SURROGATE_BITS) - 1)));
}

static void
put_string(FILE *f, const char *text)
{
	const unsigned char *p = (const unsigned char *)text;
	uint32_t c;
	size_t len;

	(void)fputc('"', f);
	while (*p != '\0') {
		c = decode(p, &len);
		if (c != 0) {
			put_character(f, c);
			p += len;
		} else
			(void)fprintf(f, "\\\\x%02x", *p++);
	}
	(void)fputc('"', f);
}

void
json_key(struct json *j, const char *text)
{
	put_comma(j);
	(void)fputc('"', j->file);
	for (; *text != '\0'; text++)
		put_character(j->file,
		    *text == '-' ? '_' : (unsigned char)*text);
	(void)fputs("\": ", j->file);
	j->is_behind = false;
}

void
json_string(struct json *j, const char *text)
{
	put_comma(j);
	put_string(j->file, text);
}

void
json_number(struct json *j, uint64_t number)
{
	put_comma(j);
	(void)fprintf(j->file, "%" PRIu64, number);
}

void
json_bool(struct json *j, bool is_true)
{
	put_comma(j);
	(void)fputs(is_true ? "true" : "false", j->file);
}

void
json_null(struct json *j)
{
	put_comma(j);
	(void)fputs("null", j->file);
}

void
json_seconds(struct json *j, int64_t ms)
{
	put_comma(j);
	(void)fprintf(j->file, "%" PRId64 ".%03d", ms / 1000, (int)(ms % 1000));
}
