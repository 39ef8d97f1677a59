/*
 * A call as an object: made from a target, asked, and freed.
 */

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "lib/call.h"
#include "lib/clock.h"

#define CALL_FLAGS                                                   \
	(TCPMUX_CALL_IPV4 | TCPMUX_CALL_IPV6 | TCPMUX_CALL_LENIENT | \
	    TCPMUX_CALL_FOLLOW | TCPMUX_CALL_EAGER)

static bool
is_help(struct tcpmux_span name)
{
	return tcpmux_compare_names(name, (struct tcpmux_span){ "HELP", 4 }) ==
	    0;
}

/* Write all requests.  Returns 0, or an enum tcpmux_err for a bad name. */
static int
write_requests(struct tcpmux_call *call, const struct tcpmux_target *target)
{
	struct tcpmux_span name;
	size_t i, len = 0;
	ssize_t n;

	if (target->nnames == 0) {
		memcpy(call->out, "HELP\r\n", 6);
		call->ends[0] = 6;
		return 0;
	}
	for (i = 0; i < target->nnames; i++) {
		name.p = target->names[i];
		name.len = strlen(name.p);
		if (is_help(name))
			return TCPMUX_ERR_ARGUMENT;
		n = tcpmux_format_request(call->out + len, TCPMUX_REQUEST_MAX,
		    name);
		if (n < 0)
			return (int)n;
		len += (size_t)n;
		call->ends[i] = len;
	}
	return 0;
}

static bool
is_target(const struct tcpmux_target *target)
{
	const unsigned int both = TCPMUX_CALL_IPV4 | TCPMUX_CALL_IPV6;
	size_t i;

	if (target == NULL || target->size != sizeof(*target) ||
	    (target->flags & ~(unsigned int)CALL_FLAGS) != 0 ||
	    (target->flags & both) == both || target->timeout_ms < -1 ||
	    target->nnames > CALL_NAMES_MAX ||
	    (target->nnames > 0 && target->names == NULL))
		return false;
	for (i = 0; i < target->nnames; i++)
		if (target->names[i] == NULL)
			return false;
	return true;
}

static bool
is_stream(int fd)
{
	int type;
	socklen_t len = sizeof(type);

	return getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &len) == 0 &&
	    type == SOCK_STREAM;
}

/* A call that waits for its first step.  Returns NULL with errno. */
static struct tcpmux_call *
call_make(const struct tcpmux_target *target, const char *host)
{
	struct epoll_event event = { .events = EPOLLIN };
	struct tcpmux_call *call;
	const size_t n = target->nnames > 0 ? target->nnames : 1;

	call = calloc(1, sizeof(*call));
	if (call == NULL)
		return NULL;
	call->fd = call->timer = -1;
	call->result = TCPMUX_ERR_AGAIN;
	call->flags = target->flags;
	call->nnames = target->nnames;
	call->deadline = target->timeout_ms == -1 ?
	    INT64_MAX :
	    tcpmux_clock_now() + target->timeout_ms;
	call->epoll = epoll_create1(EPOLL_CLOEXEC);
	tcpmux_dial_init(&call->dial, call->epoll);
	call->timer =
	    timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
	call->host = strdup(host);
	call->talk.out = call->out = malloc(n * TCPMUX_REQUEST_MAX);
	event.data.fd = call->timer;
	if (call->epoll == -1 || call->timer == -1 || call->host == NULL ||
	    call->out == NULL ||
	    epoll_ctl(call->epoll, EPOLL_CTL_ADD, call->timer, &event) == -1) {
		tcpmux_call_free(call);
		return NULL;
	}
	tcpmux_call_arm(call, 0);
	return call;
}

/* Have the first step say that a name cannot be asked for, if so. */
static void
check_names(struct tcpmux_call *call, const struct tcpmux_target *target)
{
	static const char help[] = "HELP is no service, but asks for the list";
	const int error = write_requests(call, target);

	if (error == 0)
		return;
	if (error == TCPMUX_ERR_ARGUMENT)
		memcpy(call->text, help, sizeof(help));
	call->state = CALL_OVER;
	call->result = error;
}

struct tcpmux_call *
tcpmux_call_new(const struct tcpmux_target *target)
{
	struct tcpmux_call *call;

	if (!is_target(target) || target->host == NULL ||
	    target->host[0] == '\0') {
		errno = EINVAL;
		return NULL;
	}
	call = call_make(target, target->host);
	if (call == NULL)
		return NULL;
	check_names(call, target);
	if (call->state == CALL_DIAL &&
	    tcpmux_dial_begin(&call->dial, call->host,
		target->port != 0 ? target->port : TCPMUX_PORT,
		call->flags) == -1) {
		tcpmux_call_free(call);
		errno = EINVAL;
		return NULL;
	}
	return call;
}

struct tcpmux_call *
tcpmux_call_new_fd(int fd, const struct tcpmux_target *target)
{
	struct tcpmux_call *call;

	if (!is_target(target) || !is_stream(fd)) {
		errno = EINVAL;
		return NULL;
	}
	call = call_make(target, "");
	if (call == NULL)
		return NULL;
	call->fd = call->talk.fd = fd;
	call->is_lent = true;
	call->state = CALL_SEND;
	check_names(call, target);
	return call;
}

void
tcpmux_call_free(struct tcpmux_call *call)
{
	const int saved = errno;

	if (call == NULL)
		return;
	tcpmux_dial_clear(&call->dial);
	tcpmux_list_clear(&call->list);
	/* None of them has anything that is wanted. */
	if (call->fd != -1 && !call->is_lent)
		(void)close(call->fd);
	if (call->timer != -1)
		(void)close(call->timer);
	if (call->epoll != -1)
		(void)close(call->epoll);
	free(call->host);
	free(call->out);
	free(call);
	errno = saved;
}

int
tcpmux_call_fd(const struct tcpmux_call *call)
{
	return call->epoll;
}

int
tcpmux_call_take(struct tcpmux_call *call)
{
	const int fd = call->fd;

	if (call->state != CALL_OVER || call->result != 0 || call->is_lent)
		return -1;
	call->fd = -1;
	return fd;
}

const char *
tcpmux_call_text(const struct tcpmux_call *call)
{
	return call->text;
}

const char *
tcpmux_call_address(const struct tcpmux_call *call)
{
	return call->address;
}

size_t
tcpmux_call_names(const struct tcpmux_call *call)
{
	return call->state == CALL_OVER && call->result == 0 ? call->list.n : 0;
}

const char *
tcpmux_call_name(const struct tcpmux_call *call, size_t place)
{
	if (place >= tcpmux_call_names(call))
		return NULL;
	return tcpmux_list_name(&call->list, place);
}
