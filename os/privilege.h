/*
 * Being nobody in particular.
 */

#ifndef OS_PRIVILEGE_H
#define OS_PRIVILEGE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/* Who to be in the end. */
struct account {
	bool is_root; /* as it was started: uid and gid are to be taken on */
	uid_t uid;
	gid_t gid;
	int empty; /* a directory with nothing in it, for a root */
};

/* What is given up besides the user; a set of bits. */
enum privilege_what {
	PRIVILEGE_FILES = 1,   /* the root directory becomes an empty one */
	PRIVILEGE_NETWORK = 2, /* the network becomes an empty one */
};

/*
 * Set *a: for root, the user of this name or, if it is NULL, tcpmux or nobody,
 * whichever exists first; for anybody else, no change, and name must be NULL
 * or his own.  Looking users up may open descriptors and leave them open.
 * Returns 0, or -1 if there is no such user, or it is not one to become: root,
 * or for anybody else another than himself.  a->empty is -1.
 */
int privilege_choose(struct account *a, const char *name);

/* Was this process started as one user, not as two halves of two? */
bool privilege_is_one_user(void);

/*
 * Open a->empty: a directory that has been removed, so that nothing is found
 * in it and nothing can be made in it.  Returns 0, or -1 with errno.
 */
int privilege_make_empty(struct account *a);

/*
 * For root: become *a, and give up what.  Not having a network is more than a
 * container may; then its own network stays.  For anybody else: give up what,
 * as far as the kernel lets him.  For all: give up every capability.  Sockets
 * that are open keep working.  Returns what of what is given up, or -1 with
 * errno.
 */
int privilege_drop(const struct account *a, unsigned int what);

/*
 * For root: keep these capabilities only, the bits of their numbers, until
 * the next program.  Returns 0, or -1 with errno.
 */
int privilege_keep(uint64_t capabilities);

#endif
