/*
 * What the fronts are told: of each subject how it is now, in the order in
 * which they changed, and each front at its own pace.
 */

#include <errno.h>
#include <linux/sockios.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "daemon/registrar/news.h"
#include "os/clock.h"
#include "os/message.h"

/* The fronts of one generation, and those that took their places. */
#define FRONTS_MAX 1024

#define SUBJECT_NONE UINT32_MAX

/* A front that takes nothing for so long is given up. */
#define STUCK_MS 5000

/* A third of what waits in a channel at the most. */
#define LATE_BYTES 65536

/* All subjects of which there is something to say are in one list. */
struct subject {
	uint32_t prev, next;
	uint32_t untold; /* fronts that are still to be told */
	bool listed;
	bool last; /* once they know, it is over */
};

struct front {
	int channel;   /* -1: gone */
	uint32_t next; /* to be told; SUBJECT_NONE: knows all */
	bool begun;
	bool knows_all; /* and has been told that */
	int64_t full;   /* since when it takes nothing; 0: it does */
};

struct news {
	struct news_source source;
	struct subject *subjects;
	uint32_t first, last;
	struct front fronts[FRONTS_MAX];
	uint32_t nfronts; /* places in use */
	uint32_t nlive;
	bool complete;
};

struct news *
news_new(uint32_t n, const struct news_source *source)
{
	struct news *news = calloc(1, sizeof(*news));

	if (news == NULL)
		return NULL;
	news->subjects = calloc(n, sizeof(*news->subjects));
	if (news->subjects == NULL && n > 0) {
		free(news);
		return NULL;
	}
	news->source = *source;
	news->first = news->last = SUBJECT_NONE;
	return news;
}

void
news_free(struct news *n)
{
	uint32_t i;

	if (n == NULL)
		return;
	for (i = 0; i < n->nfronts; i++)
		if (n->fronts[i].channel != -1)
			(void)close(n->fronts[i].channel); /* all is said */
	free(n->subjects);
	free(n);
}

static void
unlist(struct news *n, uint32_t i)
{
	struct subject *s = &n->subjects[i];
	uint32_t k;

	if (!s->listed)
		return;
	for (k = 0; k < n->nfronts; k++)
		if (n->fronts[k].next == i)
			n->fronts[k].next = s->next;
	if (s->prev != SUBJECT_NONE)
		n->subjects[s->prev].next = s->next;
	else
		n->first = s->next;
	if (s->next != SUBJECT_NONE)
		n->subjects[s->next].prev = s->prev;
	else
		n->last = s->prev;
	s->listed = false;
}

/* It is the newest: behind all the others. */
static void
list(struct news *n, uint32_t i)
{
	struct subject *s = &n->subjects[i];
	uint32_t k;

	unlist(n, i);
	s->prev = n->last;
	s->next = SUBJECT_NONE;
	s->untold = n->nlive;
	s->listed = true;
	if (n->last != SUBJECT_NONE)
		n->subjects[n->last].next = i;
	else
		n->first = i;
	n->last = i;
	for (k = 0; k < n->nfronts; k++)
		if (n->fronts[k].channel != -1 &&
		    n->fronts[k].next == SUBJECT_NONE)
			n->fronts[k].next = i;
}

/* One front less is to be told of it. */
static void
count_told(struct news *n, uint32_t i)
{
	struct subject *s = &n->subjects[i];

	if (--s->untold > 0 || !s->last)
		return;
	unlist(n, i);
	s->last = false;
	n->source.over(n->source.arg, i);
}

static void
remove_front(struct news *n, struct front *f)
{
	uint32_t i = f->next, next;

	(void)close(f->channel); /* that front is gone */
	f->channel = -1;
	f->next = SUBJECT_NONE;
	n->nlive--;
	for (; i != SUBJECT_NONE; i = next) {
		next = n->subjects[i].next;
		count_told(n, i);
	}
}

/*
 * There is no room for f, which may be stuck, or have gone bad.  As long as it
 * has not been told, no number can be another's: it must not keep the others
 * from theirs for ever.  It sees the end of its channel, and ends.
 */
static void
wait_for_front(struct news *n, struct front *f)
{
	const int64_t now = clock_now();

	if (f->full == 0)
		f->full = now;
	if (now - f->full < STUCK_MS)
		return;
	(void)shutdown(f->channel, SHUT_RDWR); /* or it is gone already */
	remove_front(n, f);
}

