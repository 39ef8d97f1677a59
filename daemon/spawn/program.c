/*
 * Starting a program on a connection: the one function that starts programs,
 * and every step of the child on its way.
 *
 * The child shares our memory until it has become the program, and we wait for
 * that long: to copy the page tables of a large configuration would take far
 * longer than all the rest.  It has a stack of its own, calls nothing that
 * takes memory or locks, and tells in struct starter how far it came.  We do
 * not wait as vfork() does, for ever: as soon as the child has its user's id,
 * any process of that user can stop it.
 *
 * Neither seccomp nor Landlock would be of use here: a program inherits both,
 * and it is to have all that its user may do.
 */

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <limits.h>
#include <linux/capability.h>
#include <linux/futex.h>
#include <netinet/in.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "daemon/logger/logger.h"
#include "daemon/spawn/program.h"
#include "os/clock.h"
#include "os/message.h"
#include "os/privilege.h"

/* As a login has it; a service may configure its own. */
#define DEFAULT_PATH \
	"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

/* As many descriptors as select() can take, unless configured. */
#define DEFAULT_NOFILE 1024

/* The stack of a child: a page or two are used, and one guards its end. */
#define STACK_SIZE  65536
#define STACK_GUARD 4096

/* The exit status of a child that could not become the program. */
#define STATUS_NOT_STARTED 127

static const char service_name[] = "TCPMUX_SERVICE=";

_Static_assert(sizeof(service_name) + TCPMUX_NAME_MAX <= PROGRAM_TEXT_MAX,
    "the longest name fits");

/* The length of a vector that ends with NULL, or is NULL. */
static size_t
count_strings(const char *const *v)
{
	size_t n = 0;

	while (v != NULL && v[n] != NULL)
		n++;
	return n;
}

/* The longest vectors of all services. */
static void
count_vectors(const struct table *t, size_t *nargv, size_t *nenvironment)
{
	const struct program *p;
	uint32_t i;
	size_t n;

	*nargv = *nenvironment = 0;
	for (i = 0; i < t->nservices; i++) {
		if (t->services[i].kind != SERVICE_EXEC)
			continue;
		p = &t->services[i].program;
		n = count_strings(p->argv);
		if (n > *nargv)
			*nargv = n;
		n = count_strings(p->environment);
		if (n > *nenvironment)
			*nenvironment = n;
	}
}

int
starter_init(struct starter *x, const struct generation *g)
{
	const int flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_STACK;
	size_t nargv, nenvironment;

	memset(x, 0, sizeof(*x));
	x->g = g;
	x->is_root = geteuid() == 0;
	count_vectors(g->table, &nargv, &nenvironment);
	nenvironment += PROGRAM_ENVIRONMENT;
	x->argv = calloc(nargv + 1, sizeof(*x->argv));
	x->environment = calloc(nenvironment, sizeof(*x->environment));
	x->stack = mmap(NULL, STACK_SIZE, PROT_READ | PROT_WRITE, flags, -1, 0);
	if (x->argv == NULL || x->environment == NULL ||
	    x->stack == MAP_FAILED ||
	    mprotect(x->stack, STACK_GUARD, PROT_NONE) == -1 ||
	    getrlimit(RLIMIT_NOFILE, &x->nofile) == -1)
		return -1;
	if (x->nofile.rlim_cur > DEFAULT_NOFILE)
		x->nofile.rlim_cur = DEFAULT_NOFILE;
	x->null = open("/dev/null", O_RDWR | O_CLOEXEC);
	return x->null == -1 ? -1 : 0;
}

/* The address of a socket's own end, in the form of a hand-over. */
static struct tcpmux_endpoint
endpoint_local(int fd)
{
	struct tcpmux_endpoint e = { .known = 0 };
	union {
		struct sockaddr sa;
		struct sockaddr_in in;
		struct sockaddr_in6 in6;
	} u;
	socklen_t len = sizeof(u);

	memset(&u, 0, sizeof(u));
	if (getsockname(fd, &u.sa, &len) == -1)
		return e;
	e.known = 1;
	if (u.sa.sa_family == AF_INET) {
		address_set_mapped(e.address, &u.in.sin_addr);
		e.port = ntohs(u.in.sin_port);
	} else {
		memcpy(e.address, &u.in6.sin6_addr, ADDRESS_BYTES);
		e.port = ntohs(u.in6.sin6_port);
	}
	return e;
}

/* Add NAME=address to the environment, and return its next place. */
static size_t
add_address(struct starter *x, size_t n, const char *name,
    const struct tcpmux_endpoint *e)
{
	const bool is_ipv4 = address_is_mapped(e->address);
	char host[INET6_ADDRSTRLEN] = "";

	/* Cannot fail: there is room for any address. */
	(void)inet_ntop(is_ipv4 ? AF_INET : AF_INET6,
	    is_ipv4 ? e->address + MAPPED_BYTES : e->address, host,
	    sizeof(host));
	(void)snprintf(x->text[n], sizeof(x->text[n]), "%s=%s", name, host);
	x->environment[n] = x->text[n];
	return n + 1;
}

