/*
 * The keeper: the first monitor after an upgrade, which stays, as its process
 * is the one that others know the daemon by.
 *
 * It passes signals on to the monitor that is in charge, over a socket, and
 * ends with it.  Monitors between the two have a copy of that socket's other
 * end, and so see the end of the keeper, and it theirs.
 */

#ifndef DAEMON_MONITOR_KEEPER_H
#define DAEMON_MONITOR_KEEPER_H

#include "daemon/monitor/state.h"

/*
 * We are not in charge any more, but the monitor pid: be its keeper, over
 * *link, which is ours from now on, unless there is one.
 */
void keeper_follow(struct monitor *mon, pid_t pid, int *link);

/* In charge: do what a signal means that another monitor has had. */
void keeper_do(struct monitor *mon, int sig);

/*
 * Let our keeper, if there is one, know who is in charge: before that one is,
 * as he could end.  Returns 0, or -1 if he does not listen.
 */
int keeper_announce(const struct monitor *mon, pid_t pid);

/* Do what a keeper says over link, which is mon's.  Returns 0, or -1. */
int keeper_obey(struct monitor *mon, int link);

/*
 * Something has come over the socket: an order, or news of who is in charge;
 * or its end.  seen is of enum loop_what.
 */
void keeper_event(struct monitor *mon, unsigned int seen);

/* As a keeper: pass a signal on. */
void keeper_signal(struct monitor *mon, int sig);

/* As a keeper: do what is due. */
void keeper_tick(struct monitor *mon, int64_t now);

/* As a keeper: a child has ended. */
void keeper_reap(struct monitor *mon, pid_t pid, int status);

/* As a keeper whose own processes are over: give up all rights and memory. */
void keeper_rest(struct monitor *mon);

/* As a keeper: wait for the end of all other monitors, but not for ever. */
void keeper_end(struct monitor *mon);

#endif
