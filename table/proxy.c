/*
 * The header of the PROXY protocol, versions 1 and 2.
 */

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

#include "table/proxy.h"

/* The longest line of version 1, with its CR LF. */
#define LINE_MAX 107

/* Version 2: what it begins with, and the bytes before the addresses. */
#define SIGNATURE     "\r\n\r\n\0\r\nQUIT\n"
#define SIGNATURE_LEN 12
#define FIXED_LEN     16

/* The byte behind the signature: the version, and the command. */
#define V2_LOCAL 0x20
#define V2_PROXY 0x21

/* The next: address family, and transport. */
#define V2_UNSPEC 0x00
#define V2_TCP4   0x11
#define V2_TCP6   0x21
#define V2_LAST   0x32 /* datagrams over Unix sockets */

/* Bytes of the addresses and ports of version 2. */
#define V2_TCP4_LEN 12
#define V2_TCP6_LEN 36

/*
 * Take a word of a line at *at, with the one byte end behind it, into the
 * size bytes at word, as a string.
 */
static bool
take_word(const char **at, const char *line_end, char end, char *word,
    size_t size)
{
	const size_t left = (size_t)(line_end - *at);
	const char *p = memchr(*at, end, left);
	size_t len;

	if (p == NULL)
		return false;
	len = (size_t)(p - *at);
	if (len >= size || memchr(*at, '\0', len) != NULL)
		return false;
	memcpy(word, *at, len);
	word[len] = '\0';
	*at = p + 1;
	return true;
}

static bool
take_address(const char **at, const char *end, int family,
    uint8_t address[static ADDRESS_BYTES])
{
	uint8_t found[ADDRESS_BYTES];
	char word[INET6_ADDRSTRLEN];

	if (!take_word(at, end, ' ', word, sizeof(word)) ||
	    inet_pton(family, word, found) != 1)
		return false;
	if (family == AF_INET)
		address_set_mapped(address, found);
	else
		memcpy(address, found, ADDRESS_BYTES);
	return true;
}

/* Decimal digits, without a 0 in front. */
static bool
take_port(const char **at, const char *end, char behind, uint16_t *port)
{
	unsigned int n = 0;
	char word[6];
	size_t i;

	if (!take_word(at, end, behind, word, sizeof(word)) ||
	    word[0] == '\0' || (word[0] == '0' && word[1] != '\0'))
		return false;
	for (i = 0; word[i] != '\0'; i++) {
		if (word[i] < '0' || word[i] > '9')
			return false;
		n = n * 10 + (unsigned int)(word[i] - '0');
	}
	*port = (uint16_t)n;
	return n <= UINT16_MAX;
}

/* A whole line of version 1, all len bytes of it. */
static bool
parse_line(const char *line, size_t len, struct proxy *p)
{
	const char *at = line, *end = line + len - 2;
	struct proxy found = { .known = true };
	char word[8];
	int family;

	if (len < 2 || len > LINE_MAX || memcmp(end, "\r\n", 2) != 0 ||
	    memchr(line, '\r', len - 2) != NULL ||
	    memchr(line, '\n', len - 2) != NULL)
		return false;
	if (!take_word(&at, end, ' ', word, sizeof(word)) ||
	    strcmp(word, "PROXY") != 0)
		return false;
	if ((size_t)(end - at) >= 7 && memcmp(at, "UNKNOWN", 7) == 0 &&
	    (end - at == 7 || at[7] == ' ')) {
		*p = (struct proxy){ .known = false };
		return true;
	}
	if (!take_word(&at, end, ' ', word, sizeof(word)) ||
	    (strcmp(word, "TCP4") != 0 && strcmp(word, "TCP6") != 0))
		return false;
	family = word[3] == '4' ? AF_INET : AF_INET6;
	if (!take_address(&at, end, family, found.from) ||
	    !take_address(&at, end, family, found.to) ||
	    !take_port(&at, end, ' ', &found.from_port) ||
	    !take_port(&at, end + 1, '\r', &found.to_port) || at != end + 1)
		return false;
	*p = found;
	return true;
}

