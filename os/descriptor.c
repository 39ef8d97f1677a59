/*
 * Descriptors: letting go of them, and a stream for one.
 */

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "os/descriptor.h"

static int
compare(const void *a, const void *b)
{
	const int *const x = a, *const y = b;

	return (*x > *y) - (*x < *y);
}

int
descriptor_keep(int keep[], size_t n)
{
	unsigned int first = STDERR_FILENO + 1, fd;
	size_t i;

	qsort(keep, n, sizeof(keep[0]), compare);
	for (i = 0; i < n; i++) {
		if (keep[i] < (int)first)
			continue;
		fd = (unsigned int)keep[i];
		if (fd > first &&
		    syscall(SYS_close_range, first, fd - 1, 0) == -1)
			return -1;
		first = fd + 1;
	}
	return (int)syscall(SYS_close_range, first, UINT_MAX, 0);
}

void
descriptor_close(int *fd)
{
	if (*fd != -1)
		(void)close(*fd); /* it has no data to lose */
	*fd = -1;
}

FILE *
descriptor_stream(int fd)
{
	int copy = fcntl(fd, F_DUPFD_CLOEXEC, 0), saved;
	FILE *f;

	if (copy == -1)
		return NULL;
	f = fdopen(copy, "w");
	if (f == NULL) {
		saved = errno;
		descriptor_close(&copy);
		errno = saved;
	}
	return f;
}
