/*
 * A generation: all that the processes started for one configuration share.
 *
 * The monitor makes it before it forks; everybody else only reads it.
 */

#ifndef DAEMON_GENERATION_H
#define DAEMON_GENERATION_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "daemon/board.h"
#include "os/privilege.h"
#include "os/socket.h"
#include "table/meter.h"
#include "table/stats.h"
#include "table/table.h"

/* A socket that strangers connect to. */
struct listener {
	int fd;
	const struct listen *rule;
	struct address asked;        /* what the table wants: port 0 is any */
	struct address address;      /* what it really is */
	char text[ADDRESS_TEXT_MAX]; /* the same, for log lines */
	bool is_inherited; /* somebody else has it, too: never ended */
};

struct listeners {
	struct listener v[TABLE_LISTENERS_MAX];
	size_t n;
};

/* A queue of hand-overs, as message_pair() makes it. */
struct queue {
	int send;    /* the fronts' end */
	int receive; /* the taker's; -1 both, if no service needs it */
};

/* The addresses that a back end's name has now; see resolver.h. */
struct resolved;

/* Who has which name, should the registrar die; see claims.h. */
struct claim;

/* Who takes connections himself; see roll.h. */
struct roll_entry;

/* Offers that the service manager has kept; see keepsake.h. */
struct kept;

struct generation {
	uint32_t number; /* from 1 */
	const struct table *table;
	struct listeners listeners;
	struct meter *meter;       /* of all processes of all generations */
	const struct stats *stats; /* likewise */
	const struct board *board; /* likewise; written by the monitor */
	struct stats_part *part;   /* of this process: where it counts */
	struct account account;    /* who to become */
	struct resolved *resolved; /* one for each of table->names, shared */
	uint32_t max_offers;       /* at a time; 0 without a control socket */
	uint32_t nfronts;
	uint8_t *full; /* of each front: every slot is taken; shared */
	struct queue relay;
	struct queue spawn;
	struct queue log;
	int control;             /* the listening control socket, or -1 */
	int error;               /* standard error; -1: it is that already */
	struct claim *claims;    /* shared by its registrars; or NULL */
	struct roll_entry *roll; /* likewise */
	const struct kept *kept; /* for its first registrar */
	size_t nkept;
	bool keeps; /* there is a service manager that may keep offers */
};

#endif
