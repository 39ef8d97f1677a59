/*
 * Spells out the bytes of a name, and makes lines of any length.
 */

#include <assert.h>
#include <string.h>

#include "tests/unit/samples.h"

const char graphic[] =
    "!\"#$%&'()*+,-./0123456789:;<=>?@"
    "ABCDEFGHIJKLMNOPQRSTUVWXYZ[\\]^_`abcdefghijklmnopqrstuvwxyz{|}~";

bool
is_graphic(int c)
{
	return c != 0 && strchr(graphic, c) != NULL;
}

struct tcpmux_span
line_of(size_t len, const char *end)
{
	static char line[SAMPLE_MAX];
	size_t end_len = strlen(end);

	assert(len + end_len <= sizeof(line));
	memset(line, 'x', len);
	memcpy(line + len, end, end_len);
	return (struct tcpmux_span){ line, len + end_len };
}
