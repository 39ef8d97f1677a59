/*
 * Users whose programs did not start in time: a short list of the last ones.
 */

#include "daemon/spawn/slow.h"

void
slow_add(struct slow *s, uid_t uid, int64_t now)
{
	s->users[s->next].uid = uid;
	s->users[s->next].until = now + SLOW_MS;
	s->next = (s->next + 1) % SLOW_MAX;
}

bool
slow_has(const struct slow *s, uid_t uid, int64_t now)
{
	uint32_t i;

	for (i = 0; i < SLOW_MAX; i++)
		if (s->users[i].until > now && s->users[i].uid == uid)
			return true;
	return false;
}
