/*
 * A sheet: a text about the daemon that is often asked for, kept for a moment.
 */

#include <errno.h>
#include <unistd.h>

#include "daemon/monitor/sheet.h"
#include "os/clock.h"
#include "os/sealed.h"

int
sheet_get(struct sheet *s, int (*write)(const void *arg, int fd),
    const void *arg)
{
	const int64_t start = clock_now();
	int64_t took;
	int fd, saved;

	if (s->until > start)
		return s->fd;
	sheet_drop(s);
	fd = sealed_new();
	if (fd == -1)
		return -1;
	if (write(arg, fd) == -1) {
		saved = errno;
		(void)close(fd); /* it says nothing */
		errno = saved;
		return -1;
	}
	took = clock_now() - start;
	s->fd = fd;
	s->until = start + took +
	    (took * SHEET_TIMES > SHEET_MS ? took * SHEET_TIMES : SHEET_MS);
	return fd;
}

void
sheet_drop(struct sheet *s)
{
	if (s->until == 0)
		return;
	(void)close(s->fd); /* whoever asked has copies */
	s->until = 0;
}

void
sheet_expire(struct sheet *s, int64_t now)
{
	if (s->until <= now)
		sheet_drop(s);
}
