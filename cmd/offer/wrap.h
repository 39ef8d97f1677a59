/*
 * tcpmux-offer --wrap: a server that knows nothing of it takes the
 * connections, instead of listening.
 */

#ifndef CMD_OFFER_WRAP_H
#define CMD_OFFER_WRAP_H

#include "cmd/offer/offering.h"

/*
 * Start the server, offer the name once it listens, and pass it connections
 * until it ends.  signals is a signalfd(2) of those of offer_serve(), and of
 * SIGQUIT, SIGUSR1, SIGUSR2 and SIGWINCH, which are the server's.  Returns
 * the exit status: the server's own, if nothing else ended it.
 */
int offer_wrap(const struct offer_options *options, int signals);

#endif
