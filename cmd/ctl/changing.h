/*
 * Commands that change what the daemon does.  Each returns an exit status, and
 * has said what is wrong.
 */

#ifndef CMD_CTL_CHANGING_H
#define CMD_CTL_CHANGING_H

#include "cmd/ctl/options.h"

/* All that are asked for by their name and their word, if they have one. */
int changing_run(const struct ctl_options *options);

int kick_run(const struct ctl_options *options);

#endif
