/*
 * The desk: does what somebody has asked at the control socket, and answers.
 *
 * The registrar has decided that he may; but it may have gone bad, so nothing
 * is believed but that somebody asks.
 */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "daemon/monitor/answer.h"
#include "daemon/monitor/desk.h"
#include "daemon/monitor/explain.h"
#include "daemon/monitor/guests.h"
#include "daemon/monitor/snapshot.h"
#include "os/descriptor.h"
#include "os/sealed.h"
#include "table/policy.h"

/* The name and the option, as spans and as strings. */
struct task {
	struct tcpmux_span name;
	char option[sizeof(((struct errand *)0)->option) + 1];
	char text[TCPMUX_NAME_MAX + 1]; /* of the name */
};

static const char *const verbs[] = {
	[ERRAND_RELOAD] = "reload",
	[ERRAND_UPGRADE] = "upgrade",
	[ERRAND_DRAIN] = "drain",
	[ERRAND_UNDRAIN] = "undrain",
	[ERRAND_KICK] = "kick",
};

/* Copy a text of an errand; it must be nothing, or printable.  Returns 0. */
static int
take(char *to, const char *from, size_t len)
{
	const struct tcpmux_span span = { from, len };

	if (len > 0 && tcpmux_check_name(span) != 0)
		return -1;
	memcpy(to, from, len);
	to[len] = '\0';
	return 0;
}

/* Check all of e.  Returns 0 and sets *t, or -1. */
static int
check(const struct errand *e, struct task *t)
{
	if (e->what > ERRAND_LOG || e->option_len > sizeof(e->option) ||
	    take(t->text, e->name, e->name_len) == -1 ||
	    take(t->option, e->option, e->option_len) == -1)
		return -1;
	t->name = (struct tcpmux_span){ t->text, e->name_len };
	return 0;
}

/* Whoever changes something is named in the log. */
static void
note(const struct errand *e, const struct task *t)
{
	if (e->what == ERRAND_LOG)
		log_say("user %u asks: log/%s", e->uid, t->option);
	else if (e->what == ERRAND_KICK && t->name.len == 0)
		log_say("user %u asks: kick,%s/", e->uid, t->option);
	else if (e->what >= ERRAND_RELOAD)
		log_say("user %u asks: %s%s%s", e->uid, verbs[e->what],
		    t->name.len > 0 ? "/" : "", t->text);
}

static int
write_snapshot(const void *arg, int fd)
{
	const struct monitor *mon = arg;
	const struct snapshot s = {
		.cohorts = mon->current,
		.config = setup_file(mon->setup),
		.user = mon->user,
		.started = mon->started,
		.reloads = mon->reloads,
		.upgrades = mon->upgrades,
		.replaced = mon->replaced,
		.replaced_at = mon->replaced_at,
		.layers = atomic_load(&mon->pulse.layers),
	};

	return snapshot_write(&s, fd);
}

static int
write_conns(const void *arg, int fd)
{
	static struct text text; /* it is large */
	const struct monitor *mon = arg;

	text_begin(&text, fd);
	guests_write(mon->current, &text);
	return text_flush(&text);
}

static void
show_sheet(const struct monitor *mon, struct sheet *s,
    int (*write)(const void *arg, int fd), int fd)
{
	const int more = sheet_get(s, write, mon);

	if (more == -1)
		answer_no(fd, REQUEST_FLOODED);
	else
		answer_with(fd, "+", more);
}

static void
explain(const struct monitor *mon, const struct task *t, int fd)
{
	const char *address = t->option[0] != '\0' ? t->option : NULL;
	struct network peer;
	int more, served;

	if (t->name.len == 0 ||
	    (address != NULL &&
		(network_parse(address, &peer) != 0 ||
		    peer.bits != ADDRESS_BYTES * 8))) {
		answer_failed(fd, "request", "This is no numeric address.");
		return;
	}
	more = sealed_new();
	served = more != -1 ? explain_write(mon, t->text, address, more) : -1;
	if (served == -1)
		answer_no(fd, REQUEST_FLOODED);
	else
		answer_with(fd,
		    served == 1 ? "+It would be served." :
				  "+It would be refused.",
		    more);
	descriptor_close(&more); /* a copy was sent */
}

