/*
 * Signals that wait until they are asked for.
 */

#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/signalfd.h>

#include "cmd/signals.h"

/* Has whoever started us wanted that it does nothing, as nohup(1) does? */
static bool
is_ignored(int number)
{
	struct sigaction action;

	return sigaction(number, NULL, &action) == 0 &&
	    action.sa_handler == SIG_IGN;
}

int
signals_open(const int *numbers)
{
	sigset_t set;

	if (sigemptyset(&set) == -1)
		return -1;
	for (; *numbers != 0; numbers++)
		/* One that is blocked would come, ignored or not. */
		if (!is_ignored(*numbers) && sigaddset(&set, *numbers) == -1)
			return -1;
	if (sigprocmask(SIG_BLOCK, &set, NULL) == -1)
		return -1;
	return signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
}
