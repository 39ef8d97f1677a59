/*
 * What the kernel says of a process of the daemon, in /proc.
 */

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cmd/ctl/kernel.h"
#include "cmd/snapshot.h"

/* A process that is a filter's (PR_SET_SECCOMP in prctl(2)). */
#define SECCOMP_FILTER 2

/* The value of a line of that key, or NULL. */
static const char *
value_of(const char *line, const char *key)
{
	const size_t len = strlen(key);

	if (strncmp(line, key, len) != 0 || line[len] != ':')
		return NULL;
	return line + len + 1 + strspn(line + len + 1, " \t");
}

/* The effective id, in front of which the real one is. */
static uint32_t
effective_of(const char *ids)
{
	char *end;

	(void)strtoul(ids, &end, 10); /* the kernel has written it */
	return (uint32_t)strtoul(end, NULL, 10);
}

static void
take_line(struct kernel *k, const char *line)
{
	const char *value;

	if ((value = value_of(line, "Name")) != NULL)
		/* Another may have the number by now, or a namespace does. */
		k->is_known = strncmp(value, "tcpmux", 6) == 0;
	else if ((value = value_of(line, "NoNewPrivs")) != NULL)
		k->no_new_privs = *value == '1';
	else if ((value = value_of(line, "Seccomp")) != NULL)
		k->seccomp = (unsigned int)strtoul(value, NULL, 10);
	else if ((value = value_of(line, "CapEff")) != NULL)
		k->cap_eff = strtoull(value, NULL, 16);
	else if ((value = value_of(line, "Uid")) != NULL)
		k->uid = effective_of(value);
}

void
kernel_look(struct kernel *k, uint64_t pid)
{
	char path[64], line[256];
	FILE *file;

	*k = (struct kernel){ .is_known = false };
	(void)snprintf(path, sizeof(path), "/proc/%" PRIu64 "/status", pid);
	file = fopen(path, "re");
	if (file == NULL)
		return;
	while (fgets(line, sizeof(line), file) != NULL)
		take_line(k, line);
	if (ferror(file) != 0)
		k->is_known = false; /* it has gone meanwhile */
	(void)fclose(file);          /* it was read */
}

const char *
kernel_deny(const struct kernel *k, const char *role, const char *layers)
{
	/* Whoever starts programs as other users keeps what that takes. */
	const bool may_change_users =
	    strcmp(role, "spawn") == 0 || strcmp(role, "monitor") == 0;

	if (!k->is_known)
		return NULL;
	if (snapshot_is_listed(layers, "no-new-privs") && !k->no_new_privs)
		return "says no-new-privs, and the kernel that it has not";
	if (snapshot_is_listed(layers, "seccomp") &&
	    k->seccomp != SECCOMP_FILTER)
		return "says seccomp, and the kernel that no filter is there";
	if (snapshot_is_listed(layers, "caps") && !may_change_users &&
	    k->cap_eff != 0)
		return "says caps, and the kernel that it has capabilities";
	if (snapshot_is_listed(layers, "user") && !may_change_users &&
	    k->uid == 0)
		return "says user, and the kernel that it is root";
	return NULL;
}
