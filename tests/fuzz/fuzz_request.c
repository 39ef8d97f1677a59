/*
 * Fuzzes table/request.c, and aborts where a promise that its header makes is
 * broken.
 *
 * What is parsed lies in a block of exactly its size, so that AddressSanitizer
 * sees each byte read too many.
 */

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "table/request.h"

/* Unlike assert(3), it is there in every build. */
#define MUST(promise) must((promise), #promise, __LINE__)

int LLVMFuzzerTestOneInput(const uint8_t *, size_t);

static void
must(bool promise, const char *text, int line)
{
	if (promise)
		return;
	(void)fprintf(stderr, "fuzz_request.c:%d: broken: %s\n", line, text);
	abort();
}

/* Is it a part of the message, before its CR LF, and of good bytes? */
static bool
is_part(const char *message, size_t len, struct tcpmux_span s)
{
	return s.len == 0 ||
	    (s.p >= message && s.p + s.len <= message + len - 2 &&
		tcpmux_check_name(s) == 0);
}

static void
check(const char *message, size_t len, const struct request *r)
{
	const char *verb = request_verb(r->what);

	MUST(len >= strlen(verb) + 2 && len <= TCPMUX_REQUEST_MAX);
	MUST(tcpmux_compare_names((struct tcpmux_span){ message, strlen(verb) },
		 (struct tcpmux_span){ verb, strlen(verb) }) == 0);
	MUST(is_part(message, len, r->name));
	MUST(is_part(message, len, r->option));
	MUST(r->option.len <= REQUEST_OPTION_MAX);
	MUST(r->what == ASK_OFFER || r->flags == 0);
	switch (r->what) {
	case ASK_OFFER:
	case ASK_DRAIN:
	case ASK_UNDRAIN:
		MUST(r->option.len == 0);
		break;
	case ASK_EXPLAIN:
		MUST(r->name.len > 0);
		break;
	case ASK_KICK:
		MUST((r->name.len > 0) != (r->option.len > 0));
		break;
	case ASK_LOG:
		MUST(r->name.len == 0 && r->option.len > 0);
		break;
	case ASK_SNAPSHOT:
	case ASK_CONNS:
	case ASK_RELOAD:
	case ASK_UPGRADE:
		MUST(r->name.len == 0 && r->option.len == 0);
		break;
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *block = malloc(size);
	struct request r;
	int result;

	MUST(block != NULL || size == 0);
	if (size > 0)
		memcpy(block, data, size);
	result = request_parse(block, size, &r);
	MUST(result == 0 || result == -1);
	if (result == 0)
		check(block, size, &r);
	free(block);
	return 0;
}
