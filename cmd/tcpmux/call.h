/*
 * One call of the library's, as a person wants it: what is tried, how often,
 * and what is said when it fails.
 */

#ifndef CMD_TCPMUX_CALL_H
#define CMD_TCPMUX_CALL_H

#include "cmd/tcpmux/plan.h"
#include "tcpmux.h"

/*
 * Begin a call to one of the plan's places, with one more name behind the
 * plan's unless name is NULL.  Returns NULL with errno.
 */
struct tcpmux_call *call_new(const struct plan *plan, size_t place,
    const char *name);

/*
 * Reach what is planned: at one place after the other, and again as long as
 * the plan has patience.  Returns 0 and sets *call, which has succeeded and is
 * the caller's; or returns the exit status, and has said why.
 */
int call_reach(const struct plan *plan, struct tcpmux_call **call);

/*
 * The same for a list of names.  The names of the plan are those of
 * multiplexers on the way, and the last one is asked.
 */
int call_list(const struct plan *plan, struct tcpmux_call **call);

/* Is it worth trying the next place, after this enum tcpmux_err? */
int call_may_try_next(int err);

/*
 * Say why a call, with name behind the plan's names, has failed with err, and
 * return the exit status that means so.
 */
int call_explain(const struct plan *plan, const struct tcpmux_call *call,
    const char *name, int err);

#endif
