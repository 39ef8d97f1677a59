/*
 * Which names a client may have called us by.
 */

#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>
#include <strings.h>

#include "cmd/exporter/host.h"

#define HOST_MAX 256

/* Cut the port off, and the brackets of an address of IPv6. */
static bool
host_strip(const char *host, char name[HOST_MAX])
{
	const char *rest;
	size_t len;

	if (*host == '[') {
		host++;
		len = strcspn(host, "]");
		rest = host + len + (host[len] == ']');
	} else {
		len = strcspn(host, ":");
		rest = host + len;
	}
	if (len == 0 || len >= HOST_MAX)
		return false;
	memcpy(name, host, len);
	name[len] = '\0';
	if (*rest == ':')
		rest += 1 + strspn(rest + 1, "0123456789");
	return *rest == '\0';
}

static bool
host_is_loopback(const char *name)
{
	struct in_addr a;
	struct in6_addr a6;

	if (inet_pton(AF_INET, name, &a) == 1)
		return ntohl(a.s_addr) >> 24 == IN_LOOPBACKNET;
	if (inet_pton(AF_INET6, name, &a6) == 1)
		return IN6_IS_ADDR_LOOPBACK(&a6);
	return strcasecmp(name, "localhost") == 0;
}

bool
host_is_ours(const char *host, const char *const *names, size_t n)
{
	char name[HOST_MAX];
	size_t i;

	if (host == NULL || !host_strip(host, name))
		return false;
	if (host_is_loopback(name))
		return true;
	for (i = 0; i < n; i++)
		if (strcasecmp(name, names[i]) == 0)
			return true;
	return false;
}
