/*
 * The heir: a monitor that goes on where another has left off.
 */

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "daemon/monitor/carried.h"
#include "daemon/monitor/heir.h"
#include "daemon/monitor/keeper.h"
#include "daemon/monitor/listen.h"
#include "daemon/monitor/notes.h"
#include "daemon/monitor/serve.h"
#include "os/descriptor.h"
#include "os/log.h"
#include "os/loop.h"
#include "os/message.h"

/* The other one answers at once, if it lives. */
#define ANSWER_MS 20000

int
heir_begin(struct monitor *mon, struct legacy *l, const struct table *t)
{
	mon->account = l->account;
	mon->confined = l->confined;
	/* What confined the other one, confines this one. */
	atomic_store_explicit(&mon->pulse.layers, l->layers,
	    memory_order_relaxed);
	mon->control = l->control;
	mon->control_off = l->control_off;
	if (l->has_control_path) {
		mon->control_path = strdup(l->control_path);
		if (mon->control_path == NULL)
			return -1;
	}
	mon->generations = l->generations;
	mon->reloads = l->reloads;
	mon->upgrades = l->upgrades + 1;
	mon->replaced = l->replaced;
	mon->started = l->started;
	mon->left = &l->listeners;
	mon->link = l->link;
	mon->error = l->error;
	if (serve_is_out_of_reach(mon, t))
		return -1;
	carried_read(mon, t, l->counts);
	return notes_read(mon, l->notes);
}

/* The listeners that are used, by their places at the other one. */
static uint64_t
find_kept(const struct legacy *l, const struct listeners *used)
{
	uint64_t kept = 0;
	size_t i;

	for (i = 0; i < l->listeners.n; i++)
		if (listeners_have(used, l->listeners.v[i].fd))
			kept |= UINT64_C(1) << l->places[i];
	return kept;
}

/* Close what is not used.  The other one ends it for all who hold it. */
static void
close_unused(struct legacy *l, const struct listeners *used)
{
	size_t i;

	for (i = 0; i < l->listeners.n; i++)
		if (!listeners_have(used, l->listeners.v[i].fd))
			descriptor_close(&l->listeners.v[i].fd);
}

/* Hear the other one until it ends. */
static void
expect(struct monitor *mon, int link)
{
	const struct loop_id id = { SLOT_HEIR, 0 };

	mon->before = link;
	/* Without it, some of what was counted is not. */
	(void)loop_watch_level(mon->loop, link, id);
}

void
heir_event(struct monitor *mon)
{
	struct legacy_message m;
	int fd = -1;
	ssize_t n;

	n = message_receive(mon->before, &m, sizeof(m), &fd);
	/* Short of descriptors, one is lost; the next tells the same. */
	if (n == -1 && (errno == EAGAIN || errno == EMSGSIZE))
		return;
	if (n == sizeof(m) && m.word == LEGACY_COUNTS && fd != -1) {
		carried_read(mon, mon->current->table, fd);
		return;
	}
	descriptor_close(&fd);
	if (n == sizeof(m) && m.word == LEGACY_SIGNAL) {
		keeper_do(mon, (int)m.kept);
		return;
	}
	/* It has ended, and so will never count any more. */
	(void)loop_forget(mon->loop, mon->before);
	descriptor_close(&mon->before);
	carried_end(mon);
}

int
heir_take_over(struct monitor *mon, struct legacy *l)
{
	const struct listeners *used = &mon->current->g.listeners;
	struct legacy_message m = {
		.word = LEGACY_READY,
		.kept = find_kept(l, used),
	};
	struct pollfd answer = { .fd = l->link, .events = POLLIN };

	if (message_send(l->link, &m, sizeof(m), -1) == -1 ||
	    poll(&answer, 1, ANSWER_MS) != 1 ||
	    message_receive(l->link, &m, sizeof(m), NULL) != sizeof(m) ||
	    m.word != LEGACY_COMMIT || dup2(l->error, STDERR_FILENO) == -1)
		return -1;
	close_unused(l, used);
	mon->left = NULL;
	descriptor_close(&l->error);
	expect(mon, l->link);
	mon->error = mon->link = -1;
	mon->current->g.error = mon->current->link = -1;
	return keeper_obey(mon, l->keeper);
}
