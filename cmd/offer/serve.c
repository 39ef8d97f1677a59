/*
 * The loop of tcpmux-offer for all but --wrap.
 */

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "cmd/offer/serve.h"
#include "cmd/say.h"

/* Connections are taken so many at a time; then the others have their turn. */
#define BATCH 64

/* Returns whether it is time to end. */
static bool
is_told_to_end(int signals, const struct offer_service *service)
{
	struct signalfd_siginfo info;

	while (read(signals, &info, sizeof(info)) == (ssize_t)sizeof(info)) {
		if (info.ssi_signo != SIGCHLD)
			return true;
		service->step(service->state);
	}
	return false;
}

/* Returns whether the offer goes on. */
static bool
take_some(struct offering *o, const struct offer_service *service,
    struct refusals *refusals)
{
	struct tcpmux_caller caller;
	int i, fd;

	for (i = 0; i < BATCH; i++) {
		fd = offering_take(o, &caller);
		if (fd == OFFERING_OVER)
			return false;
		if (fd == OFFERING_NONE)
			break;
		if (service->count(service->state) < service->max) {
			service->take_fd(service->state, fd, &caller);
			continue;
		}
		offering_say(o->options, 1, "busy, refused");
		refuse_take_fd(refusals, fd, "busy: try again later");
	}
	return true;
}

/* How long to wait at the most: an offering that is paused is asked soon. */
static int
timeout_of(const struct offering *o, int refusals)
{
	if (!o->is_paused)
		return refusals;
	return refusals != -1 && refusals < OFFERING_PAUSE_MS ?
	    refusals :
	    OFFERING_PAUSE_MS;
}

int
offer_serve(const struct offer_options *options,
    const struct offer_service *service, struct refusals *refusals, int signals)
{
	enum {
		SIGNALS,
		OFFER,
		SERVICE,
		REFUSALS,
		WATCHED
	};
	struct pollfd fds[WATCHED] = { { signals, POLLIN, 0 },
		{ -1, POLLIN, 0 }, { service->loop, POLLIN, 0 },
		{ refusals->loop, POLLIN, 0 } };
	struct offering offering;
	int status, wait;

	status = offering_begin(&offering, options);
	while (status == 0) {
		wait = refuse_step(refusals);
		fds[OFFER].fd = offering_descriptor(&offering);
		if (poll(fds, WATCHED, timeout_of(&offering, wait)) == -1 &&
		    errno != EINTR) {
			offering_say(options, -1, "%s", strerror(errno));
			status = SAY_SYSTEM;
			break;
		}
		if (fds[SIGNALS].revents != 0 &&
		    is_told_to_end(signals, service))
			break;
		if (fds[SERVICE].revents != 0)
			service->step(service->state);
		if ((fds[OFFER].revents != 0 || offering.is_paused) &&
		    !take_some(&offering, service, refusals))
			status = SAY_REFUSED;
	}
	offering_end(&offering);
	return status;
}
