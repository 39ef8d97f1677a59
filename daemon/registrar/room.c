/*
 * Room in the queues: how many connections may wait for each program that
 * offers a name.
 */

#include <linux/sockios.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/socket.h>

#include "daemon/handover.h"
#include "daemon/registrar/offer.h"
#include "daemon/registrar/room.h"
#include "daemon/registrar/unread.h"

/* Connections that may wait for each program: at the most, and the least. */
#define QUEUE_MAX HANDOVER_QUEUE
#define QUEUE_MIN 8

/* What one takes of SO_SNDBUF, of which the kernel has twice as much. */
#define QUEUE_BYTES (HANDOVER_SNDBUF / HANDOVER_QUEUE)

/* Descriptors that one process may have. */
static uint32_t
most_files(void)
{
	struct rlimit limit = { 0, 0 };

	/* Cannot fail: the resource exists and limit is valid. */
	(void)getrlimit(RLIMIT_NOFILE, &limit);
	return limit.rlim_cur < UINT32_MAX ? (uint32_t)limit.rlim_cur :
					     UINT32_MAX;
}

void
room_init(struct registry *r)
{
	const struct generation *g = r->g;
	const uint32_t half = most_files() / 2;
	uint64_t others = (uint64_t)r->ndialled * HANDOVER_QUEUE;

	if (g->relay.send != -1)
		others += HANDOVER_QUEUE_OWN;
	if (g->spawn.send != -1)
		others += HANDOVER_QUEUE_OWN;
	r->nfiles = half > others ? half - (uint32_t)others : 0;
	r->queue = QUEUE_MAX;
	r->excess = 0;
}

void
room_set(const struct registry *r, int fd)
{
	const int room = (int)(r->queue * QUEUE_BYTES);

	/* It cannot fail for a socket. */
	(void)setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &room, sizeof(room));
}

/* How many may wait for each of n, so that all is within bounds. */
static uint32_t
fit(const struct registry *r, uint32_t n)
{
	uint32_t share = QUEUE_MAX;

	while (share > QUEUE_MIN && (uint64_t)share * n + r->excess > r->nfiles)
		share /= 2;
	return share;
}

uint32_t
room_used(int fd)
{
	int bytes;

	if (fd == -1 || ioctl(fd, SIOCOUTQ, &bytes) == -1)
		return 0;
	return (uint32_t)bytes / (2 * QUEUE_BYTES);
}

/* Connections that wait over this socket beyond its share. */
static uint32_t
excess_of(const struct registry *r, int fd)
{
	const uint32_t n = room_used(fd);

	return n > r->queue ? n - r->queue : 0;
}

/* A queue that is made smaller keeps what is in it. */
static uint32_t
count_excess(const struct registry *r)
{
	uint32_t n = 0, i, uid;

	for (i = 0; i < r->g->max_offers; i++)
		n += excess_of(r, offer_fd(r, i));
	for (i = 0; i < unread_count(r); i++)
		n += excess_of(r, unread_get(r, i, &uid));
	return n;
}

static void
apply(struct registry *r, uint32_t share)
{
	uint32_t i;
	int fd;

	r->queue = share;
	for (i = 0; i < r->g->max_offers; i++) {
		fd = offer_fd(r, i);
		if (fd != -1)
			room_set(r, fd);
	}
	r->excess = count_excess(r);
}

/*
 * With more offers, less may wait for each.  With fewer it may be more again,
 * but not at once, as the next may be about to come.
 */
void
room_share(struct registry *r)
{
	const uint32_t n = book_count(r->book);
	uint32_t share;

	while ((share = fit(r, n)) < r->queue)
		apply(r, share);
	if (r->excess > 0)
		r->excess = count_excess(r); /* it only ever gets less */
	share = fit(r, n + n / 4);
	if (share > r->queue)
		apply(r, share);
}
