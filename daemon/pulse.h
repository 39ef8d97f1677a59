/*
 * The pulse of a process: memory that it shares with the monitor alone, from
 * which it can be seen that it lives, what it costs and how it is confined.
 *
 * The monitor believes nothing of it but that it changes.
 */

#ifndef DAEMON_PULSE_H
#define DAEMON_PULSE_H

#include <stdatomic.h>
#include <stdint.h>

/* A loop turns at least this often, and so shows that it is not stuck. */
#define PULSE_MS 1000

/* What confines a process; a set of bits, as it is in force. */
enum pulse_layer {
	LAYER_USER = 1,      /* another user than root */
	LAYER_CAPS = 2,      /* no capability, or the few of spawn */
	LAYER_NO_NEW = 4,    /* no_new_privs */
	LAYER_ROOT = 8,      /* an empty root directory */
	LAYER_NETWORK = 16,  /* an empty network */
	LAYER_LANDLOCK = 32, /* Landlock rules */
	LAYER_SECCOMP = 64,  /* a list of system calls */
	LAYER_LIMITS = 128   /* NPROC 0, CORE 0, descriptors */
};

struct pulse {
	_Atomic uint32_t beat; /* one more for each turn of its loop */
	_Atomic uint32_t layers;
	_Atomic uint64_t cpu_us; /* user and system */
	_Atomic uint32_t rss_kb; /* the most so far */
	int64_t counted;         /* when that was; the process's own */
};

/*
 * Show that the process lives: once for each turn of its loop, at this moment
 * by clock_now().  Once in PULSE_MS what it costs is asked of the kernel.
 */
void pulse_beat(struct pulse *p, int64_t now);

/* How long a loop may wait that has nothing to do for timeout_ms, or -1. */
static inline int
pulse_timeout(int timeout_ms)
{
	return timeout_ms < 0 || timeout_ms > PULSE_MS ? PULSE_MS : timeout_ms;
}

#endif
