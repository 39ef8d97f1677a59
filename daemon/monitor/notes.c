/*
 * The notes: what one monitor leaves to the next in words.
 */

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "daemon/monitor/notes.h"
#include "os/descriptor.h"
#include "os/log.h"
#include "os/number.h"
#include "os/sealed.h"

/* Each line is one of these words, a space and what it tells. */
#define WORD_DRAINING "draining"
#define WORD_LOG      "log"
#define WORD_DRAINED  "drained"

static void
write_board(const struct board *b, FILE *f)
{
	char buf[TCPMUX_NAME_MAX];
	struct tcpmux_span name;
	size_t i;

	/* What cannot be written is seen at the end. */
	(void)fprintf(f, WORD_DRAINING " %u\n" WORD_LOG " %u\n",
	    (unsigned int)atomic_load(&b->draining),
	    (unsigned int)atomic_load(&b->log_level));
	for (i = 0; i < BOARD_NAMES_MAX; i++) {
		name = board_name(b, i, buf);
		if (name.len > 0)
			(void)fprintf(f, WORD_DRAINED " %.*s\n", (int)name.len,
			    name.p);
	}
}

int
notes_write(const struct monitor *mon)
{
	int fd = sealed_new(), failed, saved;
	FILE *f = fd != -1 ? descriptor_stream(fd) : NULL;

	if (f == NULL)
		goto fail;
	write_board(mon->board, f);
	failed = ferror(f);
	if (fclose(f) == 0 && !failed)
		return fd;
fail:
	saved = errno;
	descriptor_close(&fd);
	errno = saved;
	return -1;
}

/* Returns whether it is a name, and there is room for it. */
static bool
read_drained(struct board *b, const char *name)
{
	const struct tcpmux_span span = { name, strlen(name) };

	return tcpmux_check_name(span) == 0 && board_drain(b, span) != -1;
}

/* Returns whether the line has a meaning. */
static bool
read_line(struct board *b, char *line)
{
	char *value = strchr(line, ' ');
	int n;

	if (value == NULL)
		return false;
	*value++ = '\0';
	if (strcmp(line, WORD_DRAINED) == 0)
		return read_drained(b, value);
	if (number_parse(value, UCHAR_MAX, &n) == -1)
		return false;
	if (strcmp(line, WORD_DRAINING) == 0)
		atomic_store(&b->draining, (unsigned char)n);
	else if (strcmp(line, WORD_LOG) == 0 && n <= LOG_CONNECTIONS + 1)
		atomic_store(&b->log_level, (unsigned char)n);
	else
		return false;
	return true;
}

int
notes_read(struct monitor *mon, int fd)
{
	FILE *f = fdopen(fd, "r");
	bool good = f != NULL;
	char *line = NULL;
	size_t size = 0;
	ssize_t n;

	if (f == NULL) {
		(void)close(fd); /* it is of no use */
		log_say("what the old program has noted cannot be read: %s",
		    strerror(errno));
		return -1;
	}
	rewind(f); /* who wrote it left off at its end */
	while (good && (n = getline(&line, &size, f)) > 0) {
		line[n - 1] = '\0';
		good = read_line(mon->board, line);
	}
	free(line);
	(void)fclose(f); /* it was only read */
	if (!good)
		log_say("this program does not understand what the old one has "
			"noted: restart the daemon");
	return good ? 0 : -1;
}
