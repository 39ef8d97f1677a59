/*
 * The snapshot: what the daemon is, has and has done, at this moment, as text.
 */

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "daemon/front/slots.h"
#include "daemon/monitor/snapshot.h"
#include "daemon/monitor/snapshot_names.h"
#include "daemon/monitor/text.h"
#include "daemon/monitor/watch.h"
#include "os/clock.h"

static const char *const sandbox_words[] = {
	[SANDBOX_STRICT] = "strict",
	[SANDBOX_BEST] = "best",
	[SANDBOX_OFF] = "off",
};

/* In the order of their bits: see enum pulse_layer. */
static const char *const layer_words[] = { "user", "caps", "no-new-privs",
	"root", "network", "landlock", "seccomp", "limits" };

const char *const snapshot_totals[STATS_COUNTS] = {
	[STATS_ACCEPTED] = "accepted",
	[STATS_REQUESTS] = "requests",
	[STATS_EXEC] = "handed-exec",
	[STATS_RELAYED] = "handed-relay",
	[STATS_SOCKET] = "handed-socket",
	[STATS_OFFERED] = "handed-offer",
	[STATS_HELP] = "help",
	[STATS_TCPMUX] = "tcpmux",
	[STATS_IN] = "in",
	[STATS_OUT] = "out",
};

#define LAYERS (sizeof(layer_words) / sizeof(layer_words[0]))

static void
write_daemon(const struct snapshot *s, struct text *t)
{
	const struct generation *g = &s->cohorts->g;
	const bool draining = atomic_load_explicit(&g->board->draining,
				  memory_order_relaxed) != 0;

	text_line(t, "tcpmuxd");
	text_string(t, "version", TCPMUX_VERSION);
	text_number(t, "pid", (uint64_t)getpid());
	text_string(t, "user", s->user != NULL ? s->user : "");
	text_time(t, "started", s->started);
	text_time(t, "now", clock_wall());
	text_number(t, "generation", g->number);
	text_number(t, "reloads", s->reloads);
	text_number(t, "upgrades", s->upgrades);
	text_number(t, "replaced", s->replaced);
	text_time(t, "replaced-last", s->replaced_at);
	text_string(t, "config", s->config != NULL ? s->config : "none");
	text_string(t, "state", draining ? "draining" : "serving");
	text_string(t, "log",
	    log_level_name(board_log_level(g->board, g->table->log.level)));
	text_string(t, "sandbox", sandbox_words[g->table->sandbox]);
	text_number(t, "fronts", g->nfronts);
	text_end(t);
}

static void
write_listeners(const struct generation *g, struct text *t)
{
	uint64_t bounds[STATS_BOUNDS];
	const struct listener *l;
	size_t i;

	for (i = 0; i < STATS_BOUNDS; i++)
		bounds[i] = stats_bounds[i];
	text_line(t, "buckets");
	text_numbers(t, "us", bounds, STATS_BOUNDS);
	text_end(t);
	for (i = 0; i < g->listeners.n; i++) {
		l = &g->listeners.v[i];
		text_line(t, "listener");
		text_string(t, "address", l->text);
		text_string(t, "lenient", l->rule->lenient ? "yes" : "no");
		text_string(t, "proxied", l->rule->proxied ? "yes" : "no");
		text_end(t);
	}
}

/* The names of layers, with a comma between. */
static void
write_layers(struct text *t, uint32_t layers)
{
	char words[128];
	size_t i, len = 0;

	for (i = 0; i < LAYERS; i++)
		if (layers & (1U << i))
			/* There is room for all of them. */
			len +=
			    (size_t)snprintf(words + len, sizeof(words) - len,
				"%s%s", len > 0 ? "," : "", layer_words[i]);
	text_span(t, "layers", (struct tcpmux_span){ words, len });
}

/* One process: what it is, and then what it costs. */
static void
begin_process(struct text *t, const char *role, uint32_t number, pid_t pid)
{
	text_line(t, "process");
	text_string(t, "role", role);
	text_number(t, "number", number);
	text_number(t, "pid", (uint64_t)pid);
}

