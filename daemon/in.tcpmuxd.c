/*
 * in.tcpmuxd: TCPMUX (RFC 1078) for one connection, on standard input and
 * output, under inetd, systemd or on a pipe.
 *
 * The protocol is in lib/wire.c and what is said in table/words.c; here is
 * only when to read, when to write and when to stop.
 */

#include <errno.h>
#include <getopt.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sysexits.h>
#include <unistd.h>

#include "os/clock.h"
#include "os/number.h"
#include "os/sandbox.h"
#include "table/limits.h"
#include "table/words.h"
#include "tcpmux.h"

/* How waiting for the client ended. */
enum event {
	EVENT_READY,  /* bytes have come, or have gone */
	EVENT_END,    /* the client has closed or reset */
	EVENT_LATE,   /* the deadline has passed */
	EVENT_URGENT, /* urgent data waits to be read (rule 25) */
	EVENT_FAILED  /* the descriptor is of no use */
};

struct talk {
	const struct words *words;
	bool classic;
	unsigned int flags; /* enum tcpmux_flag */
	int wait_s;         /* 0: for ever */
	int64_t deadline;   /* of this request */
	char buf[TCPMUX_REQUEST_MAX];
};

static const char usage_text[] =
    "usage: in.tcpmuxd [-w SECONDS] [--classic | --lenient]\n";
static const char confine_text[] =
    "in.tcpmuxd: cannot confine itself: the kernel refuses\n";

/* All that is left to the process once it reads from a stranger. */
static const struct sandbox_call calls[] = {
	{ .nr = SYS_ppoll },
	{ SYS_read, 1, { { 0, STDIN_FILENO } } },
	{ SYS_write, 1, { { 0, STDOUT_FILENO } } },
	{ SYS_shutdown, 1, { { 0, STDOUT_FILENO } } },
	{ .nr = SYS_clock_gettime },
	{ SYS_close, 1, { { 0, STDERR_FILENO } } },
	{ .nr = SYS_exit_group },
};

/* In so many milliseconds; 0 is never. */
static int64_t
deadline_in(int ms)
{
	return ms == 0 ? INT64_MAX : clock_now() + ms;
}

/* What is left until the deadline, for ppoll(); NULL is for ever. */
static const struct timespec *
time_left(int64_t deadline, struct timespec *left)
{
	int64_t ms;

	if (deadline == INT64_MAX)
		return NULL;
	ms = deadline - clock_now();
	if (ms < 0)
		ms = 0;
	left->tv_sec = (time_t)(ms / 1000);
	left->tv_nsec = (long)(ms % 1000) * 1000000;
	return left;
}

/* A deadline that has passed still lets pass what need not wait. */
static enum event
await(int fd, short events, int64_t deadline)
{
	struct pollfd p = { .fd = fd, .events = events };
	struct timespec left = { 0, 0 };
	int n;

	do
		n = ppoll(&p, 1, time_left(deadline, &left), NULL);
	while (n == -1 && errno == EINTR);
	if (n == 0)
		return EVENT_LATE;
	if (n == -1 || (p.revents & POLLNVAL) != 0)
		return EVENT_FAILED;
	return (p.revents & POLLPRI) != 0 ? EVENT_URGENT : EVENT_READY;
}

/* What a failed read or write means. */
static enum event
event_of_errno(void)
{
	switch (errno) {
	case EINTR:
	case EAGAIN:
		return EVENT_READY;
	case EPIPE:
	case ECONNRESET:
	case ETIMEDOUT:
		return EVENT_END;
	default:
		return EVENT_FAILED;
	}
}

/*
 * Read at most *len bytes and set *len to how many have come; none, and still
 * EVENT_READY, if the kernel changed its mind.  events is POLLIN, with POLLPRI
 * where urgent data must not pass.
 */
static enum event
receive(const struct talk *t, short events, char *buf, size_t *len)
{
	const size_t size = *len;
	enum event e;
	ssize_t n;

	*len = 0;
	e = await(STDIN_FILENO, events, t->deadline);
	if (e != EVENT_READY)
		return e;
	n = read(STDIN_FILENO, buf, size);
	if (n == -1)
		return event_of_errno();
	*len = (size_t)n;
	return n == 0 ? EVENT_END : EVENT_READY;
}

/* Read one byte, since those behind a line are not for its reader. */
static enum event
receive_byte(const struct talk *t, char *byte)
{
	const short events = t->classic ? POLLIN : POLLIN | POLLPRI;
	enum event e;
	size_t len;

	do {
		len = 1;
		e = receive(t, events, byte, &len);
	} while (e == EVENT_READY && len == 0);
	return e;
}

static enum event
say(const struct talk *t, struct tcpmux_span text)
{
	enum event e;
	ssize_t n;

	while (text.len > 0) {
		e = await(STDOUT_FILENO, POLLOUT, t->deadline);
		if (e != EVENT_READY)
			return e;
		n = write(STDOUT_FILENO, text.p, text.len);
		if (n == -1) {
			e = event_of_errno();
			if (e != EVENT_READY)
				return e;
			continue;
		}
		text.p += n;
		text.len -= (size_t)n;
	}
	return EVENT_READY;
}

/*
 * Say the last word and see it delivered: a socket that is closed with
 * unread input is reset, and the reset may overtake the reply (rule 24).
 */
static enum event
say_last(struct talk *t, struct tcpmux_span text)
{
	size_t len, thrown;
	enum event e;

	e = say(t, text);
	if (e != EVENT_READY)
		return e;
	if (shutdown(STDOUT_FILENO, SHUT_WR) == -1)
		return EVENT_END; /* a pipe: nothing can overtake */
	t->deadline = deadline_in(LIMIT_LINGER_MS);
	for (thrown = 0; thrown < LIMIT_LINGER_BYTES; thrown += len) {
		len = sizeof(t->buf);
		if (receive(t, POLLIN, t->buf, &len) != EVENT_READY)
			break;
	}
	return EVENT_END;
}

