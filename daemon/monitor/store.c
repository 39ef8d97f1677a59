/*
 * The store: what the service manager keeps of offers, a descriptor and a name
 * for each, as FDSTORE= in sd_notify(3) has it.
 */

#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "daemon/monitor/store.h"

/* What a name there begins with. */
#define PREFIX "offer."

/* The longest that a descriptor may have there, with its NUL. */
#define NAME_MAX_BYTES 256

static struct tcpmux_span
name_of(const struct keepsake *k)
{
	return (struct tcpmux_span){ k->name, k->len };
}

/* Has the program at the other end gone, or have we ended the offer? */
static bool
is_over(int fd)
{
	struct pollfd p = { .fd = fd, .events = 0 };

	return poll(&p, 1, 0) == -1 || (p.revents & (POLLHUP | POLLERR)) != 0;
}

const char *
store_fault(const struct keepsake *k, int fd)
{
	struct ucred peer;
	socklen_t len = sizeof(int);
	int type = 0, domain = 0;

	if (k->len > sizeof(k->name) || tcpmux_check_name(name_of(k)) != 0 ||
	    k->what > KEEPSAKE_DROP)
		return "no offer can be called so";
	if (getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &len) == -1 ||
	    getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &domain, &len) == -1 ||
	    type != SOCK_SEQPACKET || domain != AF_UNIX)
		return "no socket of an offer";
	len = sizeof(peer);
	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &len) == -1 ||
	    peer.uid != k->uid)
		return "somebody else's";
	return is_over(fd) && k->what == KEEPSAKE_KEEP ? "it has ended" : NULL;
}

/*
 * It names the socket, too, as there may be several offers of one name.  A name
 * of theirs is ours but for the colon, that separates them in
 * LISTEN_FDNAMES, and becomes a space, which no name of ours has in it.
 */
static void
write_name(const struct keepsake *k, int fd, char name[static NAME_MAX_BYTES])
{
	uint64_t cookie = 0;
	socklen_t len = sizeof(cookie);
	char *p;

	/* Cannot fail for a socket; and 0 is a number, too. */
	(void)getsockopt(fd, SOL_SOCKET, SO_COOKIE, &cookie, &len);
	/* It has room for the longest name with all numbers. */
	(void)snprintf(name, NAME_MAX_BYTES,
	    PREFIX "%x.%" PRIu32 ".%" PRIx64 ".%.*s", (unsigned int)k->flags,
	    k->uid, cookie, (int)k->len, k->name);
	for (p = name; *p != '\0'; p++)
		if (*p == ':')
			*p = ' ';
}

bool
store_is_name(const char *name)
{
	return strncmp(name, PREFIX, strlen(PREFIX)) == 0;
}

/* Set *value to the number at *p, of digits, and *p behind its dot. */
static int
take_number(const char **p, const char *digits, int base, uint64_t max,
    uint64_t *value)
{
	const size_t n = strspn(*p, digits);

	if (n == 0 || n > 16 || (*p)[n] != '.')
		return -1;
	*value = strtoull(*p, NULL, base);
	*p += n + 1;
	return *value > max ? -1 : 0;
}

int
store_parse_name(const char *name, struct keepsake *k)
{
	static const char hex[] = "0123456789abcdef";
	uint64_t flags, uid, cookie;
	const char *p = name + strlen(PREFIX);
	size_t i;

	if (!store_is_name(name) ||
	    take_number(&p, hex, 16, UINT8_MAX, &flags) == -1 ||
	    take_number(&p, "0123456789", 10, UINT32_MAX, &uid) == -1 ||
	    take_number(&p, hex, 16, UINT64_MAX, &cookie) == -1 ||
	    strlen(p) > sizeof(k->name))
		return -1;
	*k = (struct keepsake){
		.mark = KEEPSAKE_MARK,
		.what = KEEPSAKE_KEEP,
		.flags = (uint8_t)flags,
		.uid = (uint32_t)uid,
		.len = (uint8_t)strlen(p),
	};
	for (i = 0; i < k->len; i++)
		k->name[i] = p[i] == ' ' ? ':' : p[i];
	return tcpmux_check_name(name_of(k));
}

void
store_write(const struct keepsake *k, int fd, char text[static NOTIFY_TEXT_MAX])
{
	char name[NAME_MAX_BYTES];

	write_name(k, fd, name);
	/* It has room for both. */
	(void)snprintf(text, NOTIFY_TEXT_MAX, "%s=1\nFDNAME=%s\n",
	    k->what == KEEPSAKE_KEEP ? "FDSTORE" : "FDSTOREREMOVE", name);
}
