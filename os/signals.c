/*
 * Signals as something to read.
 */

#include <signal.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "os/signals.h"

int
signals_open(const int signals[], size_t n)
{
	sigset_t set;
	size_t i;

	(void)sigemptyset(&set); /* these cannot fail */
	for (i = 0; i < n; i++)
		(void)sigaddset(&set, signals[i]);
	if (sigprocmask(SIG_BLOCK, &set, NULL) == -1)
		return -1;
	return signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
}

int
signals_take(int fd)
{
	struct signalfd_siginfo info;

	if (read(fd, &info, sizeof(info)) != sizeof(info))
		return 0;
	return (int)info.ssi_signo;
}
