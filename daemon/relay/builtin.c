/*
 * The small services of old: echo, discard and daytime.
 */

#include <errno.h>
#include <stdio.h>
#include <sys/socket.h>
#include <time.h>

#include "daemon/relay/builtin.h"

/* The most bytes thrown away in one call, and calls in one step. */
#define THROW_MAX  1048576
#define THROWS_MAX 16

/* Throw bytes away; FLOW_TURN if there may be more. */
static enum flow_state
discard_piece(struct flow *f, int fd, uint64_t bound)
{
	const uint64_t left = bound - f->moved;
	ssize_t n;

	if (left == 0)
		return FLOW_ENDED;
	n = recv(fd, NULL, left < THROW_MAX ? (size_t)left : THROW_MAX,
	    MSG_TRUNC | MSG_DONTWAIT);
	if (n == 0)
		return FLOW_ENDED;
	if (n == -1)
		return errno == EAGAIN ? FLOW_INPUT : FLOW_BROKEN;
	f->moved += (uint64_t)n;
	return FLOW_TURN;
}

enum flow_state
builtin_step(struct flow *f, struct moving *m, const struct service *s, int fd)
{
	enum flow_state state = FLOW_TURN;
	int i;

	if (s->kind == SERVICE_ECHO)
		return flow_step(f, m, fd, fd, s->builtin.bytes);
	for (i = 0; i < THROWS_MAX && state == FLOW_TURN; i++)
		state = discard_piece(f, fd, s->builtin.bytes);
	f->state = (uint8_t)state;
	return state;
}

/* As RFC 867 suggests it, in English whatever the locale. */
static int
format_daytime(const struct tm *tm, char *buf, size_t size)
{
	static const char days[7][10] = { "Sunday", "Monday", "Tuesday",
		"Wednesday", "Thursday", "Friday", "Saturday" };
	static const char months[12][10] = { "January", "February", "March",
		"April", "May", "June", "July", "August", "September",
		"October", "November", "December" };

	return snprintf(buf, size, "%s, %s %d, %d %02d:%02d:%02d-UTC\r\n",
	    days[tm->tm_wday], months[tm->tm_mon], tm->tm_mday,
	    tm->tm_year + 1900, tm->tm_hour, tm->tm_min, tm->tm_sec);
}

enum flow_state
builtin_daytime(struct flow *f, int fd)
{
	char line[64];
	struct timespec now;
	struct tm tm;
	int len;

	f->state = FLOW_BROKEN;
	if (clock_gettime(CLOCK_REALTIME, &now) == -1 ||
	    gmtime_r(&now.tv_sec, &tm) == NULL)
		return FLOW_BROKEN;
	len = format_daytime(&tm, line, sizeof(line));
	/* The end of the stream, which is next, goes with it. */
	if (send(fd, line, (size_t)len,
		MSG_DONTWAIT | MSG_NOSIGNAL | MSG_MORE) != len)
		return FLOW_BROKEN;
	f->moved = (uint64_t)len;
	f->state = FLOW_ENDED;
	return FLOW_ENDED;
}
