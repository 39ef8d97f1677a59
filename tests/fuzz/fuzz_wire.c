/*
 * Fuzzes every function of include/tcpmux.h, and aborts where a promise that
 * the header makes is broken.
 *
 * The low three bits of the first byte choose the target and the next one the
 * lenient parsers, so that '0' to '7' and '8' to '?' read well in the corpus.
 * The second byte is a length where the target needs one.  Whatever is
 * parsed lies in a block of exactly its size, so that AddressSanitizer sees
 * each byte read too many.
 */

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tcpmux.h"

#define LENIENT_BIT 0x08
#define INPUT_MAX   1024
#define FILL        0x5a

/* Unlike assert(3), it is there in every build. */
#define MUST(promise) must((promise), #promise, __LINE__)

typedef ssize_t line_parser(const char *, size_t, unsigned int,
    struct tcpmux_span *);
typedef ssize_t name_writer(char *, size_t, struct tcpmux_span);

int LLVMFuzzerTestOneInput(const uint8_t *, size_t);

static void
must(bool promise, const char *text, int line)
{
	if (promise)
		return;
	(void)fprintf(stderr, "fuzz_wire.c:%d: broken: %s\n", line, text);
	abort();
}

/* A block of exactly len bytes; the caller frees it. */
static char *
new_block(const void *p, size_t len)
{
	char *block = malloc(len);

	MUST(block != NULL || len == 0);
	if (p == NULL && len > 0)
		memset(block, FILL, len);
	else if (len > 0)
		memcpy(block, p, len);
	return block;
}

static bool
is_filled(const char *p, size_t len)
{
	size_t i;

	for (i = 0; i < len; i++)
		if (p[i] != FILL)
			return false;
	return true;
}

static bool
is_same(struct tcpmux_span a, struct tcpmux_span b)
{
	return a.len == b.len && (a.len == 0 || memcmp(a.p, b.p, a.len) == 0);
}

/* tcpmux_parse_reply() in the shape of the others: sign and text in one. */
static ssize_t
parse_reply(const char *buf, size_t len, unsigned int flags,
    struct tcpmux_span *line)
{
	struct tcpmux_reply reply = { '?', { NULL, 0 } };
	ssize_t n;

	n = tcpmux_parse_reply(buf, len, flags, &reply);
	if (n > 0) {
		MUST(reply.sign == buf[0] && reply.text.p == buf + 1);
		*line = (struct tcpmux_span){ buf, reply.text.len + 1 };
	} else
		MUST(reply.sign == '?' && reply.text.p == NULL);
	return n;
}

/* Parse a copy of in; the length of the span that it sets goes to *found. */
static ssize_t
parse_copy(line_parser *parse, struct tcpmux_span in, unsigned int flags,
    size_t *found)
{
	char *buf = new_block(in.p, in.len);
	struct tcpmux_span span = { NULL, 0 };
	ssize_t n;

	n = parse(buf, in.len, flags, &span);
	if (n > 0) {
		MUST((size_t)n <= in.len && span.p == buf);
		MUST(span.len < (size_t)n && buf[n - 1] == '\n');
	} else
		MUST(span.p == NULL && span.len == 0);
	MUST(in.len == 0 || memcmp(buf, in.p, in.len) == 0);
	free(buf);
	*found = span.len;
	return n;
}

/* "More" is true: there are bytes which make a line of these. */
static void
check_more(line_parser *parse, struct tcpmux_span in, unsigned int flags)
{
	char line[TCPMUX_REPLY_MAX + 3];
	size_t found, len = in.len;

	MUST(len < TCPMUX_REPLY_MAX);
	if (len > 0)
		memcpy(line, in.p, len);
	else
		line[len++] = parse == parse_reply ? '+' : 'x';
	if (line[len - 1] != '\r')
		line[len++] = '\r';
	line[len++] = '\n';
	MUST(parse_copy(parse, (struct tcpmux_span){ line, len }, flags,
		 &found) == (ssize_t)len);
}

/*
 * The answer for each beginning of the input follows from the one before:
 * what is decided stays decided, and a line is seen at its last byte.
 */
static void
check_beginnings(line_parser *parse, struct tcpmux_span in, unsigned int flags)
{
	struct tcpmux_span part = { in.p, 0 };
	size_t found, before_found = 0;
	ssize_t n, before = 0;

	for (; part.len <= in.len; part.len++) {
		n = parse_copy(parse, part, flags, &found);
		if (before != 0)
			MUST(n == before && found == before_found);
		else if (n > 0)
			MUST((size_t)n == part.len);
		else if (n == 0)
			check_more(parse, part, flags);
		before = n;
		before_found = found;
	}
}

