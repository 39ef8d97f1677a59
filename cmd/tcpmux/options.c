/*
 * Understands the command line of tcpmux; whatever is wrong with it ends the
 * program with one sentence.
 */

#include <getopt.h>
#include <stdlib.h>
#include <string.h>

#include "cmd/say.h"
#include "cmd/tcpmux/options.h"
#include "cmd/usage.h"

/* What an option without a letter is called. */
enum options_long {
	OPTIONS_EAGER = 256,
	OPTIONS_FOLLOW,
	OPTIONS_HELP,
	OPTIONS_JSON,
	OPTIONS_LENIENT,
	OPTIONS_SRV,
	OPTIONS_VERSION,
	OPTIONS_WAIT,
};

/* The descriptors of UCSPI's tcpclient, and of a program under inetd. */
#define OPTIONS_FD_UCSPI 6
#define OPTIONS_FD_INETD 0

static const struct option options_list[] = {
	{ "eager", no_argument, NULL, OPTIONS_EAGER },
	{ "follow", no_argument, NULL, OPTIONS_FOLLOW },
	{ "help", no_argument, NULL, OPTIONS_HELP },
	{ "json", no_argument, NULL, OPTIONS_JSON },
	{ "lenient", no_argument, NULL, OPTIONS_LENIENT },
	{ "srv", no_argument, NULL, OPTIONS_SRV },
	{ "version", no_argument, NULL, OPTIONS_VERSION },
	{ "wait", required_argument, NULL, OPTIONS_WAIT },
	{ NULL, 0, NULL, 0 },
};

static const char options_usage[] =
    "usage: tcpmux [options] HOST                 list the services there\n"
    "       tcpmux [options] HOST NAME [NAME...]  connect to one, as nc does;\n"
    "                                             through further TCPMUXes\n"
    "\n"
    "HOST is a name or an address, HOST:PORT, [V6]:PORT, unix:PATH or\n"
    "tcpmux://HOST:PORT/NAME.  Without PORT it is $TCPMUX_PORT, or 1.\n"
    "\n"
    "  -4, -6          IPv4 or IPv6 only\n"
    "  -w SECONDS      give up a connection that is not made by then\n"
    "  -v              say whom it reaches, how many bytes, and how fast\n"
    "  -L [BIND:]PORT:NAME, -L unix:PATH:NAME\n"
    "                  listen here, and connect each client to NAME there\n"
    "  -F              pass the connection to standard output (for ssh's\n"
    "                  ProxyUseFdpass)\n"
    "  -e PROGRAM ...  run a program on it, as descriptors 6 and 7 (UCSPI)\n"
    "  -E PROGRAM ...  the same, as descriptors 0 and 1\n"
    "  --wait SECONDS  try again until the name is there\n"
    "  --json          write the list as JSON\n"
    "  --srv           look for the host and port in the DNS first\n"
    "  --lenient       take replies that end with LF alone\n"
    "  --follow        go where a reply of @host:port says, once\n"
    "  --eager         send all names at once; see tcpmux(1) before\n"
    "  --help, --version\n";

/* One thing is done at a time. */
static void
options_set_act(struct options *options, enum options_act act)
{
	if (options->act != OPTIONS_LIST && options->act != act)
		say_fatal(SAY_USAGE,
		    "-L, -F, -e and -E exclude one another: give one of them");
	options->act = act;
}

static void
options_add_local(struct options *options, const char *text)
{
	struct local *local;
	int err;

	options_set_act(options, OPTIONS_FORWARD);
	local =
	    reallocarray(options->locals, options->nlocals + 1, sizeof(*local));
	if (local == NULL)
		say_fatal(SAY_SYSTEM, "there is no memory left");
	options->locals = local;
	local += options->nlocals++;
	err = local_parse(local, text);
	if (err != 0)
		say_fatal(SAY_USAGE, "-L %s %s", text, local_strerror(err));
}

static void
options_set_host(struct options *options, const char *text)
{
	struct plan *plan = &options->plan;
	int err = target_parse(&options->target, text);

	if (err != 0)
		say_fatal(SAY_USAGE, "%s %s",
		    *text == '\0' ? "the empty word" : text,
		    target_strerror(err));
	plan->where = text;
	if (options->target.name[0] != '\0')
		plan->names[plan->nnames++] = options->target.name;
}

/* A word that is no option. */
static void
options_add_word(struct options *options, const char *text)
{
	struct plan *plan = &options->plan;
	const struct tcpmux_span name = { text, strlen(text) };

	if (plan->where == NULL) {
		options_set_host(options, text);
		return;
	}
	if (tcpmux_check_name(name) != 0)
		say_fatal(SAY_USAGE,
		    "%s is no name of a service: it has 1 to %d characters of "
		    "ASCII, and no space",
		    *text == '\0' ? "the empty word" : text, TCPMUX_NAME_MAX);
	plan->names[plan->nnames++] = text;
}

/* All words behind -e and -E are the program's. */
static void
options_set_program(struct options *options, char **argv, int fd)
{
	options_set_act(options, OPTIONS_RUN);
	argv[optind - 1] = optarg; /* -ePROGRAM is one word, too */
	options->program = argv + optind - 1;
	options->program_fd = fd;
}

