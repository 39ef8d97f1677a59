/*
 * The programs at the sockets that the configuration names: each is dialled,
 * again and again while it is not there.
 */

#ifndef DAEMON_REGISTRAR_DIALLER_H
#define DAEMON_REGISTRAR_DIALLER_H

#include "daemon/registrar/registry.h"
#include "os/loop.h"

/* One for each SERVICE_SOCKET.  Returns 0, or -1 with ENOMEM. */
int dialler_init(struct registry *r);

/* Dial what is due; returns when something is next, or INT64_MAX. */
int64_t dialler_due(struct registry *r);

/* Something has come from one of them, or its end. */
void dialler_event(struct registry *r, struct loop_id id);

/* What is said of one of them; see news.h. */
int dialler_say(const struct registry *r, uint32_t subject,
    struct taker_message *m);

#endif
