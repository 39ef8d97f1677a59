/*
 * in.tcpmuxd against any client and any kernel, for Frama-C Eva.
 *
 * Every system call may fail with any error, and every byte that is read may
 * be any byte, in any segments.  Frama-C's own library lacks two calls that
 * are declared here first, and the headers that stand in include/.
 */

#include <poll.h>
#include <signal.h>
#include <stddef.h>
#include <time.h>

#include "__fc_builtin.h"

int ppoll(struct pollfd *, nfds_t, const struct timespec *, const sigset_t *);
long syscall(long, ...);

#define main in_tcpmuxd
#include "../../daemon/in.tcpmuxd.c"
#undef main

int default_mode(void);
int classic_mode(void);

static int
any_failure(void)
{
	errno = Frama_C_interval(1, 133);
	return -1;
}

ssize_t
read(int fd, void *buf, size_t n)
{
	int len;

	//@ assert fd == STDIN_FILENO && n <= TCPMUX_REQUEST_MAX;
	if (Frama_C_nondet(0, 1))
		return any_failure();
	len = Frama_C_interval(0, (int)n);
	Frama_C_make_unknown(buf, (size_t)len);
	return len;
}

ssize_t
write(int fd, const void *buf, size_t n)
{
	(void)fd, (void)buf;
	if (Frama_C_nondet(0, 1))
		return any_failure();
	return Frama_C_interval(0, n < 4096 ? (int)n : 4096);
}

int
ppoll(struct pollfd *p, nfds_t n, const struct timespec *left,
    const sigset_t *mask)
{
	//@ assert n == 1;
	//@ assert left == NULL || 0 <= left->tv_sec;
	//@ assert left == NULL || 0 <= left->tv_nsec <= 999999999;
	(void)mask;
	p->revents = (short)Frama_C_interval(0, 63);
	if (Frama_C_nondet(0, 1))
		return any_failure();
	return Frama_C_interval(0, 1);
}

int
clock_gettime(clockid_t clock, struct timespec *ts)
{
	(void)clock;
	ts->tv_sec = Frama_C_interval(0, 2000000000);
	ts->tv_nsec = Frama_C_interval(0, 999999999);
	return 0;
}

int
shutdown(int fd, int how)
{
	(void)fd, (void)how;
	return Frama_C_nondet(0, 1) ? any_failure() : 0;
}

int
setsockopt(int fd, int level, int name, const void *value, socklen_t len)
{
	(void)fd, (void)level, (void)name, (void)value, (void)len;
	return Frama_C_nondet(0, 1) ? any_failure() : 0;
}

int
fstat(int fd, struct stat *st)
{
	(void)fd;
	Frama_C_make_unknown((char *)st, sizeof(*st));
	return Frama_C_nondet(0, 1) ? any_failure() : 0;
}

long
syscall(long nr, ...)
{
	(void)nr;
	return Frama_C_nondet(0, 1) ? any_failure() : 0;
}

/* The options of the mode, one after the other, as getopt_long(3) does it. */
static int modes[2];
static int next_mode;

int
getopt_long(int argc, char *const argv[], const char *shorts,
    const struct option *longs, int *index)
{
	static char seconds[4];

	(void)argv, (void)shorts, (void)longs, (void)index;
	optind = argc;
	if (next_mode == 2)
		return -1;
	seconds[0] = (char)Frama_C_interval(-128, 127);
	seconds[1] = (char)Frama_C_interval(-128, 127);
	seconds[2] = (char)Frama_C_interval(-128, 127);
	optarg = seconds;
	return modes[next_mode++];
}

int
default_mode(void)
{
	char *argv[] = { "in.tcpmuxd", NULL };

	modes[0] = Frama_C_nondet('w', -1);
	modes[1] = Frama_C_nondet('l', -1);
	return in_tcpmuxd(1, argv);
}

int
classic_mode(void)
{
	char *argv[] = { "in.tcpmuxd", NULL };

	modes[0] = 'c';
	modes[1] = Frama_C_nondet('w', -1);
	return in_tcpmuxd(1, argv);
}
