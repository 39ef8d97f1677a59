/*
 * The services, live, in a terminal.
 */

#ifndef CMD_CTL_TOP_H
#define CMD_CTL_TOP_H

#include "cmd/ctl/options.h"

/*
 * Show them until somebody ends it.  Returns an exit status, and has said what
 * is wrong; the terminal is as it was before.
 */
int top_run(const struct ctl_options *options);

#endif
