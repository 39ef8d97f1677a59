/*
 * What a registrar says to a front, for tests.
 */

#ifndef TESTS_UNIT_TAKERS_H
#define TESTS_UNIT_TAKERS_H

#include "daemon/front/takers.h"

/* A channel: takers_new() is to have its end, and the functions below say. */
int begin_channel(void **state);
int end_channel(void **state);
int channel_end(void);

/* Say what, of a taker or a name; "" is none. */
void say(enum taker_what what, uint32_t taker, const char *name);

/* Say that a taker is here, for a service or a name, with its queue. */
void say_here(uint32_t taker, uint32_t service, const char *name, bool hidden,
    int queue);

/* Say these bytes, whatever they are, with a descriptor or -1. */
void say_bytes(const void *bytes, size_t size, int fd);

#endif