static void
options_take_long(struct options *options, int letter)
{
	struct plan *plan = &options->plan;

	switch (letter) {
	case OPTIONS_EAGER:
		plan->flags |= TCPMUX_CALL_EAGER;
		break;
	case OPTIONS_FOLLOW:
		plan->flags |= TCPMUX_CALL_FOLLOW;
		break;
	case OPTIONS_LENIENT:
		plan->flags |= TCPMUX_CALL_LENIENT;
		break;
	case OPTIONS_JSON:
		options->json = true;
		break;
	case OPTIONS_SRV:
		options->srv = true;
		break;
	case OPTIONS_WAIT:
		plan->patience_ms = usage_parse_seconds("--wait", optarg);
		break;
	case OPTIONS_HELP:
		usage_show(options_usage);
	case OPTIONS_VERSION:
		usage_show("tcpmux " TCPMUX_VERSION "\n");
	default: /* getopt_long() knows no others */
		break;
	}
}

static void
options_take(struct options *options, int letter, char **argv)
{
	struct plan *plan = &options->plan;

	switch (letter) {
	case 1:
		options_add_word(options, optarg);
		break;
	case '4':
		plan->flags |= TCPMUX_CALL_IPV4;
		break;
	case '6':
		plan->flags |= TCPMUX_CALL_IPV6;
		break;
	case 'w':
		plan->timeout_ms = usage_parse_seconds("-w", optarg);
		break;
	case 'v':
		plan->verbose = true;
		break;
	case 'L':
		options_add_local(options, optarg);
		break;
	case 'F':
		options_set_act(options, OPTIONS_PASS);
		break;
	case 'e':
		options_set_program(options, argv, OPTIONS_FD_UCSPI);
		break;
	case 'E':
		options_set_program(options, argv, OPTIONS_FD_INETD);
		break;
	case '?':
	case ':':
		usage_refuse(letter, argv[optind - 1]);
	default:
		options_take_long(options, letter);
		break;
	}
}

/* HELP is no service but the list, of whatever is in front of it. */
static void
options_set_names(struct options *options)
{
	static const struct tcpmux_span help = { "HELP", 4 };
	struct plan *plan = &options->plan;
	const char *last = plan->names[plan->nnames - 1];
	const struct tcpmux_span name = { last, strlen(last) };

	if (tcpmux_compare_names(name, help) == 0)
		plan->nnames--;
	else
		options->act = OPTIONS_JOIN;
}

/* What does not go together. */
static void
options_check(struct options *options)
{
	struct plan *plan = &options->plan;
	const unsigned int both = TCPMUX_CALL_IPV4 | TCPMUX_CALL_IPV6;

	if (plan->where == NULL)
		say_fatal(SAY_USAGE, "which host? " USAGE_HINT);
	if (options->act == OPTIONS_LIST && plan->nnames > 0)
		options_set_names(options);
	if ((options->act == OPTIONS_PASS || options->act == OPTIONS_RUN) &&
	    plan->nnames == 0)
		say_fatal(SAY_USAGE, "connect to which service? " USAGE_HINT);
	if (options->json && options->act != OPTIONS_LIST)
		say_fatal(SAY_USAGE,
		    "--json is for lists: leave it, or the name, away");
	if (options->act == OPTIONS_FORWARD && plan->patience_ms != 0)
		say_fatal(SAY_USAGE,
		    "--wait is not for -L, which tries for each client: leave "
		    "it away");
	if ((plan->flags & both) == both)
		say_fatal(SAY_USAGE, "-4 and -6 exclude one another");
	if (options->srv &&
	    (options->target.port != 0 || target_is_numeric(&options->target)))
		say_fatal(SAY_USAGE,
		    "--srv looks a name up and finds the port: write a host's "
		    "name alone, or leave --srv away");
}

/* One place, and the port that the environment says if nobody else does. */
static void
options_set_place(struct options *options)
{
	struct plan_place *place = options->plan.places;
	const char *text = getenv("TCPMUX_PORT");

	memcpy(place->host, options->target.host, sizeof(place->host));
	place->port = options->target.port;
	if (place->port == 0 && text != NULL && *text != '\0') {
		place->port = target_parse_port(text);
		if (place->port == 0)
			say_fatal(SAY_USAGE,
			    "$TCPMUX_PORT is %s, and no port: set it to 1 to "
			    "65535, or to nothing",
			    text);
	}
	options->plan.nplaces = 1;
}

void
options_parse(struct options *options, int argc, char **argv)
{
	int letter;

	*options = (struct options){ .plan.timeout_ms = -1 };
	/* Never more names than words, but for the one in a URL. */
	options->plan.names = calloc((size_t)argc + 1, sizeof(char *));
	if (options->plan.names == NULL)
		say_fatal(SAY_SYSTEM, "there is no memory left");
	/*
	 * The first - has words taken in their order; -e can be behind them,
	 * and all behind it are the program's.
	 */
	while (options->program == NULL &&
	    (letter = getopt_long(argc, argv, "-:46w:vL:Fe:E:", options_list,
		 NULL)) != -1)
		options_take(options, letter, argv);
	while (options->program == NULL && optind < argc)
		options_add_word(options, argv[optind++]);
	options_check(options);
	options_set_place(options);
}

void
options_clear(struct options *options)
{
	free(options->plan.names);
	free(options->locals);
}