static size_t
add_port(struct starter *x, size_t n, const char *name,
    const struct tcpmux_endpoint *e)
{
	(void)snprintf(x->text[n], sizeof(x->text[n]), "%s=%u", name,
	    (unsigned int)e->port);
	x->environment[n] = x->text[n];
	return n + 1;
}

/*
 * The environment of rule 32.  Nothing in it comes from the client but its
 * address; what is configured comes last, so that it cannot hide the rest.
 */
static void
fill_environment(struct starter *x, const struct tcpmux_handover *h, int fd)
{
	const char *const *more = x->service->program.environment;
	const struct tcpmux_endpoint local =
	    h->local.known ? h->local : endpoint_local(fd);
	bool has_path = false;
	size_t n = 0;

	x->environment[n++] = "PROTO=TCP";
	n = add_address(x, n, "TCPREMOTEIP", &h->peer);
	n = add_port(x, n, "TCPREMOTEPORT", &h->peer);
	n = add_address(x, n, "TCPLOCALIP", &local);
	n = add_port(x, n, "TCPLOCALPORT", &local);
	n = add_address(x, n, "REMOTE_ADDR", &h->peer);
	n = add_port(x, n, "REMOTE_PORT", &h->peer);
	(void)snprintf(x->text[n], sizeof(x->text[n]), "%s%s", service_name,
	    x->service->name);
	x->environment[n] = x->text[n];
	n++;
	for (; more != NULL && *more != NULL; more++) {
		if (strncmp(*more, "PATH=", strlen("PATH=")) == 0)
			has_path = true;
		x->environment[n++] = *more;
	}
	if (!has_path)
		x->environment[n++] = DEFAULT_PATH;
	x->environment[n] = NULL;
}

static void
fill_arguments(struct starter *x)
{
	const struct program *p = &x->service->program;
	size_t i = 0;

	do
		x->argv[i] = p->argv[i];
	while (p->argv[i++] != NULL);
	if (p->arg0 != NULL)
		x->argv[0] = p->arg0;
}

/*
 * From here to the end of the steps: the child.  Each returns 0, or -1 with
 * errno, and then nothing but the end of the child follows.
 */

/*
 * A session of its own: no terminal, and no signal that is meant for the
 * daemon's group.  All handlers are the default already.
 */
static int
take_session(struct starter *x)
{
	sigset_t none;

	(void)x;
	(void)sigemptyset(&none); /* cannot fail */
	return setsid() == -1 || sigprocmask(SIG_SETMASK, &none, NULL) == -1 ?
	    -1 :
	    0;
}

/*
 * A pipe to the logger.  When the log has no room for it, the program speaks
 * to nobody rather than fail.
 */
static int
take_log(const struct starter *x)
{
	struct logger_stderr m = { .kind = LOGGER_STDERR };
	int ends[2];

	m.service = x->place;
	m.process = (uint32_t)getpid();
	if (pipe2(ends, O_CLOEXEC) == -1)
		return -1;
	if (message_send(x->g->log.send, &m, sizeof(m), ends[0]) == -1)
		return dup2(x->null, STDERR_FILENO);
	return dup2(ends[1], STDERR_FILENO);
}

static int
take_stderr(const struct starter *x)
{
	switch (x->service->program.stderr_to) {
	case STDERR_LOG:
		return take_log(x);
	case STDERR_SOCKET:
		return dup2(x->fd, STDERR_FILENO);
	case STDERR_NULL:
		break;
	}
	return dup2(x->null, STDERR_FILENO);
}

/* 0 and 1 are the connection, and nothing is open but those and 2. */
static int
take_descriptors(struct starter *x)
{
	if (dup2(x->fd, STDIN_FILENO) == -1 ||
	    dup2(x->fd, STDOUT_FILENO) == -1 || take_stderr(x) == -1)
		return -1;
	return (int)syscall(SYS_close_range, STDERR_FILENO + 1, UINT_MAX, 0);
}

/* As root, still: limits may be raised, and nice lowered. */
static int
take_limits(struct starter *x)
{
	const struct program *p = &x->service->program;
	size_t i;

	(void)umask(p->umask); /* cannot fail */
	if (p->nice != 0 && setpriority(PRIO_PROCESS, 0, p->nice) == -1)
		return -1;
	if (setrlimit(RLIMIT_NOFILE, &x->nofile) == -1)
		return -1;
	for (i = 0; i < p->nrlimits; i++)
		if (setrlimit((__rlimit_resource_t)p->rlimits[i].resource,
			&p->rlimits[i].limit) == -1)
			return -1;
	return 0;
}

/*
 * Nothing that the program starts can get a capability from a file, either.
 * Behind no_new_privs that is a second wall, so it is not missed in a
 * container that does not let root have it.
 */
static void
drop_bounding_set(void)
{
	int capability;

	for (capability = 0; capability <= CAP_LAST_CAP; capability++)
		(void)prctl(PR_CAPBSET_DROP, capability, 0, 0, 0);
}

