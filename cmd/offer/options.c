/*
 * Understands the command line of tcpmux-offer; whatever is wrong with it ends
 * the program with one sentence.
 */

#include <errno.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>

#include "cmd/offer/options.h"
#include "cmd/say.h"
#include "cmd/usage.h"
#include "tcpmux.h"

#define OPTIONS_MAX_DEFAULT 1000
#define OPTIONS_MAX_HIGHEST 100000

static const char options_usage[] =
    "usage: tcpmux-offer NAME [options] -- PROGRAM [ARGUMENT ...]\n"
    "                                      a process for each connection\n"
    "       tcpmux-offer NAME [options] --to HOST:PORT | unix:PATH\n"
    "                                      another server, by a relay\n"
    "       tcpmux-offer NAME [options] --wrap -- SERVER [ARGUMENT ...]\n"
    "                                      a server that would listen\n"
    "\n"
    "  --max N         so many connections at a time; 1000\n"
    "  --port PORT     with --wrap, what listens at this port; the first one\n"
    "  --share         share the name with others that do\n"
    "  --replace       take it over from another offer\n"
    "  --hidden        do not list it\n"
    "  --control PATH  the daemon's control socket\n"
    "  --wait          wait for a daemon if there is none\n"
    "  -q              say faults only\n"
    "  -v              say each connection, too\n"
    "  --help, --version\n";

/* What getopt_long() says of a word that is no option. */
#define OPTIONS_WORD 1

/* What an option without a letter is called. */
enum options_long {
	OPTIONS_TO = 256,
	OPTIONS_WRAP,
	OPTIONS_PORT,
	OPTIONS_MAX,
	OPTIONS_REPLACE,
	OPTIONS_SHARE,
	OPTIONS_HIDDEN,
	OPTIONS_CONTROL,
	OPTIONS_WAIT,
	OPTIONS_HELP,
	OPTIONS_VERSION,
};

static const struct option options_list[] = {
	{ "to", required_argument, NULL, OPTIONS_TO },
	{ "wrap", no_argument, NULL, OPTIONS_WRAP },
	{ "port", required_argument, NULL, OPTIONS_PORT },
	{ "max", required_argument, NULL, OPTIONS_MAX },
	{ "replace", no_argument, NULL, OPTIONS_REPLACE },
	{ "share", no_argument, NULL, OPTIONS_SHARE },
	{ "hidden", no_argument, NULL, OPTIONS_HIDDEN },
	{ "control", required_argument, NULL, OPTIONS_CONTROL },
	{ "wait", no_argument, NULL, OPTIONS_WAIT },
	{ "help", no_argument, NULL, OPTIONS_HELP },
	{ "version", no_argument, NULL, OPTIONS_VERSION },
	{ NULL, 0, NULL, 0 },
};

static uint32_t
options_parse_number(const char *option, const char *text, uint32_t highest)
{
	unsigned long value;
	char *end;

	errno = 0;
	value = strtoul(text, &end, 10);
	if (*text < '0' || *text > '9' || *end != '\0' || errno != 0 ||
	    value == 0 || value > highest)
		say_fatal(SAY_USAGE, "%s wants a number of 1 to %u, and not %s",
		    option, highest, *text == '\0' ? "nothing" : text);
	return (uint32_t)value;
}

static void
options_take(struct offer_options *x, int letter, const char *word)
{
	switch (letter) {
	case OPTIONS_TO:
		x->to = optarg;
		break;
	case OPTIONS_WRAP:
		x->wrap = true;
		break;
	case OPTIONS_PORT:
		x->port = (uint16_t)options_parse_number("--port", optarg,
		    UINT16_MAX);
		break;
	case OPTIONS_MAX:
		x->max =
		    options_parse_number("--max", optarg, OPTIONS_MAX_HIGHEST);
		break;
	case OPTIONS_REPLACE:
		x->flags |= TCPMUX_OFFER_REPLACE;
		break;
	case OPTIONS_SHARE:
		x->flags |= TCPMUX_OFFER_SHARE;
		break;
	case OPTIONS_HIDDEN:
		x->flags |= TCPMUX_OFFER_HIDDEN;
		break;
	case OPTIONS_CONTROL:
		x->control = optarg;
		break;
	case OPTIONS_WAIT:
		x->flags |= TCPMUX_OFFER_WAIT;
		break;
	case 'q':
		x->verbosity = -1;
		break;
	case 'v':
		x->verbosity = 1;
		break;
	case OPTIONS_HELP:
		usage_show(options_usage);
	case OPTIONS_VERSION:
		usage_show("tcpmux-offer " TCPMUX_VERSION "\n");
	default:
		usage_refuse(letter, word);
	}
}

/* Does all that was asked for go together? */
static void
options_check(struct offer_options *x)
{
	if (x->name == NULL)
		say_fatal(SAY_USAGE, "offer which name? " USAGE_HINT);
	if (x->to != NULL && (x->wrap || x->argv != NULL))
		say_fatal(SAY_USAGE,
		    "--to goes without --wrap, and without a program");
	if (x->to == NULL && x->argv == NULL)
		say_fatal(SAY_USAGE,
		    "who is to serve %s? A program, or --to: " USAGE_HINT,
		    x->name);
	if (x->port != 0 && !x->wrap)
		say_fatal(SAY_USAGE, "--port goes with --wrap only");
	if (x->max != 0 && x->wrap)
		say_fatal(SAY_USAGE,
		    "--max does not go with --wrap: the server counts its "
		    "connections itself");
	if (x->max == 0)
		x->max = OPTIONS_MAX_DEFAULT;
}

/*
 * Options may stand in front of NAME and behind it; the program begins with
 * the next word that is none, or behind "--".
 */
void
options_parse(struct offer_options *x, int argc, char **argv)
{
	char **words;
	int letter;

	*x = (struct offer_options){ .name = NULL };
	while ((letter = getopt_long(argc, argv, "-:qv", options_list, NULL)) !=
	    -1) {
		if (letter != OPTIONS_WORD)
			options_take(x, letter, argv[optind - 1]);
		else if (x->name == NULL)
			x->name = argv[optind - 1];
		else {
			optind--; /* the program's own word */
			break;
		}
	}
	words = argv + optind;
	if (x->name == NULL && words[0] != NULL) {
		x->name = *words++; /* behind "--", as of a careful script */
		if (words[0] != NULL && strcmp(words[0], "--") == 0)
			words++;
	}
	if (words[0] != NULL)
		x->argv = words;
	options_check(x);
}
