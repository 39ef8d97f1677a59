/*
 * What every command line has: --help, and options that are none.
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

#endif
