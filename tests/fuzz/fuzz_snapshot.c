/*
 * Any text as what a daemon says of itself: it is taken, whatever is asked for
 * lies within it, no line has more than it had, and as JSON it is ASCII whose
 * brackets match.
 */

#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cmd/document.h"
#include "cmd/snapshot.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
look_at_value(const struct snapshot_line *line, const char *key)
{
	uint64_t numbers[4];
	const char *value = snapshot_get(line, key);

	if (value == NULL || value <= line->word || value >= line->end ||
	    value + strlen(value) >= line->end)
		abort();
	if (snapshot_numbers(line, key, numbers, 4) == 1 &&
	    snapshot_number(line, key, 7) != numbers[0])
		abort();
	if (snapshot_time(line, key) < 0)
		abort();
}

static void
look_at(const struct snapshot *s, const struct snapshot_line *line,
    const char *end)
{
	const char *p = line->word + strlen(line->word) + 1;

	if (line->word < s->text || line->end > end || p > line->end ||
	    strchr(line->word, ' ') != NULL || strchr(line->word, '\n') != NULL)
		abort();
	while (p < line->end) {
		look_at_value(line, p);
		p += strlen(p) + 1;
		p += strlen(p) + 1;
	}
	if (p != line->end)
		abort();
	if (snapshot_get(line, "") != NULL)
		abort();
}

/* The length of a string of JSON at p, with its quotes. */
static size_t
string_length(const char *p)
{
	size_t n = 1;

	while (p[n] != '"') {
		if (p[n] < 0x20 || p[n] > 0x7e)
			abort();
		n += p[n] == '\\' ? 2 : 1;
	}
	return n + 1;
}

static void
look_at_json(const char *p)
{
	char open[8];
	size_t depth = 0;

	for (; *p != '\0'; p += *p == '"' ? string_length(p) : 1) {
		if (*p < 0x20 || *p > 0x7e || depth == sizeof(open))
			abort();
		if (*p == '{' || *p == '[')
			open[depth++] = *p;
		if ((*p == '}' || *p == ']') &&
		    (depth == 0 || open[--depth] != (*p == '}' ? '{' : '[')))
			abort();
	}
	if (depth != 0)
		abort();
}

static void
write_json(const struct snapshot *s)
{
	char *text = NULL;
	size_t size;
	struct json j = { .file = open_memstream(&text, &size) };

	if (j.file == NULL)
		abort();
	json_begin(&j, '{');
	json_key(&j, "all");
	document_put(&j, s);
	document_put_lines(&j, s, "conn");
	json_end(&j, '}');
	if (fclose(j.file) == EOF)
		abort();
	look_at_json(text);
	free(text);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct snapshot_line *line = NULL;
	char *text = malloc(size + 1);
	struct snapshot s;
	size_t n = 0;

	if (text == NULL)
		abort();
	if (size > 0)
		memcpy(text, data, size);
	text[size] = '\0';
	if (snapshot_take_text(&s, text, size) == -1) {
		if (s.text != NULL || s.lines != NULL || s.n != 0)
			abort();
		return 0;
	}
	for (n = 0; n < s.n; n++)
		look_at(&s, &s.lines[n], text + size + 1);
	for (n = 0; (line = snapshot_next(&s, line, "service")) != NULL; n++)
		if (strcmp(line->word, "service") != 0)
			abort();
	if (n > s.n)
		abort();
	write_json(&s);
	snapshot_clear(&s);
	return 0;
}
