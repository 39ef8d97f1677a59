/*
 * What -L says: where to listen on this machine, and for which name.
 */

#ifndef CMD_TCPMUX_LOCAL_H
#define CMD_TCPMUX_LOCAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/un.h>

/* The sockets of one -L: one of each family. */
#define LOCAL_FDS 2

/* The longest address to listen at: 0.0.0.0, or :: with a scope. */
#define LOCAL_BIND_MAX 63

struct local {
	char bind[LOCAL_BIND_MAX + 1]; /* "": of this host only */
	char path[sizeof(((struct sockaddr_un *)0)->sun_path)]; /* or "" */
	uint16_t port;      /* 0: the kernel's choice */
	const char *name;   /* borrowed */
	int fds[LOCAL_FDS]; /* -1: none */
	bool made;          /* there is a socket at path, and it is ours */
};

enum local_err {
	LOCAL_FORM = -1, /* it is not [BIND:]PORT:NAME or unix:PATH:NAME */
	LOCAL_PORT = -2, /* the port is not 0 to 65535 */
	LOCAL_NAME = -3, /* the name is none */
	LOCAL_BIND = -4, /* that is no address, or no path that fits */
};

/*
 * Take the argument of -L apart, which is borrowed.  Returns 0 or an enum
 * local_err.
 */
int local_parse(struct local *local, const char *text);

/* What is wrong, and how it is right; a part of a sentence. */
const char *local_strerror(int err);

/*
 * Listen there, and say where.  Returns 0, or an exit status when it has said
 * why not.
 */
int local_listen(struct local *local);

/* Stop listening; a path that was made goes. */
void local_clear(struct local *local);

#endif
