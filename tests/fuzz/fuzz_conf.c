/*
 * Any text as a configuration: it is taken without a mistake, and then printed
 * and taken again to the same; or what is wrong is said.
 */

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "conf/conf.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
say(void *arg, bool is_warning, const char *file, int line, const char *text)
{
	static const char *const found[] = { "premature ", "missing ",
		"unexpected ", "unterminated ", "invalid ", "bad ", "no such ",
		"found ", "attempt " };
	size_t i;

	(void)arg;
	(void)is_warning;
	(void)file;
	/* The first look leaves the library nothing to find. */
	for (i = 0; i < sizeof(found) / sizeof(found[0]); i++)
		if (strncmp(text, found[i], strlen(found[i])) == 0)
			abort();
	if (line < 1)
		abort();
}

static void
refer(void *arg, const char *path, const char *file, int line)
{
	(void)arg;
	(void)path;
	(void)file;
	(void)line;
}

/* The canonical form of text, or NULL if it is wrong. */
static char *
canonical(const char *text)
{
	struct conf_report report = { .say = say };
	const struct conf_refer references = { refer, refer, NULL };
	struct table *t = table_new();
	char *printed = NULL;

	if (t == NULL || conf_parse(t, "f", text, &references, &report) == -1 ||
	    conf_finish(t, &report) == -1)
		abort();
	if (report.mistakes == 0) {
		printed = conf_print(t);
		if (printed == NULL)
			abort();
	}
	table_free(t);
	return printed;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = malloc(size + 1), *once, *twice;

	if (text == NULL)
		abort();
	memcpy(text, data, size);
	text[size] = '\0';
	once = canonical(text);
	if (once != NULL) {
		twice = canonical(once);
		if (twice == NULL || strcmp(once, twice) != 0)
			abort();
		free(twice);
	}
	free(once);
	free(text);
	return 0;
}
