/*
 * Addresses, made and printed.
 */

#include <netdb.h>
#include <stdio.h>
#include <string.h>

#include "lib/address.h"

int
tcpmux_address_set_unix(struct address *a, const char *path)
{
	const size_t len = strlen(path);

	memset(a, 0, sizeof(*a));
	if (len == 0 || len >= sizeof(a->u.un.sun_path))
		return -1;
	a->u.un.sun_family = AF_UNIX;
	memcpy(a->u.un.sun_path, path, len + 1);
	a->len = sizeof(a->u.un);
	return 0;
}

/* Is this an address of IPv6, by its letters, and so no path of a socket? */
static bool
is_like_ipv6(struct tcpmux_span text)
{
	size_t i;

	for (i = 0; i < text.len && text.p[i] != '%'; i++)
		if (text.p[i] == '\0' ||
		    strchr("0123456789abcdefABCDEF:.", text.p[i]) == NULL)
			return false;
	return i > 0;
}

bool
tcpmux_address_split(struct tcpmux_span text, struct tcpmux_span *host,
    uint16_t *port)
{
	const char *colon = memrchr(text.p, ':', text.len);
	const char *p, *end = text.p + text.len;
	unsigned int n = 0;

	if (colon == NULL || end - colon > 6)
		return false;
	for (p = colon + 1; p < end; p++) {
		if (*p < '0' || *p > '9')
			return false;
		n = n * 10 + (unsigned int)(*p - '0');
	}
	text.len = (size_t)(colon - text.p);
	if (text.len > 2 && text.p[0] == '[' && text.p[text.len - 1] == ']') {
		text.p++;
		text.len -= 2;
		if (!is_like_ipv6(text))
			return false;
	} else if (memchr(text.p, ':', text.len) != NULL ||
	    memchr(text.p, '[', text.len) != NULL) {
		return false;
	}
	if (text.len == 0 || n == 0 || n > UINT16_MAX)
		return false;
	*host = text;
	*port = (uint16_t)n;
	return true;
}

void
tcpmux_address_print(const struct address *a,
    char text[static ADDRESS_TEXT_SIZE])
{
	char host[NI_MAXHOST], port[NI_MAXSERV];
	const char *format;
	int n;

	if (a->u.sa.sa_family == AF_UNIX) {
		n = snprintf(text, ADDRESS_TEXT_SIZE, "%s%s", ADDRESS_UNIX,
		    a->u.un.sun_path);
	} else if (getnameinfo(&a->u.sa, a->len, host, sizeof(host), port,
		       sizeof(port), NI_NUMERICHOST | NI_NUMERICSERV) == 0) {
		format = a->u.sa.sa_family == AF_INET6 ? "[%.64s]:%.8s" :
							 "%.64s:%.8s";
		n = snprintf(text, ADDRESS_TEXT_SIZE, format, host, port);
	} else {
		n = 0;
	}
	if (n <= 0)
		text[0] = '\0';
}
