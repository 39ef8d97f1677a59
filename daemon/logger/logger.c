/*
 * The logger: takes lines from the other processes, and the standard error of
 * programs, and writes them to the outlet.
 *
 * A program's output is cut into lines, each of a bounded length and with the
 * program's name in front.  Of lines that come too fast only the number is
 * told; they are read nevertheless, so that no program waits for us.
 */

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sysexits.h>
#include <unistd.h>

#include "daemon/logger/logger.h"
#include "daemon/logger/outlet.h"
#include "daemon/process.h"
#include "os/clock.h"
#include "os/log.h"
#include "os/loop.h"
#include "os/message.h"

/* Pipes at the most; a program whose pipe finds no place speaks to nobody. */
#define PIPES_MAX 8192

/* The most bytes of one line of a program. */
#define PIPE_LINE_MAX 512

/* What stands before it: our name, the service's, a process id. */
#define PIPE_HEAD_MAX (TCPMUX_NAME_MAX + 64)

_Static_assert(PIPE_HEAD_MAX + PIPE_LINE_MAX <= OUTLET_LINE_MAX,
    "a line of a program with what stands before it is a line of the log");

/* Messages taken at a time, before the pipes have their turn. */
#define MESSAGES_MAX 64

/*
 * Whoever sends a message wakes us, which costs more than all the rest of it.
 * So after each we hear none for so long, and then all that have come.  The
 * queue has room for some hundred, and whoever finds none waits, too.
 */
#define REST_MS 10

/* Messages taken at the end: more than can wait. */
#define LAST_MAX 4096

/* And reads of a pipe: all that one holds. */
#define LAST_READS_MAX 16

/* Descriptors that are for other things. */
#define FDS_RESERVED 16

#define SLOT_CONTROL UINT32_MAX
#define SLOT_SOCKET  (UINT32_MAX - 1)
#define SLOT_NONE    (UINT32_MAX - 2)

/* Lines of one program, so many and no more. */
static const struct rate pipe_rate = { 100, 1000 };

/* How many lines there have been since some moment. */
struct window {
	int64_t begin;
	uint32_t count;
};

/* The standard error of one program. */
struct pipe {
	int fd; /* -1: free */
	uint32_t generation;
	uint32_t next; /* free one */
	uint32_t service;
	uint32_t process;
	struct window window;
	uint32_t suppressed;
	uint32_t len;
	bool cut; /* the line goes on, but not here */
	char line[PIPE_LINE_MAX];
};

struct logger {
	const struct generation *g;
	int loop;
	struct pipe *pipes;
	uint32_t npipes;
	uint32_t used;        /* pipes used at least once */
	uint32_t free;        /* first free one of those */
	struct window window; /* of all programs */
	int64_t now;
	int64_t rest; /* no message is heard until then; 0: they are */
	struct outlet outlet;
};

/* All that is left to the logger once it reads what others say. */
static const struct sandbox_call calls[] = {
	{ .nr = SYS_recvmsg },
	{ SYS_sendmsg, 1, { { 2, MSG_DONTWAIT | MSG_NOSIGNAL } } },
	{ .nr = SYS_read },
	{ .nr = SYS_write },
	{ .nr = SYS_sendto },
	{ SYS_epoll_pwait, 1, { { 4, 0 } } }, /* with no signal mask */
	{ .nr = SYS_epoll_ctl },
	{ .nr = SYS_ppoll },
	{ SYS_fcntl, 1, { { 1, F_SETFL } } },
	{ .nr = SYS_close },
	{ .nr = SYS_clock_gettime },
	{ SYS_getrusage, 1, { { 0, RUSAGE_SELF } } },
	{ .nr = SYS_exit_group },
};

/* One more event, if there may be. */
static bool
window_enter(struct window *w, struct rate rate, int64_t now)
{
	if (rate.count == 0)
		return true;
	if (now - w->begin >= rate.period_ms) {
		w->begin = now;
		w->count = 0;
	}
	if (w->count == rate.count)
		return false;
	w->count++;
	return true;
}

/* Write a line of a program: its name, and what it has said. */
static void
pipe_say(struct logger *l, const struct pipe *p, const char *text, size_t len)
{
	const struct service *s = &l->g->table->services[p->service];
	char line[PIPE_HEAD_MAX + PIPE_LINE_MAX];
	size_t n;

	n = (size_t)snprintf(line, PIPE_HEAD_MAX, "tcpmuxd: %s[%u]: ", s->name,
	    (unsigned int)p->process);
	memcpy(line + n, text, len); /* the longest name leaves room for it */
	outlet_write(&l->outlet, line, n + len);
}

