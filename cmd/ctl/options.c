/*
 * Understands the command line of tcpmuxctl; whatever is wrong with it ends
 * the program with one sentence.
 */

#include <getopt.h>
#include <string.h>

#include "cmd/ctl/options.h"
#include "cmd/say.h"
#include "cmd/usage.h"

/* How often top looks, unless it is told, and at the most. */
#define OPTIONS_EVERY_MS     1000
#define OPTIONS_EVERY_MS_MIN 100

static const char options_usage[] =
    "usage: tcpmuxctl [options] COMMAND\n"
    "\n"
    "  status                  how the daemon is, what is wrong first\n"
    "  ls                      its services\n"
    "  conns                   the connections that it holds\n"
    "  top                     all that, live; q ends it, h helps\n"
    "  stats                   all that it has counted\n"
    "  sandbox                 each process, and what it is kept from\n"
    "  explain NAME [ADDRESS]  what becomes of a request, and why\n"
    "\n"
    "  reload                  read the configuration again\n"
    "  upgrade                 go on with the program that is installed now\n"
    "  drain [NAME]            refuse new connections, of all or one service\n"
    "  undrain [NAME]          take them again\n"
    "  kick NAME|ID            end connections: a service's, or one of conns\n"
    "  log LEVEL               log so much; \"configured\": as before\n"
    "\n"
    "  --json          write JSON (ls, conns, status, stats, sandbox, "
    "explain)\n"
    "  --names         with ls, write names alone\n"
    "  --name          with kick, the word is a name if it is a number, too\n"
    "  --every SECONDS with top, look so often; 1\n"
    "  --control PATH  the daemon's control socket\n"
    "  -w SECONDS      give up if there is no answer by then\n"
    "  --help, --version\n";

/* What getopt_long() says of a word that is no option. */
#define OPTIONS_WORD 1

/* What an option without a letter is called. */
enum options_long {
	OPTIONS_JSON = 256,
	OPTIONS_NAMES,
	OPTIONS_NAME,
	OPTIONS_EVERY,
	OPTIONS_CONTROL,
	OPTIONS_HELP,
	OPTIONS_VERSION,
};

static const struct option options_list[] = {
	{ "json", no_argument, NULL, OPTIONS_JSON },
	{ "names", no_argument, NULL, OPTIONS_NAMES },
	{ "name", no_argument, NULL, OPTIONS_NAME },
	{ "every", required_argument, NULL, OPTIONS_EVERY },
	{ "control", required_argument, NULL, OPTIONS_CONTROL },
	{ "help", no_argument, NULL, OPTIONS_HELP },
	{ "version", no_argument, NULL, OPTIONS_VERSION },
	{ NULL, 0, NULL, 0 },
};

static void
options_take(struct ctl_options *x, int letter, const char *word)
{
	switch (letter) {
	case OPTIONS_JSON:
		x->given |= CTL_JSON;
		break;
	case OPTIONS_NAMES:
		x->given |= CTL_NAMES;
		break;
	case OPTIONS_NAME:
		x->given |= CTL_NAME;
		break;
	case OPTIONS_EVERY:
		x->given |= CTL_EVERY;
		x->every_ms = usage_parse_seconds("--every", optarg);
		if (x->every_ms < OPTIONS_EVERY_MS_MIN)
			x->every_ms = OPTIONS_EVERY_MS_MIN;
		break;
	case OPTIONS_CONTROL:
		x->control = optarg;
		break;
	case 'w':
		x->timeout_ms = usage_parse_seconds("-w", optarg);
		break;
	case OPTIONS_HELP:
		usage_show(options_usage);
	case OPTIONS_VERSION:
		usage_show("tcpmuxctl " TCPMUX_VERSION "\n");
	default:
		usage_refuse(letter, word);
	}
}

/* The next word: the command, or one of its own. */
static void
options_take_word(struct ctl_options *x, const struct ctl_command *commands,
    const char *word)
{
	if (x->command == NULL) {
		for (x->command = commands; x->command->name != NULL;
		     x->command++)
			if (strcmp(x->command->name, word) == 0)
				return;
		say_fatal(SAY_USAGE, "there is no command %s: " USAGE_HINT,
		    word);
	}
	if (x->nwords == x->command->max)
		say_fatal(SAY_USAGE, "%s is too much for %s: " USAGE_HINT, word,
		    x->command->name);
	x->words[x->nwords++] = word;
}

/* Does all that was asked for go together? */
static void
options_check(const struct ctl_options *x)
{
	static const struct {
		enum ctl_option bit;
		const char *text;
	} names[] = { { CTL_JSON, "--json" }, { CTL_NAMES, "--names" },
		{ CTL_NAME, "--name" }, { CTL_EVERY, "--every" } };
	size_t i;

	if (x->command == NULL)
		say_fatal(SAY_USAGE, "what is it to do? " USAGE_HINT);
	if (x->nwords < x->command->min)
		say_fatal(SAY_USAGE, "%s what? " USAGE_HINT, x->command->name);
	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if ((x->given & ~x->command->options & names[i].bit) != 0)
			say_fatal(SAY_USAGE,
			    "%s does not go with %s: " USAGE_HINT,
			    names[i].text, x->command->name);
	if ((x->given & CTL_JSON) != 0 && (x->given & CTL_NAMES) != 0)
		say_fatal(SAY_USAGE, "--json and --names exclude each other");
}

/* Options may stand anywhere; behind "--" there are words alone. */
void
options_parse(struct ctl_options *x, const struct ctl_command *commands,
    int argc, char **argv)
{
	int letter;

	*x = (struct ctl_options){ .timeout_ms = -1,
		.every_ms = OPTIONS_EVERY_MS };
	while ((letter = getopt_long(argc, argv, "-:w:", options_list, NULL)) !=
	    -1) {
		if (letter == OPTIONS_WORD)
			options_take_word(x, commands, optarg);
		else
			options_take(x, letter, argv[optind - 1]);
	}
	for (; optind < argc; optind++)
		options_take_word(x, commands, argv[optind]);
	options_check(x);
}
