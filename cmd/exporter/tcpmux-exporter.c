/*
 * tcpmux-exporter: shows what tcpmuxd says of itself as metrics and as a page,
 * by HTTP, at a Unix socket or a loopback address.
 */

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cmd/exporter/answers.h"
#include "cmd/exporter/confine.h"
#include "cmd/exporter/listen.h"
#include "cmd/exporter/options.h"
#include "cmd/exporter/web.h"
#include "cmd/say.h"
#include "cmd/signals.h"
#include "cmd/standard.h"

struct exporter {
	struct exporter_options options;
	struct listen_sockets sockets;
	struct answers answers;
	struct web *webs[LISTEN_MAX];
	char host[HOST_NAME_MAX + 1];
	int signals;
};

static void
exporter_start(struct exporter *x)
{
	static const int ends[] = { SIGTERM, SIGINT, SIGHUP, 0 };
	struct confine_user user;
	size_t i;

	(void)signal(SIGPIPE, SIG_IGN); /* the calls themselves tell */
	confine_find_user(&user, x->options.user);
	x->signals = signals_open(ends);
	if (x->signals == -1)
		say_fatal(SAY_SYSTEM, "it cannot start: %s", strerror(errno));
	listen_open(&x->sockets, &x->options);
	if (user.needed)
		listen_give(&x->sockets, user.uid, user.gid);
	confine(&user);
	if (gethostname(x->host, sizeof(x->host)) == -1)
		(void)snprintf(x->host, sizeof(x->host), "this machine");
	answers_init(&x->answers, x->options.control, x->host);
	for (i = 0; i < x->sockets.n; i++) {
		x->webs[i] =
		    web_open(x->sockets.all[i].fd, &x->answers, &x->options);
		if (x->webs[i] == NULL)
			say_fatal(SAY_SYSTEM, "it cannot start: %s",
			    strerror(errno));
		say("listening on %s", x->sockets.all[i].name);
	}
}

/* Serve until a signal comes. */
static void
exporter_run(struct exporter *x)
{
	struct pollfd p[LISTEN_MAX + 1];
	const size_t n = x->sockets.n;
	int timeout, t;
	size_t i;

	p[n] = (struct pollfd){ .fd = x->signals, .events = POLLIN };
	for (i = 0; i < n; i++)
		p[i] = (struct pollfd){ .fd = web_fd(x->webs[i]),
			.events = POLLIN };
	do {
		for (timeout = -1, i = 0; i < n; i++) {
			web_run(x->webs[i]);
			t = web_timeout(x->webs[i]);
			if (t != -1 && (timeout == -1 || t < timeout))
				timeout = t;
		}
		if (poll(p, n + 1, timeout) == -1 && errno != EINTR)
			say_fatal(SAY_SYSTEM, "poll: %s", strerror(errno));
	} while (p[n].revents == 0);
}

static void
exporter_stop(struct exporter *x)
{
	size_t i;

	listen_remove(&x->sockets);
	for (i = 0; i < x->sockets.n; i++)
		web_close(x->webs[i]);
	answers_clear(&x->answers);
}

int
main(int argc, char **argv)
{
	static struct exporter x;

	say_as("tcpmux-exporter");
	if (standard_open() == -1)
		say_fatal(SAY_SYSTEM, "/dev/null cannot be opened");
	options_parse(&x.options, argc, argv);
	exporter_start(&x);
	exporter_run(&x);
	exporter_stop(&x);
	return SAY_OK;
}
