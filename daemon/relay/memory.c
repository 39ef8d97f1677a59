/*
 * The memory of a relay, which it shares with the monitor: its conversations,
 * and what it has counted in the meter for each.
 */

#include <string.h>
#include <sys/resource.h>

#include "daemon/relay/memory.h"
#include "daemon/relay/relay.h"

/* Slots at the most. */
#define SLOTS_MAX (1U << 20)

/* Descriptors that are for other things than sessions and pipes. */
#define FDS_RESERVED 32

/* One of so many descriptors may be for pipes. */
#define FDS_PIPES 8

void
memory_share(uint16_t *pipes, uint32_t *slots)
{
	struct rlimit nofile;
	rlim_t left;

	*slots = 0;
	*pipes = 0;
	if (getrlimit(RLIMIT_NOFILE, &nofile) == -1 ||
	    nofile.rlim_cur <= FDS_RESERVED)
		return;
	left = nofile.rlim_cur - FDS_RESERVED;
	*pipes = PIPES_MAX;
	if (left / FDS_PIPES / 2 < PIPES_MAX)
		*pipes = (uint16_t)(left / FDS_PIPES / 2);
	left = (left - 2UL * *pipes) / SIDES;
	*slots = left < SLOTS_MAX ? (uint32_t)left : SLOTS_MAX;
}

size_t
relay_memory_size(const struct generation *g)
{
	uint32_t slots;
	uint16_t pipes;

	(void)g; /* it is the same for every table */
	memory_share(&pipes, &slots);
	return sizeof(struct relay_memory) +
	    slots * (sizeof(struct session) + sizeof(struct hold));
}

/* How many slots there are in so much memory. */
static size_t
slots_in(size_t size)
{
	return (size - sizeof(struct relay_memory)) /
	    (sizeof(struct session) + sizeof(struct hold));
}

struct hold *
memory_holds(struct relay_memory *shared, size_t slots)
{
	return (struct hold *)(void *)&shared->sessions[slots];
}

void
relay_release(void *memory, size_t size, const struct generation *g)
{
	const size_t n = slots_in(size);

	hold_release_all(memory_holds(memory, n), n * sizeof(struct hold), g);
}

/* What s, which may be of any bytes, is to others. */
static struct guest
describe(const struct session *s)
{
	return (struct guest){
		.number = s->generation,
		.state = s->state == SESSION_LINGER ? GUEST_LINGERING :
						      GUEST_RELAYED,
		.service = s->service,
		.listener = s->listener,
		.port = s->peer.port,
		.accepted = s->accepted,
		.in = (int64_t)s->flow[SIDE_CLIENT].moved,
		.out = (int64_t)s->flow[SIDE_SERVER].moved,
	};
}

bool
relay_next_guest(const void *memory, size_t size, uint32_t *place,
    struct guest *guest)
{
	const struct relay_memory *shared = memory;
	const size_t n = slots_in(size);
	const size_t used = *(const volatile uint32_t *)&shared->used;
	struct session s;

	for (; *place < used && *place < n; (*place)++) {
		s = *(const volatile struct session *)&shared->sessions[*place];
		if (s.generation == 0 || s.state >= SESSION_OVER)
			continue;
		*guest = describe(&s);
		guest->place = (*place)++;
		memcpy(guest->peer, s.peer.address, sizeof(guest->peer));
		return true;
	}
	return false;
}
