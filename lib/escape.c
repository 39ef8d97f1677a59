/*
 * Escaping bytes that somebody else has sent.
 */

#include "lib/escape.h"

void
tcpmux_escape(char *buf, size_t size, const char *p, size_t len)
{
	static const char digits[] = "0123456789abcdef";
	size_t i, n = 0;

	for (i = 0; i < len; i++) {
		const unsigned char c = (unsigned char)p[i];

		if (c >= 0x20 && c <= 0x7e) {
			if (n + 1 >= size)
				break;
			buf[n++] = (char)c;
			continue;
		}
		if (n + 4 >= size)
			break;
		buf[n++] = '\\';
		buf[n++] = 'x';
		buf[n++] = digits[c >> 4];
		buf[n++] = digits[c & 15];
	}
	buf[n] = '\0';
}
