/*
 * Looking up a name in a thread that nobody has to wait for.
 *
 * getaddrinfo() cannot be stopped.  So whoever lets go of a lookup last, the
 * caller or the thread, frees it; the descriptor is the caller's, and the
 * thread writes to it only under the lock that says it is still open.
 */

#include <errno.h>
#include <netdb.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "lib/lookup.h"

struct lookup {
	pthread_mutex_t lock;
	bool has_answer; /* the thread has let go */
	bool is_left;    /* the caller has let go, and closed fd */
	int fd;
	int family;
	uint16_t port;
	struct lookup_found found;
	char host[];
};

static void
look_up(const char *host, uint16_t port, int family, int flags,
    struct lookup_found *found)
{
	const struct addrinfo hints = {
		.ai_family = family,
		.ai_socktype = SOCK_STREAM,
		.ai_flags = flags | AI_NUMERICSERV,
	};
	struct addrinfo *list, *ai;
	struct address *a;
	char service[8];

	found->n = 0;
	(void)snprintf(service, sizeof(service), "%u", port); /* it fits */
	found->error = getaddrinfo(host, service, &hints, &list);
	found->system = errno;
	if (found->error != 0)
		return;
	for (ai = list; ai != NULL && found->n < LOOKUP_MAX; ai = ai->ai_next) {
		a = &found->addresses[found->n];
		if (ai->ai_addrlen > sizeof(a->u))
			continue;
		memcpy(&a->u, ai->ai_addr, ai->ai_addrlen);
		a->len = ai->ai_addrlen;
		found->n++;
	}
	freeaddrinfo(list);
}

void
tcpmux_lookup_numeric(const char *host, uint16_t port, int family,
    struct lookup_found *found)
{
	look_up(host, port, family, AI_NUMERICHOST, found);
}

static void
release(struct lookup *l)
{
	(void)pthread_mutex_destroy(&l->lock); /* nobody holds it */
	free(l);
}

static void *
run(void *arg)
{
	struct lookup *l = arg;
	const uint64_t one = 1;
	bool is_left;

	look_up(l->host, l->port, l->family, 0, &l->found);
	/* A plain mutex, used as it is meant, does not fail. */
	(void)pthread_mutex_lock(&l->lock);
	l->has_answer = true;
	is_left = l->is_left;
	/* An eventfd takes its first number, always. */
	if (!is_left && write(l->fd, &one, sizeof(one)) == -1)
		l->found.error = EAI_SYSTEM;
	(void)pthread_mutex_unlock(&l->lock);
	if (is_left)
		release(l);
	return NULL;
}

/* Start the thread, which takes no signal from the program. */
static int
start(struct lookup *l)
{
	pthread_attr_t attributes;
	pthread_t thread;
	sigset_t all, old;
	int error;

	error = pthread_attr_init(&attributes);
	if (error != 0)
		return error;
	/* None of these can fail with what they are given here. */
	(void)pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
	(void)sigfillset(&all);
	(void)pthread_sigmask(SIG_SETMASK, &all, &old);
	error = pthread_create(&thread, &attributes, run, l);
	(void)pthread_sigmask(SIG_SETMASK, &old, NULL);
	(void)pthread_attr_destroy(&attributes);
	return error;
}

struct lookup *
tcpmux_lookup_new(const char *host, uint16_t port, int family)
{
	const size_t len = strlen(host) + 1;
	struct lookup *l;
	int error;

	l = calloc(1, sizeof(*l) + len);
	if (l == NULL)
		return NULL;
	memcpy(l->host, host, len);
	l->port = port;
	l->family = family;
	l->fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (l->fd == -1) {
		error = errno;
		goto fail;
	}
	error = pthread_mutex_init(&l->lock, NULL);
	if (error != 0)
		goto fail;
	error = start(l);
	if (error != 0)
		goto fail;
	return l;
fail:
	if (l->fd != -1)
		(void)close(l->fd); /* it holds nothing */
	free(l);
	errno = error;
	return NULL;
}

int
tcpmux_lookup_fd(const struct lookup *l)
{
	return l->fd;
}

const struct lookup_found *
tcpmux_lookup_answer(struct lookup *l)
{
	bool has_answer;

	/* As in run(). */
	(void)pthread_mutex_lock(&l->lock);
	has_answer = l->has_answer;
	(void)pthread_mutex_unlock(&l->lock);
	return has_answer ? &l->found : NULL;
}

void
tcpmux_lookup_free(struct lookup *l)
{
	const int saved = errno;
	bool has_answer;

	if (l == NULL)
		return;
	/* As in run(). */
	(void)pthread_mutex_lock(&l->lock);
	has_answer = l->has_answer;
	l->is_left = true;
	(void)close(l->fd); /* it holds nothing */
	(void)pthread_mutex_unlock(&l->lock);
	if (has_answer)
		release(l);
	errno = saved;
}
