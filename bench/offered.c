/*
 * A service of the benchmark that offers its name to tcpmuxd by libtcpmux.
 *
 * It finds the control socket as every program does ($TCPMUX_CONTROL), and
 * then does with each connection as echo does.  It prints 0 once the name is
 * taken.
 *
 * usage: offered [-d] name
 * -d  throw the input away, and do not send it back
 */

#include <sys/epoll.h>

#include <err.h>
#include <errno.h>
#include <stdio.h>
#include <unistd.h>

#include "talk.h"
#include "tcpmux.h"

static void
watch(const struct talk *t, int fd)
{
	struct epoll_event ev = { .events = EPOLLIN };

	ev.data.fd = fd;
	if (epoll_ctl(t->loop, EPOLL_CTL_ADD, fd, &ev) == -1)
		err(1, "epoll_ctl");
}

/* The + is libtcpmux's; the service is ours. */
static void
accept_all(const struct talk *t, struct tcpmux_offer *offer)
{
	int fd;

	while ((fd = tcpmux_accept(offer, NULL, 0)) >= 0)
		talk_begin(t, fd);
	if (fd != TCPMUX_ERR_AGAIN)
		errx(1, "tcpmux_accept: %s: %s", tcpmux_strerror(fd),
		    tcpmux_offer_text(offer));
}

static void
serve(const struct talk *t, struct tcpmux_offer *offer)
{
	struct epoll_event ev[64];
	int i, n;

	watch(t, tcpmux_offer_fd(offer));
	for (;;) {
		n = epoll_wait(t->loop, ev, 64, -1);
		if (n == -1 && errno != EINTR)
			err(1, "epoll_wait");
		for (i = 0; i < n; i++) {
			if (ev[i].data.fd == tcpmux_offer_fd(offer))
				accept_all(t, offer);
			else
				talk_go_on(t, ev[i].data.fd);
		}
	}
}

int
main(int argc, char *argv[])
{
	struct talk t = { .loop = epoll_create1(EPOLL_CLOEXEC) };
	struct tcpmux_offer *offer;
	int c, error;

	if (t.loop == -1)
		err(1, "epoll_create1");
	while ((c = getopt(argc, argv, "d")) != -1) {
		if (c != 'd')
			return 64;
		t.duty = DUTY_DISCARD;
	}
	if (argc - optind != 1)
		errx(64, "usage: offered [-d] name");
	error = tcpmux_listen(NULL, argv[optind], 0, &offer);
	if (error != 0)
		errx(1, "%s: %s: %s", argv[optind], tcpmux_strerror(error),
		    offer != NULL ? tcpmux_offer_text(offer) : "no offer");
	if (puts("0") == EOF || fflush(stdout) == EOF)
		err(1, "stdout");
	serve(&t, offer);
}
