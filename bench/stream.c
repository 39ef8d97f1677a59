/*
 * One connection with much to say: how long that takes.
 *
 * Prints the nanoseconds from the reply, or from the connection if no name is
 * asked for, until the last byte has gone there and the end has come back, the
 * end has come from there, or the last echo is back.
 *
 * usage: stream [-n name] port (up | down) bytes
 *        stream [-n name] port trips count
 */

#include <sys/socket.h>

#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "dial.h"
#include "number.h"

#define CHUNK    131072
#define TRIP_LEN 64

static char chunk[CHUNK];

static long
now(void)
{
	struct timespec t;

	if (clock_gettime(CLOCK_MONOTONIC, &t) == -1)
		err(1, "clock_gettime");
	return t.tv_sec * 1000000000 + t.tv_nsec;
}

static void
send_all(int fd, const char *p, size_t len)
{
	ssize_t n;

	for (; len > 0; p += n, len -= (size_t)n) {
		n = send(fd, p, len, MSG_NOSIGNAL);
		if (n == -1)
			err(1, "send");
	}
}

static void
ask(int fd, const char *name)
{
	char line[256], c = '\0';
	int len;
	bool first;

	len = snprintf(line, sizeof(line), "%s\r\n", name);
	if (len < 0 || len >= (int)sizeof(line))
		errx(64, "the name is too long");
	send_all(fd, line, (size_t)len);
	for (first = true; c != '\n'; first = false)
		if (recv(fd, &c, 1, 0) != 1 || (first && c != '+'))
			errx(1, "%s: refused", name);
}

static void
up(int fd, long bytes)
{
	long left = bytes;

	for (; left > 0; left -= left < CHUNK ? left : CHUNK)
		send_all(fd, chunk, (size_t)(left < CHUNK ? left : CHUNK));
	if (shutdown(fd, SHUT_WR) == -1 || recv(fd, chunk, CHUNK, 0) != 0)
		err(1, "the end");
}

static void
down(int fd, long bytes)
{
	long total = 0;
	ssize_t n;

	while ((n = recv(fd, chunk, CHUNK, 0)) > 0)
		total += n;
	if (n == -1 || total != bytes)
		errx(1, "%ld of %ld bytes came", total, bytes);
}

static void
trips(int fd, long count)
{
	for (; count > 0; count--) {
		send_all(fd, chunk, TRIP_LEN);
		if (recv(fd, chunk, TRIP_LEN, MSG_WAITALL) != TRIP_LEN)
			err(1, "recv");
	}
}

int
main(int argc, char *argv[])
{
	const char *name = NULL;
	const int on = 1;
	long amount, begin;
	int c, fd;

	while ((c = getopt(argc, argv, "n:")) != -1) {
		if (c != 'n')
			return 64;
		name = optarg;
	}
	if (argc - optind != 3)
		errx(64, "usage: stream [-n name] port what amount");
	fd = dial((in_port_t)number(argv[optind], 65535));
	if (fcntl(fd, F_SETFL, 0) == -1 ||
	    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on)) == -1)
		err(1, "socket");
	amount = number(argv[optind + 2], 1L << 40);
	if (name != NULL)
		ask(fd, name);
	begin = now();
	if (strcmp(argv[optind + 1], "up") == 0)
		up(fd, amount);
	else if (strcmp(argv[optind + 1], "down") == 0)
		down(fd, amount);
	else
		trips(fd, amount);
	if (printf("%ld\n", now() - begin) < 0)
		err(1, "stdout");
	return 0;
}
