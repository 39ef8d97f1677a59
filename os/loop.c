/*
 * Waiting for many descriptors at once, with epoll.
 */

#include <errno.h>
#include <stddef.h>
#include <sys/epoll.h>

#include "os/loop.h"

static uint32_t
events_of(unsigned int what)
{
	uint32_t events = EPOLLRDHUP | EPOLLPRI;

	if (what & LOOP_READ)
		events |= EPOLLIN;
	if (what & LOOP_WRITE)
		events |= EPOLLOUT;
	return events;
}

static unsigned int
seen_of(uint32_t events)
{
	unsigned int seen = 0;

	if (events & (EPOLLIN | EPOLLHUP | EPOLLERR))
		seen |= LOOP_READ;
	if (events & EPOLLOUT)
		seen |= LOOP_WRITE;
	if (events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR))
		seen |= LOOP_END;
	if (events & EPOLLPRI)
		seen |= LOOP_URGENT;
	return seen;
}

static int
control(int loop, int op, int fd, struct loop_id id, uint32_t events)
{
	struct epoll_event ev = { .events = events };

	ev.data.u64 = (uint64_t)id.generation << 32 | id.slot;
	return epoll_ctl(loop, op, fd, &ev);
}

int
loop_new(void)
{
	return epoll_create1(EPOLL_CLOEXEC);
}

int
loop_watch(int loop, int fd, struct loop_id id, unsigned int what)
{
	return control(loop, EPOLL_CTL_ADD, fd, id, events_of(what) | EPOLLET);
}

int
loop_rewatch(int loop, int fd, struct loop_id id, unsigned int what)
{
	return control(loop, EPOLL_CTL_MOD, fd, id, events_of(what) | EPOLLET);
}

int
loop_watch_level(int loop, int fd, struct loop_id id)
{
	return control(loop, EPOLL_CTL_ADD, fd, id, EPOLLIN);
}

int
loop_watch_shared(int loop, int fd, struct loop_id id)
{
	return control(loop, EPOLL_CTL_ADD, fd, id, EPOLLIN | EPOLLEXCLUSIVE);
}

int
loop_watch_end(int loop, int fd, struct loop_id id)
{
	return control(loop, EPOLL_CTL_ADD, fd, id, 0);
}

int
loop_forget(int loop, int fd)
{
	return epoll_ctl(loop, EPOLL_CTL_DEL, fd, NULL);
}

int
loop_wait(int loop, struct loop_event ev[static LOOP_BATCH], int timeout_ms)
{
	struct epoll_event raw[LOOP_BATCH];
	int i, n;

	n = epoll_pwait(loop, raw, LOOP_BATCH, timeout_ms, NULL);
	if (n == -1)
		return errno == EINTR ? 0 : -1;
	for (i = 0; i < n; i++) {
		ev[i].id.slot = (uint32_t)raw[i].data.u64;
		ev[i].id.generation = (uint32_t)(raw[i].data.u64 >> 32);
		ev[i].seen = seen_of(raw[i].events);
	}
	return n;
}
