/*
 * The service manager, if there is one: what it has left to us, and what it is
 * told.
 */

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "daemon/monitor/store.h"
#include "daemon/monitor/supervisor.h"
#include "os/clock.h"
#include "os/descriptor.h"
#include "os/log.h"
#include "os/message.h"

/* What it had no room for is said again after so long. */
#define RETRY_MS 1000

/* So many offers may wait to be kept, and are tried again after so long. */
#define UNSAID_MAX      4096
#define UNSAID_RETRY_MS 10

void
supervisor_init(struct supervisor *s)
{
	s->keeper = -1;
	s->notify = notify_open();
	if (s->notify == -1 && errno != ENODATA)
		log_say("the service manager cannot be told anything: "
			"NOTIFY_SOCKET: %s",
		    strerror(errno));
	/* Two signs in the time that one is wanted in. */
	s->watchdog_ms = notify_watchdog() / 2;
	if (s->notify == -1)
		s->watchdog_ms = 0;
	s->due = clock_now() + s->watchdog_ms;
	if (s->notify != -1)
		s->unsaid = calloc(UNSAID_MAX, sizeof(*s->unsaid));
	if (inherited_read(&s->inherited) == -1)
		log_fatal(EX_OSERR, "start it without those variables");
}

int
supervisor_keep(const struct supervisor *s, int link)
{
	const size_t n = s->inherited.n;
	int *keep = calloc(n + 2, sizeof(*keep));
	size_t i;
	int result;

	if (keep == NULL)
		return -1;
	for (i = 0; i < n; i++)
		keep[i] = s->inherited.v[i].fd;
	keep[n] = s->notify;
	keep[n + 1] = link;
	result = descriptor_keep(keep, n + 2);
	free(keep);
	return result;
}

void
supervisor_leave(struct supervisor *s, bool is_keeper)
{
	if (!is_keeper)
		descriptor_close(&s->notify);
	for (; s->nunsaid > 0; s->nunsaid--) {
		descriptor_close(&s->unsaid[s->first].fd);
		s->first = (s->first + 1) % UNSAID_MAX;
	}
	s->keeper = -1;
	s->watchdog_ms = 0;
	s->again = 0;
}

void
supervisor_use_keeper(struct supervisor *s, int keeper)
{
	if (s->notify == -1)
		return; /* there is nobody to be told anything */
	descriptor_close(&s->notify);
	s->keeper = keeper;
}

void
supervisor_pass(const struct supervisor *s, struct supervisor_message *m,
    size_t n, int fd)
{
	if (n > sizeof(m->word) && n <= sizeof(*m)) {
		m->text[n - sizeof(m->word) - 1] = '\0';
		/* If there is no room, it is said again, or is not kept. */
		(void)notify_send(s->notify, m->text, fd);
	}
	descriptor_close(&fd);
}

static bool
is_told(const struct supervisor *s)
{
	return s->notify != -1 || s->keeper != -1;
}

/* Returns 0, also if nobody is told anything; or -1 with errno. */
static int
send_text(const struct supervisor *s, const char *text, int fd)
{
	struct supervisor_message m = { .word = SUPERVISOR_TELL };
	const size_t size = strlen(text) + 1;

	if (s->keeper == -1)
		return notify_send(s->notify, text, fd);
	memcpy(m.text, text, size);
	return message_send(s->keeper, &m, sizeof(m.word) + size, fd);
}

/* Tell it, or see to it that it is told soon: only the last counts. */
static void
tell(struct supervisor *s)
{
	s->again = send_text(s, s->state, -1) == 0 ? 0 : clock_now() + RETRY_MS;
}

void
supervisor_ready(struct supervisor *s, const struct generation *g,
    const char *remark)
{
	const unsigned int services = g->table->nservices;

	/* It has room for three numbers and a remark of ours. */
	(void)snprintf(s->state, sizeof(s->state),
	    "READY=1\nSTATUS=serving %u service%s on %zu socket%s, generation "
	    "%u%s%s\n",
	    services, services == 1 ? "" : "s", g->listeners.n,
	    g->listeners.n == 1 ? "" : "s", (unsigned int)g->number,
	    remark != NULL ? "; " : "", remark != NULL ? remark : "");
	tell(s);
}

void
supervisor_reloading(struct supervisor *s)
{
	/* It has room for a number. */
	(void)snprintf(s->state, sizeof(s->state),
	    "RELOADING=1\nMONOTONIC_USEC=%llu\n"
	    "STATUS=reading the configuration\n",
	    (unsigned long long)clock_us());
	tell(s);
}

void
supervisor_stopping(struct supervisor *s)
{
	/* It has room for that. */
	(void)snprintf(s->state, sizeof(s->state),
	    "STOPPING=1\nSTATUS=stopping\n");
	tell(s);
}

/* Say what k says.  Returns 0, or -1 if there is no room for it now. */
static int
store(const struct supervisor *s, const struct keepsake *k, int fd)
{
	char text[NOTIFY_TEXT_MAX];

	store_write(k, fd, text);
	if (send_text(s, text, k->what == KEEPSAKE_KEEP ? fd : -1) == 0)
		return 0;
	return errno == EAGAIN || errno == ETOOMANYREFS ? -1 : 0;
}

/* Say what is unsaid, in its order, as far as there is room. */
static void
say_unsaid(struct supervisor *s)
{
	struct kept *kept;

	for (; s->nunsaid > 0; s->nunsaid--) {
		kept = &s->unsaid[s->first];
		if (store(s, &kept->k, kept->fd) == -1)
			return;
		descriptor_close(&kept->fd);
		s->first = (s->first + 1) % UNSAID_MAX;
	}
}

void
supervisor_store(struct supervisor *s, const struct keepsake *k, int fd)
{
	struct kept *kept;

	/* What is too much is not kept: its program would offer it again. */
	if (s->unsaid == NULL || !is_told(s) || s->nunsaid == UNSAID_MAX ||
	    store_fault(k, fd) != NULL) {
		(void)close(fd); /* the registrar has it */
		return;
	}
	kept = &s->unsaid[(s->first + s->nunsaid++) % UNSAID_MAX];
	kept->k = *k;
	kept->fd = fd;
	say_unsaid(s);
}

void
supervisor_lend(const struct supervisor *s, struct generation *g)
{
	g->kept = s->inherited.kept;
	g->nkept = s->inherited.nkept;
	g->keeps = is_told(s);
}

void
supervisor_settle(struct supervisor *s, struct generation *g)
{
	struct inherited *in = &s->inherited;
	size_t i;

	for (i = 0; i < in->nkept && g->control == -1; i++) {
		in->kept[i].k.what = KEEPSAKE_DROP;
		/* Without room, their own end is what ends them there. */
		(void)store(s, &in->kept[i].k, in->kept[i].fd);
	}
	inherited_close_kept(in);
	g->kept = NULL;
	g->nkept = 0;
}

int64_t
supervisor_tick(struct supervisor *s, int64_t now)
{
	int64_t next;

	if (s->again != 0 && s->again <= now)
		tell(s);
	say_unsaid(s);
	next = s->again != 0 ? s->again : INT64_MAX;
	if (s->nunsaid > 0)
		next = now + UNSAID_RETRY_MS;
	if (s->watchdog_ms == 0)
		return next;
	if (s->due <= now) {
		/* If there is no room, one that is there will be read. */
		(void)send_text(s, "WATCHDOG=1\n", -1);
		s->due = now + s->watchdog_ms;
	}
	return s->due < next ? s->due : next;
}
