/*
 * For builds without a library for terminals.
 */

#include "cmd/ctl/top.h"
#include "cmd/say.h"

int
top_run(const struct ctl_options *options)
{
	(void)options;
	say("top is not in this build: use ls or stats, or build with "
	    "-Dtop=enabled");
	return SAY_SYSTEM;
}
