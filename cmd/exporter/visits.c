/*
 * The connections of clients, and their deadlines.
 */

#include <stdbool.h>
#include <sys/socket.h>

#include "cmd/exporter/visits.h"

void
visits_init(struct visits *x)
{
	size_t i;

	x->n = 0;
	for (i = 0; i < VISITS_MAX; i++)
		x->all[i].fd = -1;
}

/* The library sees the end, and closes it. */
static void
visits_cut(struct visit *v)
{
	/* A client who has gone is what is wanted. */
	(void)shutdown(v->fd, SHUT_RDWR);
}

struct visit *
visits_begin(struct visits *x, int fd, int64_t now)
{
	struct visit *free = NULL, *oldest = NULL, *v;

	for (v = x->all; v < x->all + VISITS_MAX; v++) {
		if (v->fd == -1)
			free = v;
		else if (oldest == NULL || v->since < oldest->since)
			oldest = v;
	}
	if (free == NULL)
		return NULL;
	*free = (struct visit){ .fd = fd, .since = now };
	x->n++;
	if (x->n == VISITS_MAX && oldest != NULL)
		visits_cut(oldest);
	return free;
}

void
visits_renew(struct visit *v, int64_t now)
{
	v->since = now;
}

void
visits_end(struct visits *x, struct visit *v)
{
	v->fd = -1;
	x->n--;
}

void
visits_expire(struct visits *x, int64_t now)
{
	struct visit *v;

	for (v = x->all; v < x->all + VISITS_MAX; v++)
		if (v->fd != -1 && now - v->since >= VISITS_MS)
			visits_cut(v);
}
