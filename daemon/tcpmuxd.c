/*
 * tcpmuxd: the TCPMUX server (RFC 1078).  This file is its start: the command
 * line, and what is asked of it besides serving.
 */

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sysexits.h>
#include <unistd.h>

#include "conf/conf.h"
#include "daemon/monitor/monitor.h"
#include "daemon/setup/gather.h"
#include "daemon/setup/show.h"
#include "os/descriptor.h"
#include "os/execute.h"
#include "os/log.h"
#include "os/number.h"
#include "os/socket.h"
#include "table/limits.h"

/* What is to be done. */
enum act {
	ACT_SERVE,
	ACT_CHECK,   /* -t */
	ACT_PRINT,   /* -T */
	ACT_EXPLAIN, /* --explain NAME [ADDRESS] */
	ACT_IMPORT   /* --import FILE */
};

struct options {
	struct setup setup;
	enum act act;
	const char *subject; /* the NAME or FILE of the act */
	const char *address; /* or NULL */
};

#define USAGE                                                               \
	"usage: tcpmuxd [-tT] [-f FILE] [-l ADDRESS:PORT]... [-w SECONDS] " \
	"[--lenient] [--explain NAME [ADDRESS]] [--import FILE] "           \
	"[--help] [--version]"

static _Noreturn void
usage(void)
{
	log_fatal(EX_USAGE, USAGE);
}

/* Say what was asked for, and do nothing else. */
static _Noreturn void
tell(const char *text)
{
	if (puts(text) == EOF || fflush(stdout) == EOF)
		log_fatal(EX_IOERR, "standard output: %s", strerror(errno));
	exit(EX_OK);
}

/* No socket may take the place of any of the standard three. */
static void
settle_standard(void)
{
	int fd;

	do {
		fd = open("/dev/null", O_RDWR | O_CLOEXEC);
		if (fd == -1)
			log_fatal(EX_OSERR, "/dev/null: %s", strerror(errno));
	} while (fd <= STDERR_FILENO);
	(void)close(fd); /* /dev/null has nothing to lose */
}

/* Who serves talks to nobody but by his sockets. */
static void
leave_standard(void)
{
	const int fd = open("/dev/null", O_RDWR | O_CLOEXEC);

	if (fd == -1 || dup2(fd, STDIN_FILENO) == -1 ||
	    dup2(fd, STDOUT_FILENO) == -1)
		log_fatal(EX_OSERR, "/dev/null: %s", strerror(errno));
}

/* Whatever else was inherited, or left open by looking up a user. */
static void
close_others(const struct supervisor *s, int link)
{
	if (supervisor_keep(s, link) == -1)
		log_fatal(EX_OSERR, "close_range: %s", strerror(errno));
	if (link != -1 && fcntl(link, F_SETFD, FD_CLOEXEC) == -1)
		log_fatal(EX_USAGE, SETUP_INHERIT ": %s", strerror(errno));
}

/* As many connections as the administrator's hard limit allows. */
static void
raise_nofile(void)
{
	struct rlimit r;

	if (getrlimit(RLIMIT_NOFILE, &r) == -1)
		log_fatal(EX_OSERR, "getrlimit: %s", strerror(errno));
	r.rlim_cur = r.rlim_max;
	if (setrlimit(RLIMIT_NOFILE, &r) == -1)
		log_fatal(EX_OSERR, "setrlimit: %s", strerror(errno));
}

static void
add_listen(struct setup *s, const char *text)
{
	struct address a[2];

	if (s->nlisten == TABLE_LISTENERS_MAX)
		log_fatal(EX_USAGE, "more than %d times -l",
		    TABLE_LISTENERS_MAX);
	if (address_parse(text, a) == -1)
		log_fatal(EX_USAGE,
		    "-l %s: not an ADDRESS:PORT; write "
		    "127.0.0.1:1, '[::1]:1' or '*:1'",
		    text);
	s->listen[s->nlisten++] = text;
}

static int
parse_wait(const char *text)
{
	int s;

	if (number_parse(text, LIMIT_WAIT_MAX_S, &s) == -1 || s == 0)
		log_fatal(EX_USAGE,
		    "-w %s: not a number of seconds from 1 to %d", text,
		    LIMIT_WAIT_MAX_S);
	return s;
}

/* One act at a time. */
static void
set_act(struct options *o, enum act act, const char *subject)
{
	if (o->act != ACT_SERVE)
		usage();
	o->act = act;
	o->subject = subject;
}

