/*
 * What is left to a front once strangers reach it.
 */

#ifndef DAEMON_FRONT_CONFINE_H
#define DAEMON_FRONT_CONFINE_H

#include "daemon/generation.h"
#include "daemon/pulse.h"

/* Give up everything else; as process_confine(). */
void front_confine(const struct generation *g, struct pulse *pulse);

#endif
