/*
 * The legacy: what one monitor leaves to the next.
 */

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "daemon/monitor/carried.h"
#include "daemon/monitor/legacy.h"
#include "daemon/monitor/notes.h"
#include "os/clock.h"
#include "os/descriptor.h"
#include "os/log.h"
#include "os/message.h"

/* "TMUX" */
#define MARK UINT32_C(0x54554d58)

/* It is there already when the new program starts. */
#define WAIT_MS 5000

enum item_what {
	ITEM_NUMBERS, /* first; and all that is not of another kind */
	ITEM_EMPTY,   /* each of these with a descriptor, */
	ITEM_ERROR,
	ITEM_KEEPER,
	ITEM_NOTES,
	ITEM_COUNTS,
	ITEM_LISTENER,
	ITEM_CONTROL, /* but for this one, which may have none */
	ITEM_END
};

enum item_flags {
	ITEM_CONFINED = 1,
	ITEM_ROOT = 2,
	ITEM_CONTROL_OFF = 4,
	ITEM_CONTROL_PATH = 8
};

struct item {
	uint32_t mark, version;
	uint32_t what;
	uint32_t flags;
	uint32_t place; /* ITEM_LISTENER */
	uint32_t uid, gid;
	uint32_t generations, reloads, upgrades, replaced;
	uint32_t layers; /* of the monitor: see enum pulse_layer */
	int64_t started;
	struct address asked, address; /* ITEM_LISTENER */
	char path[108];                /* ITEM_CONTROL */
	char zeroes[4];
};

_Static_assert(sizeof(struct item) == 232, "nothing is padding");

/* Returns 0, or -1 with errno. */
static int
send_item(int link, struct item *i, int fd)
{
	i->mark = MARK;
	i->version = LEGACY_VERSION;
	return message_send(link, i, sizeof(*i), fd);
}

static int
send_numbers(const struct monitor *mon, int link)
{
	struct item i = {
		.what = ITEM_NUMBERS,
		.uid = mon->account.uid,
		.gid = mon->account.gid,
		.generations = mon->generations,
		.reloads = mon->reloads,
		.upgrades = mon->upgrades,
		.replaced = mon->replaced,
		.layers = atomic_load_explicit(&mon->pulse.layers,
		    memory_order_relaxed),
		.started = mon->started,
	};

	if (mon->confined)
		i.flags |= ITEM_CONFINED;
	if (mon->account.is_root)
		i.flags |= ITEM_ROOT;
	return send_item(link, &i, -1);
}

static int
send_control(const struct monitor *mon, int link)
{
	struct item i = { .what = ITEM_CONTROL };

	if (mon->control_off)
		i.flags |= ITEM_CONTROL_OFF;
	if (mon->control_path != NULL) {
		i.flags |= ITEM_CONTROL_PATH;
		/* It was the path of a socket, and so has room. */
		memcpy(i.path, mon->control_path, strlen(mon->control_path));
	}
	return send_item(link, &i, mon->control);
}

static int
send_listeners(const struct listeners *l, int link)
{
	uint32_t place;

	for (place = 0; place < l->n; place++) {
		/* Those of the service manager come as they came to us. */
		if (l->v[place].is_inherited)
			continue;
		struct item i = {
			.what = ITEM_LISTENER,
			.place = place,
			.asked = l->v[place].asked,
			.address = l->v[place].address,
		};

		if (send_item(link, &i, l->v[place].fd) == -1)
			return -1;
	}
	return 0;
}

static int
send_descriptor(int link, enum item_what what, int fd)
{
	struct item i = { .what = what };

	return send_item(link, &i, fd);
}

int
legacy_send(const struct monitor *mon, int link, int keeper)
{
	int notes = notes_write(mon), counts = carried_write(mon), error = -1;

	if (notes != -1 && counts != -1 && send_numbers(mon, link) == 0 &&
	    send_descriptor(link, ITEM_EMPTY, mon->account.empty) == 0 &&
	    send_descriptor(link, ITEM_ERROR, STDERR_FILENO) == 0 &&
	    send_descriptor(link, ITEM_KEEPER, keeper) == 0 &&
	    send_descriptor(link, ITEM_NOTES, notes) == 0 &&
	    send_descriptor(link, ITEM_COUNTS, counts) == 0 &&
	    send_control(mon, link) == 0 &&
	    send_listeners(&mon->current->g.listeners, link) == 0 &&
	    send_descriptor(link, ITEM_END, -1) == 0)
		error = 0;
	descriptor_close(&notes);
	descriptor_close(&counts);
	return error;
}

