/*
 * A service of inetd or xinetd, written in our form; or a comment that says
 * why there is none.
 *
 * Pure.  Whatever would let more in than before is no service but a comment.
 */

#ifndef CONF_CARRY_H
#define CONF_CARRY_H

#include <stdbool.h>
#include <stddef.h>

#include "conf/emit.h"
#include "conf/nameset.h"
#include "table/access.h"

/* The most words in a line, and networks in a list, that are carried over. */
#define CARRY_WORDS_MAX    256
#define CARRY_NETWORKS_MAX 512
#define CARRY_RLIMITS_MAX  8

enum carried_kind {
	CARRIED_EXEC,
	CARRIED_RELAY,
	CARRIED_BUILTIN
};

/* As in nofile=100. */
struct carried_rlimit {
	const char *name;
	struct tcpmux_span value;
};

/* A service; spans that are empty, and numbers that are 0, are not written. */
struct carried {
	int line;
	struct tcpmux_span name;
	struct tcpmux_span id; /* its name if that is taken */
	enum carried_kind kind;
	struct tcpmux_span target; /* path, host, or name of the builtin */
	struct tcpmux_span port;
	const struct tcpmux_span *args; /* the first is argv[0] */
	size_t nargs;
	const struct tcpmux_span *env;
	size_t nenv;
	struct tcpmux_span user;
	struct tcpmux_span group;
	struct tcpmux_span umask;
	struct tcpmux_span nice;
	struct carried_rlimit rlimits[CARRY_RLIMITS_MAX];
	size_t nrlimits;
	bool is_behind_mux;   /* it was asked for through the mux */
	bool no_groups;       /* no supplementary ones */
	bool program_replies; /* the program says + itself */
	const struct network *from;
	size_t nfrom;
	const struct network *not_from;
	size_t nnot_from;
	unsigned int max;
	unsigned int max_per_source;
	unsigned int rate;
	const char *rate_period; /* as in "1s" */
};

/* What is being written, and what has been. */
struct carry {
	struct emit out;
	struct emit remarks;            /* of the service that is being read */
	struct tcpmux_span file;        /* for comments */
	struct tcpmux_span mux_address; /* that the mux itself was bound to */
	struct nameset names;
	struct nameset reserved;  /* for services behind the mux */
	struct nameset addresses; /* of listeners */
};

/*
 * Begin to write what is carried over from file, which must live as long; max
 * is the most bytes that may be written.  carry_take() ends it.
 */
void carry_init(struct carry *c, struct tcpmux_span file, size_t max);

/* Keep name for a service behind the mux, wherever it stands. */
void carry_reserve(struct carry *c, struct tcpmux_span name);

/* Has something gone wrong, so that it is no use to go on? */
bool carry_has_failed(const struct carry *c);

/* Return the whole text, as emit_take() does; c holds no memory any more. */
char *carry_take(struct carry *c);

/* Remember a remark about what, for the comment of the next service. */
void carry_remark(struct carry *c, struct tcpmux_span what, const char *text);

/* Say that what, in this line, is not carried over, and why. */
void carry_refuse(struct carry *c, int line, struct tcpmux_span what,
    const char *why);

/* The comment that stands before what was read in this line. */
void carry_begin(struct carry *c, int line);

/* Write s, or why it cannot be. */
void carry_service(struct carry *c, struct carried *s);

/*
 * Narrow s, which was bound to address, so that no more may reach it than
 * before.  Returns NULL, or why that cannot be done.
 */
const char *carry_bind(struct carry *c, struct carried *s,
    struct tcpmux_span address);

/*
 * Write a listener, one for each address; port may be empty.  The lists of
 * *access say who may ask there.
 */
void carry_listen(struct carry *c, int line, struct tcpmux_span address,
    struct tcpmux_span port, const struct access *access);

#endif
