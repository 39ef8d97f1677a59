/*
 * Says what tcpmux_parse_request() makes of every input of a kind, for
 * tests/test_oracle.py to compare.
 *
 *	wire-dump strict|lenient short|longest|samples
 *
 * short: every byte string of 0 to 3 bytes, in order; each answer is one
 * byte: the negative error, 0, or 16 times the line's length plus the name's.
 *
 * longest: the longest request with each byte value at each offset, then
 * each of its beginnings.  samples: each sample of standard input, two bytes
 * of length (the higher first) and the bytes.  It is read request by request,
 * as a server would; each of them is asked for every beginning of what is
 * left.  Each answer of these two is four bytes: the result and the name's
 * length (-1 if none was set), the higher byte of each first.
 *
 * All input ends at an unreadable page.
 */

#include <err.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tcpmux.h"
#include "tests/unit/guard.h"

#define SAMPLE_MAX 4096

static unsigned int flags = TCPMUX_STRICT;
static struct guard input;

static int
parse(const char *buf, size_t len, int *name_len)
{
	struct tcpmux_span name = { NULL, 0 };
	ssize_t n;

	n = tcpmux_parse_request(buf, len, flags, &name);
	if ((n > 0) != (name.p == buf) || (n <= 0 && name.len != 0))
		errx(1, "result %zd does not go with the name", n);
	*name_len = n > 0 ? (int)name.len : -1;
	return (int)n;
}

static void
put_short_answer(const char *buf, size_t len)
{
	int name_len, n;

	n = parse(buf, len, &name_len);
	(void)putchar(n > 0 ? n << 4 | name_len : n);
}

static int
put_answer(const char *buf, size_t len)
{
	int name_len, n;

	n = parse(buf, len, &name_len);
	(void)putchar(n >> 8);
	(void)putchar(n);
	(void)putchar(name_len >> 8);
	(void)putchar(name_len);
	return n;
}

static void
dump_short(void)
{
	unsigned int len, i, n;
	char *buf;

	for (len = 0; len <= 3; len++) {
		buf = guard_last(&input, len);
		for (n = 0; n < 1u << 8 * len; n++) {
			for (i = 0; i < len; i++)
				buf[i] = (char)(n >> 8 * (len - 1 - i));
			put_short_answer(buf, len);
		}
	}
}

static void
dump_longest(void)
{
	char line[TCPMUX_REQUEST_MAX], *buf;
	size_t i, len;
	int c;

	memset(line, 'x', TCPMUX_NAME_MAX);
	memcpy(line + TCPMUX_NAME_MAX, "\r\n", 2);
	buf = guard_copy(&input, line, sizeof(line));
	for (i = 0; i < sizeof(line); i++) {
		for (c = 0; c < 256; c++) {
			buf[i] = (char)c;
			(void)put_answer(buf, sizeof(line));
		}
		buf[i] = line[i];
	}
	for (len = 0; len <= sizeof(line); len++)
		(void)put_answer(guard_copy(&input, line, len), len);
}

static void
dump_sample(const char *sample, size_t size)
{
	size_t start, len;
	int n;

	for (start = 0;; start += (size_t)n) {
		for (len = 0; len <= size - start; len++)
			n = put_answer(guard_copy(&input, sample + start, len),
			    len);
		if (n <= 0)
			return;
	}
}

static void
dump_samples(void)
{
	char sample[SAMPLE_MAX];
	unsigned char head[2];
	size_t size;

	while (fread(head, sizeof(head), 1, stdin) == 1) {
		size = (size_t)head[0] << 8 | head[1];
		if (size > sizeof(sample) ||
		    fread(sample, 1, size, stdin) != size)
			errx(1, "a sample is too long or cut short");
		dump_sample(sample, size);
	}
}

static void
usage(void)
{
	(void)fprintf(stderr,
	    "usage: wire-dump strict|lenient short|longest|samples\n");
	exit(2);
}

int
main(int argc, char *argv[])
{
	if (argc != 3)
		usage();
	if (strcmp(argv[1], "lenient") == 0)
		flags = TCPMUX_LENIENT;
	else if (strcmp(argv[1], "strict") != 0)
		usage();
	if (guard_init(&input, SAMPLE_MAX) == -1)
		err(1, "mmap");
	if (strcmp(argv[2], "short") == 0)
		dump_short();
	else if (strcmp(argv[2], "longest") == 0)
		dump_longest();
	else if (strcmp(argv[2], "samples") == 0)
		dump_samples();
	else
		usage();
	guard_clear(&input);
	if (fflush(stdout) == EOF || ferror(stdout) || ferror(stdin))
		err(1, "standard input or output");
	return 0;
}
