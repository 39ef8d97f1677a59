/*
 * What is left to a front once strangers reach it.
 */

#include <linux/sockios.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>

#include "daemon/front/confine.h"
#include "daemon/process.h"

static const struct sandbox_call calls[] = {
	{ SYS_recvfrom, 1, { { 4, 0 } } },    /* from nowhere else */
	{ SYS_epoll_pwait, 1, { { 4, 0 } } }, /* with no signal mask */
	{ SYS_accept4, 1, { { 3, SOCK_CLOEXEC } } },
	{ .nr = SYS_close },
	{ SYS_ioctl, 1, { { 1, SIOCATMARK } } },
	{ SYS_ioctl, 1, { { 1, SIOCOUTQ } } },
	{ SYS_getsockopt, 2, { { 1, SOL_SOCKET }, { 2, SO_SNDBUF } } },
	{ SYS_sendto, 1, { { 4, 0 } } }, /* to nowhere else */
	{ SYS_sendmsg, 1, { { 2, MSG_DONTWAIT | MSG_NOSIGNAL } } },
	{ .nr = SYS_epoll_ctl },
	{ SYS_shutdown, 1, { { 1, SHUT_WR } } },
	{ SYS_recvmsg, 1, { { 2, MSG_DONTWAIT | MSG_CMSG_CLOEXEC } } },
	{ SYS_setsockopt, 2, { { 1, IPPROTO_TCP }, { 2, TCP_NODELAY } } },
	{ SYS_setsockopt, 2, { { 1, SOL_SOCKET }, { 2, SO_RCVLOWAT } } },
	{ .nr = SYS_clock_gettime },
	{ SYS_getrusage, 1, { { 0, RUSAGE_SELF } } },
	{ .nr = SYS_exit_group },
};

void
front_confine(const struct generation *g, struct pulse *pulse)
{
	const struct process_rules rules = {
		.name = "tcpmuxd-front",
		.calls = calls,
		.ncalls = sizeof(calls) / sizeof(calls[0]),
	};

	process_confine(g, &rules, pulse);
}
