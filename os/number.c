/*
 * A whole number as people type it: digits, and nothing but digits.
 */

#include "os/number.h"

int
number_parse(const char *s, int max, int *value)
{
	int n = 0;

	if (*s == '\0')
		return -1;
	for (; *s != '\0'; s++) {
		if (*s < '0' || *s > '9' || n > max / 10 ||
		    n * 10 > max - (*s - '0'))
			return -1;
		n = n * 10 + (*s - '0');
	}
	*value = n;
	return 0;
}
