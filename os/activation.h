/*
 * Descriptors that the service manager has opened for us, as
 * sd_listen_fds(3) describes it, without its library.
 */

#ifndef OS_ACTIVATION_H
#define OS_ACTIVATION_H

#include <stddef.h>

struct activation {
	struct activation_fd {
		int fd; /* close-on-exec */
		const char *name;
	} * v;
	size_t n;
	char *names; /* that v[].name are parts of */
};

/*
 * Read LISTEN_PID, LISTEN_FDS and LISTEN_FDNAMES, and remove them from the
 * environment.  Sets *a to the descriptors that are meant for this process, if
 * there are any; one without a name is called "unknown".  Returns 0; or -1
 * with errno: EINVAL if the variables make no sense, EBADF if one of the
 * descriptors is not open, or ENOMEM; and then there is nothing to clear.
 */
int activation_read(struct activation *a);

/* Free what it took to know of them; they stay open. */
void activation_clear(struct activation *a);

#endif
