/*
 * What is wrong with a daemon, by what it says of itself.
 */

#ifndef CMD_CTL_PROBLEMS_H
#define CMD_CTL_PROBLEMS_H

#include <stddef.h>

#include "cmd/snapshot.h"

/* Room for one sentence, and a NUL. */
#define PROBLEM_MAX 512

/*
 * Call each() with a sentence for whatever is wrong, escaped and without a
 * full stop, the worst first.  Returns how many there are.
 */
size_t problems_find(const struct snapshot *s,
    void (*each)(const char *problem, void *arg), void *arg);

#endif
