/*
 * The command line of tcpmuxctl.
 */

#ifndef CMD_CTL_OPTIONS_H
#define CMD_CTL_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>

/* The most words of a command, its own one included. */
#define OPTIONS_WORDS_MAX 3

/* What a command may be asked for besides; a set of bits. */
enum ctl_option {
	CTL_JSON = 1,
	CTL_NAMES = 2, /* ls: names alone */
	CTL_NAME = 4,  /* kick: the word is a name, whatever it looks like */
	CTL_EVERY = 8, /* top: so often */
};

struct ctl_options;

/* A command: returns an exit status, and has said what is wrong. */
struct ctl_command {
	const char *name;
	int (*run)(const struct ctl_options *options);
	size_t min, max;      /* words behind it */
	unsigned int options; /* enum ctl_option: which it takes */
};

/* Everything is borrowed from the command line. */
struct ctl_options {
	const struct ctl_command *command;
	const char *control; /* or NULL */
	unsigned int given;  /* enum ctl_option */
	int timeout_ms;      /* for an answer; -1: as the command has it */
	int every_ms;        /* from one to the next, of top */
	const char *words[OPTIONS_WORDS_MAX - 1]; /* behind the command */
	size_t nwords;
};

/*
 * Understand the command line, with commands of which the last has no name; or
 * end the program: with a sentence, or with what --help and --version show.
 */
void options_parse(struct ctl_options *x, const struct ctl_command *commands,
    int argc, char **argv);

#endif
