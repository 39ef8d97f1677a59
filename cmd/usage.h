/*
 * What every command line has: --help, options that are none, and seconds.
 */

#ifndef CMD_USAGE_H
#define CMD_USAGE_H

/* The usual last words of a sentence about the command line. */
#define USAGE_HINT "--help shows how it is called"

/* Write text to standard output, and end with success if that succeeds. */
__attribute__((noreturn)) void usage_show(const char *text);

/*
 * Say why getopt_long(3), which has returned letter, does not take an option,
 * and end.  word is the last one that it has looked at.
 */
__attribute__((noreturn)) void usage_refuse(int letter, const char *word);

/*
 * The seconds that an option is given, with a fraction or without, in
 * milliseconds: from 1 to a day.  Ends the program, and says what to write, if
 * they are none.
 */
int usage_parse_seconds(const char *option, const char *text);

#endif
