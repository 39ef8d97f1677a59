/*
 * Starting a program that goes on in our place.
 */

#ifndef OS_EXECUTE_H
#define OS_EXECUTE_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

/* The first of the descriptors that are passed. */
#define EXECUTE_FIRST 3

#define EXECUTE_PID_MAX 12

struct execute {
	const char *path;
	char *const *argv;
	char *const *envp;
	int *fds; /* all that it has from EXECUTE_FIRST on, in this order */
	size_t nfds;
	char *pid; /* EXECUTE_PID_MAX bytes of envp: its id is written here */
	int error; /* its standard error */
	bool sibling; /* it is to be our parent's child, not ours */
};

/*
 * Start it, and set *pid.  If it cannot be, it says so over error, and ends.
 * Returns a descriptor that is readable once it has ended, close-on-exec and
 * the caller's to close; or -1 with errno.
 */
int execute(const struct execute *e, pid_t *pid);

/* End it at once, whatever it does, by that descriptor. */
void execute_kill(int process);

/*
 * The absolute path, for free(), of the program that runs here, as it was
 * named when it was started; or NULL with errno.
 */
char *execute_path(void);

#endif
