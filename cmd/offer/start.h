/*
 * Starting a server to be wrapped, with the library and the channel.
 */

#ifndef CMD_OFFER_START_H
#define CMD_OFFER_START_H

#include <sys/types.h>

#include "cmd/offer/offering.h"

/*
 * Start options->argv.  Returns 0, the process and our end of the channel,
 * which is non-blocking; or the exit status, and has said why.
 */
int wrap_start(const struct offer_options *options, pid_t *server,
    int *channel);

#endif