/* Become the configured user; only then is there no way back. */
static int
become_user(const struct program *p)
{
	if (setgroups(p->ngroups, p->groups) == -1 ||
	    setresgid(p->gid, p->gid, p->gid) == -1 ||
	    setresuid(p->uid, p->uid, p->uid) == -1)
		return -1;
	if ((p->uid != 0 && (setuid(0) != -1 || seteuid(0) != -1)) ||
	    (p->uid != 0 && p->gid != 0 && setgid(0) != -1)) {
		errno = EPERM;
		return -1;
	}
	return 0;
}

static int
take_user(struct starter *x)
{
	const struct program *p = &x->service->program;

	if (x->is_root) {
		if (p->uid != 0 && !p->new_privileges)
			drop_bounding_set();
		if (become_user(p) == -1)
			return -1;
	}
	/* Root keeps its capabilities, anybody else has none in any set. */
	if (geteuid() != 0 && privilege_keep(0) == -1)
		return -1;
	if (!p->new_privileges && prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == -1)
		return -1;
	return 0;
}

/* As the user: root would get to places where the user may not be. */
static int
take_directory(struct starter *x)
{
	const char *directory = x->service->program.directory;

	return chdir(directory != NULL ? directory : "/");
}

/* All that execve() looks at first, so that it has little left to say. */
static int
check_program(struct starter *x)
{
	const char *path = x->service->program.argv[0];
	struct stat st;

	if (stat(path, &st) == -1)
		return -1;
	if (!S_ISREG(st.st_mode)) {
		errno = EACCES;
		return -1;
	}
	return faccessat(AT_FDCWD, path, X_OK, AT_EACCESS);
}

/*
 * Say + as the last thing before the program does (rule 16).  A client that
 * reads nothing and has filled the socket is not waited for.
 */
static int
say_ok(struct starter *x)
{
	const struct tcpmux_span ok = x->service->ok;
	ssize_t n;

	if (x->service->service_replies)
		return 0;
	n = send(STDOUT_FILENO, ok.p, ok.len, MSG_DONTWAIT | MSG_NOSIGNAL);
	if (n == -1)
		return -1;
	x->answered = true;
	if ((size_t)n < ok.len) {
		errno = EAGAIN;
		return -1;
	}
	return 0;
}

static int
become_program(struct starter *x)
{
	/* It does not write to the vectors; its prototype is older. */
	return execve(x->service->program.argv[0], (char *const *)x->argv,
	    (char *const *)x->environment);
}

static const struct {
	const char *name;
	int (*take)(struct starter *x);
} steps[] = {
	{ "process", NULL }, /* to make one */
	{ "session", take_session },
	{ "descriptors", take_descriptors },
	{ "limits", take_limits },
	{ "user", take_user },
	{ "directory", take_directory },
	{ "program", check_program },
	{ "answer", say_ok },
	{ "exec", become_program },
};

static int
child_run(void *starter)
{
	const unsigned int nsteps = sizeof(steps) / sizeof(steps[0]);
	struct starter *x = starter;

	for (x->step = 1; x->step < nsteps; x->step++)
		if (steps[x->step].take(x) == -1) {
			x->error = errno;
			break;
		}
	_exit(STATUS_NOT_STARTED);
}

/*
 * Wait until the child has left our memory, by becoming the program or by its
 * end: the kernel then sets running to 0.  Returns false if it takes too long.
 * Until then errno is the child's as well, and says nothing.
 */
static bool
await_child(struct starter *x)
{
	const struct timespec wait = { PROGRAM_START_MS / 1000,
		PROGRAM_START_MS % 1000 * 1000000L };
	const int64_t deadline = clock_now() + PROGRAM_START_MS;
	int32_t running;

	while ((running = x->running) != 0) {
		if (clock_now() >= deadline)
			return false;
		(void)syscall(SYS_futex, &x->running, FUTEX_WAIT, running,
		    &wait, NULL, 0);
	}
	return true;
}

/* The only way by which anything is started (T1). */
int
program_start(struct starter *x, const struct tcpmux_handover *h, int fd,
    struct program_fault *fault)
{
	const int flags = CLONE_VM | CLONE_PIDFD | CLONE_CHILD_SETTID |
	    CLONE_CHILD_CLEARTID | SIGCHLD;
	int process = -1;
	pid_t pid;

	x->service = &x->g->table->services[h->service];
	x->place = h->service;
	x->fd = fd;
	x->step = 0;
	x->error = 0;
	x->answered = false;
	x->running = -1;
	fill_environment(x, h, fd);
	fill_arguments(x);
	pid = clone(child_run, x->stack + STACK_SIZE, flags, x, &process, NULL,
	    &x->running);
	if (pid == -1)
		x->error = errno;
	else if (!await_child(x)) {
		(void)kill(pid, SIGKILL); /* even if it is stopped */
		x->error = ETIMEDOUT;
	}
	x->pid = pid;
	if (x->error == 0)
		return process;
	if (pid != -1) {
		(void)waitpid(pid, NULL, 0); /* it has told why it ends */
		(void)close(process);
	}
	*fault = (struct program_fault){ steps[x->step].name, x->error,
		x->answered };
	return -1;
}
