/*
 * Offers: a name, and the socket of the program that takes its connections;
 * from the moment that it is granted to the end, whoever wants it.
 */

#ifndef DAEMON_REGISTRAR_OFFER_H
#define DAEMON_REGISTRAR_OFFER_H

#include "daemon/registrar/grant.h"
#include "os/loop.h"

/* Room for all offers of the table.  Returns 0, or -1 with ENOMEM. */
int offer_init(struct registry *r);

/*
 * Decide on a request that has come from fd, say the answer and, if it is
 * granted, enter the offer, which owns fd from then on.  Returns whether it
 * does; else fd stays the caller's, for nothing but to be closed.
 */
bool offer_request(struct registry *r, int fd, const struct peer *peer,
    const struct request *q);

/* Refuse whatever fd has asked for, and note it. */
void offer_refuse(struct registry *r, int fd, const struct peer *peer,
    struct tcpmux_span name, enum request_answer why);

/*
 * Enter an offer that another registrar has granted, by another table, unless
 * this one has something against it.  Returns as book_ask() does, or
 * REQUEST_NAME, _CONFIGURED or _DENIED; if it is REQUEST_GRANTED, fd is the
 * offer's.
 */
enum request_answer offer_adopt(struct registry *r, int fd,
    const struct peer *peer, const struct request *q);

/* Say all notices that have yet to be said. */
void offer_finish(struct registry *r);

/* Keep a name for a user until then. */
void offer_keep(struct registry *r, uint32_t uid, struct tcpmux_span name,
    int64_t until);

/* The socket of an offer has come to its end. */
void offer_event(struct registry *r, struct loop_id id);

/* What is said of an offer or a name; see news.h. */
int offer_say(const struct registry *r, uint32_t subject,
    struct taker_message *m);
void offer_over(struct registry *r, uint32_t subject);

/* Do what is due; returns when something is next, or INT64_MAX. */
int64_t offer_due(struct registry *r);

/* The socket of an offer that is here, or -1. */
int offer_fd(const struct registry *r, uint32_t offer);

#endif