/* Is the socket one that our parent, or our elder brother, has made? */
static bool
is_trusted(int link)
{
	struct ucred peer = { 0, (uid_t)-1, (gid_t)-1 };
	socklen_t len = sizeof(peer);
	int type = 0;

	if (getsockopt(link, SOL_SOCKET, SO_PEERCRED, &peer, &len) == -1)
		return false;
	len = sizeof(type);
	return peer.uid == geteuid() &&
	    getsockopt(link, SOL_SOCKET, SO_TYPE, &type, &len) == 0 &&
	    type == SOCK_SEQPACKET;
}

static void
take_numbers(struct legacy *l, const struct item *i)
{
	l->account.uid = i->uid;
	l->account.gid = i->gid;
	l->account.is_root = (i->flags & ITEM_ROOT) != 0;
	l->confined = (i->flags & ITEM_CONFINED) != 0;
	l->generations = i->generations;
	l->reloads = i->reloads;
	l->upgrades = i->upgrades;
	l->replaced = i->replaced;
	l->layers = i->layers;
	l->started = i->started;
}

static bool
take_control(struct legacy *l, const struct item *i, int fd)
{
	if (memchr(i->path, '\0', sizeof(i->path)) == NULL)
		return false;
	l->control = fd;
	l->control_off = (i->flags & ITEM_CONTROL_OFF) != 0;
	l->has_control_path = (i->flags & ITEM_CONTROL_PATH) != 0;
	memcpy(l->control_path, i->path, sizeof(i->path));
	return true;
}

static bool
take_listener(struct legacy *l, const struct item *i, int fd)
{
	struct listener *new = &l->listeners.v[l->listeners.n];

	if (l->listeners.n == TABLE_LISTENERS_MAX || fd == -1 ||
	    i->place >= TABLE_LISTENERS_MAX ||
	    i->asked.len > sizeof(i->asked.u) ||
	    i->address.len > sizeof(i->address.u))
		return false;
	l->places[l->listeners.n++] = (uint8_t)i->place;
	new->fd = fd;
	new->rule = NULL;
	new->asked = i->asked;
	new->address = i->address;
	address_format(&new->address, new->text);
	return true;
}

/* Returns whether it has a meaning; then fd is l's. */
static bool
take_item(struct legacy *l, const struct item *i, int fd)
{
	switch (i->what) {
	case ITEM_NUMBERS:
		take_numbers(l, i);
		return true;
	case ITEM_EMPTY:
		l->account.empty = fd;
		return fd != -1;
	case ITEM_ERROR:
		l->error = fd;
		return fd != -1;
	case ITEM_KEEPER:
		l->keeper = fd;
		return fd != -1;
	case ITEM_NOTES:
		l->notes = fd;
		return fd != -1;
	case ITEM_COUNTS:
		l->counts = fd;
		return fd != -1;
	case ITEM_LISTENER:
		return take_listener(l, i, fd);
	case ITEM_CONTROL:
		return take_control(l, i, fd);
	default:
		return i->what == ITEM_END;
	}
}

/* The next item.  Returns its size, or something else. */
static ssize_t
receive(int link, struct item *i, int *fd)
{
	struct pollfd p = { .fd = link, .events = POLLIN };

	*fd = -1;
	if (poll(&p, 1, WAIT_MS) != 1)
		return -1;
	return message_receive(link, i, sizeof(*i), fd);
}

int
legacy_take(struct legacy *l, int link)
{
	struct item i = { .what = ITEM_NUMBERS };
	int fd;

	*l = (struct legacy){ .link = link,
		.control = -1,
		.error = -1,
		.keeper = -1,
		.notes = -1,
		.counts = -1,
		.account.empty = -1 };
	if (!is_trusted(link)) {
		log_say("nobody has left anything to this daemon");
		return -1;
	}
	/* Whatever is wrong ends this process, and all that it was given. */
	do
		if (receive(link, &i, &fd) != sizeof(i) || i.mark != MARK ||
		    i.version != LEGACY_VERSION || !take_item(l, &i, fd)) {
			log_say("this program does not understand what the "
				"old one leaves to it: restart the daemon");
			return -1;
		}
	while (i.what != ITEM_END);
	if (l->account.empty != -1 && l->error != -1 && l->keeper != -1 &&
	    l->notes != -1 && l->counts != -1)
		return 0;
	log_say("the old program has not left all that is needed");
	return -1;
}
