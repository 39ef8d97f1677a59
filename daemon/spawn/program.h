/*
 * Starting a program on a connection: the way from a descriptor that has been
 * taken to execve().
 */

#ifndef DAEMON_SPAWN_PROGRAM_H
#define DAEMON_SPAWN_PROGRAM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/resource.h>
#include <sys/types.h>

#include "daemon/generation.h"
#include "daemon/handover.h"

/* What every program gets besides its configured environment, and a NULL. */
#define PROGRAM_ENVIRONMENT 10

/* NAME=VALUE with the longest name of a service in it, and a NUL. */
#define PROGRAM_TEXT_MAX 288

/*
 * What starting programs takes; sized for the service that needs most.  The
 * child that is on its way uses this memory, and nobody else meanwhile.
 */
struct starter {
	const struct generation *g;
	bool is_root;
	int null; /* /dev/null, for reading and writing */
	struct rlimit nofile;
	char *stack;
	const char **argv;
	const char **environment;
	char text[PROGRAM_ENVIRONMENT][PROGRAM_TEXT_MAX];
	/* Of the program that is started: */
	const struct service *service;
	uint32_t place; /* the service's */
	int fd;
	pid_t pid;                  /* once it runs */
	volatile int32_t running;   /* not 0: it uses this memory */
	volatile unsigned int step; /* how far it came */
	volatile int error;         /* 0, or errno there */
	volatile bool answered;     /* + is on its way, or some of it */
};

/*
 * Why a program did not start.  If answered is set, + has been said, and
 * nothing may be said any more.
 */
struct program_fault {
	const char *step; /* what failed, in a word or two */
	int error;        /* errno */
	bool answered;
};

/* Returns 0, or -1 with errno. */
int starter_init(struct starter *x, const struct generation *g);

/*
 * Start the program of h->service on fd, which stays the caller's, and wait
 * until it runs, for PROGRAM_START_MS at the most.  Every signal must be
 * blocked, and every handler the default.  Sets x->pid and returns a descriptor of
 * the process, the caller's to close; or -1, and *fault tells why: ETIMEDOUT if
 * it did not come that far in time.
 */
int program_start(struct starter *x, const struct tcpmux_handover *h, int fd,
    struct program_fault *fault);

#define PROGRAM_START_MS 2000

#endif