static void
parse_options(struct options *o, int argc, char *argv[])
{
	static const struct option options[] = {
		{ "explain", required_argument, NULL, 'E' },
		{ "help", no_argument, NULL, 'H' },
		{ "import", required_argument, NULL, 'I' },
		{ "lenient", no_argument, NULL, 'L' },
		{ "version", no_argument, NULL, 'V' },
		{ NULL, 0, NULL, 0 },
	};
	int c;

	opterr = 0;
	while ((c = getopt_long(argc, argv, "f:l:tTw:", options, NULL)) != -1) {
		switch (c) {
		case 'E':
			set_act(o, ACT_EXPLAIN, optarg);
			break;
		case 'f':
			o->setup.file = optarg;
			break;
		case 'H':
			tell(USAGE);
		case 'I':
			set_act(o, ACT_IMPORT, optarg);
			break;
		case 'l':
			add_listen(&o->setup, optarg);
			break;
		case 'L':
			o->setup.lenient = true;
			break;
		case 't':
			set_act(o, ACT_CHECK, NULL);
			break;
		case 'T':
			set_act(o, ACT_PRINT, NULL);
			break;
		case 'V':
			tell("tcpmuxd " TCPMUX_VERSION);
		case 'w':
			o->setup.wait_s = parse_wait(optarg);
			break;
		default:
			usage();
		}
	}
	if (o->act == ACT_EXPLAIN && optind < argc)
		o->address = argv[optind++];
	if (optind != argc)
		usage();
}

/* Write text, which is freed, to standard output; returns an exit status. */
static int
put(char *text)
{
	const bool done =
	    text != NULL && fputs(text, stdout) != EOF && fflush(stdout) == 0;

	if (!done)
		log_say("standard output: %s", strerror(errno));
	free(text);
	return done ? EX_OK : EX_IOERR;
}

/* Show what is asked for of the table; returns an exit status. */
static int
show(const struct options *o, const struct table *t)
{
	bool good = true;

	if (o->act == ACT_PRINT)
		return put(conf_print(t));
	if (o->act == ACT_CHECK)
		show_table(t, stdout);
	else
		good = show_explain(t, o->subject, o->address, NULL, stdout);
	if (fflush(stdout) == 0 && ferror(stdout) == 0)
		return good ? EX_OK : EX_UNAVAILABLE;
	log_say("standard output: %s", strerror(errno));
	return EX_IOERR;
}

/* Carry the file over into our form; returns an exit status. */
static int
import(const char *file)
{
	char *text = gather_import(file);

	if (text != NULL)
		return put(text);
	log_say("%s: cannot be imported: %s", file, strerror(errno));
	return EX_NOINPUT;
}

static int
serve(const struct options *o, struct table *t)
{
	static struct supervisor supervisor;

	leave_standard();
	supervisor_init(&supervisor);
	close_others(&supervisor, o->setup.link);
	raise_nofile();
	return monitor_run(&o->setup, t, &supervisor);
}

/* The environment, of which some is removed soon. */
static char **
copy_environment(void)
{
	char **copy;
	size_t n;

	for (n = 0; environ[n] != NULL; n++)
		;
	copy = calloc(n + 1, sizeof(*copy));
	if (copy == NULL)
		log_fatal(EX_OSERR, "no memory for the environment");
	memcpy(copy, environ, n * sizeof(*copy));
	return copy;
}

/*
 * What the program before this one has said to it, in front of all else; the
 * rest of the command line is for both.
 */
static void
take_inheritance(struct setup *s, int *argc, char ***argv)
{
	s->link = -1;
	if (*argc >= 3 && strcmp((*argv)[1], SETUP_INHERIT) == 0) {
		if (number_parse((*argv)[2], INT_MAX, &s->link) == -1)
			usage();
		(*argv)[2] = (*argv)[0];
		*argv += 2;
		*argc -= 2;
	}
	s->argv = *argv;
	s->argc = (size_t)*argc;
	s->envp = copy_environment();
	s->program = execute_path();
}

int
main(int argc, char *argv[])
{
	static struct options options;
	struct table *t;
	int status;

	(void)signal(SIGPIPE, SIG_IGN); /* nobody may read standard error */
	settle_standard();
	take_inheritance(&options.setup, &argc, &argv);
	parse_options(&options, argc, argv);
	if (options.act == ACT_IMPORT)
		return import(options.subject);
	t = setup_read(&options.setup);
	if (t == NULL)
		return EX_CONFIG;
	if (options.act == ACT_SERVE)
		return serve(&options, t);
	status = show(&options, t);
	table_free(t);
	return status;
}
