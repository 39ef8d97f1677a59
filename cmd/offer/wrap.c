/*
 * tcpmux-offer --wrap: a server that knows nothing of it takes the
 * connections, instead of listening.
 */

#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "cmd/fdpass.h"
#include "cmd/offer/refuse.h"
#include "cmd/offer/start.h"
#include "cmd/offer/watch.h"
#include "cmd/offer/wrap.h"
#include "cmd/say.h"
#include "cmd/wrap.h"

/* So often we look whether the server goes ways that we do not see. */
#define LOOK_MS 500

/* A server that takes no connection for so many looks is looked at. */
#define LOOKS_STUCK 4

/* What a server leaves behind is killed after so many looks. */
#define LOOKS_LEFT 10

/* A signal of a process killed by it, in an exit status, as shells say it. */
#define STATUS_SIGNAL 128

#define MAPPED_BYTES 12

enum wrap_state {
	WRAP_STARTS,  /* and does not listen yet */
	WRAP_OFFERED, /* and takes connections */
	WRAP_ENDS,    /* it was told to */
	WRAP_LEFT,    /* the server has ended, and left processes behind */
	WRAP_OVER,
};

struct wrap {
	const struct offer_options *options;
	enum wrap_state state;
	struct offering offering;
	struct refusals refusals;
	pid_t server; /* 0 when it has ended */
	int told;     /* the signal by which we were told to end, or 0 */
	int channel;
	int held; /* a connection for which the channel had no room, or -1 */
	struct tcpmux_caller caller; /* its */
	int status;
	int looks;
	bool is_resting; /* the kernel would not send what is held */
	bool has_said_stuck;
};

/* An address in the form of a hand-over. */
static struct tcpmux_endpoint
endpoint_of(const struct sockaddr_storage *address)
{
	const struct sockaddr_in *in = (const struct sockaddr_in *)address;
	const struct sockaddr_in6 *in6 = (const struct sockaddr_in6 *)address;
	struct tcpmux_endpoint e = { .known = 1 };

	switch (address->ss_family) {
	case AF_INET:
		e.address[MAPPED_BYTES - 2] = e.address[MAPPED_BYTES - 1] =
		    0xff;
		memcpy(e.address + MAPPED_BYTES, &in->sin_addr,
		    sizeof(in->sin_addr));
		e.port = ntohs(in->sin_port);
		break;
	case AF_INET6:
		memcpy(e.address, &in6->sin6_addr, sizeof(e.address));
		e.port = ntohs(in6->sin6_port);
		e.scope = in6->sin6_scope_id;
		break;
	default:
		e.known = 0;
		break;
	}
	return e;
}

/* Send a connection down the channel.  Returns 0, or -1 with errno. */
static int
send_connection(int channel, int fd, const struct tcpmux_caller *caller)
{
	struct tcpmux_handover header = {
		.version = TCPMUX_HANDOVER_VERSION,
		.listener = caller->listener,
		.accepted = caller->since,
		.peer = endpoint_of(&caller->peer),
		.local = endpoint_of(&caller->local),
		.early = caller->early,
		.proxied = caller->proxied,
	};
	char name[sizeof(caller->name)];
	struct iovec iov[2] = { { &header, sizeof(header) },
		{ name, strlen(caller->name) } };

	memcpy(name, caller->name, sizeof(name));
	return fdpass_send(channel, fd, iov, 2, MSG_DONTWAIT);
}

/* Withdraw the name, and refuse whoever has not reached the server. */
static void
wrap_withdraw(struct wrap *w)
{
	if (w->held != -1)
		refuse_take_fd(&w->refusals, w->held,
		    "the service ends: try again later");
	w->held = -1;
	offering_end(&w->offering);
}

/* End for a reason of ours, with this status. */
static void
wrap_give_up(struct wrap *w, int status)
{
	wrap_withdraw(w);
	w->status = status;
	w->state = WRAP_ENDS;
	watch_signal_children(getpid(), SIGTERM);
}

