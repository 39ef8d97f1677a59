/*
 * Who is at the other end of a Unix socket, as the kernel knows him.
 */

#ifndef OS_PEER_H
#define OS_PEER_H

#include <stddef.h>
#include <stdint.h>

/* The most groups of one user that count. */
#define PEER_GROUPS_MAX 1024

struct peer {
	uint32_t uid;
	uint32_t gid;
	uint32_t groups[PEER_GROUPS_MAX]; /* the others */
	size_t ngroups;
};

/*
 * Set *p to whoever connected fd, as he was then.  Of somebody with more
 * groups than there is room for, none counts but the first.  Returns 0, or -1
 * with errno.
 */
int peer_read(int fd, struct peer *p);

/* The process that connected fd, as far as it is seen here; or 0. */
int peer_pid(int fd);

#endif