static void
pipe_tell_suppressed(struct logger *l, struct pipe *p)
{
	char text[64];
	int n;

	if (p->suppressed == 0)
		return;
	n = snprintf(text, sizeof(text), "suppressed=%u",
	    (unsigned int)p->suppressed);
	p->suppressed = 0;
	pipe_say(l, p, text, (size_t)n);
}

/* The line of a pipe is whole: write it, if it is within the budgets. */
static void
pipe_end_line(struct logger *l, struct pipe *p)
{
	const struct rate all = l->g->table->log.lines;

	if (p->len > 0 && p->line[p->len - 1] == '\r')
		p->len--;
	if (window_enter(&p->window, pipe_rate, l->now) &&
	    window_enter(&l->window, all, l->now)) {
		pipe_tell_suppressed(l, p);
		if (p->cut)
			memcpy(p->line + PIPE_LINE_MAX - 3, "...", 3);
		pipe_say(l, p, p->line, p->len);
	} else
		p->suppressed++;
	p->len = 0;
	p->cut = false;
}

static void
pipe_close(struct logger *l, struct pipe *p)
{
	if (p->len > 0)
		pipe_end_line(l, p);
	pipe_tell_suppressed(l, p);
	(void)close(p->fd); /* it has been read to its end */
	p->fd = -1;
	p->generation++;
	p->next = l->free;
	l->free = (uint32_t)(p - l->pipes);
}

/* Read some of a pipe.  Returns whether there may be more to come. */
static bool
pipe_read(struct logger *l, struct pipe *p)
{
	char buf[4096];
	ssize_t i, n;

	n = read(p->fd, buf, sizeof(buf));
	if (n <= 0)
		return n == -1 && errno == EAGAIN;
	for (i = 0; i < n; i++) {
		if (buf[i] == '\n')
			pipe_end_line(l, p);
		else if (p->len < PIPE_LINE_MAX)
			p->line[p->len++] = buf[i];
		else
			p->cut = true;
	}
	return true;
}

/* A free place for a pipe, or NULL. */
static struct pipe *
pipe_take(struct logger *l)
{
	struct pipe *p;

	if (l->free != SLOT_NONE) {
		p = &l->pipes[l->free];
		l->free = p->next;
		return p;
	}
	return l->used < l->npipes ? &l->pipes[l->used++] : NULL;
}

/* Read from fd, which is ours, what the program of m says. */
static void
logger_take_fd(struct logger *l, const struct logger_stderr *m, int fd)
{
	struct loop_id id;
	struct pipe *p;

	p = m->service < l->g->table->nservices ? pipe_take(l) : NULL;
	if (p == NULL) {
		(void)close(fd);
		return;
	}
	p->fd = fd;
	p->service = m->service;
	p->process = m->process;
	p->window = (struct window){ l->now, 0 };
	id.slot = (uint32_t)(p - l->pipes);
	id.generation = p->generation;
	/* It is a pipe, unless a sender has gone bad. */
	if (fcntl(fd, F_SETFL, O_NONBLOCK) == -1 ||
	    loop_watch_level(l->loop, fd, id) == -1)
		pipe_close(l, p);
}

static void
logger_take_text(struct logger *l, const char *text, size_t len)
{
	const char *const end = text + len;
	const char *newline;

	while (text < end) {
		newline = memchr(text, '\n', (size_t)(end - text));
		if (newline == NULL)
			newline = end;
		outlet_write(&l->outlet, text, (size_t)(newline - text));
		text = newline + 1;
	}
}

static void
logger_take(struct logger *l, const char *message, size_t len, int fd)
{
	struct logger_stderr m;

	if (message[0] == LOGGER_TEXT)
		logger_take_text(l, message + 1, len - 1);
	if (message[0] == LOGGER_STDERR && len == sizeof(m) && fd != -1) {
		memcpy(&m, message, sizeof(m));
		logger_take_fd(l, &m, fd);
	} else if (fd != -1)
		(void)close(fd); /* nobody asked for it */
}

/* Take up to max messages.  Returns whether that were all. */
static bool
logger_receive(struct logger *l, int max)
{
	char message[LOGGER_MESSAGE_MAX];
	ssize_t n;
	int fd;

	while (max-- > 0) {
		n = message_receive(l->g->log.receive, message, sizeof(message),
		    &fd);
		if (n > 0)
			logger_take(l, message, (size_t)n, fd);
		else if (n == 0 && fd != -1)
			(void)close(fd); /* an empty message carried it */
		else if (n == -1 && errno == EAGAIN)
			return true;
		/* A message that is no good is gone; the next may be. */
	}
	return false;
}

