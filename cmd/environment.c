/*
 * The variables that tell a program who is at each end of its connection.
 */

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>

#include "cmd/environment.h"

int
environment_set_end(const struct sockaddr_storage *end, const char *ip,
    const char *port)
{
	const struct sockaddr_in *in = (const struct sockaddr_in *)end;
	const struct sockaddr_in6 *in6 = (const struct sockaddr_in6 *)end;
	char address[INET6_ADDRSTRLEN], number[sizeof("65535")];
	const void *bytes = &in->sin_addr;
	in_port_t n = in->sin_port;

	if (end->ss_family != AF_INET && end->ss_family != AF_INET6)
		return unsetenv(ip) == -1 || unsetenv(port) == -1 ? -1 : 0;
	if (end->ss_family == AF_INET6) {
		bytes = &in6->sin6_addr;
		n = in6->sin6_port;
	}
	if (inet_ntop(end->ss_family, bytes, address, sizeof(address)) == NULL)
		return -1;
	/* A port has five digits at the most. */
	(void)snprintf(number, sizeof(number), "%u", (unsigned int)ntohs(n));
	return setenv(ip, address, 1) == -1 || setenv(port, number, 1) == -1 ?
	    -1 :
	    0;
}

int
environment_set(const char *name, const struct sockaddr_storage *remote,
    const struct sockaddr_storage *local)
{
	const char *proto = local->ss_family == AF_UNIX ? "UNIX" : "TCP";

	if (environment_set_end(remote, "TCPREMOTEIP", "TCPREMOTEPORT") == -1 ||
	    environment_set_end(local, "TCPLOCALIP", "TCPLOCALPORT") == -1 ||
	    unsetenv("TCPREMOTEHOST") == -1 ||
	    unsetenv("TCPREMOTEINFO") == -1 || unsetenv("TCPLOCALHOST") == -1 ||
	    setenv("TCPMUX_SERVICE", name, 1) == -1)
		return -1;
	return setenv("PROTO", proto, 1);
}
