/*
 * tcpmux: reaches a service of a TCPMUX server by its name (RFC 1078).
 */

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "cmd/fdpass.h"
#include "cmd/say.h"
#include "cmd/standard.h"
#include "cmd/tcpmux/call.h"
#include "cmd/tcpmux/forward.h"
#include "cmd/tcpmux/join.h"
#include "cmd/tcpmux/list.h"
#include "cmd/tcpmux/options.h"
#include "cmd/tcpmux/run.h"
#include "cmd/tcpmux/srv.h"

static int
list(const struct options *options)
{
	struct tcpmux_call *call;
	int status;

	status = call_list(&options->plan, &call);
	if (status == SAY_OK)
		status = list_show(call, options->json);
	tcpmux_call_free(call);
	return status;
}

/* -F: one message, and the work is done. */
static int
pass_take_fd(int fd)
{
	char byte = 0; /* a stream carries no descriptor without a byte */
	struct iovec iov = { .iov_base = &byte, .iov_len = 1 };
	int status = SAY_OK;

	if (fdpass_send(STDOUT_FILENO, fd, &iov, 1, 0) == -1) {
		say("the connection cannot be passed on (%s): -F wants a Unix "
		    "socket as standard output, as ssh gives with "
		    "ProxyUseFdpass=yes",
		    strerror(errno));
		status = SAY_BROKEN;
	}
	(void)close(fd); /* the receiver has its own, or nobody wants it */
	return status;
}

/* Do with one connection what the command line says. */
static int
connect_and_act(const struct options *options)
{
	const struct plan *plan = &options->plan;
	struct tcpmux_call *call;
	int status, fd;

	status = call_reach(plan, &call);
	if (status != SAY_OK)
		return status;
	fd = tcpmux_call_take(call);
	tcpmux_call_free(call);
	if (options->act == OPTIONS_PASS)
		return pass_take_fd(fd);
	if (options->act == OPTIONS_RUN)
		return run_take_fd(fd, options->program_fd,
		    plan->names[plan->nnames - 1], options->program);
	return join_take_fd(fd, plan->verbose);
}

static int
act(struct options *options)
{
	switch (options->act) {
	case OPTIONS_LIST:
		return list(options);
	case OPTIONS_FORWARD:
		return forward_serve(&options->plan, options->locals,
		    options->nlocals);
	default:
		return connect_and_act(options);
	}
}

int
main(int argc, char **argv)
{
	struct options options;
	int status = SAY_OK;

	if (standard_open() == -1)
		say_fatal(SAY_SYSTEM, "/dev/null cannot be opened");
	options_parse(&options, argc, argv);
	if (options.srv)
		status = srv_look_up(&options.plan);
	if (status == SAY_OK)
		status = act(&options);
	options_clear(&options);
	return status;
}
