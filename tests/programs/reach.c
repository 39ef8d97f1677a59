/*
 * A stranger's program that reaches a service and prints what it says.
 * usage: reach connect|poll|lenient|list|threads HOST PORT NAME
 */

#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <tcpmux.h>

#define THREADS 8
#define CALLS   20

static const char *host, *name;
static uint16_t port;

/* Reach the service by the function that waits. */
static int
reach_waiting(void)
{
	return tcpmux_connect(host, port, name, 10000);
}

/* Reach it from a loop of events, which is poll(2) here. */
static int
reach_polling(unsigned int flags)
{
	const struct tcpmux_target target = {
		.size = sizeof(target),
		.host = host,
		.port = port,
		.names = &name,
		.nnames = 1,
		.flags = flags,
		.timeout_ms = 10000,
	};
	struct tcpmux_call *call = tcpmux_call_new(&target);
	struct pollfd watched;
	int err, fd;

	if (call == NULL)
		return TCPMUX_ERR_SYSTEM;
	watched.fd = tcpmux_call_fd(call);
	watched.events = POLLIN;
	do {
		(void)poll(&watched, 1, -1);
		err = tcpmux_call_step(call);
	} while (err == TCPMUX_ERR_AGAIN);
	fd = err == 0 ? tcpmux_call_take(call) : err;
	tcpmux_call_free(call);
	return fd;
}

/* Print all that comes.  Returns the exit status. */
static int
print_all(int fd)
{
	char buf[4096];
	ssize_t n;

	if (fd < 0) {
		puts(tcpmux_strerror(fd));
		return 1;
	}
	while ((n = read(fd, buf, sizeof(buf))) > 0)
		if (write(STDOUT_FILENO, buf, (size_t)n) != n)
			return 1;
	return n != 0 || close(fd) == -1;
}

static int
print_name(const char *each, void *arg)
{
	(void)arg;
	return puts(each) == EOF;
}

/* Print the names.  Returns the exit status. */
static int
print_list(void)
{
	const int n = tcpmux_list(host, port, 10000, print_name, NULL);

	if (n < 0)
		puts(tcpmux_strerror(n));
	return n < 0;
}

static int
count(const char *each, void *arg)
{
	(void)each;
	++*(int *)arg;
	return 0;
}

/* Reach it again and again, in each way, and list; NULL if all is well. */
static void *
run(void *arg)
{
	char c;
	int fd, i, n;

	(void)arg;
	for (i = 0; i < CALLS; i++) {
		fd = i % 2 == 0 ? reach_waiting() : reach_polling(0);
		if (fd < 0 || read(fd, &c, 1) != 1 || close(fd) == -1)
			return &port;
		n = 0;
		if (tcpmux_list(host, port, 10000, count, &n) != n || n == 0)
			return &port;
	}
	return NULL;
}

static int
reach_from_threads(void)
{
	pthread_t threads[THREADS];
	void *result;
	int i, failed = 0;

	for (i = 0; i < THREADS; i++)
		if (pthread_create(&threads[i], NULL, run, NULL) != 0)
			return 1;
	for (i = 0; i < THREADS; i++)
		if (pthread_join(threads[i], &result) != 0 || result != NULL)
			failed++;
	printf("%d threads failed\n", failed);
	return failed != 0;
}

int
main(int argc, char *argv[])
{
	if (argc != 5)
		return 64;
	host = argv[2];
	port = (uint16_t)atoi(argv[3]);
	name = argv[4];
	if (strcmp(argv[1], "threads") == 0)
		return reach_from_threads();
	if (strcmp(argv[1], "list") == 0)
		return print_list();
	if (strcmp(argv[1], "poll") == 0)
		return print_all(reach_polling(0));
	if (strcmp(argv[1], "lenient") == 0)
		return print_all(reach_polling(TCPMUX_CALL_LENIENT));
	return print_all(reach_waiting());
}
