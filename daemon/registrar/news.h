/*
 * What the fronts are told: of each subject how it is now, in the order in
 * which they changed, and each front at its own pace.
 *
 * A front that has no room has it later, and holds up nobody; if it has none
 * for long, it is given up, and its channel is shut down.  What changes
 * twice before it is told is told once.
 */

#ifndef DAEMON_REGISTRAR_NEWS_H
#define DAEMON_REGISTRAR_NEWS_H

#include <stdbool.h>
#include <stdint.h>

#include "daemon/front/takers.h"

/* How long to wait before a front that had no room is told again. */
#define NEWS_RETRY_MS 10

/* Where the news come from. */
struct news_source {
	void *arg;
	/* Fill *m, which is zeroed; returns the descriptor to go with it, -1 */
	int (*say)(void *arg, uint32_t subject, struct taker_message *m);
	/* Every front knows of its end: the subject may be another. */
	void (*over)(void *arg, uint32_t subject);
};

struct news;

/* For n subjects, of which there is nothing to say.  NULL with ENOMEM. */
struct news *news_new(uint32_t n, const struct news_source *source);
void news_free(struct news *n);

/* One more front, which is told all.  The channel belongs to the news. */
void news_add_front(struct news *n, int channel);

/* From here on, who has been told all is told that this was all. */
void news_complete(struct news *n);

/* The subject has changed: all fronts are to be told. */
void news_change(struct news *n, uint32_t subject);

/* The same, for the last time; then it is over. */
void news_end(struct news *n, uint32_t subject);

/* Nobody needs to be told of the subject any more.  It is not over by that. */
void news_drop(struct news *n, uint32_t subject);

/* Tell what there is to tell.  Returns whether a front has no room. */
bool news_tell(struct news *n);

/* Is there a front that has yet to receive so much that there may be no room? */
bool news_are_late(const struct news *n);

/* Has every front received all that there was to tell? */
bool news_are_known(const struct news *n);

#endif
