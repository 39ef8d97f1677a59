/*
 * Users and groups of this machine, and what the files let them do.
 */

#ifndef DAEMON_SETUP_IDENTITY_H
#define DAEMON_SETUP_IDENTITY_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/stat.h>
#include <sys/types.h>

#include "table/table.h"

/* Somebody, as the kernel sees him. */
struct identity {
	const char *name; /* or NULL, if he has none */
	uid_t uid;
	gid_t gid;
	const gid_t *groups;
	size_t ngroups;
};

/*
 * Set *id to the user of this name and his groups, or to this process's own;
 * what it points to belongs to t.  Returns 0, or -1 with errno: ENOENT if
 * there is no such user, or ENOMEM.
 */
int identity_find(struct table *t, const char *name, struct identity *id);
int identity_own(struct table *t, struct identity *id);

/*
 * Set the groups of id, who has a name, to those of the database and his gid,
 * as initgroups(3) does.  Returns 0, or -1 with ENOMEM.
 */
int identity_find_groups(struct table *t, struct identity *id);

/*
 * Set *gid to the group, or *uid to the user, of this name.  Returns 0, or -1:
 * there is none.
 */
int identity_find_group(const char *name, gid_t *gid);
int identity_find_uid(const char *name, uid_t *uid);

/*
 * Call each() with every user that the databases of this machine list, in
 * their order, until it returns other than 0, which is then the result.
 */
int identity_each_login(int (*each)(void *arg, const char *name, uid_t uid),
    void *arg);

/*
 * Look for path as id, and set *st to what is there: a program to be run, or a
 * directory to be entered.  Only the bits of modes are looked at.  Returns 0;
 * or -1 with errno: EACCES if id may not do that, or may not come so far; else
 * of realpath(3) or stat(2).
 */
int identity_reach(const struct identity *id, const char *path,
    struct stat *st);

#endif
