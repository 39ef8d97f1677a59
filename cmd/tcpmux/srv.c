/*
 * Asks the DNS for SRV records, and puts them in order: those of the lowest
 * priority first, and among equals by chance, as their weights say.
 *
 * The resolver has no deadline; with a server that takes a connection and is
 * silent then it waits for ever.  So it has a thread to wait in.
 */

#include <arpa/nameser.h>
#include <errno.h>
#include <netdb.h>
#include <poll.h>
#include <pthread.h>
#include <resolv.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/random.h>
#include <unistd.h>

#include "cmd/say.h"
#include "cmd/tcpmux/srv.h"

struct srv_record {
	unsigned int priority;
	unsigned int weight;
	struct plan_place place;
};

/* No error of the DNS but ours: NETDB_INTERNAL, where that is defined. */
#define SRV_INTERNAL (-1)

/* The fixed part of the record's data (RFC 2782). */
#define SRV_FIXED 6

static unsigned int
srv_get16(const unsigned char *p)
{
	return (unsigned int)p[0] << 8 | p[1];
}

/* The DNS may name hosts, but neither paths nor anything else: RFC 952. */
static bool
srv_is_host(const char *name)
{
	return name[strspn(name,
		   "abcdefghijklmnopqrstuvwxyz"
		   "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
		   "0123456789-_.")] == '\0';
}

/* Take one record of an answer; 0 if it is not one to use. */
static int
srv_parse_record(struct srv_record *record, ns_msg *answer, int place)
{
	const unsigned char *data;
	ns_rr rr;

	if (ns_parserr(answer, ns_s_an, place, &rr) == -1 ||
	    ns_rr_type(rr) != ns_t_srv || ns_rr_rdlen(rr) <= SRV_FIXED)
		return 0;
	data = ns_rr_rdata(rr);
	record->priority = srv_get16(data);
	record->weight = srv_get16(data + 2);
	record->place.port = (uint16_t)srv_get16(data + 4);
	return ns_name_uncompress(ns_msg_base(*answer), ns_msg_end(*answer),
		   data + SRV_FIXED, record->place.host,
		   sizeof(record->place.host)) != -1 &&
	    srv_is_host(record->place.host);
}

static size_t
srv_parse(struct srv_record *records, const unsigned char *bytes, int len)
{
	ns_msg answer;
	size_t n = 0;

	if (ns_initparse(bytes, len, &answer) == -1)
		return 0;
	for (int i = 0; i < ns_msg_count(answer, ns_s_an) && n < PLAN_PLACES;
	     i++)
		n += (size_t)srv_parse_record(&records[n], &answer, i);
	return n;
}

/* One number of 0 to sum, by chance. */
static unsigned int
srv_draw(unsigned int sum)
{
	unsigned int number = 0;

	/* Without chance it is the first, which is an order as well. */
	if (getrandom(&number, sizeof(number), GRND_NONBLOCK) !=
	    (ssize_t)sizeof(number))
		return 0;
	return number % (sum + 1);
}

/* In the order of RFC 2782: by priority, and those without weight first. */
static int
srv_compare(const void *a, const void *b)
{
	const struct srv_record *x = a, *y = b;

	if (x->priority != y->priority)
		return x->priority < y->priority ? -1 : 1;
	return (x->weight > y->weight) - (x->weight < y->weight);
}

/* Choose one of the first priority, by chance and weight. */
static size_t
srv_choose(const struct srv_record *records, size_t n)
{
	unsigned int sum = 0, running = 0, drawn;
	size_t i, equals = 0;

	while (equals < n && records[equals].priority == records[0].priority)
		sum += records[equals++].weight;
	drawn = srv_draw(sum);
	for (i = 0; i < equals - 1; i++) {
		running += records[i].weight;
		if (running >= drawn)
			break;
	}
	return i;
}

static void
srv_fill(struct plan *plan, struct srv_record *records, size_t n)
{
	qsort(records, n, sizeof(*records), srv_compare);
	plan->nplaces = 0;
	while (n > 0) {
		size_t next = srv_choose(records, n);

		plan->places[plan->nplaces++] = records[next].place;
		n--;
		memmove(&records[next], &records[next + 1],
		    (n - next) * sizeof(*records));
	}
}

