/*
 * The small services of old, without a program: echo (RFC 862), discard
 * (RFC 863) and daytime (RFC 867).
 */

#ifndef DAEMON_RELAY_BUILTIN_H
#define DAEMON_RELAY_BUILTIN_H

#include "daemon/relay/flow.h"
#include "table/table.h"

/*
 * Go on serving the client fd of s, an echo or discard, without waiting.
 * Returns and sets f->state.
 */
enum flow_state builtin_step(struct flow *f, struct moving *m,
    const struct service *s, int fd);

/*
 * Tell fd the date and time, as one line, and set f.  Returns FLOW_ENDED, or
 * FLOW_BROKEN if the client does not take it at once.
 */
enum flow_state builtin_daytime(struct flow *f, int fd);

#endif
