/*
 * tcpmux-offer --to: connections are relayed to another server.
 */

#ifndef CMD_OFFER_RELAY_H
#define CMD_OFFER_RELAY_H

#include "cmd/offer/offering.h"

/*
 * Offer the name until told to end; conversations are then cut.  signals is
 * that of offer_serve().  Returns the exit status.
 */
int offer_relay(const struct offer_options *options, int signals);

#endif
