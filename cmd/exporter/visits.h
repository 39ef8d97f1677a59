/*
 * The connections of clients, each of which has a deadline: whoever sends a
 * request by the byte, or does not take the answer, is cut off.
 */

#ifndef CMD_EXPORTER_VISITS_H
#define CMD_EXPORTER_VISITS_H

#include <stddef.h>
#include <stdint.h>

/* So many at a time; one more, and the oldest is cut off. */
#define VISITS_MAX 48

/* A connection must have had an answer within so long of the last one. */
#define VISITS_MS 20000

struct visit {
	int fd;        /* borrowed; -1: nobody is here */
	int64_t since; /* it came, or its last answer went */
};

struct visits {
	struct visit all[VISITS_MAX];
	size_t n;
};

void visits_init(struct visits *x);

/*
 * Somebody came at fd.  Returns its place, or NULL if all are taken.  If the
 * last one is taken now, the oldest of the others is cut off, so that there is
 * one for the next.
 */
struct visit *visits_begin(struct visits *x, int fd, int64_t now);

/* He has had his answer, and may ask for another. */
void visits_renew(struct visit *v, int64_t now);

void visits_end(struct visits *x, struct visit *v);

/* Cut off whoever is late. */
void visits_expire(struct visits *x, int64_t now);

#endif
