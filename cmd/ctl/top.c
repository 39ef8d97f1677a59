/*
 * The services, live, in a terminal: asks the daemon again and again, and
 * hears keys and signals meanwhile.
 */

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "cmd/clock.h"
#include "cmd/ctl/question.h"
#include "cmd/ctl/rates.h"
#include "cmd/ctl/screen.h"
#include "cmd/ctl/top.h"
#include "cmd/escape.h"
#include "cmd/say.h"
#include "cmd/signals.h"

/* Keys wait so long for an answer, at the most. */
#define TOP_MS 1000

struct top {
	const struct ctl_options *options;
	struct rates rates;
	enum rates_order order;
	size_t first;
	bool is_help, is_over;
	int status; /* when it is over */
	int signals;
	char trouble[TCPMUX_REPLY_MAX + 256];
};

/* Ask once.  Returns an enum tcpmux_err; what is wrong is in trouble. */
static int
ask(struct top *t)
{
	struct answer answer;
	struct snapshot s;
	char text[sizeof(t->trouble)];
	int err;

	err = question_ask(t->options, "snapshot", TOP_MS, &answer);
	if (err == 0 && answer.more == NULL)
		err = TCPMUX_ERR_FOREIGN;
	t->trouble[0] = '\0';
	if (err != 0) {
		question_explain(t->options, err, &answer, text, sizeof(text));
		(void)escape_text(t->trouble, sizeof(t->trouble), text);
		free(answer.more);
		return err;
	}
	if (snapshot_take_text(&s, answer.more, answer.len) == -1 ||
	    rates_take(&t->rates, &s) == -1) {
		(void)snprintf(t->trouble, sizeof(t->trouble),
		    "the daemon's answer cannot be taken: %s", strerror(errno));
		return TCPMUX_ERR_SYSTEM;
	}
	rates_sort(&t->rates, t->order);
	return 0;
}

static void
draw(struct top *t)
{
	const struct screen_view view = {
		.rates = &t->rates,
		.order = t->order,
		.first = t->first,
		.trouble = t->trouble,
		.is_help = t->is_help,
	};

	screen_draw(&view);
}

/* Show the services from this one on, or from the last that leaves none out. */
static void
scroll_to(struct top *t, size_t first)
{
	const size_t rows = screen_rows(), n = t->rates.n;
	const size_t last = n > rows ? n - rows : 0;

	t->first = first < last ? first : last;
}

static void
scroll_back(struct top *t, size_t by)
{
	scroll_to(t, t->first > by ? t->first - by : 0);
}

/* Stop, as whoever typed ^Z wants it, and go on when that is wanted. */
static void
suspend(void)
{
	sigset_t stop;

	screen_close();
	/* Neither fails with a good signal. */
	(void)sigemptyset(&stop);
	(void)sigaddset(&stop, SIGTSTP);
	(void)kill(getpid(), SIGTSTP);
	(void)sigprocmask(SIG_UNBLOCK, &stop, NULL); /* here it stops */
	(void)sigprocmask(SIG_BLOCK, &stop, NULL);
	screen_resume();
}

/* Does what a signal wants. */
static void
take_signal(struct top *t)
{
	struct signalfd_siginfo info;

	if (read(t->signals, &info, sizeof(info)) != sizeof(info))
		return; /* there is none */
	switch (info.ssi_signo) {
	case SIGTSTP:
		suspend();
		break;
	case SIGCONT:
	case SIGWINCH:
		screen_resume();
		break;
	default:
		t->is_over = true;
		break;
	}
	scroll_to(t, t->first);
}

/* Does what a key wants.  Returns whether it is time to look. */
static bool
take_key(struct top *t, bool is_ready)
{
	const enum screen_key key = screen_read(is_ready);

	switch (key) {
	case SCREEN_QUIT:
	case SCREEN_GONE:
		t->is_over = true;
		break;
	case SCREEN_HELP:
		t->is_help = !t->is_help;
		break;
	case SCREEN_ORDER:
		t->order = (t->order + 1) % RATES_ORDERS;
		rates_sort(&t->rates, t->order);
		break;
	case SCREEN_REDRAW:
		screen_resume();
		break;
	case SCREEN_UP:
		scroll_back(t, 1);
		break;
	case SCREEN_DOWN:
		scroll_to(t, t->first + 1);
		break;
	case SCREEN_PAGE_UP:
		scroll_back(t, screen_rows());
		break;
	case SCREEN_PAGE_DOWN:
		scroll_to(t, t->first + screen_rows());
		break;
	case SCREEN_FIRST:
		scroll_to(t, 0);
		break;
	case SCREEN_LAST:
		scroll_to(t, t->rates.n);
		break;
	case SCREEN_LOOK:
	case SCREEN_NOTHING:
		break;
	}
	return key == SCREEN_LOOK;
}

/* Wait for a key, a signal, or the time to look. */
static void
wait_until(struct top *t, int64_t *next)
{
	struct pollfd p[] = {
		{ .fd = STDIN_FILENO, .events = POLLIN },
		{ .fd = t->signals, .events = POLLIN },
	};
	const int64_t rest = *next - clock_now();

	if (poll(p, 2, rest > 0 ? (int)rest : 0) == -1) {
		t->is_over = true;
		t->status = SAY_SYSTEM;
		return;
	}
	if (p[1].revents != 0)
		take_signal(t);
	if (p[0].revents != 0 && !t->is_over && take_key(t, true))
		*next = clock_now();
}

static void
run(struct top *t)
{
	int64_t next = clock_now() + t->options->every_ms;

	while (!t->is_over) {
		draw(t);
		wait_until(t, &next);
		if (t->is_over || clock_now() < next)
			continue;
		(void)ask(t); /* what is wrong stands below */
		scroll_to(t, t->first);
		next = clock_now() + t->options->every_ms;
	}
}

/* Say what the first question has come to, as other commands do. */
static int
begin(struct top *t)
{
	const int err = ask(t);

	if (err == 0)
		return SAY_OK;
	say("%s", t->trouble);
	return question_status(err);
}

int
top_run(const struct ctl_options *options)
{
	static const int numbers[] = { SIGINT, SIGTERM, SIGHUP, SIGQUIT,
		SIGTSTP, SIGCONT, SIGWINCH, 0 };
	struct top t = { .options = options };
	const char *term = getenv("TERM");

	if (isatty(STDIN_FILENO) == 0 || isatty(STDOUT_FILENO) == 0) {
		say("top wants a terminal: without one, ls shows the services "
		    "once, and stats --json is for programs");
		return SAY_USAGE;
	}
	t.status = begin(&t);
	if (t.status != SAY_OK)
		return t.status;
	t.signals = signals_open(numbers);
	if (t.signals == -1)
		say_fatal(SAY_SYSTEM, "it cannot start: %s", strerror(errno));
	if (screen_open() == -1)
		say_fatal(SAY_SYSTEM,
		    "the terminal %s is not known, or too simple for this: "
		    "set TERM",
		    term != NULL ? term : "without a name");
	/* The library has handlers of its own, which are not wanted. */
	(void)signal(SIGTSTP, SIG_DFL);
	run(&t);
	screen_close();
	rates_clear(&t.rates);
	(void)close(t.signals); /* nothing waits there that matters now */
	return t.status;
}
