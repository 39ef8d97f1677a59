/*
 * tcpmux-offer -- PROGRAM: a program for each connection, as inetd starts it.
 */

#ifndef CMD_OFFER_EXEC_H
#define CMD_OFFER_EXEC_H

#include "cmd/offer/offering.h"

/*
 * Offer the name until told to end; programs that run then go on.  signals is
 * that of offer_serve().  Returns the exit status.
 */
int offer_exec(const struct offer_options *options, int signals);

#endif
