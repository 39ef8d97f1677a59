/*
 * Text of a server, or of a name that somebody else has chosen, must not
 * command the terminal.
 */

#include "cmd/escape.h"

size_t
escape_text(char *buf, size_t size, const char *text)
{
	static const char digits[] = "0123456789abcdef";
	size_t n = 0;

	for (; *text != '\0'; text++) {
		const unsigned char c = (unsigned char)*text;

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
	return n;
}
