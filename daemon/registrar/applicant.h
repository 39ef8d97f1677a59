/*
 * Applicants: who has connected to the control socket and has not yet asked
 * for anything.
 */

#ifndef DAEMON_REGISTRAR_APPLICANT_H
#define DAEMON_REGISTRAR_APPLICANT_H

#include "daemon/registrar/registry.h"
#include "os/loop.h"

/* So many may wait, in all and of one user; the oldest goes first. */
#define APPLICANTS_MAX          256
#define APPLICANTS_PER_USER_MAX 64

struct applicants;

/* first is the number of the first for the loop.  NULL with ENOMEM. */
struct applicants *applicants_new(uint32_t first);

/*
 * Take in the next who has connected to the socket, and hear him at once.
 * Returns whether the system has room for more.
 */
bool applicants_accept(struct applicants *a, struct registry *r, int listener);

/* Take over one who may wait until then; owns fd. */
void applicants_adopt(struct applicants *a, struct registry *r, int fd,
    int64_t deadline);

/* An applicant has said something, or has gone. */
void applicants_event(struct applicants *a, struct registry *r,
    struct loop_id id);

/* Refuse those who are late; returns when the next will be, or INT64_MAX. */
int64_t applicants_due(struct applicants *a, struct registry *r);

/* Refuse all: we are about to end. */
void applicants_stop(struct applicants *a, struct registry *r);

/* The oldest who waits, in steps from 0: his socket or -1, and *deadline. */
int applicants_get(const struct applicants *a, uint32_t *step,
    int64_t *deadline);

#endif