static uint64_t
microseconds(struct timeval tv)
{
	return (uint64_t)tv.tv_sec * 1000000 + (uint64_t)tv.tv_usec;
}

static void
write_monitor(const struct snapshot *s, struct text *t)
{
	struct rusage usage;

	/* Cannot fail: whose usage it is, is valid. */
	(void)getrusage(RUSAGE_SELF, &usage);
	begin_process(t, "monitor", 0, getpid());
	text_number(t, "generation", s->cohorts->g.number);
	text_string(t, "state", "serving");
	text_time(t, "since", s->started);
	text_number(t, "beat-ms", 0);
	text_number(t, "cpu-us",
	    microseconds(usage.ru_utime) + microseconds(usage.ru_stime));
	text_number(t, "rss-kb", (uint64_t)usage.ru_maxrss);
	write_layers(t, s->layers);
	text_end(t);
}

static const char *
state_of(const struct cohort *c, const struct process *p)
{
	if (!p->ready)
		return "starting";
	return c->retiring || c->ended ? "finishing" : "serving";
}

static void
write_process(const struct cohort *c, const struct process *p, struct text *t)
{
	const struct pulse *pulse = p->pulse;
	const int64_t now = clock_now();

	begin_process(t, cohort_role(p->role), p->number, p->pid);
	text_number(t, "generation", c->g.number);
	text_string(t, "state", state_of(c, p));
	text_time(t, "since", clock_wall() - (now - p->started));
	text_number(t, "beat-ms", (uint64_t)p->missed * WATCH_TICK_MS);
	if (pulse != NULL) {
		text_number(t, "cpu-us",
		    atomic_load_explicit(&pulse->cpu_us, memory_order_relaxed));
		text_number(t, "rss-kb",
		    atomic_load_explicit(&pulse->rss_kb, memory_order_relaxed));
		write_layers(t,
		    atomic_load_explicit(&pulse->layers, memory_order_relaxed));
	}
	text_end(t);
}

/* All processes that run, the older ones too; and who waits in the fronts. */
static void
write_processes(const struct snapshot *s, struct text *t, uint64_t *waiting,
    uint64_t *lingering)
{
	const struct cohort *c;
	uint64_t wait, linger;
	size_t i;

	*waiting = *lingering = 0;
	for (c = s->cohorts; c != NULL; c = c->older)
		for (i = 0; i < c->nprocesses; i++) {
			const struct process *p = &c->processes[i];

			if (p->pid == 0)
				continue;
			write_process(c, p, t);
			if (p->role != ROLE_FRONT || p->memory == NULL)
				continue;
			slots_count(p->memory, &wait, &linger);
			*waiting += wait;
			*lingering += linger;
		}
}

static void
write_totals(const struct stats *stats, struct text *t, uint64_t waiting,
    uint64_t lingering)
{
	struct stats_totals sum;
	int i;

	stats_read(stats, &sum);
	text_line(t, "total");
	text_number(t, "waiting", waiting);
	text_number(t, "lingering", lingering);
	for (i = 0; i < STATS_COUNTS; i++)
		text_number(t, snapshot_totals[i], sum.count[i]);
	text_end(t);
	for (i = 1; i < REFUSE_COUNT; i++) {
		text_line(t, "refused");
		text_string(t, "reason", words_reason((enum refusal)i));
		text_number(t, "n", sum.refused[i]);
		text_end(t);
	}
}

int
snapshot_write(const struct snapshot *s, int fd)
{
	const struct generation *g = &s->cohorts->g;
	struct text *t = malloc(sizeof(*t));
	uint64_t waiting, lingering;
	int result, saved;

	if (t == NULL)
		return -1;
	text_begin(t, fd);
	write_daemon(s, t);
	write_listeners(g, t);
	write_monitor(s, t);
	write_processes(s, t, &waiting, &lingering);
	write_totals(g->stats, t, waiting, lingering);
	result = snapshot_write_names(g, t);
	if (text_flush(t) == -1)
		result = -1;
	saved = errno;
	free(t);
	errno = saved;
	return result;
}
