/*
 * Saying something to the operator, on standard error.
 */

#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "os/log.h"

/* One write for a line, so that lines of several processes do not mix. */
static void
say(const char *fmt, va_list ap)
{
	struct pollfd p = { .fd = STDERR_FILENO, .events = POLLOUT };
	char line[512] = "tcpmuxd: ";
	const size_t head = strlen(line);
	size_t len;
	int n;

	n = vsnprintf(line + head, sizeof(line) - head - 1, fmt, ap);
	if (n < 0)
		return;
	len = strlen(line);
	line[len++] = '\n';
	/*
	 * Whoever does not read standard error, or cannot, is not told; but
	 * nothing waits for him.
	 */
	if (poll(&p, 1, 0) == 1 && write(STDERR_FILENO, line, len) == -1)
		return;
}

void
log_say(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	say(fmt, ap);
	va_end(ap);
}

void
log_fatal(int status, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	say(fmt, ap);
	va_end(ap);
	exit(status);
}
