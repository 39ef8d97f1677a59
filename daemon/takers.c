/*
 * The programs that take connections themselves, as a front knows them.
 */

#include <stdlib.h>
#include <unistd.h>

#include "daemon/takers.h"
#include "os/message.h"

int
takers_init(struct takers *t, const struct table *table, int channel)
{
	uint32_t i;

	t->table = table;
	t->channel = channel;
	t->fds = NULL;
	if (channel == -1)
		return 0;
	t->fds = calloc(table->nservices, sizeof(*t->fds));
	if (t->fds == NULL)
		return -1;
	for (i = 0; i < table->nservices; i++)
		t->fds[i] = -1;
	return 0;
}

static bool
is_taken(const struct takers *t, uint32_t service)
{
	return service < t->table->nservices &&
	    t->table->services[service].kind == SERVICE_SOCKET;
}

bool
takers_receive(struct takers *t)
{
	struct taker_message m;
	bool all = false;
	ssize_t n;
	int fd;

	while ((n = message_receive(t->channel, &m, sizeof(m), &fd)) > 0) {
		if (n == sizeof(m) && fd != -1 && is_taken(t, m.service)) {
			takers_forget(t, m.service);
			t->fds[m.service] = fd;
			continue;
		}
		if (n == sizeof(m) && m.service == SERVICE_NONE)
			all = true;
		if (fd != -1)
			(void)close(fd); /* of a message that says nothing */
	}
	return all;
}

int
takers_find(const struct takers *t, uint32_t service)
{
	return t->fds == NULL ? -1 : t->fds[service];
}

void
takers_forget(struct takers *t, uint32_t service)
{
	if (!is_taken(t, service) || t->fds[service] == -1)
		return;
	(void)close(t->fds[service]); /* whoever it was is gone */
	t->fds[service] = -1;
}