/* Say how a reload or an upgrade went, and what was said meanwhile. */
static void
answer_outcome(int fd, int outcome, const char *done, const char *failed,
    const struct log_copy *said)
{
	if (outcome == MONITOR_BUSY)
		answer_failed(fd, "busy",
		    "A reload or an upgrade is under way. Try again in a "
		    "moment.");
	else
		answer_with_said(fd, outcome == MONITOR_DONE ? done : failed,
		    said);
}

static void
change(struct monitor *mon, const struct errand *e, int fd)
{
	struct log_copy *said = calloc(1, sizeof(*said));
	char done[64];
	int outcome;

	if (said == NULL) {
		answer_no(fd, REQUEST_FLOODED);
		return;
	}
	if (e->what == ERRAND_UPGRADE) {
		outcome = monitor_upgrade(mon, said);
		answer_outcome(fd, outcome, "+The new program serves.",
		    "-failed The program was not changed.", said);
	} else {
		outcome = monitor_reload(mon, said);
		/* It has room for any two numbers. */
		(void)snprintf(done, sizeof(done),
		    "+Serving generation %u: %u services.",
		    mon->current->g.number, mon->current->table->nservices);
		answer_outcome(fd, outcome, done,
		    "-failed The configuration was not changed.", said);
	}
	free(said);
}

/*
 * What is meant by a name: the service that has it, also as an alias, or what
 * may be offered.  Returns false if that is nothing to be drained.
 */
static bool
find_subject(const struct monitor *mon, struct tcpmux_span *name)
{
	const struct table *t = mon->current->table;
	const uint32_t found = table_find(t, *name);

	if (found == SERVICE_NONE)
		return policy_is_name(*name);
	name->p = t->services[found].name;
	name->len = strlen(name->p);
	return t->services[found].kind != SERVICE_TCPMUX;
}

static void
drain(const struct monitor *mon, const struct task *t, int fd)
{
	struct tcpmux_span name = t->name;

	if (name.len == 0) {
		atomic_store(&mon->board->draining, 1);
		answer_yes(fd, "All services are out of service.");
		return;
	}
	if (!find_subject(mon, &name)) {
		answer_no(fd, REQUEST_UNKNOWN);
		return;
	}
	switch (board_drain(mon->board, name)) {
	case -1:
		answer_failed(fd, "busy",
		    "Too many names are out of service one by one.");
		break;
	case 0:
		answer_yes(fd, "%.*s was out of service already.",
		    (int)name.len, name.p);
		break;
	default:
		answer_yes(fd, "%.*s is out of service.", (int)name.len,
		    name.p);
		break;
	}
}

/* Everything, whether it was drained by itself or not. */
static void
undrain_all(const struct monitor *mon)
{
	char buf[TCPMUX_NAME_MAX];
	struct tcpmux_span name;
	size_t i;

	atomic_store(&mon->board->draining, 0);
	for (i = 0; i < BOARD_NAMES_MAX; i++) {
		name = board_name(mon->board, i, buf);
		if (name.len > 0)
			(void)board_undrain(mon->board, name); /* it was */
	}
}

static void
undrain(const struct monitor *mon, const struct task *t, int fd)
{
	struct tcpmux_span name = t->name;

	if (name.len == 0) {
		undrain_all(mon);
		answer_yes(fd, "All services are in service.");
	} else if (!find_subject(mon, &name)) {
		answer_no(fd, REQUEST_UNKNOWN);
	} else if (atomic_load(&mon->board->draining) != 0) {
		answer_failed(fd, "failed",
		    "All services are out of service: undrain all of them.");
	} else if (board_undrain(mon->board, name) == 0) {
		answer_yes(fd, "%.*s was in service already.", (int)name.len,
		    name.p);
	} else {
		answer_yes(fd, "%.*s is in service again.", (int)name.len,
		    name.p);
	}
}

