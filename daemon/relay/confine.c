/*
 * What the relay may do: its system calls, and where it may connect to.
 */

#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sysexits.h>

#include "daemon/process.h"
#include "daemon/relay/confine.h"
#include "os/log.h"
#include "os/pipe.h"

/* All that is left to the relay once it takes connections. */
static const struct sandbox_call calls[] = {
	{ SYS_recvfrom, 1, { { 4, 0 } } }, /* from nowhere else */
	{ SYS_sendto, 1, { { 4, 0 } } },   /* to nowhere else */
	{ SYS_epoll_pwait, 1, { { 4, 0 } } },
	{ .nr = SYS_epoll_ctl },
	{ SYS_splice, 2, { { 1, 0 }, { 3, 0 } } },
	{ .nr = SYS_close },
	{ SYS_recvmsg, 1, { { 2, MSG_DONTWAIT | MSG_CMSG_CLOEXEC } } },
	{ SYS_sendmsg, 1, { { 2, MSG_DONTWAIT | MSG_NOSIGNAL } } },
	/* no protocol but the usual: Landlock knows the ports of TCP alone */
	{ SYS_socket, 3,
	    { { 0, AF_INET }, { 1, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC },
		{ 2, 0 } } },
	{ SYS_socket, 3,
	    { { 0, AF_INET6 },
		{ 1, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC }, { 2, 0 } } },
	{ SYS_socket, 3,
	    { { 0, AF_UNIX }, { 1, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC },
		{ 2, 0 } } },
	{ .nr = SYS_connect },
	{ .nr = SYS_getsockname },
	{ SYS_shutdown, 1, { { 1, SHUT_WR } } },
	{ SYS_setsockopt, 2, { { 1, IPPROTO_TCP }, { 2, TCP_NODELAY } } },
	{ SYS_setsockopt, 2, { { 1, IPPROTO_TCP }, { 2, TCP_QUICKACK } } },
	{ SYS_setsockopt, 2, { { 1, SOL_SOCKET }, { 2, SO_LINGER } } },
	{ SYS_setsockopt, 2, { { 1, SOL_SOCKET }, { 2, SO_KEEPALIVE } } },
	{ SYS_setsockopt, 2, { { 1, IPPROTO_TCP }, { 2, TCP_KEEPCNT } } },
	{ SYS_setsockopt, 2, { { 1, IPPROTO_TCP }, { 2, TCP_KEEPINTVL } } },
	{ SYS_setsockopt, 2, { { 1, IPPROTO_TCP }, { 2, TCP_KEEPIDLE } } },
	{ SYS_getsockopt, 1, { { 1, SOL_SOCKET } } },
	{ .nr = SYS_write }, /* to a pipe */
	{ SYS_pipe2, 1, { { 1, O_CLOEXEC | O_NONBLOCK } } },
	{ SYS_fcntl, 2, { { 1, F_SETPIPE_SZ }, { 2, PIPE_SIZE } } },
	{ SYS_fcntl, 2, { { 1, F_SETPIPE_SZ }, { 2, PIPE_SIZE_LOW } } },
	{ SYS_fcntl, 1, { { 1, F_GETPIPE_SZ } } },
	/* musl asks for O_LARGEFILE, too, which for glibc is 0 */
	{ SYS_fcntl, 2,
	    { { 1, F_SETFL }, { 2, O_RDWR | O_NONBLOCK | O_LARGEFILE } } },
	{ .nr = SYS_clock_gettime },
	{ SYS_getrusage, 1, { { 0, RUSAGE_SELF } } },
	{ .nr = SYS_exit_group },
};

/* The TCP ports of all back ends, into ports.  Returns how many. */
static size_t
collect_ports(const struct table *t, uint16_t *ports, bool *paths)
{
	const struct relay_rule *rule;
	size_t i, j, n = 0;

	*paths = false;
	for (i = 0; i < t->nservices; i++) {
		rule = &t->services[i].relay;
		if (t->services[i].kind != SERVICE_RELAY)
			continue;
		for (j = 0; j < rule->nbackends; j++) {
			if (rule->backends[j].kind == BACKEND_UNIX)
				*paths = true;
			else
				ports[n++] = rule->backends[j].port;
		}
	}
	return n;
}

static size_t
count_backends(const struct table *t)
{
	size_t i, n = 0;

	for (i = 0; i < t->nservices; i++)
		if (t->services[i].kind == SERVICE_RELAY)
			n += t->services[i].relay.nbackends;
	return n;
}

void
relay_confine(const struct generation *g, struct pulse *pulse)
{
	struct process_rules rules = {
		.name = "tcpmuxd-relay",
		.calls = calls,
		.ncalls = sizeof(calls) / sizeof(calls[0]),
	};
	uint16_t *ports;

	/* One more, so that it is never 0 bytes. */
	ports = calloc(count_backends(g->table) + 1, sizeof(*ports));
	if (ports == NULL)
		log_fatal(EX_OSERR, "no memory for the ports of back ends");
	rules.nports = collect_ports(g->table, ports, &rules.files);
	rules.ports = ports;
	rules.network = rules.nports > 0;
	process_confine(g, &rules, pulse);
	free(ports);
}
