/*
 * Takes apart what a person types for a server.  It looks nothing up.
 */

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "cmd/target.h"

static const char target_scheme[] = "tcpmux://";
static const char target_unix[] = "unix:";

uint16_t
target_parse_port(const char *text)
{
	unsigned long port;
	size_t len = strspn(text, "0123456789");

	if (len == 0 || len > 5 || text[len] != '\0')
		return 0;
	port = strtoul(text, NULL, 10);
	return port > UINT16_MAX ? 0 : (uint16_t)port;
}

static int
target_set_host(struct target *target, const char *host, size_t len)
{
	if (len == 0 || len > TARGET_HOST_MAX)
		return TARGET_HOST;
	memcpy(target->host, host, len);
	target->host[len] = '\0';
	return 0;
}

static int
target_set_port(struct target *target, const char *text)
{
	target->port = target_parse_port(text);
	return target->port == 0 ? TARGET_PORT : 0;
}

/*
 * HOST, HOST:PORT, [V6] or [V6]:PORT.  What has two colons and no bracket is
 * an address of IPv6, all of it.
 */
static int
target_parse_place(struct target *target, const char *text)
{
	const char *colon = strchr(text, ':'), *close;
	int err;

	if (text[0] == '[') {
		close = strchr(text, ']');
		if (close == NULL)
			return TARGET_HOST;
		err = target_set_host(target, text + 1,
		    (size_t)(close - text) - 1);
		if (err != 0 || close[1] == '\0')
			return err;
		return close[1] == ':' ? target_set_port(target, close + 2) :
					 TARGET_STRAY;
	}
	if (colon == NULL || strchr(colon + 1, ':') != NULL)
		return target_set_host(target, text, strlen(text));
	err = target_set_host(target, text, (size_t)(colon - text));
	return err != 0 ? err : target_set_port(target, colon + 1);
}

static int
target_hex(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

/* The name of a URL, whose %HH are undone (RFC 3986, 2.1). */
static int
target_set_name(struct target *target, const char *text)
{
	size_t n = 0;

	for (; *text != '\0'; text++) {
		int high, low;
		char c = *text;

		if (n == TCPMUX_NAME_MAX)
			return TARGET_NAME;
		if (c == '%') {
			high = target_hex(text[1]);
			low = high == -1 ? -1 : target_hex(text[2]);
			if (low == -1)
				return TARGET_NAME;
			c = (char)(high << 4 | low);
			text += 2;
		}
		target->name[n++] = c;
	}
	target->name[n] = '\0';
	if (n > 0 &&
	    tcpmux_check_name((struct tcpmux_span){ target->name, n }) != 0)
		return TARGET_NAME;
	return 0;
}

static int
target_parse_url(struct target *target, const char *text)
{
	char place[TARGET_HOST_MAX + sizeof("[]:65535")];
	size_t len = strcspn(text, "/");
	int err;

	if (len >= sizeof(place))
		return TARGET_HOST;
	memcpy(place, text, len);
	place[len] = '\0';
	err = target_parse_place(target, place);
	if (err != 0 || text[len] == '\0')
		return err;
	return target_set_name(target, text + len + 1);
}

int
target_parse(struct target *target, const char *text)
{
	memset(target, 0, sizeof(*target));
	if (strncmp(text, target_unix, strlen(target_unix)) == 0)
		return text[strlen(target_unix)] == '\0' ?
		    TARGET_HOST :
		    target_set_host(target, text, strlen(text));
	if (strncasecmp(text, target_scheme, strlen(target_scheme)) == 0)
		return target_parse_url(target, text + strlen(target_scheme));
	return target_parse_place(target, text);
}

const char *
target_strerror(int err)
{
	switch (err) {
	case TARGET_HOST:
		return "names no host: write HOST, HOST:PORT, [V6]:PORT, "
		       "unix:PATH or tcpmux://HOST:PORT/NAME";
	case TARGET_PORT:
		return "has a port that is none: write a number of 1 to 65535 "
		       "behind the colon";
	case TARGET_NAME:
		return "has no service name behind its last slash: write 1 to "
		       "255 characters without spaces, others as %HH";
	case TARGET_STRAY:
		return "goes on behind its bracket: write [V6]:PORT";
	default:
		return "is fine";
	}
}

bool
target_is_unix(const struct target *target)
{
	return strncmp(target->host, target_unix, strlen(target_unix)) == 0;
}

bool
target_is_numeric(const struct target *target)
{
	struct in6_addr address;

	/* Only an address of IPv6 has a colon, and perhaps a scope. */
	return target_is_unix(target) || strchr(target->host, ':') != NULL ||
	    inet_pton(AF_INET, target->host, &address) == 1;
}
