/*
 * Understands the command line of tcpmux-exporter; whatever is wrong with it
 * ends the program with one sentence.
 */

#include <getopt.h>
#include <stddef.h>

#include "cmd/exporter/options.h"
#include "cmd/say.h"
#include "cmd/usage.h"

static const char options_usage[] =
    "usage: tcpmux-exporter [options]\n"
    "\n"
    "  --socket PATH          listen at a Unix socket\n"
    "  --listen ADDRESS:PORT  listen at a loopback address\n"
    "  --host NAME            a name that clients may call us by\n"
    "  --control PATH         the daemon's control socket\n"
    "  --user NAME            whom to become, if root; tcpmux-exporter\n"
    "  --help, --version\n";

/* No option has a letter. */
enum options_long {
	OPTIONS_SOCKET = 256,
	OPTIONS_LISTEN,
	OPTIONS_HOST,
	OPTIONS_CONTROL,
	OPTIONS_USER,
	OPTIONS_HELP,
	OPTIONS_VERSION,
};

static const struct option options_list[] = {
	{ "socket", required_argument, NULL, OPTIONS_SOCKET },
	{ "listen", required_argument, NULL, OPTIONS_LISTEN },
	{ "host", required_argument, NULL, OPTIONS_HOST },
	{ "control", required_argument, NULL, OPTIONS_CONTROL },
	{ "user", required_argument, NULL, OPTIONS_USER },
	{ "help", no_argument, NULL, OPTIONS_HELP },
	{ "version", no_argument, NULL, OPTIONS_VERSION },
	{ NULL, 0, NULL, 0 },
};

static void
options_add_host(struct exporter_options *x)
{
	if (x->nhosts == OPTIONS_HOSTS_MAX)
		say_fatal(SAY_USAGE, "--host may be given %d times at the most",
		    OPTIONS_HOSTS_MAX);
	x->hosts[x->nhosts++] = optarg;
}

static void
options_take(struct exporter_options *x, int letter, const char *word)
{
	switch (letter) {
	case OPTIONS_SOCKET:
		x->socket = optarg;
		break;
	case OPTIONS_LISTEN:
		x->listen = optarg;
		break;
	case OPTIONS_HOST:
		options_add_host(x);
		break;
	case OPTIONS_CONTROL:
		x->control = optarg;
		break;
	case OPTIONS_USER:
		x->user = optarg;
		break;
	case OPTIONS_HELP:
		usage_show(options_usage);
	case OPTIONS_VERSION:
		usage_show("tcpmux-exporter " TCPMUX_VERSION "\n");
	default:
		usage_refuse(letter, word);
	}
}

void
options_parse(struct exporter_options *x, int argc, char **argv)
{
	int letter;

	*x = (struct exporter_options){ .control = NULL };
	while (
	    (letter = getopt_long(argc, argv, ":", options_list, NULL)) != -1)
		options_take(x, letter, argv[optind - 1]);
	if (argv[optind] != NULL)
		say_fatal(SAY_USAGE, "what is %s? " USAGE_HINT, argv[optind]);
}
