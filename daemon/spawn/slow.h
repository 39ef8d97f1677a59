/*
 * Users whose programs did not start in time.
 *
 * While a program starts all others wait, and one that does not may have been
 * stopped by another process of its user.  So the user's next turn comes after
 * a pause, and he has no more than a tenth of the time.
 */

#ifndef DAEMON_SPAWN_SLOW_H
#define DAEMON_SPAWN_SLOW_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/* So many users at a time are known; then the oldest is forgotten. */
#define SLOW_MAX 16

/* A user's pause. */
#define SLOW_MS 20000

struct slow {
	struct {
		uid_t uid;
		int64_t until;
	} users[SLOW_MAX]; /* all zero: nobody */
	uint32_t next;
};

/* A program of this user did not start in time. */
void slow_add(struct slow *s, uid_t uid, int64_t now);

/* Is this the pause of this user? */
bool slow_has(const struct slow *s, uid_t uid, int64_t now);

#endif
