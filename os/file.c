/*
 * A whole file at once.
 */

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "os/file.h"

/* Read as much as there is, but at most size bytes. */
static ssize_t
read_all(int fd, char *buf, size_t size)
{
	size_t used = 0;
	ssize_t n;

	while (used < size) {
		n = read(fd, buf + used, size - used);
		if (n == -1 && errno == EINTR)
			continue;
		if (n == -1)
			return -1;
		if (n == 0)
			break;
		used += (size_t)n;
	}
	return (ssize_t)used;
}

char *
file_read(const char *path, size_t max, size_t *len, struct stat *st)
{
	char *buf = NULL;
	size_t size;
	ssize_t n;
	int error;
	/* Not to wait for the writer of a pipe, which is refused below. */
	int fd = open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);

	if (fd == -1)
		return NULL;
	if (fstat(fd, st) == -1)
		goto fail;
	errno = S_ISREG(st->st_mode) ? EFBIG : EINVAL;
	if (!S_ISREG(st->st_mode) || (size_t)st->st_size > max)
		goto fail;
	size = (size_t)st->st_size;
	buf = malloc(size + 1);
	if (buf == NULL)
		goto fail;
	n = read_all(fd, buf, size);
	if (n == -1)
		goto fail;
	buf[n] = '\0';
	*len = (size_t)n;
	(void)close(fd); /* it was only read */
	return buf;
fail:
	error = errno;
	free(buf);
	(void)close(fd);
	errno = error;
	return NULL;
}
