/*
 * Networks, and who is let in: from and not-from.
 *
 * Pure.  An address is 16 bytes in network order; IPv4 is in its mapped form,
 * ::ffff:a.b.c.d, so that the two ways to write one are the same.
 */

#ifndef TABLE_ACCESS_H
#define TABLE_ACCESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define ADDRESS_BYTES 16

/* Bytes of an IPv4 address, and of what stands before it in its mapped form. */
#define IPV4_BYTES   4
#define MAPPED_BYTES (ADDRESS_BYTES - IPV4_BYTES)

/* The longest text of a network, as in 2001:db8::/32, and a NUL. */
#define NETWORK_TEXT_MAX 64

/* The addresses whose first bits are those of address. */
struct network {
	uint8_t address[ADDRESS_BYTES]; /* its other bits are 0 */
	uint8_t bits;                   /* 0 to 128; IPv4's /n is 96 + n */
};

/* Who may: all of from, or everybody if it is empty, but none of not_from. */
struct access {
	const struct network *from;
	size_t nfrom;
	const struct network *not_from;
	size_t nnot_from;
};

/* Why a text is no network. */
enum network_err {
	NETWORK_ERR_TEXT = -1, /* not ADDRESS or ADDRESS/BITS */
	NETWORK_ERR_BITS = -2, /* more bits than the address has */
	NETWORK_ERR_HOST = -3  /* bits are set behind the prefix */
};

/* Is this an IPv4 address?  And: set one from its IPV4_BYTES bytes. */
bool address_is_mapped(const uint8_t address[static ADDRESS_BYTES]);
void address_set_mapped(uint8_t address[static ADDRESS_BYTES],
    const void *ipv4);

/*
 * Set *n from ADDRESS or ADDRESS/BITS, numeric IPv4 or IPv6; IPv4-mapped
 * IPv6 counts as the IPv4 that it is, and 0.0.0.0/0 is IPv4 only.  Returns 0
 * or an enum network_err; then *n is left alone, but for NETWORK_ERR_HOST,
 * where it is the network that may have been meant.
 */
int network_parse(const char *text, struct network *n);

/* Write n, IPv4 in its own form, and without /32 and /128. */
void network_format(const struct network *n,
    char text[static NETWORK_TEXT_MAX]);

/* Is address one of n?  ::/0 is all of IPv6, and nothing of IPv4. */
bool network_has(const struct network *n,
    const uint8_t address[static ADDRESS_BYTES]);

/* Is the peer with this address let in? */
bool access_allows(const struct access *a,
    const uint8_t address[static ADDRESS_BYTES]);

/*
 * The network of a/from or a/not-from that decides for this address, or NULL
 * if none does; for explanations.  *allowed is what access_allows() returns.
 */
const struct network *access_decider(const struct access *a,
    const uint8_t address[static ADDRESS_BYTES], bool *allowed);

#endif
