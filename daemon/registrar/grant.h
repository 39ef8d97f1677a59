/*
 * Granting: whether somebody may offer a name, what he is told, and the log.
 */

#ifndef DAEMON_REGISTRAR_GRANT_H
#define DAEMON_REGISTRAR_GRANT_H

#include "daemon/registrar/registry.h"
#include "os/peer.h"

/* What is granted, by the name that it has here. */
struct grant {
	struct request
	    q; /* its name lives as long as the request or the table */
	uint32_t uid;
	uint32_t service; /* or SERVICE_NONE */
};

/*
 * May the user offer what he asks for?  Sets *w if the answer is
 * REQUEST_GRANTED.
 */
enum request_answer grant_decide(const struct registry *r,
    const struct peer *peer, const struct request *q, struct grant *w);

/* The most names of a user; 0 is no limit. */
uint32_t grant_max(const struct registry *r, uint32_t uid);

/* Say + and the name as it is spelled here.  Returns 0, or -1. */
int grant_say(int fd, struct tcpmux_span name);

/* Say -, or that an offer has ended; and let nothing more go there. */
void grant_refuse(int fd, enum request_answer why);

/*
 * A line of the log: what a user has done with a name, or asked for by it;
 * reason may be NULL.
 */
void grant_log(struct registry *r, enum log_level level, const char *by,
    struct tcpmux_span name, uint32_t uid, const char *verdict,
    const char *reason);

#endif
