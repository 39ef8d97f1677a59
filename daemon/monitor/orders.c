/*
 * The monitor's orders to the registrar of a cohort.
 */

#include <errno.h>

#include "daemon/monitor/legacy.h"
#include "daemon/monitor/orders.h"
#include "daemon/registrar/registrar.h"
#include "os/descriptor.h"
#include "os/message.h"

/* Returns 0; or -1 with errno, EPIPE if there is nobody to hear it. */
static int
order(const struct cohort *c, char what, int fd)
{
	const struct process *p;
	size_t i;

	for (i = 0; i < c->nprocesses; i++) {
		p = &c->processes[i];
		if (p->role == ROLE_REGISTRAR && p->control != -1)
			return message_send(p->control, &what, 1, fd);
	}
	errno = EPIPE;
	return -1;
}

/* Tell it of a front's channel.  Returns 0, or -1 with errno. */
static int
order_front(const struct cohort *c, int channel)
{
	/* If it is gone, the next will hear it. */
	if (order(c, REGISTRAR_FRONT, channel) == 0 || message_is_gone(errno))
		return 0;
	return -1;
}

/*
 * Let it begin with what the registrar of old sends to it; or, without one,
 * with what the one before it had claimed.
 */
static void
order_begin(const struct cohort *c, const struct cohort *old)
{
	const struct legacy_message m = { .word = LEGACY_OFFERS };
	int ends[2] = { -1, -1 };

	if (c->link != -1 &&
	    (message_pair(ends, 0) == -1 ||
		message_send(c->link, &m, sizeof(m), ends[0]) == -1))
		descriptor_close(&ends[1]);
	if (old != NULL &&
	    (message_pair(ends, 0) == -1 ||
		order(old, REGISTRAR_GIVE, ends[0]) == -1))
		descriptor_close(&ends[1]);      /* there is nobody who sends */
	(void)order(c, REGISTRAR_TAKE, ends[1]); /* or it does not start */
	descriptor_close(&ends[0]);
	descriptor_close(&ends[1]);
}

int
orders_introduce(const struct cohort *c, const struct process *p,
    const struct cohort *old)
{
	size_t i;

	if (p->channel != -1)
		return order_front(c, p->channel);
	if (p->role != ROLE_REGISTRAR)
		return 0;
	order_begin(c, old);
	for (i = 0; i < c->nprocesses; i++)
		if (c->processes[i].channel != -1 &&
		    order_front(c, c->processes[i].channel) == -1)
			return -1;
	return 0;
}

void
orders_give(const struct cohort *c, int to)
{
	(void)order(c, REGISTRAR_GIVE, to); /* or whoever takes sees the end */
}

void
orders_resume(const struct cohort *c)
{
	(void)order(c, REGISTRAR_RESUME, -1); /* the next will hear it */
}
