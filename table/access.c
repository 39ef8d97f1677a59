/*
 * Networks as text and as bits, and the lists of those who are let in.
 */

#include <arpa/inet.h>

#include <stdio.h>
#include <string.h>

#include "table/access.h"

/* Bits in front of an IPv4 address in its mapped form, and in all. */
#define MAPPED_BITS  (8 * MAPPED_BYTES)
#define ADDRESS_BITS 128

static const uint8_t mapped[MAPPED_BYTES] = { [10] = 0xff, [11] = 0xff };

bool
address_is_mapped(const uint8_t address[static ADDRESS_BYTES])
{
	return memcmp(address, mapped, sizeof(mapped)) == 0;
}

void
address_set_mapped(uint8_t address[static ADDRESS_BYTES], const void *ipv4)
{
	memcpy(address, mapped, sizeof(mapped));
	memcpy(address + sizeof(mapped), ipv4, IPV4_BYTES);
}

/*
 * The number of bits that digits, as in "24", stand for.  Returns it, or an
 * enum network_err.
 */
static int
bits_parse(const char *digits, int max)
{
	int bits = 0;

	if (digits[0] == '\0' || (digits[0] == '0' && digits[1] != '\0'))
		return NETWORK_ERR_TEXT;
	for (; *digits != '\0'; digits++) {
		if (*digits < '0' || *digits > '9')
			return NETWORK_ERR_TEXT;
		/* Whatever follows, it is too much already. */
		if (bits <= max)
			bits = bits * 10 + (*digits - '0');
	}
	return bits <= max ? bits : NETWORK_ERR_BITS;
}

/*
 * Set address from text, and *first to the bits that come before those that
 * its family counts.  Returns 0 or NETWORK_ERR_TEXT.
 */
static int
address_parse_numeric(const char *text, uint8_t address[static ADDRESS_BYTES],
    int *first)
{
	uint8_t ipv4[IPV4_BYTES];

	if (inet_pton(AF_INET6, text, address) == 1) {
		*first = 0;
		return 0;
	}
	if (inet_pton(AF_INET, text, ipv4) != 1)
		return NETWORK_ERR_TEXT;
	address_set_mapped(address, ipv4);
	*first = MAPPED_BITS;
	return 0;
}

/* Clear the bits behind the first n->bits.  Returns whether any was set. */
static bool
network_mask(struct network *n)
{
	bool set = false;
	unsigned int i, keep;
	uint8_t mask;

	for (i = 0; i < ADDRESS_BYTES; i++) {
		keep = n->bits > 8 * i ? n->bits - 8 * i : 0;
		mask = (uint8_t)(keep >= 8 ? 0xff : 0xff00 >> keep);
		if ((n->address[i] & ~mask) != 0)
			set = true;
		n->address[i] &= mask;
	}
	return set;
}

int
network_parse(const char *text, struct network *n)
{
	const char *slash = strchr(text, '/');
	size_t len = slash != NULL ? (size_t)(slash - text) : strlen(text);
	struct network network = { .bits = ADDRESS_BITS };
	char address[NETWORK_TEXT_MAX];
	int first, bits;

	if (len >= sizeof(address))
		return NETWORK_ERR_TEXT;
	memcpy(address, text, len);
	address[len] = '\0';
	if (address_parse_numeric(address, network.address, &first) != 0)
		return NETWORK_ERR_TEXT;
	if (slash != NULL) {
		bits = bits_parse(slash + 1, ADDRESS_BITS - first);
		if (bits < 0)
			return bits;
		network.bits = (uint8_t)(first + bits);
	}
	bits = network_mask(&network) ? NETWORK_ERR_HOST : 0;
	*n = network;
	return bits;
}

void
network_format(const struct network *n, char text[static NETWORK_TEXT_MAX])
{
	bool ipv4 = n->bits >= MAPPED_BITS && address_is_mapped(n->address);
	int first = ipv4 ? MAPPED_BITS : 0;
	size_t len;

	/* It cannot fail: there is room for any address. */
	(void)inet_ntop(ipv4 ? AF_INET : AF_INET6, n->address + first / 8, text,
	    NETWORK_TEXT_MAX);
	if (n->bits == ADDRESS_BITS)
		return;
	len = strlen(text);
	(void)snprintf(text + len, NETWORK_TEXT_MAX - len, "/%d",
	    n->bits - first); /* there is room for these four bytes, too */
}

bool
network_has(const struct network *n,
    const uint8_t address[static ADDRESS_BYTES])
{
	const size_t whole = n->bits / 8;
	const unsigned int rest = n->bits % 8;

	/* IPv4 is no part of any network that is written as IPv6. */
	if (n->bits < MAPPED_BITS && address_is_mapped(address))
		return false;
	if (memcmp(n->address, address, whole) != 0)
		return false;
	return rest == 0 ||
	    ((n->address[whole] ^ address[whole]) >> (8 - rest)) == 0;
}

/* The first of count networks that has this address, or NULL. */
static const struct network *
networks_find(const struct network *networks, size_t count,
    const uint8_t address[static ADDRESS_BYTES])
{
	size_t i;

	for (i = 0; i < count; i++)
		if (network_has(&networks[i], address))
			return &networks[i];
	return NULL;
}

bool
access_allows(const struct access *a,
    const uint8_t address[static ADDRESS_BYTES])
{
	bool allowed;

	(void)access_decider(a, address,
	    &allowed); /* who it was, is no matter */
	return allowed;
}

const struct network *
access_decider(const struct access *a,
    const uint8_t address[static ADDRESS_BYTES], bool *allowed)
{
	const struct network *n;

	*allowed = false;
	n = networks_find(a->not_from, a->nnot_from, address);
	if (n != NULL)
		return n;
	n = networks_find(a->from, a->nfrom, address);
	*allowed = n != NULL || a->nfrom == 0;
	return n;
}
