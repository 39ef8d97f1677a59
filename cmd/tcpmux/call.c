/*
 * Calls, tried until one succeeds, and the sentences for those that fail.
 */

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "cmd/clock.h"
#include "cmd/say.h"
#include "cmd/tcpmux/call.h"

/* The pause between two tries, in milliseconds: it doubles. */
#define CALL_PAUSE_MIN 50
#define CALL_PAUSE_MAX 1000

/* As call_new(), but for no longer than left milliseconds; -1 is for ever. */
static struct tcpmux_call *
call_begin(const struct plan *plan, size_t place, const char *name,
    int64_t left)
{
	struct tcpmux_target target = {
		.size = sizeof(target),
		.host = plan->places[place].host,
		.port = plan->places[place].port,
		.flags = plan->flags,
		.timeout_ms = plan->timeout_ms,
	};
	struct tcpmux_call *call;
	const char **names;
	int saved;

	names = calloc(plan->nnames + 1, sizeof(*names));
	if (names == NULL)
		return NULL;
	if (plan->nnames > 0)
		memcpy(names, plan->names, plan->nnames * sizeof(*names));
	names[plan->nnames] = name;
	target.names = names;
	target.nnames = plan->nnames + (name != NULL);
	if (left >= 0 && (target.timeout_ms < 0 || left < target.timeout_ms))
		target.timeout_ms = (int)left;
	call = tcpmux_call_new(&target);
	saved = errno;
	free(names);
	errno = saved;
	return call;
}

struct tcpmux_call *
call_new(const struct plan *plan, size_t place, const char *name)
{
	return call_begin(plan, place, name, -1);
}

int
call_may_try_next(int err)
{
	return err == TCPMUX_ERR_UNREACHABLE || err == TCPMUX_ERR_HOST ||
	    err == TCPMUX_ERR_TIMEOUT || err == TCPMUX_ERR_CLOSED;
}

/* Can it succeed later, when nobody changes the command line? */
static int
call_may_try_later(int err)
{
	return call_may_try_next(err) || err == TCPMUX_ERR_REFUSED;
}

/* Try each place once.  Returns 0, or the error of the last one tried. */
static int
call_try(const struct plan *plan, int64_t left, struct tcpmux_call **call)
{
	int err = TCPMUX_ERR_SYSTEM;

	for (size_t i = 0; i < plan->nplaces; i++) {
		tcpmux_call_free(*call);
		*call = call_begin(plan, i, NULL, left);
		if (*call == NULL)
			return TCPMUX_ERR_SYSTEM;
		err = tcpmux_call_wait(*call);
		if (!call_may_try_next(err))
			break;
	}
	return err;
}

static void
call_pause(int64_t ms)
{
	struct timespec pause = {
		.tv_sec = (time_t)(ms / 1000),
		.tv_nsec = (long)(ms % 1000) * 1000000,
	};

	/* A signal that does not end us only shortens the pause. */
	(void)nanosleep(&pause, NULL);
}

int
call_reach(const struct plan *plan, struct tcpmux_call **call)
{
	const int64_t end = clock_now() + plan->patience_ms;
	int64_t left = plan->patience_ms > 0 ? plan->patience_ms : -1;
	int64_t pause = CALL_PAUSE_MIN;
	int err, status;

	*call = NULL;
	while ((err = call_try(plan, left, call)) != 0) {
		left = end - clock_now();
		if (left <= 0 || !call_may_try_later(err))
			break;
		call_pause(pause < left ? pause : left);
		pause = pause * 2 < CALL_PAUSE_MAX ? pause * 2 : CALL_PAUSE_MAX;
		/* The last try is at the very end, and has a little time. */
		left = end - clock_now() > pause ? end - clock_now() : pause;
	}
	if (err != 0) {
		status = call_explain(plan, *call, NULL, err);
		tcpmux_call_free(*call);
		*call = NULL;
		return status;
	}
	if (plan->verbose && plan->nnames > 0)
		say("%s says +%s", tcpmux_call_address(*call),
		    tcpmux_call_text(*call));
	return 0;
}

/* Why, in the library's words, or the system's. */
static const char *
call_reason(const struct tcpmux_call *call, int err, int error)
{
	if (call == NULL)
		return strerror(error);
	if (*tcpmux_call_text(call) != '\0')
		return tcpmux_call_text(call);
	return err == TCPMUX_ERR_SYSTEM ? strerror(error) :
					  tcpmux_strerror(err);
}

int
call_explain(const struct plan *plan, const struct tcpmux_call *call,
    const char *name, int err)
{
	const char *reason = call_reason(call, err, errno);
	const char *where = plan->where;

	if (name == NULL)
		name = plan->nnames == 0 ? "to list its services" :
					   plan->names[plan->nnames - 1];
	switch (err) {
	case TCPMUX_ERR_REFUSED:
		say("%s refuses %s, and says -%s", where, name,
		    tcpmux_call_text(call));
		return SAY_REFUSED;
	case TCPMUX_ERR_MOVED:
		say("%s has moved to %s: call it there, or with --follow", name,
		    reason);
		return SAY_REFUSED;
	case TCPMUX_ERR_UNREACHABLE:
		say("%s cannot be reached (%s): is a TCPMUX server running "
		    "there, at that port?",
		    where, reason);
		return SAY_UNREACHABLE;
	case TCPMUX_ERR_HOST:
		say("%s cannot be looked up (%s): check its spelling, and the "
		    "network",
		    where, reason);
		return SAY_NOHOST;
	case TCPMUX_ERR_TIMEOUT:
		say("%s has not answered in time (%s): try again, or wait "
		    "longer with -w",
		    where, reason);
		return SAY_TIMEOUT;
	case TCPMUX_ERR_CLOSED:
		say("%s closed the connection without a reply (%s): try again, "
		    "or ask whoever runs it whether you may",
		    where, reason);
		return SAY_PROTOCOL;
	case TCPMUX_ERR_FOREIGN:
		say("%s does not speak TCPMUX (%s): check the port, or try "
		    "--lenient",
		    where, reason);
		return SAY_PROTOCOL;
	default:
		say("%s cannot be called (%s): this is a fault of this side",
		    where, reason);
		return SAY_SYSTEM;
	}
}

int
call_list(const struct plan *plan, struct tcpmux_call **call)
{
	const struct tcpmux_target target = {
		.size = sizeof(target),
		.flags = plan->flags & TCPMUX_CALL_LENIENT,
		.timeout_ms = plan->timeout_ms,
	};
	struct tcpmux_call *way;
	int status, err, fd;

	status = call_reach(plan, call);
	if (status != 0 || plan->nnames == 0)
		return status;
	/* The last one on the way is asked, over what has been reached. */
	way = *call;
	fd = tcpmux_call_take(way);
	*call = tcpmux_call_new_fd(fd, &target);
	err = *call == NULL ? TCPMUX_ERR_SYSTEM : tcpmux_call_wait(*call);
	if (err != 0) {
		status = call_explain(plan, *call, "to list its services", err);
		tcpmux_call_free(*call);
		*call = NULL;
	}
	tcpmux_call_free(way);
	(void)close(fd); /* the list was all of it */
	return status;
}