/* "." says that the service is decidedly not there. */
static bool
srv_is_denied(const struct srv_record *records, size_t n)
{
	return n == 1 &&
	    (strcmp(records[0].place.host, ".") == 0 ||
		records[0].place.host[0] == '\0');
}

/* What is asked, and what comes of it; the thread's until it is joined. */
struct srv_question {
	char name[sizeof("_tcpmux._tcp.") + TARGET_HOST_MAX];
	int done;  /* an eventfd: readable when the thread has ended */
	int len;   /* of the answer, or -1 */
	int error; /* then, as h_errno */
	unsigned char answer[NS_MAXMSG];
};

static void *
srv_run(void *arg)
{
	struct srv_question *q = arg;

	/* Each thread has a resolver and an h_errno of its own. */
	h_errno = SRV_INTERNAL;
	q->len =
	    res_query(q->name, ns_c_in, ns_t_srv, q->answer, sizeof(q->answer));
	q->error = h_errno;
	/* The first event always fits. */
	(void)eventfd_write(q->done, 1);
	return NULL;
}

/* Returns 0, ETIMEDOUT while the question is still the thread's, or errno. */
static int
srv_ask(struct srv_question *q, int timeout_ms)
{
	struct pollfd done = { .events = POLLIN };
	pthread_t thread;
	int error, n;

	q->done = done.fd = eventfd(0, EFD_CLOEXEC);
	if (q->done == -1)
		return errno;
	error = pthread_create(&thread, NULL, srv_run, q);
	if (error == 0) {
		do {
			n = poll(&done, 1, timeout_ms);
		} while (n == -1 && errno == EINTR);
		if (n == 0)
			return ETIMEDOUT;
		error = pthread_join(thread, NULL);
	}
	/* Nothing is in it that could be lost. */
	(void)close(q->done);
	return error;
}

/* Say why there is no answer.  Returns 0 if that is one as well: no records. */
static int
srv_explain(const struct srv_question *q, int error)
{
	if (error == ETIMEDOUT || (error == 0 && q->error == TRY_AGAIN)) {
		say("%s cannot be looked up, as the DNS does not answer: try "
		    "again, or without --srv",
		    q->name);
		return error == 0 ? SAY_NOHOST : SAY_TIMEOUT;
	}
	if (error == 0 && q->error != SRV_INTERNAL)
		return SAY_OK;
	say("the DNS cannot be asked (%s): see /etc/resolv.conf",
	    error == 0 ? hstrerror(q->error) : strerror(error));
	return SAY_SYSTEM;
}

/* Do what the DNS has said. */
static int
srv_take(struct plan *plan, const struct srv_question *q)
{
	struct srv_record records[PLAN_PLACES];
	size_t n;

	n = srv_parse(records, q->answer,
	    q->len < NS_MAXMSG ? q->len : NS_MAXMSG);
	if (srv_is_denied(records, n)) {
		say("%s has no TCPMUX service, says the DNS: choose another "
		    "host",
		    plan->where);
		return SAY_NOHOST;
	}
	if (n > 0)
		srv_fill(plan, records, n);
	return SAY_OK;
}

int
srv_look_up(struct plan *plan)
{
	struct srv_question *q = calloc(1, sizeof(*q));
	int error, status;

	if (q == NULL) {
		say("the DNS cannot be asked: %s", strerror(errno));
		return SAY_SYSTEM;
	}
	/* It fits: a host is no longer. */
	(void)snprintf(q->name, sizeof(q->name), "_tcpmux._tcp.%s",
	    plan->places[0].host);
	error = srv_ask(q, plan->timeout_ms);
	if (error != 0 || q->len < 0)
		status = srv_explain(q, error);
	else
		status = srv_take(plan, q);
	/* The thread may still write to it, until the program ends. */
	if (error != ETIMEDOUT)
		free(q);
	return status;
}
