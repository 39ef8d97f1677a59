/*
 * Where a relay goes to: HOST:PORT, [HOST]:PORT or unix:PATH, and the addresses
 * that it has.
 */

#ifndef CMD_OFFER_BACKEND_H
#define CMD_OFFER_BACKEND_H

#include <sys/socket.h>

#define BACKEND_ADDRESSES 8

/* A back end that is not there, or has no room, is given up after so long. */
#define BACKEND_TIMEOUT_MS 10000

struct backend {
	unsigned int n;
	struct {
		socklen_t length;
		struct sockaddr_storage sa;
	} addresses[BACKEND_ADDRESSES];
};

/*
 * Understand text and look its host up, once and for all.  Returns 0; or the
 * exit status, and *wrong says why.
 */
int backend_parse(struct backend *b, const char *text, const char **wrong);

/*
 * Begin to connect to an address, by its place.  Returns a non-blocking
 * socket, the caller's to close, which is writable once it is decided; or -1
 * with errno: EAGAIN of a Unix socket whose queue is full at the moment.
 */
int backend_dial(const struct backend *b, unsigned int place);

/* Has the socket connected?  Returns 0, or -1 with errno. */
int backend_settle(int fd);

#endif
