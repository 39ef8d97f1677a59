/*
 * The service manager, if there is one: what it has left to us, and what it is
 * told.  sd_listen_fds(3) and sd_notify(3) say how.
 */

#ifndef DAEMON_MONITOR_SUPERVISOR_H
#define DAEMON_MONITOR_SUPERVISOR_H

#include "daemon/generation.h"
#include "daemon/monitor/inherited.h"
#include "os/notify.h"

struct supervisor {
	struct inherited inherited;
	int notify;          /* a socket to it, or -1 */
	int keeper;          /* to whom it listens instead, or -1 */
	int64_t watchdog_ms; /* between two signs of life; 0: none is wanted */
	int64_t due;         /* the next */
	int64_t again;       /* when the state is told again; 0: it is known */
	char state[NOTIFY_TEXT_MAX]; /* as it was told last */
	/* Offers to be kept, or no more, for which there was no room yet: */
	struct kept *unsaid; /* a ring; NULL: nobody is told anything */
	size_t first, nunsaid;
};

/*
 * Read what the service manager has put into the environment, and remove it
 * there.  Ends the process, with the reason in the log, if that makes no
 * sense: a socket that clients wait at would be lost.
 */
void supervisor_init(struct supervisor *s);

/*
 * Close every descriptor behind standard error that is not the service
 * manager's, or link.  Returns 0, or -1 with errno.
 */
int supervisor_keep(const struct supervisor *s, int link);

/*
 * After an upgrade the service manager listens to the first monitor, the
 * keeper: from now on, tell it by way of that one, over a socket which is not
 * ours.
 */
void supervisor_use_keeper(struct supervisor *s, int keeper);

/* What a monitor tells the service manager by way of the keeper. */
#define SUPERVISOR_TELL 'T'
struct supervisor_message {
	uint32_t word;
	char text[NOTIFY_TEXT_MAX]; /* as much of it as there is, with a NUL */
};

/* As the keeper, pass on such a message of n bytes; fd, or -1, is closed. */
void supervisor_pass(const struct supervisor *s, struct supervisor_message *m,
    size_t n, int fd);

/*
 * Another process is in charge.  If that is us no more, but the service
 * manager listens to us still, is_keeper, we may yet pass something on.
 */
void supervisor_leave(struct supervisor *s, bool is_keeper);

/* It is told that generation g serves; and, unless it is NULL, a remark. */
void supervisor_ready(struct supervisor *s, const struct generation *g,
    const char *remark);

/* That the configuration is read again; that we end. */
void supervisor_reloading(struct supervisor *s);
void supervisor_stopping(struct supervisor *s);

/*
 * It is to keep an offer, or no more: k is from a registrar, and nothing of it
 * has been checked; fd is closed.
 */
void supervisor_store(struct supervisor *s, const struct keepsake *k, int fd);

/* Let g, which is about to start, have the offers that were kept. */
void supervisor_lend(const struct supervisor *s, struct generation *g);

/*
 * The registrar of g, if it has one, has all the offers that were kept; if not,
 * they end.
 */
void supervisor_settle(struct supervisor *s, struct generation *g);

/* Do what is due; returns when something is next, or INT64_MAX. */
int64_t supervisor_tick(struct supervisor *s, int64_t now);

#endif