/* Pass connections on, as long as the server takes them. */
static void
wrap_forward(struct wrap *w)
{
	for (;;) {
		if (w->held == -1)
			w->held = offering_take(&w->offering, &w->caller);
		if (w->held == OFFERING_OVER) {
			w->held = -1;
			wrap_give_up(w, SAY_REFUSED);
			return;
		}
		if (w->held == OFFERING_NONE)
			return;
		w->is_resting = false;
		if (send_connection(w->channel, w->held, &w->caller) == -1 &&
		    errno != EPIPE && errno != ECONNRESET) {
			/* Until there is room, or until the next look. */
			w->is_resting = errno != EAGAIN;
			return;
		}
		offering_say(w->options, 1, "handed over");
		/* The server has it; or it has ended, and the client sees. */
		(void)close(w->held);
		w->held = -1;
	}
}

/* The server has said that it listens; or nobody holds the channel now. */
static void
wrap_hear(struct wrap *w)
{
	struct wrap_notice notice;
	const ssize_t n =
	    recv(w->channel, &notice, sizeof(notice), MSG_DONTWAIT);
	int status;

	if (n == -1 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n <= 0) {
		/* It may have work to do, but it will accept no more. */
		if (w->state == WRAP_OFFERED)
			offering_say(w->options, 0,
			    "the server listens no more");
		(void)close(w->channel);
		w->channel = -1;
		wrap_withdraw(w);
		return;
	}
	if (n != (ssize_t)sizeof(notice) || w->state != WRAP_STARTS)
		return;
	offering_say(w->options, 1, "process %u listens, on port %u",
	    notice.process, notice.port);
	w->state = WRAP_OFFERED;
	w->looks = 0;
	status = offering_begin(&w->offering, w->options);
	if (status != 0)
		wrap_give_up(w, status);
}

/* The server's status is ours; if it only did as it was told, all is well. */
static int
status_of(const struct wrap *w, int how)
{
	const int status =
	    WIFEXITED(how) ? WEXITSTATUS(how) : STATUS_SIGNAL + WTERMSIG(how);

	return w->told != 0 && status == STATUS_SIGNAL + w->told ? SAY_OK :
								   status;
}

/* The server itself has ended. */
static void
wrap_server_ended(struct wrap *w, int how)
{
	siginfo_t info = { .si_pid = 0 };
	const bool is_alone =
	    waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) == -1;

	w->server = 0;
	/* Some go into the background: then it is their children that serve. */
	if (!is_alone && WIFEXITED(how) && WEXITSTATUS(how) == 0 &&
	    w->state != WRAP_ENDS)
		return;
	if (w->status == 0)
		w->status = status_of(w, how);
	if (w->state != WRAP_ENDS)
		offering_say(w->options, 0, "the server has ended");
	wrap_withdraw(w);
	w->state = WRAP_ENDS;
}

/* End what the server has left behind; that may leave more behind in turn. */
static void
wrap_end_rest(struct wrap *w)
{
	if (w->state == WRAP_ENDS)
		w->looks = 0;
	w->state = WRAP_LEFT;
	watch_signal_children(getpid(), SIGTERM);
}

static void
wrap_reap(struct wrap *w)
{
	bool is_alone;
	pid_t pid;
	int how;

	while ((pid = waitpid(-1, &how, WNOHANG)) > 0)
		if (pid == w->server)
			wrap_server_ended(w, how);
	is_alone = pid == -1 && errno == ECHILD;
	if (w->server == 0 && (w->state == WRAP_ENDS || w->state == WRAP_LEFT))
		wrap_end_rest(w);
	if (is_alone)
		w->state = WRAP_OVER;
}

/* Those that end it end the offer first; all are the server's. */
static void
wrap_signal(struct wrap *w, const struct signalfd_siginfo *info)
{
	const int number = (int)info->ssi_signo;

	if (number == SIGCHLD) {
		wrap_reap(w);
		return;
	}
	if (number == SIGTERM || number == SIGINT || number == SIGQUIT) {
		wrap_withdraw(w);
		w->state = WRAP_ENDS;
		w->told = number;
	}
	/* What a terminal sends, it has sent to the server as well. */
	if (info->ssi_code == SI_KERNEL)
		return;
	if (w->server != 0)
		(void)kill(w->server, number); /* it is our child */
	else
		watch_signal_children(getpid(), number);
}