static enum event
refuse(struct talk *t, enum refusal why)
{
	return say_last(t, words_refuse(t->words, why).text);
}

/*
 * The line is no request, and last the byte that shows it.  That is said at
 * once, but for the seed server, which judges whole lines only: a LF, or the
 * end of input, makes one.
 */
static enum event
refuse_line(struct talk *t, enum refusal why, char last)
{
	enum event e = EVENT_READY;

	/* A client that never pauses would never find await() late. */
	while (t->classic && last != '\n' && e == EVENT_READY &&
	    clock_now() < t->deadline)
		e = receive_byte(t, &last);
	return e == EVENT_FAILED ? e : refuse(t, why);
}

/* No whole request will come, and e is why; len bytes of one have. */
static enum event
end_early(struct talk *t, enum event e, size_t len)
{
	if (t->classic && (e == EVENT_LATE || e == EVENT_END))
		return len == 0 ? EVENT_END : refuse(t, REFUSE_UNKNOWN);
	if (e == EVENT_LATE)
		return refuse(t, REFUSE_LATE);
	if (e == EVENT_URGENT)
		return refuse(t, REFUSE_URGENT);
	return e;
}

/* Answer the request for name; EVENT_READY if another may follow. */
static enum event
answer(struct talk *t, struct tcpmux_span name)
{
	const struct answer a = words_answer(t->words, name);

	return a.then == ANSWER_NEXT ? say(t, a.text) : say_last(t, a.text);
}

/* Read one request and answer it; EVENT_READY if another may follow. */
static enum event
serve(struct talk *t)
{
	struct tcpmux_span name = { t->buf, 0 };
	enum event e;
	size_t len;
	ssize_t n;

	t->deadline = deadline_in(t->wait_s * 1000);
	for (len = 0; len < sizeof(t->buf); len++) {
		e = receive_byte(t, &t->buf[len]);
		if (e != EVENT_READY)
			return end_early(t, e, len);
		n = tcpmux_parse_request(t->buf, len + 1, t->flags, &name);
		if (n < 0)
			return refuse_line(t, (enum refusal)(-n), t->buf[len]);
		if (n > 0)
			return answer(t, name);
	}
	/* Not reached: so many bytes are always a request, or none. */
	return refuse(t, REFUSE_LONG);
}

/* Returns 0, or -1 if the command line makes no sense. */
static int
parse_options(struct talk *t, int argc, char *argv[])
{
	static const struct option options[] = {
		{ "classic", no_argument, NULL, 'c' },
		{ "lenient", no_argument, NULL, 'l' },
		{ NULL, 0, NULL, 0 },
	};
	int c;

	opterr = 0; /* standard error may be the connection */
	while ((c = getopt_long(argc, argv, "w:", options, NULL)) != -1) {
		switch (c) {
		case 'c':
			t->classic = true;
			t->words = &words_classic;
			break;
		case 'l':
			t->flags = TCPMUX_LENIENT;
			break;
		case 'w':
			if (number_parse(optarg, LIMIT_WAIT_MAX_S,
				&t->wait_s) == -1)
				return -1;
			break;
		default:
			return -1;
		}
	}
	if (optind != argc || (t->classic && t->flags == TCPMUX_LENIENT))
		return -1;
	return 0;
}

/* Keep standard input and output, and no other way to the world. */
static int
confine(void)
{
	const int on = 1;

	/* Not every standard output is TCP, and only TCP delays (rule 30). */
	(void)setsockopt(STDOUT_FILENO, IPPROTO_TCP, TCP_NODELAY, &on,
	    sizeof(on));
	if (syscall(SYS_close_range, STDERR_FILENO + 1, ~0U, 0) == -1 ||
	    sandbox_prepare(NULL) == -1)
		return -1;
	return sandbox_enter(2, calls, sizeof(calls) / sizeof(calls[0]));
}

static bool
is_same_file(int a, int b)
{
	struct stat sa, sb;

	return fstat(a, &sa) == 0 && fstat(b, &sb) == 0 &&
	    sa.st_dev == sb.st_dev && sa.st_ino == sb.st_ino;
}

/* Tell whoever set this up, unless standard error is the connection. */
static void
tell(const char *why)
{
	if (is_same_file(STDERR_FILENO, STDIN_FILENO) ||
	    is_same_file(STDERR_FILENO, STDOUT_FILENO))
		return;
	if (write(STDERR_FILENO, why, strlen(why)) == -1)
		return; /* the exit status says it, too */
}

/* A client is told in its own language. */
static int
cannot_start(struct talk *t, int status, const char *why)
{
	struct stat st;

	tell(why);
	t->deadline = deadline_in(LIMIT_LINGER_MS);
	if (fstat(STDOUT_FILENO, &st) == 0 && S_ISSOCK(st.st_mode))
		(void)refuse(t, REFUSE_BROKEN); /* nobody is left to tell */
	return status;
}

int
main(int argc, char *argv[])
{
	static struct talk talk = {
		.words = &words_default,
		.flags = TCPMUX_STRICT,
		.wait_s = LIMIT_WAIT_S,
	};
	enum event e;

	(void)signal(SIGPIPE, SIG_IGN); /* write() says EPIPE */
	if (parse_options(&talk, argc, argv) == -1)
		return cannot_start(&talk, EX_USAGE, usage_text);
	if (confine() == -1)
		return cannot_start(&talk, EX_OSERR, confine_text);
	do
		e = serve(&talk);
	while (e == EVENT_READY);
	return e == EVENT_FAILED ? EX_IOERR : EX_OK;
}
