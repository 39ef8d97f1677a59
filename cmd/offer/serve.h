/*
 * The loop of tcpmux-offer for all but --wrap: connections, signals, and those
 * who are refused.
 */

#ifndef CMD_OFFER_SERVE_H
#define CMD_OFFER_SERVE_H

#include "cmd/offer/offering.h"
#include "cmd/offer/refuse.h"

/* How connections are served.  Nothing here may wait. */
struct offer_service {
	void *state;
	int loop;     /* to poll for input, or -1 */
	uint32_t max; /* connections at a time */
	/* How many are being served. */
	uint32_t (*count)(const void *state);
	/* Serve fd, which it owns, or refuse it. */
	void (
	    *take_fd)(void *state, int fd, const struct tcpmux_caller *caller);
	/* Input on loop, or a child that has ended. */
	void (*step)(void *state);
};

/*
 * Offer the name and serve until told to end.  signals is a signalfd(2) of
 * SIGTERM, SIGINT, SIGHUP and SIGCHLD.  Returns the exit status.
 */
int offer_serve(const struct offer_options *options,
    const struct offer_service *service, struct refusals *refusals,
    int signals);

#endif