/* Lenient takes all that strict takes, and for lines with CR the reverse. */
static void
check_lenient(line_parser *parse, struct tcpmux_span in)
{
	size_t strict_found, found;
	ssize_t strict, n;

	strict = parse_copy(parse, in, TCPMUX_STRICT, &strict_found);
	n = parse_copy(parse, in, TCPMUX_LENIENT, &found);
	if (strict > 0)
		MUST(n == strict && found == strict_found);
	if (n > 1 && found > 0 && in.p[n - 2] == '\r')
		MUST(strict == n && strict_found == found);
	if (n == 0 && parse != tcpmux_parse_help)
		MUST(strict == 0);
}

static void
fuzz_parser(line_parser *parse, struct tcpmux_span in, unsigned int flags)
{
	check_beginnings(parse, in, flags);
	check_lenient(parse, in);
}

/* Write name into a block of size bytes; return the block in *block. */
static ssize_t
write_name(name_writer *writer, size_t size, struct tcpmux_span name,
    char **block)
{
	ssize_t n;

	*block = new_block(NULL, size);
	n = writer(*block, size, name);
	MUST(n != 0 && n <= (ssize_t)size);
	MUST(is_filled(*block + (n > 0 ? n : 0),
	    size - (n > 0 ? (size_t)n : 0)));
	return n;
}

/* What is written is read back, and needs the room that it takes. */
static void
check_writer(name_writer *writer, line_parser *parse, size_t size,
    struct tcpmux_span name)
{
	struct tcpmux_span again = { NULL, 0 };
	char *block;
	ssize_t n;
	int error = tcpmux_check_name(name);

	n = write_name(writer, size, name, &block);
	if (writer == tcpmux_format_help && name.len > 0 &&
	    (name.p[0] == '+' || name.p[0] == '-'))
		MUST(n == TCPMUX_ERR_SIGN);
	else if (error != 0)
		MUST(n == error);
	else if (size < name.len + 2)
		MUST(n == TCPMUX_ERR_ROOM);
	else {
		MUST(n == (ssize_t)name.len + 2);
		MUST(parse(block, (size_t)n, TCPMUX_STRICT, &again) == n);
		MUST(is_same(again, name));
	}
	free(block);
}

/* The size to try: what is needed, or less or more by up to 8 bytes. */
static size_t
size_near(size_t need, uint8_t choice)
{
	size_t size = need + choice % 17;

	return size < 8 ? 0 : size - 8;
}

static void
fuzz_writers(struct tcpmux_span name, uint8_t choice)
{
	size_t size = size_near(name.len + 2, choice);

	check_writer(tcpmux_format_request, tcpmux_parse_request, size, name);
	check_writer(tcpmux_format_help, tcpmux_parse_help, size, name);
}

/* The first byte of in is the sign, the rest is the text. */
static void
fuzz_reply_writer(struct tcpmux_span in, uint8_t choice)
{
	struct tcpmux_reply reply = { '+', { in.p, 0 } }, again;
	size_t size;
	char *block;
	ssize_t n;

	if (in.len > 0) {
		reply.sign = in.p[0];
		reply.text.p = in.p + 1;
		reply.text.len = in.len - 1;
	}
	size = size_near(reply.text.len + 3, choice);
	block = new_block(NULL, size);
	n = tcpmux_format_reply(block, size, reply);
	if (n > 0) {
		MUST(n == (ssize_t)reply.text.len + 3);
		MUST(tcpmux_parse_reply(block, (size_t)n, TCPMUX_STRICT,
			 &again) == n);
		MUST(again.sign == reply.sign);
		MUST(is_same(again.text, reply.text));
		MUST(is_filled(block + n, size - (size_t)n));
	} else {
		MUST(n == TCPMUX_ERR_SIGN || n == TCPMUX_ERR_LONG ||
		    n == TCPMUX_ERR_BYTE || n == TCPMUX_ERR_ROOM);
		MUST((n == TCPMUX_ERR_SIGN) ==
		    (reply.sign != '+' && reply.sign != '-'));
		MUST(n != TCPMUX_ERR_ROOM || size < reply.text.len + 3);
		MUST(is_filled(block, size));
	}
	free(block);
}

static int
sign_of(int n)
{
	return (n > 0) - (n < 0);
}

/* The order of two names is that of their folded bytes. */
static void
check_order(struct tcpmux_span a, struct tcpmux_span b, int order)
{
	char fa[TCPMUX_NAME_MAX], fb[TCPMUX_NAME_MAX];
	size_t least = a.len < b.len ? a.len : b.len;
	int want;

	MUST(tcpmux_fold_name(fa, sizeof(fa), a) == (ssize_t)a.len);
	MUST(tcpmux_fold_name(fb, sizeof(fb), b) == (ssize_t)b.len);
	want = sign_of(memcmp(fa, fb, least));
	if (want == 0)
		want = (a.len > b.len) - (a.len < b.len);
	MUST(order == want);
}

