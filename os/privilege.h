/*
 * Being nobody in particular.
 */

#ifndef OS_PRIVILEGE_H
#define OS_PRIVILEGE_H

#include <stdbool.h>
#include <sys/types.h>

/* Who to be in the end. */
struct account {
	bool is_root; /* as it was started: uid and gid are to be taken on */
	uid_t uid;
	gid_t gid;
};

/*
 * Set *a: for root, the first of the n users that exists; for anybody else,
 * no change.  Looking users up may open descriptors and leave them open.  Ends
 * the process, with the reason, if there is no such user, or if it has been
 * started with user ids that differ.
 */
void privilege_choose(struct account *a, const char *const users[], int n);

/*
 * For root: become *a, in an empty root directory and, where the kernel lets
 * it, an empty network namespace; sockets that are open keep working in their
 * own.  For anybody: give up every capability.  Ends the process, with the
 * reason, if any of that fails.
 */
void privilege_drop(const struct account *a);

#endif