/* Of whom we know no more once he was handed over. */
static bool
is_others(const struct monitor *mon, struct tcpmux_span name)
{
	const struct table *t = mon->current->table;
	const uint32_t found = table_find(t, name);

	return found == SERVICE_NONE ||
	    t->services[found].kind == SERVICE_SOCKET ||
	    t->services[found].kind == SERVICE_OFFERED;
}

static void
answer_kicked(int fd, uint32_t n, const char *but)
{
	if (n == 1)
		answer_yes(fd, "1 connection is told to end%s.", but);
	else
		answer_yes(fd, "%u connections are told to end%s.", n, but);
}

static void
kick(const struct monitor *mon, const struct task *t, int fd)
{
	uint64_t number;
	char *end;

	if (t->name.len > 0) {
		answer_kicked(fd, guests_kick_service(mon->current, t->name),
		    is_others(mon, t->name) ?
			"; those that programs have taken are not ours" :
			"");
		return;
	}
	number = strtoull(t->option, &end, 10);
	if (t->option[0] < '0' || t->option[0] > '9' || *end != '\0')
		answer_no(fd, REQUEST_UNCLEAR);
	else if (guests_kick(mon->current, number) == 0)
		answer_failed(fd, "name", "There is no such connection.");
	else
		answer_kicked(fd, 1, "");
}

static void
set_level(const struct monitor *mon, const struct task *t, int fd)
{
	const enum log_level configured = mon->current->table->log.level;
	size_t i;

	for (i = 0; i <= LOG_CONNECTIONS; i++)
		if (strcmp(t->option, log_level_name((enum log_level)i)) == 0)
			break;
	if (i > LOG_CONNECTIONS && strcmp(t->option, "configured") != 0) {
		answer_failed(fd, "request",
		    "The levels are nothing, refusals, connections and "
		    "configured.");
		return;
	}
	atomic_store(&mon->board->log_level,
	    (unsigned char)(i > LOG_CONNECTIONS ? 0 : i + 1));
	answer_yes(fd, "The level is %s.",
	    log_level_name(board_log_level(mon->board, configured)));
}

/*
 * Would the board be changed after a new program was told what stands there?
 * Then nobody would know of it once that serves.
 */
static bool
is_too_late(const struct monitor *mon, enum errand_what what)
{
	return (mon->upgrade != NULL || mon->state == MONITOR_RETIRED) &&
	    (what == ERRAND_DRAIN || what == ERRAND_UNDRAIN ||
		what == ERRAND_LOG);
}

/* Do what has been checked. */
static void
perform(struct monitor *mon, const struct errand *e, const struct task *t,
    int fd)
{
	switch ((enum errand_what)e->what) {
	case ERRAND_SNAPSHOT:
		show_sheet(mon, &mon->snapshot, write_snapshot, fd);
		break;
	case ERRAND_CONNS:
		show_sheet(mon, &mon->conns, write_conns, fd);
		break;
	case ERRAND_EXPLAIN:
		explain(mon, t, fd);
		break;
	case ERRAND_RELOAD:
	case ERRAND_UPGRADE:
		change(mon, e, fd);
		break;
	case ERRAND_DRAIN:
		drain(mon, t, fd);
		break;
	case ERRAND_UNDRAIN:
		undrain(mon, t, fd);
		break;
	case ERRAND_KICK:
		kick(mon, t, fd);
		break;
	case ERRAND_LOG:
		set_level(mon, t, fd);
		break;
	}
}

void
desk_do(struct monitor *mon, const struct errand *e, int fd)
{
	const struct errand copy = *e;
	struct task t;

	if (check(&copy, &t) == -1 || mon->current == NULL) {
		answer_no(fd, REQUEST_UNCLEAR);
		return;
	}
	note(&copy, &t);
	if (is_too_late(mon, (enum errand_what)copy.what)) {
		answer_failed(fd, "busy",
		    "An upgrade is under way. Try again in a moment.");
		return;
	}
	if (copy.what >= ERRAND_RELOAD) {
		sheet_drop(&mon->snapshot);
		sheet_drop(&mon->conns);
	}
	perform(mon, &copy, &t, fd);
}
