/*
 * Numbers of a command line.
 */

#include "number.h"

#include <err.h>
#include <stdlib.h>

long
number(const char *text, long max)
{
	char *end;
	long n;

	n = strtol(text, &end, 10);
	if (end == text || *end != '\0' || n < 1 || n > max)
		errx(64, "%s: not a number from 1 to %ld", text, max);
	return n;
}
