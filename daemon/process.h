/*
 * What every process of the daemon does first: take its name, give up what it
 * does not need, and say that it is ready.
 *
 * Each has a control socket to the monitor.  The monitor sends one byte,
 * CONTROL_DRAIN, for: take nothing new, finish what you have, and exit.  A
 * front may be told before, by CONTROL_CLOSE and the place of a listening
 * socket, that nobody will accept there any more.  CONTROL_KICK tells to end
 * connections.  The end of the socket is the end of the process: the monitor
 * is gone, or wants it to go now.
 */

#ifndef DAEMON_PROCESS_H
#define DAEMON_PROCESS_H

#include <stdbool.h>
#include <sys/resource.h>

#include "daemon/generation.h"
#include "daemon/pulse.h"
#include "os/sandbox.h"

#define CONTROL_READY 'R' /* to the monitor */
#define CONTROL_DRAIN 'D' /* from the monitor */
#define CONTROL_CLOSE 'C' /* likewise */
#define CONTROL_KICK  'K' /* likewise: struct control_kick */

/* End the connections of a service, or one of them. */
struct control_kick {
	uint8_t mark;  /* CONTROL_KICK */
	uint8_t whole; /* 1: all of the service */
	uint8_t zero[2];
	uint32_t place;  /* of the service, or of the connection (guest.h) */
	uint32_t number; /* of the connection */
};

_Static_assert(sizeof(struct control_kick) == 12, "nothing is padding");

/* What a process keeps. */
struct process_rules {
	const char *name;      /* as ps shows it: at most 15 bytes */
	bool files;            /* a root directory with files in it */
	bool network;          /* the network of the host */
	const uint16_t *ports; /* the only TCP ports to connect to, or NULL */
	size_t nports;
	rlim_t nofile;                    /* 0: as it is */
	const struct sandbox_call *calls; /* seccomp list; NULL: none */
	size_t ncalls;
};

/*
 * Become the unprivileged process that r describes, as far as table->sandbox
 * wants it, and note in pulse how far that went.  Ends the process, with the
 * reason in the log, if it cannot.
 * Standard error is gone afterwards: what is said goes to the log.
 */
void process_confine(const struct generation *g, const struct process_rules *r,
    struct pulse *pulse);

/* Note in pulse what confines this process from now on: bits of pulse_layer. */
void process_note_layers(struct pulse *pulse, unsigned int layers);

/* Take a name, as ps shows it. */
void process_name(const char *name);

/*
 * Where programs run as the daemon's own user, keep them out of the memory and
 * the descriptors of this process.
 */
void process_hide(const struct generation *g);

/*
 * Tell the monitor that this process does its work from now on, and give a
 * first beat.
 */
void process_ready(int control, struct pulse *pulse);

enum process_order {
	ORDER_NONE,  /* nothing more, for now */
	ORDER_CLOSE, /* of fronts alone */
	ORDER_KICK,  /* of those alone that have connections */
	ORDER_DRAIN,
	ORDER_END
};

/* All that an order says. */
struct order {
	uint8_t listener;         /* ORDER_CLOSE */
	struct control_kick kick; /* ORDER_KICK */
};

/* The next thing that the monitor has said on control. */
enum process_order process_order(int control);

/* The same for those that have connections: it may be any, and sets *order. */
enum process_order process_full_order(int control, struct order *order);

#endif