/* Would the len bytes at buf be a whole line with these two behind them? */
static bool
completes(const char *buf, size_t len, const char *word, const char *tail)
{
	const size_t word_len = strlen(word), tail_len = strlen(tail);
	char line[LINE_MAX];
	struct proxy ignored;

	if (len + word_len + tail_len > sizeof(line))
		return false;
	memcpy(line, buf, len);
	/* NOLINTBEGIN(bugprone-not-null-terminated-result): it has a length */
	memcpy(line + len, word, word_len);
	memcpy(line + len + word_len, tail, tail_len);
	/* NOLINTEND(bugprone-not-null-terminated-result) */
	return parse_line(line, len + word_len + tail_len, &ignored);
}

static bool
is_beginning(const char *buf, size_t len, const char *of)
{
	return len <= strlen(of) && memcmp(buf, of, len) == 0;
}

/*
 * Could more bytes make a line of these?  Any address and port that has begun
 * can be ended by one of words, if it can be ended at all, and any line then
 * by one of tails.
 */
static bool
may_become_line(const char *buf, size_t len)
{
	static const char *const words[] = { "", "0", ":", "::", ":0", ".0",
		"0.0", ".0.0", "0.0.0", ".0.0.0", "0.0.0.0" };
	static const char *const tails[] = { "\n", "\r\n", " 0\r\n", " 0 0\r\n",
		" :: 0 0\r\n", " 0.0.0.0 0 0\r\n" };
	size_t i, j;

	if (is_beginning(buf, len, "PROXY UNKNOWN") ||
	    is_beginning(buf, len, "PROXY TCP4 ") ||
	    is_beginning(buf, len, "PROXY TCP6 "))
		return true;
	for (i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		for (j = 0; j < sizeof(tails) / sizeof(tails[0]); j++)
			if (completes(buf, len, words[i], tails[j]))
				return true;
	return false;
}

static ssize_t
parse_v1(const char *buf, size_t len, struct proxy *p)
{
	const char *lf = memchr(buf, '\n', len < LINE_MAX ? len : LINE_MAX);

	if (lf != NULL)
		return parse_line(buf, (size_t)(lf - buf) + 1, p) ?
		    lf - buf + 1 :
		    -1;
	return len < LINE_MAX && may_become_line(buf, len) ? 0 : -1;
}

static uint16_t
read_port(const uint8_t *p)
{
	return (uint16_t)(p[0] << 8 | p[1]);
}

/* The addresses of version 2, which are all there. */
static void
read_addresses(const uint8_t *at, uint8_t family, struct proxy *p)
{
	p->known = true;
	if (family == V2_TCP4) {
		address_set_mapped(p->from, at);
		address_set_mapped(p->to, at + IPV4_BYTES);
		at += 2L * IPV4_BYTES;
	} else {
		memcpy(p->from, at, ADDRESS_BYTES);
		memcpy(p->to, at + ADDRESS_BYTES, ADDRESS_BYTES);
		at += 2L * ADDRESS_BYTES;
	}
	p->from_port = read_port(at);
	p->to_port = read_port(at + 2);
}

/* Does this command go with this family?  LOCAL goes with anything. */
static bool
is_known_family(uint8_t command, uint8_t family)
{
	return command == V2_LOCAL || family == V2_UNSPEC ||
	    (family <= V2_LAST && family >> 4 >= 1 && (family & 0xf) >= 1 &&
		(family & 0xf) <= 2);
}

static ssize_t
parse_v2(const uint8_t *buf, size_t len, struct proxy *p)
{
	const uint8_t command = len > 12 ? buf[12] : V2_LOCAL;
	const uint8_t family = len > 13 ? buf[13] : V2_UNSPEC;
	const bool tcp4 = command == V2_PROXY && family == V2_TCP4;
	const bool tcp6 = command == V2_PROXY && family == V2_TCP6;
	size_t rest;

	if ((command != V2_LOCAL && command != V2_PROXY) ||
	    !is_known_family(command, family))
		return -1;
	if (len < FIXED_LEN)
		return len == FIXED_LEN - 1 &&
			buf[14] > (PROXY_HEADER_MAX - FIXED_LEN) >> 8 ?
		    -1 :
		    0;
	rest = read_port(buf + 14);
	if (rest > PROXY_HEADER_MAX - FIXED_LEN ||
	    (tcp4 && rest < V2_TCP4_LEN) || (tcp6 && rest < V2_TCP6_LEN))
		return -1;
	if (len - FIXED_LEN < rest)
		return 0;
	*p = (struct proxy){ .known = false };
	if (tcp4 || tcp6)
		read_addresses(buf + FIXED_LEN, family, p);
	return (ssize_t)(FIXED_LEN + rest);
}

ssize_t
proxy_parse(const char *buf, size_t len, struct proxy *p)
{
	const size_t n = len < SIGNATURE_LEN ? len : SIGNATURE_LEN;

	if (len == 0)
		return 0;
	if (memcmp(buf, SIGNATURE, n) == 0)
		return parse_v2((const uint8_t *)buf, len, p);
	return parse_v1(buf, len, p);
}

static size_t
format_v1(const struct proxy *p, char buf[static PROXY_FORMAT_MAX])
{
	const bool ipv4 =
	    address_is_mapped(p->from) && address_is_mapped(p->to);
	const int family = ipv4 ? AF_INET : AF_INET6;
	const size_t skip = ipv4 ? MAPPED_BYTES : 0;
	char from[INET6_ADDRSTRLEN], to[INET6_ADDRSTRLEN];
	int n;

	if (!p->known ||
	    inet_ntop(family, p->from + skip, from, sizeof(from)) == NULL ||
	    inet_ntop(family, p->to + skip, to, sizeof(to)) == NULL)
		n = snprintf(buf, PROXY_FORMAT_MAX, "PROXY UNKNOWN\r\n");
	else
		n = snprintf(buf, PROXY_FORMAT_MAX,
		    "PROXY TCP%c %s %s %u %u\r\n", ipv4 ? '4' : '6', from, to,
		    (unsigned int)p->from_port, (unsigned int)p->to_port);
	return (size_t)n;
}

static uint8_t *
write_port(uint8_t *at, uint16_t port)
{
	at[0] = (uint8_t)(port >> 8);
	at[1] = (uint8_t)port;
	return at + 2;
}

static size_t
format_v2(const struct proxy *p, uint8_t buf[static PROXY_FORMAT_MAX])
{
	const bool ipv4 =
	    address_is_mapped(p->from) && address_is_mapped(p->to);
	const size_t skip = ipv4 ? MAPPED_BYTES : 0;
	const size_t size = ADDRESS_BYTES - skip;
	const uint16_t rest = ipv4 ? V2_TCP4_LEN : V2_TCP6_LEN;
	uint8_t *at = buf + FIXED_LEN;

	memcpy(buf, SIGNATURE, SIGNATURE_LEN);
	buf[12] = p->known ? V2_PROXY : V2_LOCAL;
	buf[13] = V2_UNSPEC;
	(void)write_port(buf + 14, 0); /* nothing follows yet */
	if (!p->known)
		return FIXED_LEN;
	buf[13] = ipv4 ? V2_TCP4 : V2_TCP6;
	(void)write_port(buf + 14, rest); /* the addresses follow */
	memcpy(at, p->from + skip, size);
	memcpy(at + size, p->to + skip, size);
	at = write_port(at + 2 * size, p->from_port);
	(void)write_port(at, p->to_port); /* nothing follows */
	return FIXED_LEN + rest;
}

size_t
proxy_format(const struct proxy *p, int version,
    char buf[static PROXY_FORMAT_MAX])
{
	if (version == 1)
		return format_v1(p, buf);
	return format_v2(p, (uint8_t *)buf);
}
