/*
 * The hosts of xinetd's only_from and no_access, as networks.
 *
 * Pure.
 */

#ifndef CONF_XINETD_ACCESS_H
#define CONF_XINETD_ACCESS_H

#include "conf/carry.h"
#include "table/access.h"

/* How a value is assigned. */
enum xinetd_op {
	XINETD_SET,
	XINETD_ADD,
	XINETD_REMOVE
};

/*
 * A list.  What names a host can be known by name only, and is not looked up;
 * the first of these is remembered.
 */
struct hosts {
	bool is_set; /* if it has nothing in it, it means nobody */
	size_t nnetworks;
	size_t nnames;
	struct tcpmux_span name; /* the first that was given */
	struct network networks[CARRY_NETWORKS_MAX];
};

/* Enough to make an empty list of *h; the networks may hold anything. */
void hosts_clear(struct hosts *h);

void hosts_copy(struct hosts *to, const struct hosts *from);

/*
 * Change the list by words.  Returns NULL, or why that cannot be done.
 */
const char *hosts_change(struct hosts *h, enum xinetd_op op,
    struct tcpmux_span words);

#endif
