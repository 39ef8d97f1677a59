/*
 * The addresses of a host, looked up as this system is set up to (NSS), which
 * only getaddrinfo() knows; it waits, so it has a thread to do so.
 */

#ifndef LIB_LOOKUP_H
#define LIB_LOOKUP_H

#include <stddef.h>
#include <stdint.h>

#include "lib/address.h"

/* As many addresses of a family are tried. */
#define LOOKUP_MAX 32

struct lookup_found {
	int error;  /* of getaddrinfo(), or 0 */
	int system; /* errno, if that is EAI_SYSTEM */
	size_t n;
	struct address addresses[LOOKUP_MAX];
};

struct lookup;

/*
 * Look up what needs nobody to be asked: an address as text.  The error is
 * EAI_NONAME if host is a name.  family is one of getaddrinfo().
 */
void tcpmux_lookup_numeric(const char *host, uint16_t port, int family,
    struct lookup_found *found);

/* Begin to look up a name.  Returns NULL with errno. */
struct lookup *tcpmux_lookup_new(const char *host, uint16_t port, int family);

/* A descriptor that has input as soon as there is an answer. */
int tcpmux_lookup_fd(const struct lookup *l);

/* The answer, which lives as long as l, or NULL if there is none yet. */
const struct lookup_found *tcpmux_lookup_answer(struct lookup *l);

/*
 * Let go of a lookup, which is NULL or has answered or has not: then its
 * thread frees it when getaddrinfo() returns.  It keeps errno.
 */
void tcpmux_lookup_free(struct lookup *l);

#endif
