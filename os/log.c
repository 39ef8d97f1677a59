/*
 * Saying something to the operator, on standard error or to the log.
 */

#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "os/log.h"
#include "os/message.h"

/* The socket to the log, or -1. */
static int log_socket = -1;

/* Who else is to have what is said, or NULL. */
static struct log_copy *log_copy;

void
log_copy_to(struct log_copy *copy)
{
	log_copy = copy;
}

static void
copy_line(const char *line, size_t len)
{
	if (log_copy == NULL || len > sizeof(log_copy->text) - log_copy->len)
		return;
	memcpy(log_copy->text + log_copy->len, line, len);
	log_copy->len += len;
}

void
log_use(int socket)
{
	log_socket = socket;
}

/*
 * Whoever does not read standard error, or cannot, is not told; but nothing
 * waits for him.
 */
static void
write_line(const char *line, size_t len)
{
	struct pollfd p = { .fd = STDERR_FILENO, .events = POLLOUT };

	if (poll(&p, 1, 0) == 1 && write(STDERR_FILENO, line, len) == -1)
		return;
}

/* One message or write for a line, so that lines of processes do not mix. */
static void
say(const char *fmt, va_list ap)
{
	static const char name[] = "tcpmuxd: ";
	char text[1024] = { LOG_MARK };
	char *line = text + 1, *const end = text + sizeof(text) - 1;
	size_t len;
	int n;

	memcpy(line, name, sizeof(name));
	n = vsnprintf(line + strlen(name), (size_t)(end - line) - strlen(name),
	    fmt, ap);
	if (n < 0)
		return;
	len = strlen(line);
	line[len++] = '\n';
	copy_line(line, len);
	if (log_socket == -1)
		write_line(line, len);
	else
		/* Full: the log is late, and nobody waits for it. */
		(void)message_send(log_socket, text, len + 1, -1);
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
