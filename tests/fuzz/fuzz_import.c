/*
 * Fuzzes the imports, and aborts where what they write is not of the form of
 * our configuration: comments, and services and listeners with options.
 *
 * The first byte chooses the target: 'i' is inetd's, 'x' is xinetd's, any
 * other is what the text itself looks like.  The text lies in a block of
 * exactly its size, so that AddressSanitizer sees each byte read too many.
 */

#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "conf/field.h"
#include "conf/import.h"
#include "conf/nameset.h"

/* Unlike assert(3), it is there in every build. */
#define MUST(promise) must((promise), #promise, __LINE__)

int LLVMFuzzerTestOneInput(const uint8_t *, size_t);

static void
must(bool promise, const char *text, int line)
{
	if (promise)
		return;
	(void)fprintf(stderr, "fuzz_import.c:%d: broken: %s\n", line, text);
	abort();
}

/* Cut one quoted string off the beginning of *s, with both its quotes. */
static struct tcpmux_span
cut_string(struct tcpmux_span *s)
{
	struct tcpmux_span string = { s->p, 1 };

	MUST(s->len > 0 && s->p[0] == '"');
	while (string.len < s->len && s->p[string.len] != '"') {
		MUST(s->p[string.len] != '$');
		string.len += s->p[string.len] == '\\' ? 2 : 1;
	}
	string.len++;
	MUST(string.len <= s->len);
	s->p += string.len;
	s->len -= string.len;
	return string;
}

/* One value, or a list of strings in braces. */
static void
check_value(struct tcpmux_span value)
{
	if (field_starts(value, "\"")) {
		(void)cut_string(&value);
		MUST(value.len == 0);
	} else if (field_starts(value, "{")) {
		value.p++;
		value.len--;
		while (field_starts(value, "\"")) {
			(void)cut_string(&value);
			if (field_starts(value, ", \"")) {
				value.p += 2;
				value.len -= 2;
			}
		}
		MUST(field_is(value, "}"));
	} else {
		MUST(field_count(value) == 1);
		MUST(!field_has(value, '"') && !field_has(value, '#') &&
		    !field_has(value, '$') && !field_has(value, '}'));
	}
}

/* What a block has had. */
struct block {
	bool is_open;
	bool is_service;
	unsigned int kinds; /* exec, relay, builtin */
	bool has_user;
};

static void
check_option(struct block *b, struct tcpmux_span line)
{
	struct tcpmux_span value;

	MUST(field_cut(&line, '=', &value));
	line = field_trim(line);
	b->kinds += field_is(line, "exec") || field_is(line, "relay") ||
	    field_is(line, "builtin");
	b->has_user = b->has_user || field_is(line, "user") ||
	    field_is(line, "relay") || field_is(line, "builtin");
	check_value(field_trim(value));
}

/* The first line of a service or a listener; no service comes twice. */
static void
check_head(struct block *b, struct tcpmux_span line, struct nameset *names)
{
	struct tcpmux_span keyword, name;

	*b = (struct block){ .is_open = true };
	MUST(field_word(&line, &keyword));
	b->is_service = field_is(keyword, "service");
	MUST(b->is_service || field_is(keyword, "listen"));
	line = field_trim(line);
	name = cut_string(&line);
	MUST(field_is(line, " {"));
	if (!b->is_service)
		return;
	MUST(nameset_find(names, name) == 0);
	MUST(nameset_add(names, name, 1) == 0);
}

static void
check_line(struct block *b, struct tcpmux_span line, struct nameset *names)
{
	size_t i;

	for (i = 0; i < line.len; i++)
		MUST(line.p[i] == '\t' ||
		    (line.p[i] >= ' ' && line.p[i] <= '~'));
	if (line.len == 0 || line.p[0] == '#')
		return;
	if (b->is_open && field_is(line, "}")) {
		MUST(!b->is_service || (b->kinds == 1 && b->has_user));
		b->is_open = false;
	} else if (b->is_open)
		check_option(b, line);
	else
		check_head(b, line, names);
}

static void
check_written(const char *text)
{
	struct field s = { { text, strlen(text) }, 0 };
	struct nameset names = { NULL, 0, 0 };
	struct block block = { .is_open = false };
	struct tcpmux_span line;

	MUST(s.rest.len <= IMPORT_WRITTEN_MAX);
	while (field_line(&s, &line))
		check_line(&block, line, &names);
	MUST(!block.is_open);
	nameset_clear(&names);
}

static void
check_includes(const char *text, size_t len)
{
	struct import_include found = { 0 };
	size_t end = 0;

	while (import_find_include(text, len, &found)) {
		MUST(found.begin >= end && found.end > found.begin);
		MUST(found.end <= len && found.path.len > 0);
		MUST(found.path.p >= text + found.begin);
		MUST(found.path.p + found.path.len <= text + found.end);
		end = found.end;
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	size_t len = size - 1;
	char *text, *written;
	bool is_xinetd;

	if (size == 0)
		return 0;
	text = malloc(len);
	MUST(text != NULL || len == 0);
	if (len > 0)
		memcpy(text, data + 1, len);
	is_xinetd = import_is_xinetd(text, len);
	if (data[0] == 'i' || data[0] == 'x')
		is_xinetd = data[0] == 'x';
	check_includes(text, len);
	errno = 0;
	written = is_xinetd ? import_xinetd("f", text, len) :
			      import_inetd("f", text, len);
	if (written != NULL)
		check_written(written);
	else
		MUST(errno == E2BIG);
	free(written);
	free(text);
	return 0;
}
