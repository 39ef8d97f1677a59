/*
 * Carried: the numbers that the monitors before this one have counted.
 */

#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "daemon/monitor/carried.h"
#include "daemon/monitor/counts_import.h"
#include "daemon/monitor/snapshot.h"
#include "os/descriptor.h"
#include "os/sealed.h"

int
carried_write(const struct monitor *mon)
{
	const struct snapshot s = {
		.cohorts = mon->current,
		.user = mon->user,
	};
	int fd = sealed_new();

	if (fd != -1 && snapshot_write(&s, fd) == -1)
		descriptor_close(&fd);
	return fd;
}

/* The text of a file.  Returns NULL if there is none; else for free(). */
static char *
read_text(int fd, size_t *len)
{
	struct stat st;
	char *text;

	if (fstat(fd, &st) == -1 || st.st_size <= 0)
		return NULL;
	*len = (size_t)st.st_size;
	text = malloc(*len);
	if (text != NULL && pread(fd, text, *len, 0) == st.st_size)
		return text;
	free(text);
	return NULL;
}

void
carried_read(struct monitor *mon, const struct table *t, int fd)
{
	size_t len;
	char *text = read_text(fd, &len);

	(void)close(fd); /* it was only read */
	if (text == NULL)
		return; /* what is known is better than nothing */
	if (mon->carried != NULL)
		counts_import(&mon->stats, t, mon->carried, mon->carried_len,
		    true);
	free(mon->carried);
	mon->carried = text;
	mon->carried_len = len;
	counts_import(&mon->stats, t, text, len, false);
}

void
carried_end(struct monitor *mon)
{
	free(mon->carried);
	mon->carried = NULL;
}
