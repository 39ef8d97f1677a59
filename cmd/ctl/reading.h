/*
 * Commands that show what the daemon says of itself.  Each returns an exit
 * status, and has said what is wrong.
 */

#ifndef CMD_CTL_READING_H
#define CMD_CTL_READING_H

#include "cmd/ctl/options.h"

int ls_run(const struct ctl_options *options);
int conns_run(const struct ctl_options *options);
int status_run(const struct ctl_options *options);
int stats_run(const struct ctl_options *options);
int sandbox_run(const struct ctl_options *options);
int explain_run(const struct ctl_options *options);

#endif
