/*
 * A library that is loaded before a benchmark's own (LD_PRELOAD): where that
 * connects to a certain port of IPv4, it gets a service behind a TCPMUX server.
 *
 * The connection is made, the name is said and the reply is read at once, also
 * on a socket that does not block: the program sees a connection that has
 * succeeded.  After that nothing is between it and its socket.
 *
 * THROUGH = PORT:MUX:NAME: who would connect to PORT gets NAME from the server
 * at port MUX of the same address.
 */

#include <sys/socket.h>

#include <dlfcn.h>
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef int connect_function(int, const struct sockaddr *, socklen_t);

/* What THROUGH says. */
struct way {
	unsigned short port;
	unsigned short mux;
	char line[256]; /* with CR LF */
	size_t len;
};

static bool
way_read(struct way *w)
{
	const char *text = getenv("THROUGH");
	char name[200];
	int len;

	if (text == NULL)
		return false;
	if (sscanf(text, "%hu:%hu:%199s", &w->port, &w->mux, name) != 3)
		errx(64, "THROUGH=%s: not PORT:MUX:NAME", text);
	len = snprintf(w->line, sizeof(w->line), "%s\r\n", name);
	w->len = (size_t)len;
	return true;
}

/* Say the name and read the reply, not a byte more. */
static void
way_ask(const struct way *w, int fd)
{
	bool first;
	char c = '\0';

	if (send(fd, w->line, w->len, MSG_NOSIGNAL) != (ssize_t)w->len)
		err(1, "the name");
	for (first = true; c != '\n'; first = false)
		if (recv(fd, &c, 1, 0) != 1 || (first && c != '+'))
			errx(1, "%.*s: refused", (int)w->len - 2, w->line);
}

int
connect(int fd, const struct sockaddr *sa, socklen_t len)
{
	connect_function *next =
	    (connect_function *)dlsym(RTLD_NEXT, "connect");
	struct sockaddr_in to;
	struct way w;
	int flags;

	if (sa->sa_family != AF_INET || len < sizeof(to) || !way_read(&w))
		return next(fd, sa, len);
	(void)memcpy(&to, sa, sizeof(to)); /* returns its target */
	if (ntohs(to.sin_port) != w.port)
		return next(fd, sa, len);
	to.sin_port = htons(w.mux);
	flags = fcntl(fd, F_GETFL);
	if (flags == -1 || fcntl(fd, F_SETFL, flags & ~O_NONBLOCK) == -1)
		return -1;
	if (next(fd, (const struct sockaddr *)&to, sizeof(to)) == -1)
		return -1;
	way_ask(&w, fd);
	return fcntl(fd, F_SETFL, flags);
}
