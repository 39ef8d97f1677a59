/*
 * What the kernel tells of a server that is wrapped, by /proc.
 */

#include <dirent.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cmd/offer/watch.h"

/* Sockets of the machine that listen, and processes of a server, at most. */
#define SOCKETS_MAX   1024
#define PROCESSES_MAX 256

/* The state of a socket that listens, in /proc/net/tcp. */
#define STATE_LISTEN 0x0a

struct listening {
	unsigned long inode;
	uint16_t port;
};

struct sockets {
	size_t n;
	struct listening v[SOCKETS_MAX];
};

struct processes {
	size_t n;
	pid_t v[PROCESSES_MAX];
};

/*
 * Read a line of the kernel's table: number, local address and port, those of
 * the peer, state, and further on the inode.  Returns whether it listens.
 */
static bool
read_socket(char *line, struct listening *socket)
{
	enum {
		LOCAL = 1,
		STATE = 3,
		INODE = 9,
		FIELDS
	};
	char *fields[FIELDS], *colon, *rest = line;
	size_t i;

	for (i = 0; i < FIELDS; i++) {
		fields[i] = strtok_r(i == 0 ? line : NULL, " ", &rest);
		if (fields[i] == NULL)
			return false;
	}
	colon = strchr(fields[LOCAL], ':');
	if (colon == NULL || strtoul(fields[STATE], NULL, 16) != STATE_LISTEN)
		return false;
	socket->port = (uint16_t)strtoul(colon + 1, NULL, 16);
	socket->inode = strtoul(fields[INODE], NULL, 10);
	return true;
}

/* The sockets in one of the kernel's tables; none if it cannot be read. */
static void
read_sockets(struct sockets *s, const char *path)
{
	FILE *file = fopen(path, "re");
	char line[512];

	if (file == NULL)
		return;
	while (s->n < SOCKETS_MAX && fgets(line, sizeof(line), file) != NULL)
		if (read_socket(line, &s->v[s->n]))
			s->n++;
	(void)fclose(file); /* it was only read */
}

static void
add_process(struct processes *p, pid_t process)
{
	if (p->n < PROCESSES_MAX)
		p->v[p->n++] = process;
}

/* The children of each thread of a process. */
static void
add_children(struct processes *p, pid_t process)
{
	char path[64], child[16];
	struct dirent *thread;
	FILE *file;
	DIR *threads;

	(void)snprintf(path, sizeof(path), "/proc/%d/task", (int)process);
	threads = opendir(path);
	if (threads == NULL)
		return;
	while ((thread = readdir(threads)) != NULL) {
		(void)snprintf(path, sizeof(path),
		    "/proc/%d/task/%.10s/children", (int)process,
		    thread->d_name);
		file = fopen(path, "re");
		if (file == NULL)
			continue;
		while (fscanf(file, "%15s", child) == 1)
			add_process(p, (pid_t)strtol(child, NULL, 10));
		(void)fclose(file); /* it was only read */
	}
	(void)closedir(threads); /* likewise */
}

/* A process and all that descend from it. */
static void
add_tree(struct processes *p, pid_t process)
{
	size_t i;

	add_process(p, process);
	for (i = 0; i < p->n; i++)
		add_children(p, p->v[i]);
}

/*
 * Look at what each descriptor of a process leads to, until is() says that it
 * has found what it wanted, by other than 0.
 */
static uint16_t
each_descriptor(pid_t process,
    uint16_t (*is)(const char *target, const void *what), const void *what)
{
	char path[64], target[64];
	struct dirent *fd;
	uint16_t found = 0;
	DIR *folder;
	ssize_t n;

	(void)snprintf(path, sizeof(path), "/proc/%d/fd", (int)process);
	folder = opendir(path);
	if (folder == NULL)
		return 0;
	while (found == 0 && (fd = readdir(folder)) != NULL) {
		n = readlinkat(dirfd(folder), fd->d_name, target,
		    sizeof(target) - 1);
		if (n == -1)
			continue;
		target[n] = '\0';
		found = is(target, what);
	}
	(void)closedir(folder); /* it was only read */
	return found;
}

/* The port of a listening socket, or 0. */
static uint16_t
is_listening(const char *target, const void *what)
{
	static const char socket[] = "socket:[";
	const struct sockets *s = what;
	unsigned long inode;
	size_t i;

	if (strncmp(target, socket, sizeof(socket) - 1) != 0)
		return 0;
	inode = strtoul(target + sizeof(socket) - 1, NULL, 10);
	for (i = 0; i < s->n; i++)
		if (s->v[i].inode == inode)
			return s->v[i].port;
	return 0;
}

static uint16_t
is_io_uring(const char *target, const void *what)
{
	(void)what;
	return strcmp(target, "anon_inode:[io_uring]") == 0;
}

/* Keep only those that listen at port. */
static void
keep_port(struct sockets *s, uint16_t port)
{
	size_t i, n = 0;

	for (i = 0; i < s->n; i++)
		if (s->v[i].port == port)
			s->v[n++] = s->v[i];
	s->n = n;
}

uint16_t
watch_listening(pid_t process, uint16_t port)
{
	struct sockets sockets = { .n = 0 };
	struct processes processes = { .n = 0 };
	uint16_t found = 0;
	size_t i;

	read_sockets(&sockets, "/proc/net/tcp");
	read_sockets(&sockets, "/proc/net/tcp6");
	if (port != 0)
		keep_port(&sockets, port);
	if (sockets.n == 0)
		return 0;
	add_tree(&processes, process);
	for (i = 0; i < processes.n && found == 0; i++)
		found = each_descriptor(processes.v[i], is_listening, &sockets);
	return found;
}

bool
watch_io_uring(pid_t process)
{
	struct processes processes = { .n = 0 };
	bool found = false;
	size_t i;

	add_tree(&processes, process);
	for (i = 0; i < processes.n && !found; i++)
		found = each_descriptor(processes.v[i], is_io_uring, NULL) != 0;
	return found;
}

void
watch_signal_children(pid_t process, int number)
{
	struct processes children = { .n = 0 };
	size_t i;

	add_children(&children, process);
	for (i = 0; i < children.n; i++)
		(void)kill(children.v[i], number); /* or it has ended */
}
