/*
 * Prints all that a program finds out about itself when it starts, one fact a
 * line, a key and its values; then copies standard input to its output.
 *
 * With arguments, each is done in turn instead of the copying: "exit N",
 * "signal N", "say TEXT" and "stderr TEXT", the TEXT with \n in it, "flood N"
 * lines on standard error, "wait" for the end of standard input.
 */

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

/* Descriptors that are looked at. */
#define FDS_MAX 4096

extern char **environ;

static void
show_vector(const char *key, char *const v[])
{
	for (; *v != NULL; v++)
		printf("%s %s\n", key, *v);
}

static void
show_ids(void)
{
	uid_t r, e, s;
	gid_t gr, ge, gs, groups[64];
	int i, n;

	if (getresuid(&r, &e, &s) == -1 || getresgid(&gr, &ge, &gs) == -1)
		exit(EXIT_FAILURE);
	printf("uid %u %u %u\n", r, e, s);
	printf("gid %u %u %u\n", gr, ge, gs);
	n = getgroups(64, groups);
	printf("groups");
	for (i = 0; i < n; i++)
		printf(" %u", groups[i]);
	printf("\n");
}

/* Capabilities, no_new_privs, seccomp and the masks of signals. */
static void
show_status(void)
{
	static const char *const keys[] = { "Cap", "NoNewPrivs",
		"Seccomp:", "SigBlk", "SigIgn", "SigCgt" };
	FILE *file = fopen("/proc/self/status", "re");
	char line[256];
	size_t i;

	if (file == NULL)
		return;
	while (fgets(line, sizeof(line), file) != NULL)
		for (i = 0; i < sizeof(keys) / sizeof(keys[0]); i++)
			if (strncmp(line, keys[i], strlen(keys[i])) == 0) {
				line[strcspn(line, ":")] = ' ';
				fputs(line, stdout);
			}
	fclose(file);
}

/* Number, what it is, close-on-exec, blocking. */
static void
show_fds(void)
{
	char path[64], target[256];
	int fd, flags;
	ssize_t n;

	for (fd = 0; fd < FDS_MAX; fd++) {
		flags = fcntl(fd, F_GETFL);
		if (flags == -1)
			continue;
		snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
		n = readlink(path, target, sizeof(target) - 1);
		target[n > 0 ? n : 0] = '\0';
		printf("fd %d %s %s %s\n", fd, target,
		    flags & O_NONBLOCK ? "nonblocking" : "blocking",
		    fcntl(fd, F_GETFD) & FD_CLOEXEC ? "closed" : "kept");
	}
}

static void
show_limits(void)
{
	struct rlimit limit;
	int i;

	for (i = 0; i < RLIM_NLIMITS; i++)
		if (getrlimit((__rlimit_resource_t)i, &limit) == 0)
			printf("rlimit %d %lld %lld\n", i,
			    (long long)limit.rlim_cur,
			    (long long)limit.rlim_max);
}

static void
show_rest(void)
{
	const mode_t mask = umask(0);
	char cwd[4096];

	printf("pid %d\n", (int)getpid());
	printf("session %d %d\n", (int)getsid(0), (int)getpgrp());
	printf("terminal %s\n", open("/dev/tty", O_RDWR) == -1 ? "no" : "yes");
	printf("umask %03o\n", (unsigned int)mask);
	printf("nice %d\n", getpriority(PRIO_PROCESS, 0));
	printf("dumpable %d\n", prctl(PR_GET_DUMPABLE));
	printf("cwd %s\n", getcwd(cwd, sizeof(cwd)) == NULL ? "" : cwd);
}

static void
copy(FILE *to)
{
	char buf[65536];
	ssize_t n;

	while ((n = read(STDIN_FILENO, buf, sizeof(buf))) > 0)
		if (to != NULL) {
			fwrite(buf, 1, (size_t)n, to);
			fflush(to);
		}
}

/* Write text with its \n made lines. */
static void
say(FILE *to, const char *text)
{
	for (; *text != '\0'; text++)
		if (text[0] == '\\' && text[1] == 'n') {
			putc('\n', to);
			text++;
		} else
			putc(*text, to);
	fflush(to);
}

static void
flood(long lines)
{
	long i;

	for (i = 0; i < lines; i++)
		fprintf(stderr, "line %ld\n", i);
}

/* Do what one argument says, with its value. */
static void
obey(const char *verb, const char *value)
{
	if (strcmp(verb, "exit") == 0)
		exit(atoi(value));
	if (strcmp(verb, "signal") == 0)
		raise(atoi(value));
	if (strcmp(verb, "say") == 0)
		say(stdout, value);
	if (strcmp(verb, "stderr") == 0)
		say(stderr, value);
	if (strcmp(verb, "flood") == 0)
		flood(atol(value));
	if (strcmp(verb, "wait") == 0)
		copy(NULL);
}

int
main(int argc, char *argv[])
{
	int i;

	if (argc > 2) {
		for (i = 1; i + 1 < argc; i += 2)
			obey(argv[i], argv[i + 1]);
		return EXIT_SUCCESS;
	}
	show_fds();
	show_vector("argv", argv);
	show_vector("env", environ);
	show_ids();
	show_status();
	show_limits();
	show_rest();
	printf("end\n");
	fflush(stdout);
	copy(stdout);
	return EXIT_SUCCESS;
}
