/*
 * What every command line has: --help, options that are none, and seconds.
 */

#include <getopt.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>

#include "cmd/say.h"
#include "cmd/usage.h"

/* A day; what waits longer wants no limit. */
#define SECONDS_MAX 86400

void
usage_show(const char *text)
{
	if (fputs(text, stdout) == EOF || fflush(stdout) == EOF)
		say_fatal(SAY_BROKEN, "standard output cannot be written");
	exit(SAY_OK);
}

/* getopt_long() knows letters in optopt; a long option is the last word. */
void
usage_refuse(int letter, const char *word)
{
	const char brief[] = { '-', (char)optopt, '\0' };
	const char *option = optopt > 0 && optopt <= CHAR_MAX ? brief : word;

	if (letter == ':')
		say_fatal(SAY_USAGE, "%s wants a value: " USAGE_HINT, option);
	say_fatal(SAY_USAGE, "there is no option %s: " USAGE_HINT, option);
}

int
usage_parse_seconds(const char *option, const char *text)
{
	double seconds;
	char *end;

	seconds = strtod(text, &end);
	if (end == text || *end != '\0' || !(seconds > 0) ||
	    seconds > SECONDS_MAX)
		say_fatal(SAY_USAGE,
		    "%s %s is no time: write seconds, as 10 or 0.5, up to %d",
		    option, text, SECONDS_MAX);
	return seconds * 1000 < 1 ? 1 : (int)(seconds * 1000);
}
