/*
 * tcpmuxd: the TCPMUX server (RFC 1078).  This file is its start: options,
 * sockets, and the way down from root.
 */

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <signal.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sysexits.h>
#include <unistd.h>

#include "daemon/monitor.h"
#include "os/log.h"
#include "os/number.h"
#include "os/privilege.h"
#include "os/sandbox.h"
#include "table/limits.h"

/* Where it listens unless -l says otherwise: port 1 of every address. */
#define LISTEN_DEFAULT "*:1"

struct options {
	struct mux mux;
	const char *listen[LISTENERS_MAX]; /* as they were typed */
	size_t nlisten;
};

static const char *const users[] = { "tcpmux", "nobody" };

static _Noreturn void
usage(void)
{
	log_fatal(EX_USAGE,
	    "usage: tcpmuxd [-l ADDRESS:PORT]... "
	    "[-w SECONDS] [--lenient]");
}

/*
 * Standard input and output are not used, and no socket may take the place
 * of any of the standard three.
 */
static void
settle_standard(void)
{
	int fd;

	do {
		fd = open("/dev/null", O_RDWR | O_CLOEXEC);
		if (fd == -1)
			log_fatal(EX_OSERR, "/dev/null: %s", strerror(errno));
	} while (fd <= STDERR_FILENO);
	if (dup2(fd, STDIN_FILENO) == -1 || dup2(fd, STDOUT_FILENO) == -1)
		log_fatal(EX_OSERR, "dup2: %s", strerror(errno));
	(void)close(fd); /* /dev/null has nothing to lose */
}

/* Whatever else was inherited, or left open by looking up a user. */
static void
close_others(void)
{
	if (syscall(SYS_close_range, STDERR_FILENO + 1, ~0U, 0) == -1)
		log_fatal(EX_OSERR, "close_range: %s", strerror(errno));
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

/* What the operator can do about a socket that cannot listen. */
static const char *
advice(int error)
{
	switch (error) {
	case EADDRINUSE:
		return "stop the server that has it, or choose another port "
		       "with -l";
	case EACCES:
	case EPERM:
		return "ports below 1024 are root's: start as root, or choose "
		       "another with -l, as in -l '*:10001'";
	case EADDRNOTAVAIL:
		return "this machine has no such address: see ip address";
	case EAFNOSUPPORT:
		return "this kernel does not speak this family of addresses";
	case EMFILE:
	case ENFILE:
		return "raise the limit of open files, ulimit -n";
	default:
		return "see tcpmuxd(8)";
	}
}

static int
add_listener(struct listeners *l, const struct address *a)
{
	struct listener *new = &l->v[l->n];

	if (l->n == LISTENERS_MAX)
		log_fatal(EX_USAGE, "more than %d sockets to listen on",
		    LISTENERS_MAX);
	new->address = *a;
	new->fd = socket_listen(&new->address);
	if (new->fd == -1)
		return -1;
	l->n++;
	return 0;
}

/* Listen on what text says, or end the daemon with the reason. */
static void
listen_on(struct listeners *l, const char *text)
{
	char name[ADDRESS_TEXT_MAX];
	struct address a[2];
	int error, i, n;

	n = address_parse(text, a);
	if (n == -1)
		log_fatal(EX_USAGE,
		    "-l %s: not an ADDRESS:PORT; write "
		    "127.0.0.1:1, '[::1]:1' or '*:1'",
		    text);
	for (i = 0; i < n; i++) {
		/* For *:0, both families have the port of the first. */
		if (i > 0)
			address_set_port(&a[i],
			    address_port(&l->v[l->n - 1].address));
		if (add_listener(l, &a[i]) == 0)
			continue;
		error = errno;
		if (i > 0 && (error == EAFNOSUPPORT || error == EADDRNOTAVAIL))
			continue; /* a * on a machine without IPv6 */
		address_format(&a[i], name);
		log_fatal(EX_OSERR, "cannot listen on %s: %s: %s", name,
		    strerror(error), advice(error));
	}
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

static void
parse_options(struct options *o, int argc, char *argv[])
{
	static const struct option options[] = {
		{ "lenient", no_argument, NULL, 'L' },
		{ NULL, 0, NULL, 0 },
	};
	int c;

	opterr = 0;
	while ((c = getopt_long(argc, argv, "l:w:", options, NULL)) != -1) {
		switch (c) {
		case 'l':
			if (o->nlisten == LISTENERS_MAX)
				log_fatal(EX_USAGE, "more than %d times -l",
				    LISTENERS_MAX);
			o->listen[o->nlisten++] = optarg;
			break;
		case 'L':
			o->mux.flags = TCPMUX_LENIENT;
			break;
		case 'w':
			o->mux.wait_ms = parse_wait(optarg) * 1000;
			break;
		default:
			usage();
		}
	}
	if (optind != argc)
		usage();
	if (o->nlisten == 0)
		o->listen[o->nlisten++] = LISTEN_DEFAULT;
}

int
main(int argc, char *argv[])
{
	static struct listeners listeners;
	static struct options options = {
		.mux = {
			.words = &words_default,
			.flags = TCPMUX_STRICT,
			.wait_ms = LIMIT_WAIT_S * 1000,
		},
	};
	struct account account;
	size_t i;

	(void)signal(SIGPIPE, SIG_IGN); /* nobody may read standard error */
	settle_standard();
	parse_options(&options, argc, argv);
	privilege_choose(&account, users, sizeof(users) / sizeof(users[0]));
	close_others();
	raise_nofile();
	for (i = 0; i < options.nlisten; i++)
		listen_on(&listeners, options.listen[i]);
	privilege_drop(&account);
	if (sandbox_prepare() == -1)
		log_fatal(EX_OSERR, "cannot confine the monitor: %s",
		    strerror(errno));
	return monitor_run(&options.mux, &listeners);
}
