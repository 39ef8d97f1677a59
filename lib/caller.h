/*
 * Who has connected, in the words of the system.
 */

#ifndef LIB_CALLER_H
#define LIB_CALLER_H

#include <stddef.h>
#include <stdint.h>

#include "lib/channel.h"
#include "tcpmux.h"

/* What any program has: struct tcpmux_caller, as it was at first. */
#define CALLER_SIZE_MIN \
	(offsetof(struct tcpmux_caller, zero) + sizeof(uint32_t))

/*
 * Say who has connected, by the message that came with the connection fd or,
 * where it does not tell, by fd itself.  Fills caller->size bytes of *caller,
 * or as many as there are members.
 */
void tcpmux_caller_fill(struct tcpmux_caller *caller,
    const struct channel_message *m, int fd);

#endif