/* Returns 0, or -1 if there is no room now, or the front is gone. */
static int
send_to(struct news *n, struct front *f, const struct taker_message *m, int fd)
{
	if (message_send(f->channel, m, sizeof(*m), fd) == 0) {
		f->full = 0;
		return 0;
	}
	if (errno == EAGAIN)
		wait_for_front(n, f);
	else if (message_is_gone(errno))
		remove_front(n, f);
	return -1;
}

static int
send_plain(struct news *n, struct front *f, enum taker_what what)
{
	const struct taker_message m = { .what = what };

	return send_to(n, f, &m, -1);
}

/* Tell one front what it does not know, as far as there is room. */
static void
tell(struct news *n, struct front *f)
{
	uint32_t i;
	int fd;

	if (!f->begun) {
		if (send_plain(n, f, TAKER_FORGET) == -1)
			return;
		f->begun = true;
	}
	while ((i = f->next) != SUBJECT_NONE) {
		struct taker_message m = { .what = TAKER_GONE };

		fd = n->source.say(n->source.arg, i, &m);
		if (send_to(n, f, &m, fd) == -1)
			return;
		f->next = n->subjects[i].next;
		count_told(n, i);
	}
	if (n->complete && !f->knows_all)
		f->knows_all = send_plain(n, f, TAKER_ALL) == 0;
}

static bool
has_more(const struct news *n, const struct front *f)
{
	return f->channel != -1 &&
	    (!f->begun || f->next != SUBJECT_NONE ||
		(n->complete && !f->knows_all));
}

bool
news_tell(struct news *n)
{
	bool late = false;
	uint32_t i;

	for (i = 0; i < n->nfronts; i++) {
		if (!has_more(n, &n->fronts[i]))
			continue;
		tell(n, &n->fronts[i]);
		late |= has_more(n, &n->fronts[i]);
	}
	return late;
}

/* A place that no front has, or FRONTS_MAX. */
static uint32_t
find_place(const struct news *n)
{
	uint32_t i;

	for (i = 0; i < n->nfronts && n->fronts[i].channel != -1; i++)
		;
	return i;
}

/* Find out who is gone, by telling all that nobody is. */
static void
probe(struct news *n)
{
	const struct taker_message m = { .what = TAKER_GONE,
		.taker = UINT32_MAX };
	uint32_t i;

	for (i = 0; i < n->nfronts; i++)
		if (n->fronts[i].channel != -1)
			/* Who is gone is removed, and that is all we want. */
			(void)send_to(n, &n->fronts[i], &m, -1);
}

void
news_add_front(struct news *n, int channel)
{
	struct front *f;
	uint32_t i = find_place(n), k;

	if (i == FRONTS_MAX) {
		probe(n);
		i = find_place(n);
	}
	if (i == FRONTS_MAX) {
		(void)close(channel); /* that front will wait in vain */
		return;
	}
	if (i == n->nfronts)
		n->nfronts++;
	f = &n->fronts[i];
	*f = (struct front){ .channel = channel, .next = n->first };
	n->nlive++;
	for (k = n->first; k != SUBJECT_NONE; k = n->subjects[k].next)
		n->subjects[k].untold++;
}

void
news_complete(struct news *n)
{
	n->complete = true;
}

void
news_change(struct news *n, uint32_t subject)
{
	n->subjects[subject].last = false;
	list(n, subject);
}

void
news_end(struct news *n, uint32_t subject)
{
	struct subject *s = &n->subjects[subject];

	list(n, subject);
	if (n->nlive > 0) {
		s->last = true;
		return;
	}
	unlist(n, subject);
	n->source.over(n->source.arg, subject);
}

void
news_drop(struct news *n, uint32_t subject)
{
	unlist(n, subject);
	n->subjects[subject].last = false;
}

bool
news_are_late(const struct news *n)
{
	uint32_t i;
	int waits;

	for (i = 0; i < n->nfronts; i++)
		if (n->fronts[i].channel != -1 &&
		    ioctl(n->fronts[i].channel, SIOCOUTQ, &waits) == 0 &&
		    waits > LATE_BYTES)
			return true;
	return false;
}

bool
news_are_known(const struct news *n)
{
	uint32_t i;
	int waits;

	for (i = 0; i < n->nfronts; i++) {
		if (n->fronts[i].channel == -1)
			continue;
		if (n->fronts[i].next != SUBJECT_NONE ||
		    ioctl(n->fronts[i].channel, SIOCOUTQ, &waits) == -1 ||
		    waits > 0)
			return false;
	}
	return true;
}
