/*
 * Fuzzes table/proxy.c, and aborts where a promise that its header makes is
 * broken.
 *
 * What is parsed lies in a block of exactly its size, so that AddressSanitizer
 * sees each byte read too many.
 */

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "table/proxy.h"

/* Unlike assert(3), it is there in every build. */
#define MUST(promise) must((promise), #promise, __LINE__)

int LLVMFuzzerTestOneInput(const uint8_t *, size_t);

static void
must(bool promise, const char *text, int line)
{
	if (promise)
		return;
	(void)fprintf(stderr, "fuzz_proxy.c:%d: broken: %s\n", line, text);
	abort();
}

/* Parse the first len bytes, from a block of their own. */
static ssize_t
parse(const uint8_t *data, size_t len, struct proxy *p)
{
	char *block = malloc(len);
	ssize_t n;

	MUST(block != NULL || len == 0);
	if (len > 0)
		memcpy(block, data, len);
	n = proxy_parse(block, len, p);
	free(block);
	return n;
}

static bool
is_same(const struct proxy *a, const struct proxy *b)
{
	return a->known == b->known &&
	    (!a->known ||
		(memcmp(a->from, b->from, ADDRESS_BYTES) == 0 &&
		    memcmp(a->to, b->to, ADDRESS_BYTES) == 0 &&
		    a->from_port == b->from_port && a->to_port == b->to_port));
}

/* What was understood can be written, and is understood as the same. */
static void
check_writing(const struct proxy *p)
{
	char *buf = malloc(PROXY_FORMAT_MAX);
	struct proxy back;
	size_t len;
	int version;

	MUST(buf != NULL);
	for (version = 1; version <= 2; version++) {
		len = proxy_format(p, version, buf);
		MUST(len <= PROXY_FORMAT_MAX);
		MUST(parse((const uint8_t *)buf, len, &back) == (ssize_t)len);
		MUST(is_same(p, &back));
	}
	free(buf);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct proxy whole, part;
	ssize_t n, m;
	size_t i;

	n = parse(data, size, &whole);
	MUST(n >= -1 && n <= PROXY_HEADER_MAX && n <= (ssize_t)size);
	MUST(n != 0 || size < PROXY_HEADER_MAX);
	/* Less of it says the same, or waits for more. */
	for (i = 0; i < size && i <= PROXY_HEADER_MAX; i++) {
		m = parse(data, i, &part);
		if (m == 0)
			continue;
		MUST(m == n);
		MUST(m == -1 || is_same(&whole, &part));
		MUST(m == -1 || i >= (size_t)m);
	}
	if (n > 0)
		check_writing(&whole);
	return 0;
}
