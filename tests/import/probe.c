/*
 * A program for the services of test_import.py: says who and what it is, one
 * fact a line, with a word and a space in front.
 *
 * With the argument "answer" it gives the positive reply itself, before that;
 * with "hold" it stays until its client ends.
 */

#include <sys/resource.h>
#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <limits.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define DESCRIPTORS 1024
#define GROUPS      64

static const char *const variables[] = { "MARK", "TZ", "LC_ALL" };

static const struct {
	const char *name;
	int resource;
} limits[] = {
	{ "as", RLIMIT_AS },
	{ "cpu", RLIMIT_CPU },
	{ "stack", RLIMIT_STACK },
};

static bool
has_argument(int argc, char *argv[], const char *word)
{
	int i;

	for (i = 1; i < argc; i++)
		if (strcmp(argv[i], word) == 0)
			return true;
	return false;
}

static void
say_arguments(int argc, char *argv[])
{
	int i;

	(void)printf("argv0 %s\narguments", argv[0]);
	for (i = 1; i < argc; i++)
		(void)printf(" [%s]", argv[i]);
	(void)printf("\n");
}

static void
say_identity(void)
{
	gid_t groups[GROUPS];
	uid_t real, effective, saved;
	int i, n = getgroups(GROUPS, groups);

	(void)getresuid(&real, &effective, &saved); /* Cannot fail. */
	(void)printf("user %u %u %u\n", real, effective, saved);
	(void)getresgid(&real, &effective, &saved); /* Cannot fail. */
	(void)printf("group %u %u %u\ngroups", real, effective, saved);
	for (i = 0; i < n; i++)
		(void)printf(" %u", groups[i]);
	(void)printf("\n");
}

static void
say_surroundings(void)
{
	char directory[PATH_MAX];
	struct rlimit limit;
	size_t i;

	(void)printf("umask %03o\n", umask(0));
	(void)printf("nice %d\n", getpriority(PRIO_PROCESS, 0));
	(void)printf("directory %s\n",
	    getcwd(directory, sizeof(directory)) != NULL ? directory : "?");
	for (i = 0; i < sizeof(limits) / sizeof(limits[0]); i++)
		if (getrlimit((__rlimit_resource_t)limits[i].resource,
			&limit) == 0)
			(void)printf("%s %ld %ld\n", limits[i].name,
			    (long)limit.rlim_cur, (long)limit.rlim_max);
	(void)printf("environment");
	for (i = 0; i < sizeof(variables) / sizeof(variables[0]); i++)
		if (getenv(variables[i]) != NULL)
			(void)printf(" %s=%s", variables[i],
			    getenv(variables[i]));
	(void)printf("\n");
}

static void
say_descriptors(void)
{
	struct stat input, error;
	int fd;

	(void)printf("descriptors");
	for (fd = 0; fd < DESCRIPTORS; fd++)
		if (fcntl(fd, F_GETFD) != -1)
			(void)printf(" %d", fd);
	(void)printf("\nerrors %s\n",
	    fstat(0, &input) == 0 && fstat(2, &error) == 0 &&
		    input.st_ino == error.st_ino ?
		"connection" :
		"elsewhere");
	(void)printf("blocking %s\n",
	    (fcntl(0, F_GETFL) & O_NONBLOCK) == 0 ? "yes" : "no");
}

static void
say_signals(void)
{
	struct sigaction action;
	sigset_t blocked;
	int number;

	(void)printf("ignored");
	for (number = 1; number < NSIG; number++)
		if (sigaction(number, NULL, &action) == 0 &&
		    action.sa_handler == SIG_IGN)
			(void)printf(" %d", number);
	(void)sigprocmask(SIG_SETMASK, NULL, &blocked); /* Cannot fail. */
	(void)printf("\nblocked");
	for (number = 1; number < NSIG; number++)
		if (sigismember(&blocked, number) == 1)
			(void)printf(" %d", number);
	(void)printf("\n");
}

int
main(int argc, char *argv[])
{
	char byte;

	if (has_argument(argc, argv, "answer"))
		(void)printf("+answer\r\n");
	say_arguments(argc, argv);
	say_identity();
	say_surroundings();
	say_descriptors();
	say_signals();
	(void)printf("over yes\n");
	(void)fflush(stdout);
	while (has_argument(argc, argv, "hold") && read(0, &byte, 1) > 0)
		;
	return 0;
}
