/*
 * A text that grows, by doubling, and what goes into it.
 */

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cmd/document.h"
#include "cmd/exporter/body.h"

#define BODY_FIRST ((size_t)16 * 1024)

void
body_init(struct body *b)
{
	*b = (struct body){ .text = NULL };
}

void
body_clear(struct body *b)
{
	free(b->text);
	body_init(b);
}

/* Make room for len more bytes. */
static bool
body_grow(struct body *b, size_t len)
{
	size_t room = b->room == 0 ? BODY_FIRST : b->room;
	char *text;

	if (b->failed)
		return false;
	if (len <= b->room - b->len)
		return true;
	if (len > BODY_MAX - b->len)
		goto fail;
	while (room - b->len < len)
		room *= 2;
	text = realloc(b->text, room);
	if (text == NULL)
		goto fail;
	b->text = text;
	b->room = room;
	return true;
fail:
	b->failed = true;
	return false;
}

void
body_add(struct body *b, const char *p, size_t len)
{
	if (!body_grow(b, len))
		return;
	memcpy(b->text + b->len, p, len);
	b->len += len;
}

void
body_put(struct body *b, const char *text)
{
	body_add(b, text, strlen(text));
}

void
body_number(struct body *b, uint64_t n)
{
	body_format(b, "%" PRIu64, n);
}

void
body_format(struct body *b, const char *fmt, ...)
{
	char text[256];
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	if (n < 0 || (size_t)n >= sizeof(text))
		b->failed = true;
	else
		body_add(b, text, (size_t)n);
}

static bool
body_is_plain(char c)
{
	return c >= 0x20 && c <= 0x7e;
}

void
body_add_html(struct body *b, const char *text)
{
	for (; *text != '\0'; text++) {
		switch (*text) {
		case '&':
			body_put(b, "&amp;");
			break;
		case '<':
			body_put(b, "&lt;");
			break;
		case '>':
			body_put(b, "&gt;");
			break;
		case '"':
			body_put(b, "&quot;");
			break;
		case '\'':
			body_put(b, "&#39;");
			break;
		default:
			if (body_is_plain(*text))
				body_add(b, text, 1);
			else
				body_format(b, "\\x%02x", (unsigned char)*text);
		}
	}
}

/* A backslash is doubled, also that of \xHH. */
void
body_add_label(struct body *b, const char *text)
{
	for (; *text != '\0'; text++) {
		if (*text == '"' || *text == '\\')
			body_add(b, "\\", 1);
		if (body_is_plain(*text))
			body_add(b, text, 1);
		else
			body_format(b, "\\\\x%02x", (unsigned char)*text);
	}
}

static void
body_write_document(struct json *j, const struct snapshot *s, const char *why)
{
	if (s != NULL) {
		document_put(j, s);
		return;
	}
	json_begin(j, '{');
	json_key(j, "tcpmuxd");
	json_null(j);
	json_key(j, "reason");
	json_string(j, why);
	json_end(j, '}');
}

void
body_add_document(struct body *b, const struct snapshot *s, const char *why)
{
	struct json j = { .file = NULL };
	char *text = NULL;
	size_t len = 0;
	int wrong;

	j.file = open_memstream(&text, &len);
	if (j.file == NULL) {
		b->failed = true;
		return;
	}
	body_write_document(&j, s, why);
	(void)fputc('\n', j.file); /* asked for errors with all else */
	wrong = ferror(j.file);
	if (fclose(j.file) == EOF || wrong != 0)
		b->failed = true;
	else
		body_add(b, text, len);
	free(text);
}
