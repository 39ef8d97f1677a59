/*
 * Signals that wait until they are asked for.
 */

#include <signal.h>
#include <sys/signalfd.h>

#include "cmd/signals.h"

int
signals_open(const int *numbers)
{
	sigset_t set;

	if (sigemptyset(&set) == -1)
		return -1;
	for (; *numbers != 0; numbers++)
		if (sigaddset(&set, *numbers) == -1)
			return -1;
	if (sigprocmask(SIG_BLOCK, &set, NULL) == -1)
		return -1;
	return signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
}
