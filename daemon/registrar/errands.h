/*
 * Errands: what is asked of the monitor, and not of us.  Here it is decided
 * who may, and how often; then the monitor has it, and whoever asked.
 */

#ifndef DAEMON_REGISTRAR_ERRANDS_H
#define DAEMON_REGISTRAR_ERRANDS_H

#include "daemon/registrar/registry.h"
#include "os/loop.h"
#include "os/peer.h"
#include "table/request.h"

/*
 * An answer that is not read holds a descriptor that is on its way, which the
 * kernel counts as one of ours.  So readers may have so many connections at
 * which they were answered, in all and of one user, and no more.
 */
#define ERRANDS_OPEN_MAX          64
#define ERRANDS_OPEN_PER_USER_MAX 16

/* A reader may ask so often in a second, or so often at once. */
#define ERRANDS_PER_SECOND 50

struct errands;

/*
 * control is the socket to the monitor, and first the number of the first
 * connection for the loop, of ERRANDS_OPEN_MAX.  NULL with ENOMEM.
 */
struct errands *errands_new(int control, uint32_t first);

/*
 * Let the monitor do what fd has asked for, which is no offer, or refuse it.
 * fd is owned.
 */
void errands_request(struct errands *e, struct registry *r, int fd,
    const struct peer *peer, const struct request *q);

/* One of the connections has ended. */
void errands_event(struct errands *e, const struct registry *r,
    struct loop_id id);

/* Do what is due now; returns when to come again, or INT64_MAX. */
int64_t errands_due(struct errands *e, int64_t now);

#endif
