/*
 * Fuzzes what libtcpmux reads of servers that it asks: lib/list.c, and the
 * places that lib/address.c splits; aborts where a promise is broken.
 *
 * What is read lies in a block of exactly its size, so that AddressSanitizer
 * sees each byte read too many.
 */

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/address.h"
#include "lib/escape.h"
#include "lib/list.h"

/* Unlike assert(3), it is there in every build. */
#define MUST(promise) must((promise), #promise, __LINE__)

int LLVMFuzzerTestOneInput(const uint8_t *, size_t);

static void
must(bool promise, const char *text, int line)
{
	if (promise)
		return;
	(void)fprintf(stderr, "fuzz_reach.c:%d: broken: %s\n", line, text);
	abort();
}

static char *
copy(const void *data, size_t len)
{
	char *block = malloc(len + (len == 0));

	MUST(block != NULL);
	if (len > 0)
		memcpy(block, data, len);
	return block;
}

/* Read it in segments of some length. */
static int
read_list(struct list *l, const uint8_t *data, size_t size, size_t step)
{
	size_t i, n;
	char *block;
	int result = 0;

	memset(l, 0, sizeof(*l));
	for (i = 0; i < size && result == 0; i += n) {
		n = size - i < step ? size - i : step;
		block = copy(data + i, n);
		result = tcpmux_list_feed(l, block, n);
		free(block);
	}
	return result == 0 ? tcpmux_list_end(l, false) : result;
}

/* However it comes, it is the same list, and its names are names. */
static void
check_list(const uint8_t *data, size_t size)
{
	struct list whole, parts;
	struct tcpmux_span name;
	const int result = read_list(&whole, data, size, size);
	size_t i;

	MUST(result == 0 || result == TCPMUX_ERR_REFUSED ||
	    result == TCPMUX_ERR_FOREIGN || result == TCPMUX_ERR_CLOSED);
	MUST(result != TCPMUX_ERR_REFUSED ||
	    (whole.remark_len > 0 && whole.remark[0] == '-'));
	MUST(read_list(&parts, data, size, 1) == result);
	MUST(parts.n == whole.n && parts.remark_len == whole.remark_len);
	for (i = 0; i < whole.n; i++) {
		name.p = tcpmux_list_name(&whole, i);
		name.len = strlen(name.p);
		MUST(tcpmux_check_name(name) == 0);
		MUST(name.p[0] != '+' && name.p[0] != '-');
		MUST(strcmp(name.p, tcpmux_list_name(&parts, i)) == 0);
	}
	tcpmux_list_clear(&whole);
	tcpmux_list_clear(&parts);
}

/* A host lies within the text, has a port, and is no Unix socket. */
static void
check_place(const uint8_t *data, size_t size)
{
	char *block = copy(data, size);
	const struct tcpmux_span text = { block, size };
	struct tcpmux_span host;
	uint16_t port;

	if (tcpmux_address_split(text, &host, &port)) {
		MUST(host.len > 0 && port > 0);
		MUST(host.p >= block && host.p + host.len < block + size);
		MUST(host.len < strlen(ADDRESS_UNIX) ||
		    memcmp(host.p, ADDRESS_UNIX, strlen(ADDRESS_UNIX)) != 0);
	}
	free(block);
}

/* What is escaped is printable and fits. */
static void
check_text(const uint8_t *data, size_t size)
{
	const size_t room = size > 0 ? 1U + data[0] : 1;
	char *block = copy(data, size), *text = malloc(room);
	size_t i;

	MUST(text != NULL);
	tcpmux_escape(text, room, block, size);
	MUST(memchr(text, '\0', room) != NULL);
	for (i = 0; text[i] != '\0'; i++)
		MUST(text[i] >= ' ' && text[i] <= '~');
	free(text);
	free(block);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	check_list(data, size);
	check_place(data, size);
	check_text(data, size);
	return 0;
}
