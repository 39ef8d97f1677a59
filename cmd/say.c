/*
 * Sentences on standard error, one write each, so that those of several
 * programs in a pipeline do not mix.
 */

#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cmd/escape.h"
#include "cmd/say.h"

/* The longest line; what is longer is cut. */
#define SAY_MAX 2048

static const char *say_name = "tcpmux";

/* A line of progress is on the terminal, and the cursor behind it. */
static bool say_in_line;

void
say_as(const char *name)
{
	say_name = name;
}

static void
say_write(const char *line, size_t len)
{
	/* Whom standard error does not reach cannot be told of that, either. */
	if (write(STDERR_FILENO, line, len) == -1)
		return;
}

static void
say_sentence(const char *fmt, va_list ap)
{
	char text[SAY_MAX], line[SAY_MAX + 64];
	size_t len;
	int n;

	say_progress_end();
	n = vsnprintf(text, sizeof(text), fmt, ap);
	if (n < 0)
		return;
	n = snprintf(line, sizeof(line), "%.32s: ", say_name);
	if (n < 0)
		return;
	len = (size_t)n;
	/* And room for the newline. */
	len += escape_text(line + len, sizeof(line) - len - 1, text);
	line[len++] = '\n';
	say_write(line, len);
}

void
say(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	say_sentence(fmt, ap);
	va_end(ap);
}

void
say_fatal(enum say_status status, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	say_sentence(fmt, ap);
	va_end(ap);
	exit((int)status);
}

void
say_progress(const char *line)
{
	char text[256];
	int n;

	/* CSI K: what the line before had more than this one. */
	n = snprintf(text, sizeof(text), "\r%.200s\033[K", line);
	if (n > 0)
		say_write(text, (size_t)n);
	say_in_line = true;
}

void
say_progress_end(void)
{
	static const char erase[] = "\r\033[K";

	if (say_in_line)
		say_write(erase, strlen(erase));
	say_in_line = false;
}
