/*
 * Where a person says that a server is: HOST, HOST:PORT, [V6]:PORT, unix:PATH
 * or tcpmux://HOST:PORT/NAME.
 */

#ifndef CMD_TARGET_H
#define CMD_TARGET_H

#include <stdbool.h>
#include <stdint.h>

#include "tcpmux.h"

/* The longest host: a name of the DNS, or unix: and a path. */
#define TARGET_HOST_MAX 255

struct target {
	char host[TARGET_HOST_MAX + 1]; /* as tcpmux_connect() wants it */
	uint16_t port;                  /* 0: none was given */
	char name[TCPMUX_NAME_MAX + 1]; /* of the URL; "" if it has none */
};

enum target_err {
	TARGET_HOST = -1,  /* there is no host, or it is too long */
	TARGET_PORT = -2,  /* the port is not 1 to 65535 */
	TARGET_NAME = -3,  /* the name of the URL is none */
	TARGET_STRAY = -4, /* something is behind the closing bracket */
};

/*
 * Take text apart.  Returns 0, or an enum target_err and leaves *target in no
 * state to be used.
 */
int target_parse(struct target *target, const char *text);

/* What is wrong, and how it is right; a part of a sentence. */
const char *target_strerror(int err);

/* Is the host a path, or an address and not a name? */
bool target_is_unix(const struct target *target);
bool target_is_numeric(const struct target *target);

/* A number of a port, 1 to 65535, in digits alone.  Returns 0 if it is none. */
uint16_t target_parse_port(const char *text);

#endif