static void
fuzz_compare(struct tcpmux_span in, uint8_t choice)
{
	size_t cut = in.len > 0 ? choice % (in.len + 1) : 0;
	char *pa = new_block(in.p, cut);
	char *pb = new_block(in.p + cut, in.len - cut);
	struct tcpmux_span a = { pa, cut }, b = { pb, in.len - cut };
	int order = tcpmux_compare_names(a, b);

	MUST(order >= -1 && order <= 1);
	MUST(tcpmux_compare_names(b, a) == -order);
	MUST(tcpmux_compare_names(a, a) == 0);
	MUST(tcpmux_compare_names(b, b) == 0);
	if (tcpmux_check_name(a) == 0 && tcpmux_check_name(b) == 0)
		check_order(a, b, order);
	free(pa);
	free(pb);
}

/* A folded name is the same name, and folds to itself. */
static void
check_folded(struct tcpmux_span name, const char *p)
{
	struct tcpmux_span folded = { p, name.len };
	char twice[TCPMUX_NAME_MAX];
	size_t i;

	MUST(tcpmux_compare_names(name, folded) == 0);
	for (i = 0; i < folded.len; i++)
		MUST(folded.p[i] < 'A' || folded.p[i] > 'Z');
	MUST(tcpmux_fold_name(twice, sizeof(twice), folded) ==
	    (ssize_t)name.len);
	MUST(is_same(folded, (struct tcpmux_span){ twice, name.len }));
}

static void
fuzz_fold(struct tcpmux_span name, uint8_t choice)
{
	size_t size = size_near(name.len, choice);
	char *block;
	ssize_t n;
	int error = tcpmux_check_name(name);

	n = write_name(tcpmux_fold_name, size, name, &block);
	if (error != 0)
		MUST(n == error);
	else if (size < name.len)
		MUST(n == TCPMUX_ERR_ROOM);
	else {
		MUST(n == (ssize_t)name.len);
		check_folded(name, block);
	}
	free(block);
}

/*
 * A server that gets step bytes at a time and keeps no more than a request
 * reads the same requests as one that has everything at once.
 */
static void
fuzz_session(struct tcpmux_span in, unsigned int flags, uint8_t choice)
{
	char buf[TCPMUX_REQUEST_MAX];
	size_t have = 0, done = 0, taken = 0, part, found, want;
	size_t step = 1 + choice % sizeof(buf);
	struct tcpmux_span name, rest = in;
	ssize_t n = 0;

	while (n >= 0 && (n > 0 || taken < in.len)) {
		if (n == 0) {
			MUST(have < sizeof(buf));
			part = sizeof(buf) - have;
			part = part < step ? part : step;
			part = part < in.len - taken ? part : in.len - taken;
			memcpy(buf + have, in.p + taken, part);
			have += part;
			taken += part;
		}
		name = (struct tcpmux_span){ NULL, 0 };
		n = tcpmux_parse_request(buf, have, flags, &name);
		found = name.len;
		if (n > 0) {
			rest.p = in.p + done;
			rest.len = in.len - done;
			MUST(parse_copy(tcpmux_parse_request, rest, flags,
				 &want) == n &&
			    want == found);
			done += (size_t)n;
			have -= (size_t)n;
			memmove(buf, buf + n, have);
		}
	}
	rest.p = in.p + done;
	rest.len = in.len - done;
	MUST(parse_copy(tcpmux_parse_request, rest, flags, &want) == n);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct tcpmux_span in;
	unsigned int flags;
	char *block;

	if (size < 2 || size > INPUT_MAX)
		return 0;
	flags = data[0] & LENIENT_BIT ? TCPMUX_LENIENT : TCPMUX_STRICT;
	in.len = size - 2;
	in.p = block = new_block(data + 2, in.len);
	switch (data[0] & 7) {
	case 0:
		fuzz_parser(tcpmux_parse_request, in, flags);
		break;
	case 1:
		fuzz_parser(parse_reply, in, flags);
		break;
	case 2:
		fuzz_parser(tcpmux_parse_help, in, flags);
		break;
	case 3:
		fuzz_writers(in, data[1]);
		break;
	case 4:
		fuzz_reply_writer(in, data[1]);
		break;
	case 5:
		fuzz_compare(in, data[1]);
		break;
	case 6:
		fuzz_fold(in, data[1]);
		break;
	case 7:
		fuzz_session(in, flags, data[1]);
		break;
	}
	free(block);
	return 0;
}
