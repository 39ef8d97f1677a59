/*
 * The command line of tcpmux-offer.
 */

#ifndef CMD_OFFER_OPTIONS_H
#define CMD_OFFER_OPTIONS_H

#include <stdbool.h>
#include <stdint.h>

/* Everything is borrowed from the command line. */
struct offer_options {
	const char *name;
	const char *control; /* or NULL */
	unsigned int flags;  /* enum tcpmux_offer_flag */
	uint32_t max;        /* connections at a time */
	int verbosity;       /* -1 only faults, 0, 1 each connection */
	const char *to;      /* --to, or NULL */
	bool wrap;
	uint16_t port; /* of --wrap, or 0 */
	char **argv;   /* the program or server, or NULL */
};

/*
 * Understand the command line, or end the program: with a sentence, or with
 * what --help and --version show.
 */
void options_parse(struct offer_options *x, int argc, char **argv);

#endif
