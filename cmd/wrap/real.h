/*
 * The functions of the C library that the preloaded library stands before.
 */

#ifndef CMD_WRAP_REAL_H
#define CMD_WRAP_REAL_H

#include <sys/epoll.h>
#include <sys/socket.h>

struct real {
	int (*listen)(int fd, int backlog);
	int (*accept)(int fd, struct sockaddr *sa, socklen_t *length);
	int (*accept4)(int fd, struct sockaddr *sa, socklen_t *length,
	    int flags);
	int (*getsockname)(int fd, struct sockaddr *sa, socklen_t *length);
	int (*getpeername)(int fd, struct sockaddr *sa, socklen_t *length);
	int (*getsockopt)(int fd, int level, int option, void *value,
	    socklen_t *length);
	int (*setsockopt)(int fd, int level, int option, const void *value,
	    socklen_t length);
	ssize_t (*recv)(int fd, void *buf, size_t size, int flags);
	int (*close)(int fd);
	int (*close_range)(unsigned int first, unsigned int last, int flags);
	void (*closefrom)(int first);
	int (*epoll_ctl)(int loop, int what, int fd, struct epoll_event *event);
};

/* All of them; looked up at the first call. */
const struct real *real(void);

#endif