/* Hear messages no more, for a while. */
static void
logger_rest(struct logger *l)
{
	if (loop_forget(l->loop, l->g->log.receive) == 0)
		l->rest = l->now + REST_MS;
}

/* Hear them again, if it is time. */
static void
logger_wake(struct logger *l)
{
	const struct loop_id id = { SLOT_SOCKET, 0 };

	/* If the kernel has no memory for it now, the next turn tries again. */
	if (l->rest != 0 && l->rest <= l->now &&
	    loop_watch_level(l->loop, l->g->log.receive, id) == 0)
		l->rest = 0;
}

/* Write what waits already, and be gone. */
static _Noreturn void
logger_end(struct logger *l)
{
	uint32_t i;
	int n;

	(void)logger_receive(l, LAST_MAX); /* there are no more */
	for (i = 0; i < l->used; i++) {
		if (l->pipes[i].fd == -1)
			continue;
		for (n = 0; n < LAST_READS_MAX; n++)
			if (!pipe_read(l, &l->pipes[i]))
				break;
		pipe_close(l, &l->pipes[i]);
	}
	outlet_flush(&l->outlet);
	_exit(EX_OK);
}

static void
logger_event(struct logger *l, int control, const struct loop_event *ev)
{
	struct pipe *p;

	switch (ev->id.slot) {
	case SLOT_CONTROL:
		/* To drain is what it does anyway, until nobody is left. */
		if (process_order(control) == ORDER_END)
			logger_end(l);
		break;
	case SLOT_SOCKET:
		if (ev->seen & LOOP_END) /* nobody is left to say more */
			logger_end(l);
		if (logger_receive(l, MESSAGES_MAX))
			logger_rest(l);
		break;
	default:
		p = &l->pipes[ev->id.slot];
		if (p->fd != -1 && p->generation == ev->id.generation &&
		    !pipe_read(l, p))
			pipe_close(l, p);
		break;
	}
}

static _Noreturn void
logger_loop(struct logger *l, int control, struct pulse *pulse)
{
	struct loop_event ev[LOOP_BATCH];
	int i, n;

	for (;;) {
		n = loop_wait(l->loop, ev, l->rest != 0 ? REST_MS : PULSE_MS);
		if (n == -1)
			_exit(EX_OSERR);
		l->now = clock_now();
		pulse_beat(pulse, l->now);
		for (i = 0; i < n; i++)
			logger_event(l, control, &ev[i]);
		outlet_flush(&l->outlet);
		logger_wake(l);
	}
}

static void
logger_confine(const struct logger *l, struct pulse *pulse)
{
	const enum log_to to = l->g->table->log.to;
	const struct process_rules rules = {
		.name = "tcpmuxd-logger",
		/* Their sockets are found by path for each line. */
		.files = to == LOG_SYSLOG || to == LOG_JOURNAL,
		.nofile = l->npipes + FDS_RESERVED,
		.calls = calls,
		.ncalls = sizeof(calls) / sizeof(calls[0]),
	};

	process_confine(l->g, &rules, pulse);
}

/* Places for as many pipes as there can be descriptors. */
static int
logger_make_places(struct logger *l)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) == -1)
		return -1;
	l->npipes = PIPES_MAX;
	if (limit.rlim_cur <= FDS_RESERVED)
		l->npipes = 1;
	else if (limit.rlim_cur - FDS_RESERVED < PIPES_MAX)
		l->npipes = (uint32_t)limit.rlim_cur - FDS_RESERVED;
	l->free = SLOT_NONE;
	/* Pages of places that were never used take no memory. */
	l->pipes = calloc(l->npipes, sizeof(*l->pipes));
	return l->pipes == NULL ? -1 : 0;
}

void
logger_run(const struct generation *g, int control, struct pulse *pulse)
{
	const struct loop_id control_id = { SLOT_CONTROL, 0 };
	const struct loop_id socket_id = { SLOT_SOCKET, 0 };
	static struct logger l;

	(void)signal(SIGPIPE, SIG_IGN); /* cannot fail */
	l.g = g;
	l.loop = loop_new();
	if (l.loop == -1 || logger_make_places(&l) == -1 ||
	    loop_watch_level(l.loop, control, control_id) == -1 ||
	    loop_watch_level(l.loop, g->log.receive, socket_id) == -1)
		log_fatal(EX_OSERR, "the logger: %s", strerror(errno));
	if (outlet_open(&l.outlet, g, control) == -1)
		log_fatal(EX_OSERR, "log { to = \"%s\" }: %s",
		    outlet_path(&g->table->log), strerror(errno));
	logger_confine(&l, pulse);
	process_ready(control, pulse);
	logger_loop(&l, control, pulse);
}
