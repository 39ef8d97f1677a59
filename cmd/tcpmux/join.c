/*
 * Standard input and output on one side, a connection on the other.
 */

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "cmd/pair.h"
#include "cmd/say.h"
#include "cmd/tcpmux/join.h"
#include "cmd/tcpmux/progress.h"

/*
 * Nobody reads standard output any more.  End as every filter does, by
 * SIGPIPE; whoever has it ignored is told in words.
 */
static int
join_end_unread(void (*on_pipe)(int))
{
	if (signal(SIGPIPE, on_pipe) != SIG_ERR)
		(void)raise(SIGPIPE); /* what fails here is said below */
	say("nobody reads standard output any more, and the rest is lost");
	return SAY_BROKEN;
}

/* What has become of it, as a sentence and a status. */
static int
join_explain(const struct pair *pair, void (*on_pipe)(int))
{
	const struct flow *up = &pair->up, *down = &pair->down;

	if (up->state == FLOW_CUT) {
		say("standard input cannot be read, so the connection was "
		    "cut: %s",
		    strerror(up->error));
		return SAY_NOINPUT;
	}
	if (down->state == FLOW_UNHEARD && down->error == EPIPE)
		return join_end_unread(on_pipe);
	if (down->state == FLOW_UNHEARD) {
		say("standard output cannot be written, and the rest is "
		    "lost: %s",
		    strerror(down->error));
		return SAY_BROKEN;
	}
	if (pair_error(pair) != 0) {
		say("the connection broke, and what has arrived may not be "
		    "all: %s",
		    strerror(pair_error(pair)));
		return SAY_BROKEN;
	}
	return SAY_OK;
}

/*
 * Has the other side ended?  A person at a terminal then has nobody to talk
 * to; what comes from elsewhere is still sent, as the other side may have
 * ended its output alone.
 */
static bool
join_is_done(const struct pair *pair)
{
	return pair_is_done(pair) ||
	    (flow_is_done(&pair->down) && isatty(STDIN_FILENO) == 1);
}

static int
join_loop(struct pair *pair, struct progress *progress)
{
	struct pollfd fds[PAIR_FDS];

	while (!join_is_done(pair)) {
		pair_poll(pair, fds);
		if (poll(fds, PAIR_FDS, progress_wait(progress)) == -1) {
			if (errno == EINTR)
				continue;
			return -1;
		}
		pair_step(pair, fds);
		progress_show(progress, pair->up.moved, pair->down.moved);
	}
	progress_end(progress, pair->up.moved, pair->down.moved);
	return 0;
}

int
join_take_fd(int fd, bool verbose)
{
	struct progress progress;
	struct pair pair;
	void (*on_pipe)(int);
	int status;

	/* splice(2) has no MSG_NOSIGNAL. */
	on_pipe = signal(SIGPIPE, SIG_IGN);
	progress_init(&progress, verbose, true);
	if (pair_init(&pair, STDIN_FILENO, STDOUT_FILENO, fd) == -1 ||
	    join_loop(&pair, &progress) == -1) {
		say("the connection cannot be joined with standard input and "
		    "output: %s",
		    strerror(errno));
		status = SAY_SYSTEM;
	} else
		status = join_explain(&pair, on_pipe);
	if (status != SAY_OK)
		pair_set_reset(fd, true);
	pair_clear(&pair);
	(void)close(fd); /* all that it could say has been heard */
	return status;
}
