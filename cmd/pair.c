/*
 * Two flows that are one conversation, and what the end of one means for the
 * other.
 */

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include "cmd/pair.h"

/* So many steps at a time; then others have their turn. */
#define PAIR_TURNS 32

/*
 * Have it delay nothing, and find out one day that the other side is gone.  A
 * Unix socket has no such options and needs none.
 */
static void
pair_tune(int fd)
{
	int on = 1;

	(void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	(void)setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof(on));
}

int
pair_init(struct pair *pair, int in, int out, int remote)
{
	int flags = fcntl(remote, F_GETFL);

	*pair = (struct pair){ .up.buf = NULL };
	pair_tune(remote);
	if (flags == -1 || fcntl(remote, F_SETFL, flags | O_NONBLOCK) == -1 ||
	    flow_init(&pair->up, in, remote) == -1 ||
	    flow_init(&pair->down, remote, out) == -1)
		return -1;
	if (in == out) {
		pair_tune(in);
		pair_set_reset(in, true);
		pair_set_reset(remote, true);
	}
	return 0;
}

/* The places of poll(): the local side is one descriptor, or two. */
enum pair_place {
	PAIR_IN,
	PAIR_REMOTE,
	PAIR_OUT,
};

static enum pair_place
pair_find_out(const struct pair *pair)
{
	return pair->up.from == pair->down.to ? PAIR_IN : PAIR_OUT;
}

void
pair_clear(struct pair *pair)
{
	/* All has been said: the kernel may take its time to deliver it. */
	if (pair_find_out(pair) == PAIR_IN && pair_is_done(pair) &&
	    pair_error(pair) == 0) {
		pair_set_reset(pair->up.from, false);
		pair_set_reset(pair->up.to, false);
	}
	flow_clear(&pair->up);
	flow_clear(&pair->down);
}

void
pair_poll(const struct pair *pair, struct pollfd *fds)
{
	const enum pair_place out = pair_find_out(pair);

	for (int i = 0; i <= (out == PAIR_OUT ? PAIR_OUT : PAIR_REMOTE); i++)
		fds[i] = (struct pollfd){ .fd = -1 };
	flow_poll(&pair->up, &fds[PAIR_IN], &fds[PAIR_REMOTE]);
	flow_poll(&pair->down, &fds[PAIR_REMOTE], &fds[out]);
}

/*
 * A side that has ended its own data, and hears nothing more, is reset with
 * EPIPE: it has said all that it had to say.
 */
static int
pair_flow_error(const struct flow *flow)
{
	if (flow->state == FLOW_CUT)
		return flow->error;
	if (flow->state == FLOW_UNHEARD && flow->error != EPIPE)
		return flow->error;
	return 0;
}

void
pair_step(struct pair *pair, const struct pollfd *fds)
{
	const short remote = fds[PAIR_REMOTE].revents;

	flow_step(&pair->down, remote, fds[pair_find_out(pair)].revents);
	if (pair_is_done(pair))
		return;
	/* A socket tells an error once, and afterwards looks as if it ended. */
	if (!flow_is_done(&pair->up))
		pair->up.error = pair_flow_error(&pair->down);
	flow_step(&pair->up, fds[PAIR_IN].revents, remote);
	if (!flow_is_done(&pair->down))
		pair->down.error = pair_flow_error(&pair->up);
}

bool
pair_is_done(const struct pair *pair)
{
	/*
	 * Who does not listen any more may still speak; or has spoken, and then
	 * was reset.  But nobody waits for the input of a broken pipeline.
	 */
	return pair->up.state == FLOW_CUT || pair->down.state == FLOW_CUT ||
	    (pair->down.state == FLOW_UNHEARD &&
		pair_find_out(pair) == PAIR_OUT) ||
	    (flow_is_done(&pair->up) && flow_is_done(&pair->down));
}

int
pair_error(const struct pair *pair)
{
	int error = pair_flow_error(&pair->down);

	return error != 0 ? error : pair_flow_error(&pair->up);
}

bool
pair_go(struct pair *pair)
{
	struct pollfd fds[PAIR_FDS_SINGLE];

	for (int i = 0; i < PAIR_TURNS; i++) {
		pair_poll(pair, fds);
		/* With two descriptors and no time it has no way to fail. */
		if (poll(fds, PAIR_FDS_SINGLE, 0) <= 0)
			return false;
		pair_step(pair, fds);
		if (pair_is_done(pair))
			return false;
	}
	return true;
}

void
pair_set_reset(int fd, bool reset)
{
	const struct linger linger = { .l_onoff = reset };

	/* A Unix socket knows no reset; its end is all there is to say. */
	(void)setsockopt(fd, SOL_SOCKET, SO_LINGER, &linger, sizeof(linger));
}
