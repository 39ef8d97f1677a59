/*
 * The answer to whoever has asked at the control socket.
 */

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "daemon/monitor/answer.h"
#include "os/descriptor.h"
#include "os/message.h"
#include "os/sealed.h"

/* Send line, with more if that is not -1.  Returns 0, or -1. */
static int
say(int fd, const char *line, int more)
{
	char text[TCPMUX_REPLY_MAX];
	const int n = snprintf(text, sizeof(text), "%s\r\n", line);

	if (n < 0 || n >= (int)sizeof(text))
		return -1;
	return message_send(fd, text, (size_t)n, more);
}

void
answer_no(int fd, enum request_answer why)
{
	const struct tcpmux_span line = request_refusal(why);

	/* Who cannot be told sees the end. */
	(void)message_send(fd, line.p, line.len, -1);
	(void)close(fd); /* it has been said */
}

void
answer_with(int fd, const char *line, int more)
{
	int copy = -1;

	/* There may be no memory or descriptor for it now, or on the way. */
	if ((more != -1 && (copy = sealed_copy(more)) == -1) ||
	    say(fd, line, copy) == -1) {
		answer_no(fd, REQUEST_FLOODED);
		fd = -1;
	}
	descriptor_close(&copy); /* it has been sent */
	descriptor_close(&fd);
}

void
answer_yes(int fd, const char *fmt, ...)
{
	char line[TCPMUX_REPLY_MAX] = "+";
	va_list ap;

	va_start(ap, fmt);
	/* What is cut is no reply, and is not said. */
	(void)vsnprintf(line + 1, sizeof(line) - 1, fmt, ap);
	va_end(ap);
	answer_with(fd, line, -1);
}

void
answer_failed(int fd, const char *word, const char *sentence)
{
	char line[TCPMUX_REPLY_MAX];

	/* Both are ours, and short. */
	(void)snprintf(line, sizeof(line), "-%s %s", word, sentence);
	answer_with(fd, line, -1);
}

void
answer_with_said(int fd, const char *line, const struct log_copy *said)
{
	int more = said->len > 0 ? sealed_new() : -1;

	if (more != -1 && write(more, said->text, said->len) == -1)
		descriptor_close(&more); /* the log has it, too */
	answer_with(fd, line, more);
	descriptor_close(&more); /* a copy was sent */
}
