/*
 * tcpmux-offer: offers a name to the tcpmuxd of this machine, and serves it
 * with a program, another server, or a server that is wrapped.
 */

#include <errno.h>
#include <signal.h>
#include <string.h>

#include "cmd/offer/exec.h"
#include "cmd/offer/relay.h"
#include "cmd/offer/wrap.h"
#include "cmd/say.h"
#include "cmd/signals.h"
#include "cmd/standard.h"

static int
open_signals(bool wrap)
{
	static const int own[] = { SIGTERM, SIGINT, SIGHUP, SIGCHLD, 0 };
	static const int both[] = { SIGTERM, SIGINT, SIGHUP, SIGCHLD, SIGQUIT,
		SIGUSR1, SIGUSR2, SIGWINCH, 0 };

	(void)signal(SIGPIPE, SIG_IGN); /* the calls themselves tell */
	/* Whoever started us may ignore it, and then no child could end. */
	(void)signal(SIGCHLD, SIG_DFL);
	return signals_open(wrap ? both : own);
}

int
main(int argc, char **argv)
{
	struct offer_options options;
	int signals;

	say_as("tcpmux-offer");
	if (standard_open() == -1)
		say_fatal(SAY_SYSTEM, "/dev/null cannot be opened");
	options_parse(&options, argc, argv);
	signals = open_signals(options.wrap);
	if (signals == -1)
		say_fatal(SAY_SYSTEM, "it cannot start: %s", strerror(errno));
	if (options.wrap)
		return offer_wrap(&options, signals);
	if (options.to != NULL)
		return offer_relay(&options, signals);
	return offer_exec(&options, signals);
}
