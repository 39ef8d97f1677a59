/*
 * Accepting connections in a front, and resting from it.
 */

#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

#include "daemon/front/accept.h"
#include "os/clock.h"
#include "os/loop.h"

/* Connections accepted at a time, before the others have their turn. */
#define ACCEPT_MAX 64

/* Out of descriptors or memory, accepting rests for so long. */
#define PAUSE_MS 100

void
accept_pause(struct front *f)
{
	const struct listeners *l = &f->mux.g->listeners;
	size_t i;

	if (f->resume != 0)
		return;
	for (i = 0; i < l->n; i++)
		/* It may not be watched, and then there is nothing to do. */
		(void)loop_forget(f->loop, l->v[i].fd);
	f->resume = f->mux.now + PAUSE_MS;
}

void
accept_resume(struct front *f)
{
	const struct listeners *l = &f->mux.g->listeners;
	size_t i;

	f->resume = 0;
	for (i = 0; i < l->n; i++) {
		const struct loop_id id = { SLOT_LISTENER + (uint32_t)i, 0 };

		if (loop_watch_shared(f->loop, l->v[i].fd, id) == -1) {
			accept_pause(f);
			return;
		}
	}
}

/*
 * Is there a place for one more, here or in another front?  Only if all are
 * full, somebody has to go.
 */
static bool
is_full_alone(struct front *f)
{
	const volatile uint8_t *full = f->mux.g->full;
	uint32_t i;

	*f->full = slots_are_full(&f->slots);
	if (*f->full == 0)
		return false;
	for (i = 0; i < f->mux.g->nfronts; i++)
		if (full[i] == 0)
			return true;
	return false;
}

bool
accept_some(struct front *f, uint8_t listener)
{
	const int from = f->mux.g->listeners.v[listener].fd;
	struct sockaddr_storage peer;
	socklen_t len;
	int fd, i;

	for (i = 0; i < ACCEPT_MAX; i++) {
		if (is_full_alone(f)) {
			accept_pause(f);
			return false;
		}
		len = sizeof(peer);
		fd =
		    accept4(from, (struct sockaddr *)&peer, &len, SOCK_CLOEXEC);
		if (fd == -1) {
			if (errno != EAGAIN && errno != ECONNABORTED)
				accept_pause(f);
			return false;
		}
		f->mux.us = clock_us();
		front_admit(f, fd, &peer, listener);
	}
	return true;
}
