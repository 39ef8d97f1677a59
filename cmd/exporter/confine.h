/*
 * What tcpmux-exporter gives up before it hears anybody.
 */

#ifndef CMD_EXPORTER_CONFINE_H
#define CMD_EXPORTER_CONFINE_H

#include <stdbool.h>
#include <sys/types.h>

/* Whom to become, if needed is true. */
struct confine_user {
	bool needed;
	uid_t uid;
	gid_t gid;
	const char *name;
};

/*
 * Find whom to become: as root the user of that name or, if it is NULL, our
 * usual one; others stay who they are.  Whatever is wrong with that ends the
 * program with a sentence.
 */
void confine_find_user(struct confine_user *u, const char *name);

/* Become it, and give up all else; or end the program with a sentence. */
void confine(const struct confine_user *u);

#endif
