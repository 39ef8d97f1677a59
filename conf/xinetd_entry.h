/*
 * What one entry of xinetd's configuration says, and how it is carried over.
 *
 * Between xinetd.c, which reads entries, and xinetd_service.c, which writes
 * services; nobody else includes it.
 */

#ifndef CONF_XINETD_ENTRY_H
#define CONF_XINETD_ENTRY_H

#include <stdint.h>

#include "conf/carry.h"
#include "conf/xinetd_access.h"

enum xinetd_attribute {
	XINETD_BANNER,
	XINETD_BANNER_FAIL,
	XINETD_BANNER_SUCCESS,
	XINETD_ACCESS_TIMES,
	XINETD_BIND,
	XINETD_CPS,
	XINETD_DENY_TIME,
	XINETD_DISABLE,
	XINETD_DISABLED,
	XINETD_ENABLED,
	XINETD_ENV,
	XINETD_FLAGS,
	XINETD_GROUP,
	XINETD_GROUPS,
	XINETD_ID,
	XINETD_INSTANCES,
	XINETD_LIBWRAP,
	XINETD_LOG_ON_FAILURE,
	XINETD_LOG_ON_SUCCESS,
	XINETD_LOG_TYPE,
	XINETD_MAX_LOAD,
	XINETD_MDNS,
	XINETD_NICE,
	XINETD_NO_ACCESS,
	XINETD_ONLY_FROM,
	XINETD_PASSENV,
	XINETD_PER_SOURCE,
	XINETD_PORT,
	XINETD_PROTOCOL,
	XINETD_REDIRECT,
	XINETD_RLIMIT_AS,
	XINETD_RLIMIT_CPU,
	XINETD_RLIMIT_DATA,
	XINETD_RLIMIT_FILES,
	XINETD_RLIMIT_RSS,
	XINETD_RLIMIT_STACK,
	XINETD_RPC_NUMBER,
	XINETD_RPC_VERSION,
	XINETD_SERVER,
	XINETD_SERVER_ARGS,
	XINETD_SOCKET_TYPE,
	XINETD_TYPE,
	XINETD_UMASK,
	XINETD_USER,
	XINETD_V6ONLY,
	XINETD_WAIT,
	XINETD_ATTRIBUTES
};

/* An entry that has been read; the text of a value has all its words. */
struct xinetd_entry {
	int line;
	struct tcpmux_span name;
	const char *why; /* it cannot be carried over, or NULL */
	struct tcpmux_span value[XINETD_ATTRIBUTES]; /* p is NULL: not set */
	struct tcpmux_span env[CARRY_WORDS_MAX];
	size_t nenv;
	struct hosts only_from;
	struct hosts no_access;
};

/*
 * Carry the service e over, with the values that defaults has for what it
 * leaves open.
 */
void xinetd_carry(struct carry *c, const struct xinetd_entry *e,
    const struct xinetd_entry *defaults);

/* Is it the mux itself, or a service behind it? */
bool xinetd_is_mux(const struct xinetd_entry *e);
bool xinetd_is_behind_mux(const struct xinetd_entry *e);

#endif
