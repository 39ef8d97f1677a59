/*
 * Shows the names of a server's services.
 */

#ifndef CMD_TCPMUX_LIST_H
#define CMD_TCPMUX_LIST_H

#include <stdbool.h>

#include "tcpmux.h"

/*
 * Write the names that a call has found to standard output, one a line, or as
 * an object of JSON.  Returns the exit status, and has said why if it is not
 * 0.
 */
int list_show(const struct tcpmux_call *call, bool json);

#endif
