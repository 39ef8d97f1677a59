/*
 * The hosts of xinetd's only_from and no_access, as networks.
 *
 * An IPv4 address stands for a network if its last numbers are 0; one like
 * 10.1.{2,3} for several; any can have /BITS; and localhost is known.
 */

#include <string.h>

#include "conf/field.h"
#include "conf/xinetd_access.h"

/* Bits of an address before those of IPv4. */
#define IPV4_BITS (8 * MAPPED_BYTES)

void
hosts_clear(struct hosts *h)
{
	h->is_set = false;
	h->nnetworks = 0;
	h->nnames = 0;
}

void
hosts_copy(struct hosts *to, const struct hosts *from)
{
	to->is_set = from->is_set;
	to->nnetworks = from->nnetworks;
	to->nnames = from->nnames;
	to->name = from->name;
	memcpy(to->networks, from->networks,
	    from->nnetworks * sizeof(from->networks[0]));
}

static bool
is_same(const struct network *a, const struct network *b)
{
	return a->bits == b->bits &&
	    memcmp(a->address, b->address, sizeof(a->address)) == 0;
}

/* Returns false if there is no room. */
static bool
change_network(struct hosts *h, enum xinetd_op op, const struct network *n)
{
	size_t i, kept = 0;

	if (op == XINETD_REMOVE) {
		for (i = 0; i < h->nnetworks; i++)
			if (!is_same(&h->networks[i], n))
				h->networks[kept++] = h->networks[i];
		h->nnetworks = kept;
		return true;
	}
	if (h->nnetworks == CARRY_NETWORKS_MAX)
		return false;
	h->networks[h->nnetworks++] = *n;
	return true;
}

/* The last numbers of an IPv4 address without /BITS are any if they are 0. */
static void
widen(struct network *n)
{
	while (n->bits > IPV4_BITS && n->address[n->bits / 8 - 1] == 0)
		n->bits = (uint8_t)(n->bits - 8);
}

/* One address or network in its numeric form. */
static bool
parse_number(struct tcpmux_span word, struct network *n)
{
	char text[NETWORK_TEXT_MAX];
	int error;

	if (word.len >= sizeof(text) || field_has(word, '\0'))
		return false;
	memcpy(text, word.p, word.len);
	text[word.len] = '\0';
	error = network_parse(text, n);
	if (error != 0 && error != NETWORK_ERR_HOST)
		return false;
	if (!field_has(word, ':') && !field_has(word, '/'))
		widen(n);
	if (field_is(word, "::"))
		n->bits = 0;
	return true;
}

/* Append a number up to 255 to an IPv4 prefix. */
static bool
append_byte(struct network *n, struct tcpmux_span text)
{
	unsigned int number;

	if (n->bits == 128 || !field_number(text, &number) || number > 255)
		return false;
	n->address[n->bits / 8] = (uint8_t)number;
	n->bits = (uint8_t)(n->bits + 8);
	return true;
}

/* One like 10.1.{2,3}; the braces stand at the end. */
static const char *
change_factors(struct hosts *h, enum xinetd_op op, struct tcpmux_span word)
{
	static const char bad[] = "it has an address that is not understood";
	static const uint8_t none[IPV4_BYTES];
	struct network prefix = { .bits = IPV4_BITS }, n;
	struct tcpmux_span rest, part, factors;

	address_set_mapped(prefix.address, none);
	if (!field_cut(&word, '{', &factors) || factors.len == 0 ||
	    factors.p[factors.len - 1] != '}')
		return bad;
	factors.len--;
	for (part = word; part.len > 0; part = rest)
		if (!field_cut(&part, '.', &rest) ||
		    !append_byte(&prefix, part))
			return bad;
	do {
		part = factors;
		factors.len = 0;
		(void)field_cut(&part, ',', &factors); /* The last has none. */
		n = prefix;
		if (!append_byte(&n, part))
			return bad;
		if (!change_network(h, op, &n))
			return "it lists too many hosts";
	} while (factors.len > 0);
	return NULL;
}

static const char *
change_host(struct hosts *h, enum xinetd_op op, struct tcpmux_span word)
{
	static const struct network localhost[] = {
		{ { [10] = 0xff, [11] = 0xff, [12] = 127, [15] = 1 }, 128 },
		{ { [15] = 1 }, 128 },
	};
	struct network n;

	if (field_has(word, '{'))
		return change_factors(h, op, word);
	if (field_has(word, ','))
		return "it has a comma between hosts";
	if (parse_number(word, &n))
		return change_network(h, op, &n) ? NULL :
						   "it lists too many hosts";
	if (field_is(word, "localhost"))
		return change_network(h, op, &localhost[0]) &&
			change_network(h, op, &localhost[1]) ?
		    NULL :
		    "it lists too many hosts";
	if (op != XINETD_REMOVE && h->nnames++ == 0)
		h->name = word;
	return NULL;
}

const char *
hosts_change(struct hosts *h, enum xinetd_op op, struct tcpmux_span words)
{
	struct tcpmux_span word;
	const char *why;

	if (op == XINETD_SET)
		hosts_clear(h);
	h->is_set = true;
	while (field_word(&words, &word)) {
		why = change_host(h, op == XINETD_SET ? XINETD_ADD : op, word);
		if (why != NULL)
			return why;
	}
	return NULL;
}
