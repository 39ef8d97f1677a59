/*
 * What the parts of the registrar share.
 *
 * The numbers of its takers and its names, as the news of them: first the
 * services that are dialled, then the offers, then the names.
 */

#ifndef DAEMON_REGISTRAR_REGISTRY_H
#define DAEMON_REGISTRAR_REGISTRY_H

#include <stdbool.h>
#include <stdint.h>

#include "daemon/generation.h"
#include "daemon/registrar/news.h"
#include "daemon/report.h"
#include "table/book.h"

struct dialler;
struct errands;
struct offer;
struct unread;

struct registry {
	const struct generation *g;
	struct pulse *pulse;
	int loop;
	int control; /* to the monitor */
	int64_t now;
	struct news *news;
	struct report report;
	struct errands *errands; /* what is asked of the monitor */
	int64_t roll_due;        /* the roll may be written anew; see roll.h */
	/* Of the services that are dialled: */
	struct dialler *dialler;
	uint32_t ndialled;
	/* Of the offers: */
	struct book *book;
	struct offer *offers;
	uint32_t queue;  /* connections that may wait for each */
	uint32_t nfiles; /* that may wait for all of them */
	uint32_t excess; /* that wait, beyond what may */
	uint32_t first_ending, last_ending;
	bool has_unkept; /* one that the monitor has yet to be told of */
	/* Of offers that have ended, and are not settled (unread.h): */
	struct unread *unread;
	uint32_t nunread;
	int64_t unread_due;
	/* What the one before had noted, if it died; or NULL: */
	struct claim *claims;
	uint32_t nclaims;
};

/* Numbers of offers and names as subjects of the news. */
static inline uint32_t
registry_offer(const struct registry *r, uint32_t offer)
{
	return r->ndialled + offer;
}

static inline uint32_t
registry_name(const struct registry *r, uint32_t name)
{
	return r->ndialled + r->g->max_offers + name;
}

#endif
