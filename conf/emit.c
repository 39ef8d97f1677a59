/*
 * Text that grows as it is written, up to a bound.
 */

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "conf/emit.h"

#define FIRST_SIZE  4096
#define FORMAT_ROOM 256

void
emit_init(struct emit *e, size_t max)
{
	*e = (struct emit){ .max = max };
}

void
emit_clear(struct emit *e)
{
	free(e->text);
	emit_init(e, e->max);
}

void
emit_restart(struct emit *e)
{
	e->len = 0;
}

/* Make room for len more bytes. */
static bool
has_room(struct emit *e, size_t len)
{
	size_t size = e->size > 0 ? e->size : FIRST_SIZE;
	char *text;

	if (e->error != 0)
		return false;
	if (len > e->max - e->len) {
		e->error = E2BIG;
		return false;
	}
	while (size < e->len + len)
		size *= 2;
	if (size == e->size)
		return true;
	text = realloc(e->text, size);
	if (text == NULL) {
		e->error = ENOMEM;
		return false;
	}
	e->text = text;
	e->size = size;
	return true;
}

void
emit_bytes(struct emit *e, const char *p, size_t len)
{
	if (len == 0 || !has_room(e, len))
		return;
	memcpy(e->text + e->len, p, len);
	e->len += len;
}

void
emit_format(struct emit *e, const char *format, ...)
{
	char piece[FORMAT_ROOM];
	va_list ap;
	int n;

	va_start(ap, format);
	n = vsnprintf(piece, sizeof(piece), format, ap);
	va_end(ap);
	if (n < 0)
		return;
	emit_bytes(e, piece,
	    (size_t)n < sizeof(piece) ? (size_t)n : sizeof(piece) - 1);
}

static bool
is_printable(char c)
{
	return c >= ' ' && c <= '~';
}

/*
 * The dollar sign is quoted, too: libConfuse would put the value of a variable
 * of the environment in place of ${NAME}.
 */
void
emit_quoted(struct emit *e, struct tcpmux_span s)
{
	size_t i;

	emit_bytes(e, "\"", 1);
	for (i = 0; i < s.len; i++) {
		if (!is_printable(s.p[i])) {
			emit_format(e, "\\x%02x", (unsigned char)s.p[i]);
			continue;
		}
		if (s.p[i] == '"' || s.p[i] == '\\' || s.p[i] == '$')
			emit_bytes(e, "\\", 1);
		emit_bytes(e, s.p + i, 1);
	}
	emit_bytes(e, "\"", 1);
}

void
emit_shown(struct emit *e, struct tcpmux_span s)
{
	size_t i;

	for (i = 0; i < s.len && i < EMIT_SHOWN_MAX; i++) {
		if (s.p[i] == '\t')
			emit_bytes(e, " ", 1);
		else if (is_printable(s.p[i]))
			emit_bytes(e, s.p + i, 1);
		else
			emit_format(e, "\\x%02x", (unsigned char)s.p[i]);
	}
	if (i < s.len)
		emit_bytes(e, "...", 3);
}

char *
emit_take(struct emit *e)
{
	char *text;

	emit_bytes(e, "", 1); /* the NUL */
	text = e->error == 0 ? e->text : NULL;
	if (text == NULL) {
		free(e->text);
		errno = e->error;
	}
	emit_init(e, e->max);
	return text;
}
