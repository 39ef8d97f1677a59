/*
 * Texts in memory that are passed as descriptors, and that nobody can change
 * any more.
 */

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <unistd.h>

#include "os/sealed.h"

/* The most bytes of one call. */
#define PIECE (1 << 20)

int
sealed_new(void)
{
	return memfd_create("tcpmuxd", MFD_CLOEXEC | MFD_ALLOW_SEALING);
}

/* Copy all of from.  Returns 0, or -1 with errno. */
static int
copy(int to, int from)
{
	struct stat st;
	off_t at = 0;
	ssize_t n;

	if (fstat(from, &st) == -1)
		return -1;
	while (at < st.st_size) {
		n = sendfile(to, from, &at, PIECE);
		if (n == 0)
			errno = EIO; /* it has become shorter */
		if (n <= 0)
			return -1;
	}
	return 0;
}

/*
 * Seal it, and let nobody but us write to what can still be written to.
 * Returns 0, or -1 with errno.
 */
static int
seal(int fd)
{
	const int seals =
	    F_SEAL_SEAL | F_SEAL_WRITE | F_SEAL_SHRINK | F_SEAL_GROW;
	const int has = fcntl(fd, F_GET_SEALS);

	/* The kernel may have added one of its own, against execution. */
	if (has != -1 && (has & seals) == seals)
		return 0;
	if (fchmod(fd, S_IRUSR) == -1)
		return -1;
	return fcntl(fd, F_ADD_SEALS, seals);
}

/*
 * The same memory as from, which is sealed, with a place of its own in it.
 * Returns -1 if this process has no /proc.
 */
static int
reopen(int from)
{
	char path[sizeof("/proc/self/fd/-2147483648")];

	/* It has room for any number. */
	(void)snprintf(path, sizeof(path), "/proc/self/fd/%d", from);
	return open(path, O_RDONLY | O_CLOEXEC);
}

int
sealed_copy(int from)
{
	int fd, saved;

	if (seal(from) == -1)
		return -1;
	fd = reopen(from);
	if (fd != -1)
		return fd;
	fd = sealed_new();
	if (fd == -1)
		return -1;
	if (copy(fd, from) == 0 && seal(fd) == 0 && lseek(fd, 0, SEEK_SET) == 0)
		return fd;
	saved = errno;
	(void)close(fd); /* nobody has it */
	errno = saved;
	return -1;
}
