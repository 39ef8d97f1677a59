/*
 * The estate: all that a registrar leaves to the next one.
 *
 * At a reload it gives copies of its sockets and all names, in messages; after
 * a crash there are only the claims.
 */

#ifndef DAEMON_REGISTRAR_ESTATE_H
#define DAEMON_REGISTRAR_ESTATE_H

#include "daemon/registrar/applicant.h"
#include "daemon/registrar/registry.h"

/* What has to wait until the other registrar is not needed any more. */
struct estate;

/* Returns NULL with ENOMEM. */
struct estate *estate_new(void);

/*
 * Send all that there is over the socket to, and wait for room with the help
 * of a loop in which is nothing else of importance.
 */
void estate_give(const struct registry *r, const struct applicants *a, int to,
    int quiet);

/*
 * Take what is sent over the socket from, likewise; and, if that ends before
 * all has come, or does not come in time, what is claimed.  Returns 0, or -1 if
 * the loop is dead.
 */
int estate_take(struct estate *e, struct registry *r, int from, int quiet);

/* There was nobody to give anything: keep what is claimed. */
void estate_claim(struct registry *r);

/* Take what the service manager has kept: offers of a daemon before. */
void estate_take_kept(struct estate *e, struct registry *r);

/* The other one is not needed any more. */
void estate_settle(struct estate *e, struct registry *r, struct applicants *a);

#endif
