/*
 * The command line of tcpmux-exporter.
 */

#ifndef CMD_EXPORTER_OPTIONS_H
#define CMD_EXPORTER_OPTIONS_H

#include <stddef.h>

#define OPTIONS_HOSTS_MAX 8

/* Everything is borrowed from the command line; what was not given is NULL. */
struct exporter_options {
	const char *control;
	const char *socket; /* a path to listen at */
	const char *listen; /* a loopback address and a port */
	const char *user;   /* whom to become */
	const char *hosts[OPTIONS_HOSTS_MAX];
	size_t nhosts;
};

/*
 * Understand the command line, or end the program: with a sentence, or with
 * what --help and --version show.
 */
void options_parse(struct exporter_options *x, int argc, char **argv);

#endif