/* Does the server listen, and we have not been told? */
static void
look_for_listening(struct wrap *w)
{
	const uint16_t port = watch_listening(getpid(), w->options->port);
	struct pollfd fd = { w->channel, POLLIN, 0 };

	if (port == 0 || poll(&fd, 1, 0) != 0)
		return;
	offering_say(w->options, -1,
	    "%s cannot be wrapped: it listens on port %u without the C library "
	    "(it may be written in Go).  Run it by itself and offer it with "
	    "--to",
	    w->options->argv[0], (unsigned int)port);
	wrap_give_up(w, SAY_SYSTEM);
}

/* Does it take connections? */
static void
look_for_stuck(struct wrap *w)
{
	int waiting = 0;

	if (w->channel == -1 || ioctl(w->channel, TIOCOUTQ, &waiting) == -1 ||
	    waiting == 0 || w->has_said_stuck) {
		w->looks = 0;
		return;
	}
	if (++w->looks < LOOKS_STUCK)
		return;
	w->has_said_stuck = true;
	offering_say(w->options, 0, "%s does not take its connections%s",
	    w->options->argv[0],
	    watch_io_uring(getpid()) ? ": it uses io_uring, and what it "
				       "accepts by that cannot be wrapped" :
				       "");
}

static void
wrap_look(struct wrap *w)
{
	switch (w->state) {
	case WRAP_STARTS:
		look_for_listening(w);
		break;
	case WRAP_OFFERED:
		look_for_stuck(w);
		break;
	case WRAP_LEFT:
		if (++w->looks >= LOOKS_LEFT)
			watch_signal_children(getpid(), SIGKILL);
		break;
	case WRAP_ENDS:
	case WRAP_OVER:
		break;
	}
}

/* One turn: wait, and do what there is to do. */
static void
wrap_turn(struct wrap *w, int signals)
{
	enum {
		SIGNALS,
		CHANNEL,
		OFFER,
		REFUSALS,
		WATCHED
	};
	const bool is_full = w->held != -1;
	struct pollfd fds[WATCHED] = { { signals, POLLIN, 0 },
		{ w->channel, POLLIN, 0 },
		{ is_full ? -1 : offering_descriptor(&w->offering), POLLIN, 0 },
		{ w->refusals.loop, POLLIN, 0 } };
	struct signalfd_siginfo info;
	int n;

	if (is_full && !w->is_resting)
		fds[CHANNEL].events |= POLLOUT;
	n = poll(fds, WATCHED, LOOK_MS);
	(void)refuse_step(&w->refusals); /* it is asked often enough */
	if (n == 0)
		wrap_look(w);
	if (fds[CHANNEL].revents & (POLLIN | POLLHUP))
		wrap_hear(w);
	if (w->offering.offer != NULL && w->channel != -1 &&
	    (n == 0 || fds[OFFER].revents != 0 ||
		fds[CHANNEL].revents & POLLOUT))
		wrap_forward(w);
	if (fds[SIGNALS].revents != 0 &&
	    read(signals, &info, sizeof(info)) == (ssize_t)sizeof(info))
		wrap_signal(w, &info);
}

int
offer_wrap(const struct offer_options *options, int signals)
{
	struct wrap w = { .options = options, .channel = -1, .held = -1 };
	int status;

	w.offering.options = options;
	if (refuse_init(&w.refusals) == -1) {
		offering_say(options, -1, "%s", strerror(errno));
		return SAY_SYSTEM;
	}
	status = wrap_start(options, &w.server, &w.channel);
	if (status != 0)
		return status;
	while (w.state != WRAP_OVER)
		wrap_turn(&w, signals);
	wrap_withdraw(&w);
	return w.status;
}
