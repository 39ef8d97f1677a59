/*
 * What every command line has: --help, and options that are none.
 */

#include <getopt.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>

#include "cmd/say.h"
#include "cmd/usage.h"

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
