/*
 * What every process of the daemon does first: take its name, give up what it
 * does not need, and say that it is ready.
 *
 * Each has a control socket to the monitor.  The monitor sends one byte,
 * CONTROL_DRAIN, for: take nothing new, finish what you have, and exit.  A
 * front may be told before, by CONTROL_CLOSE and the place of a listening
 * socket, that nobody will accept there any more.  The end of the socket is
 * the end of the process: the monitor is gone, or wants it to go now.
 */

#ifndef DAEMON_PROCESS_H
#define DAEMON_PROCESS_H

#include <stdbool.h>
#include <sys/resource.h>

#include "daemon/generation.h"
#include "os/sandbox.h"

#define CONTROL_READY 'R' /* to the monitor */
#define CONTROL_DRAIN 'D' /* from the monitor */
#define CONTROL_CLOSE 'C' /* likewise */

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
 * wants it.  Ends the process, with the reason in the log, if it cannot.
 * Standard error is gone afterwards: what is said goes to the log.
 */
void process_confine(const struct generation *g, const struct process_rules *r);

/* Take a name, as ps shows it. */
void process_name(const char *name);

/*
 * Where programs run as the daemon's own user, keep them out of the memory and
 * the descriptors of this process.
 */
void process_hide(const struct generation *g);

/* Tell the monitor that this process does its work from now on. */
void process_ready(int control);

enum process_order {
	ORDER_NONE,  /* nothing more, for now */
	ORDER_CLOSE, /* of fronts alone */
	ORDER_DRAIN,
	ORDER_END
};

/* The next thing that the monitor has said on control. */
enum process_order process_order(int control);

/* The same for a front; ORDER_CLOSE sets *listener. */
enum process_order process_listener_order(int control, uint8_t *listener);

#endif
