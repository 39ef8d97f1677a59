/*
 * The guests of all processes: every connection that the daemon holds.
 */

#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

#include "daemon/front/slots.h"
#include "daemon/monitor/guests.h"
#include "daemon/process.h"
#include "daemon/relay/relay.h"
#include "daemon/spawn/children.h"
#include "os/clock.h"
#include "os/message.h"

/*
 * The number of a connection is that which its process has given it, and
 * behind it that of the process.  It has 53 bits, so that even a double can
 * keep it.
 */
#define PID_BITS    22
#define NUMBER_MASK UINT32_C(0x7fffffff)

static const char *const state_words[] = {
	[GUEST_WAITING] = "waiting",
	[GUEST_LINGERING] = "lingering",
	[GUEST_RUNNING] = "running",
	[GUEST_RELAYED] = "relayed",
};

static uint64_t
number_of(const struct process *p, const struct guest *g)
{
	return (uint64_t)(g->number & NUMBER_MASK) << PID_BITS |
	    ((uint64_t)p->pid & ((1U << PID_BITS) - 1));
}

/* The next guest of p from *place on; see slots_next_guest(). */
static bool
next_guest(const struct process *p, uint32_t *place, struct guest *g)
{
	if (p->pid == 0 || p->memory == NULL)
		return false;
	switch (p->role) {
	case ROLE_FRONT:
		return slots_next_guest(p->memory, p->memory_size, place,
		    clock_now(), g);
	case ROLE_RELAY:
		return relay_next_guest(p->memory, p->memory_size, place, g);
	case ROLE_SPAWN:
		return children_next_guest(p->memory, place, g);
	default:
		return false;
	}
}

static void
write_peer(struct text *t, const struct guest *g)
{
	char text[ADDRESS_TEXT_MAX];
	struct address a = { .len = sizeof(a.u.in) };

	if (address_is_mapped(g->peer)) {
		a.u.in.sin_family = AF_INET;
		a.u.in.sin_port = htons(g->port);
		memcpy(&a.u.in.sin_addr, g->peer + MAPPED_BYTES,
		    sizeof(a.u.in.sin_addr));
	} else {
		a.len = sizeof(a.u.in6);
		a.u.in6.sin6_family = AF_INET6;
		a.u.in6.sin6_port = htons(g->port);
		memcpy(&a.u.in6.sin6_addr, g->peer, sizeof(a.u.in6.sin6_addr));
	}
	address_format(&a, text);
	text_string(t, "peer", text);
}

/* A number that is not believed: it is only shown. */
static void
write_count(struct text *t, const char *key, int64_t n)
{
	if (n >= 0)
		text_number(t, key, (uint64_t)n);
}

static void
write_guest(const struct cohort *c, const struct process *p,
    const struct guest *g, struct text *t)
{
	const struct listeners *l = &c->g.listeners;
	/* Of any number, what comes out is one. */
	const uint64_t ms = (uint64_t)clock_now() - (uint64_t)g->accepted;
	const struct service *service = g->service < c->table->nservices ?
	    &c->table->services[g->service] :
	    NULL;
	char name[32];

	/* It has room for any role and number. */
	(void)snprintf(name, sizeof(name),
	    p->role == ROLE_SPAWN ? "%s" : "%s.%u", cohort_role(p->role),
	    p->number);
	text_line(t, "conn");
	text_number(t, "id", number_of(p, g));
	text_string(t, "process", name);
	text_number(t, "generation", c->g.number);
	write_peer(t, g);
	if (g->listener < l->n)
		text_string(t, "listener", l->v[g->listener].text);
	if (service != NULL)
		text_string(t, "name", service->name);
	text_string(t, "state", state_words[g->state]);
	write_count(t, "ms", (int64_t)ms);
	write_count(t, "in", g->in);
	/* What echo has moved, has gone both ways. */
	write_count(t, "out",
	    service != NULL && service->kind == SERVICE_ECHO ? g->in : g->out);
	if (g->pid > 0)
		text_number(t, "pid", (uint64_t)g->pid);
	text_end(t);
}

void
guests_write(const struct cohort *c, struct text *t)
{
	uint32_t n = 0, place;
	struct guest g;
	size_t i;

	for (; c != NULL; c = c->older)
		for (i = 0; i < c->nprocesses; i++) {
			place = 0;
			while (next_guest(&c->processes[i], &place, &g))
				if (n++ < GUESTS_MAX)
					write_guest(c, &c->processes[i], &g, t);
		}
	if (n <= GUESTS_MAX)
		return;
	text_line(t, "more");
	text_number(t, "n", n - GUESTS_MAX);
	text_end(t);
}

/* Tell p to end connections.  Returns how many of the n that is. */
static uint32_t
order_kick(const struct process *p, bool whole, uint32_t place, uint32_t number,
    uint32_t n)
{
	const struct control_kick kick = {
		.mark = CONTROL_KICK,
		.whole = whole,
		.place = place,
		.number = number,
	};

	if (n == 0 || p->control == -1 ||
	    message_send(p->control, &kick, sizeof(kick), -1) == -1)
		return 0;
	return n;
}

uint32_t
guests_kick(const struct cohort *c, uint64_t number)
{
	uint32_t n = 0, place;
	struct process *p;
	struct guest g;
	size_t i;

	for (; c != NULL; c = c->older)
		for (i = 0; i < c->nprocesses; i++) {
			p = &c->processes[i];
			place = 0;
			while (next_guest(p, &place, &g))
				if (number_of(p, &g) == number)
					n += order_kick(p, false, g.place,
					    g.number, 1);
		}
	return n;
}

uint32_t
guests_kick_service(const struct cohort *c, struct tcpmux_span name)
{
	uint32_t n = 0, of_process, place, service;
	struct guest g;
	size_t i;

	for (; c != NULL; c = c->older) {
		service = table_find(c->table, name);
		for (i = 0; i < c->nprocesses && service != SERVICE_NONE; i++) {
			place = of_process = 0;
			while (next_guest(&c->processes[i], &place, &g))
				of_process += g.service == service;
			n += order_kick(&c->processes[i], true, service, 0,
			    of_process);
		}
	}
	return n;
}
