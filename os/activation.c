/*
 * Descriptors that the service manager has opened for us, as
 * sd_listen_fds(3) describes it, without its library.
 */

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "os/activation.h"
#include "os/number.h"

/* The first of them; the others follow it. */
#define FIRST 3

/* How many are meant for this process.  Returns -1 with EINVAL. */
static int
count(void)
{
	const char *pid = getenv("LISTEN_PID");
	const char *fds = getenv("LISTEN_FDS");
	int number, n;

	if (pid == NULL || fds == NULL)
		return 0;
	if (number_parse(pid, INT_MAX, &number) == -1 ||
	    number_parse(fds, INT_MAX - FIRST, &n) == -1) {
		errno = EINVAL;
		return -1;
	}
	/* They may be those of whoever has started us. */
	return number == (int)getpid() ? n : 0;
}

/* Give each its name, as long as there are some. */
static void
name_all(struct activation *a)
{
	char *rest = a->names;
	size_t i;

	for (i = 0; i < a->n; i++) {
		a->v[i].name = rest != NULL ? strsep(&rest, ":") : "unknown";
		a->v[i].fd = FIRST + (int)i;
	}
}

static int
take(struct activation *a, size_t n)
{
	const char *names = getenv("LISTEN_FDNAMES");
	size_t i;

	/* No more than are open can cost any memory. */
	for (i = 0; i < n; i++)
		if (fcntl(FIRST + (int)i, F_SETFD, FD_CLOEXEC) == -1)
			return -1;
	a->v = calloc(n, sizeof(*a->v));
	a->names = names != NULL ? strdup(names) : NULL;
	if (a->v == NULL || (names != NULL && a->names == NULL)) {
		activation_clear(a);
		return -1;
	}
	a->n = n;
	name_all(a);
	return 0;
}

int
activation_read(struct activation *a)
{
	const int n = count();
	int result = n, saved;

	*a = (struct activation){ NULL, 0, NULL };
	if (n > 0)
		result = take(a, (size_t)n);
	saved = errno;
	(void)unsetenv("LISTEN_PID"); /* cannot fail: these are names */
	(void)unsetenv("LISTEN_FDS");
	(void)unsetenv("LISTEN_FDNAMES");
	errno = saved;
	return result;
}

void
activation_clear(struct activation *a)
{
	free(a->v);
	free(a->names);
	*a = (struct activation){ NULL, 0, NULL };
}
