/*
 * Says what network_parse() and network_has() make of lines of text, for
 * tests/test_network_oracle.py to compare.
 *
 * Each line of standard input is a NETWORK, or a NETWORK, a space and an
 * ADDRESS.  For the first the answer is a line with the result and the network
 * as network_format() writes it, or "-" if none was set; for the second it is
 * 1 or 0: the network has the address or has not.
 *
 * All text ends at an unreadable page.
 */

#include <err.h>
#include <stdio.h>
#include <string.h>

#include "table/access.h"
#include "tests/unit/guard.h"

#define LINE_MAX_BYTES 256

static struct guard input;

/* Returns network_parse()'s result. */
static int
parse(const char *text, struct network *n)
{
	return network_parse(guard_copy(&input, text, strlen(text) + 1), n);
}

static void
put_network(const char *text)
{
	struct network n = { .bits = UINT8_MAX };
	char *buf;
	int result;

	result = parse(text, &n);
	if (n.bits == UINT8_MAX) {
		(void)printf("%d -\n", result);
		return;
	}
	buf = guard_last(&input, NETWORK_TEXT_MAX);
	network_format(&n, buf);
	(void)printf("%d %s\n", result, buf);
}

static void
put_membership(const char *network, const char *address)
{
	struct network n, a;

	if (parse(network, &n) != 0 || parse(address, &a) != 0)
		errx(1, "%s or %s is none", network, address);
	(void)printf("%d\n",
	    network_has(&n,
		(const uint8_t *)guard_copy(&input, a.address, ADDRESS_BYTES)));
}

int
main(void)
{
	char line[LINE_MAX_BYTES], *space;

	if (guard_init(&input, LINE_MAX_BYTES) == -1)
		err(1, "mmap");
	while (fgets(line, sizeof(line), stdin) != NULL) {
		line[strcspn(line, "\n")] = '\0';
		space = strchr(line, ' ');
		if (space == NULL) {
			put_network(line);
			continue;
		}
		*space = '\0';
		put_membership(line, space + 1);
	}
	guard_clear(&input);
	if (fflush(stdout) == EOF || ferror(stdout) || ferror(stdin))
		err(1, "standard input or output");
	return 0;
}
