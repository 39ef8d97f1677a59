/*
 * tcpmuxctl: shows how the tcpmuxd of this machine is, and changes what it
 * does.
 */

#include <stddef.h>

#include "cmd/ctl/changing.h"
#include "cmd/ctl/options.h"
#include "cmd/ctl/reading.h"
#include "cmd/ctl/top.h"
#include "cmd/say.h"
#include "cmd/standard.h"

static const struct ctl_command commands[] = {
	{ "conns", conns_run, 0, 0, CTL_JSON },
	{ "drain", changing_run, 0, 1, 0 },
	{ "explain", explain_run, 1, 2, CTL_JSON },
	{ "kick", kick_run, 1, 1, CTL_NAME },
	{ "log", changing_run, 1, 1, 0 },
	{ "ls", ls_run, 0, 0, CTL_JSON | CTL_NAMES },
	{ "reload", changing_run, 0, 0, 0 },
	{ "sandbox", sandbox_run, 0, 0, CTL_JSON },
	{ "stats", stats_run, 0, 0, CTL_JSON },
	{ "status", status_run, 0, 0, CTL_JSON },
	{ "top", top_run, 0, 0, CTL_EVERY },
	{ "undrain", changing_run, 0, 1, 0 },
	{ "upgrade", changing_run, 0, 0, 0 },
	{ NULL, NULL, 0, 0, 0 },
};

int
main(int argc, char **argv)
{
	struct ctl_options options;

	say_as("tcpmuxctl");
	if (standard_open() == -1)
		say_fatal(SAY_SYSTEM, "/dev/null cannot be opened");
	options_parse(&options, commands, argc, argv);
	return options.command->run(&options);
}
