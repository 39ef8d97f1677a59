/*
 * Numbers as people read them, in HTML.
 */

#ifndef CMD_EXPORTER_SHOWN_H
#define CMD_EXPORTER_SHOWN_H

#include "cmd/exporter/body.h"

/* What stands where nothing is known. */
void shown_nothing(struct body *b);

/* 1,234,567 */
void shown_count(struct body *b, uint64_t n);

/* 999 B, 1.2 kB, 34 MB; by thousands. */
void shown_bytes(struct body *b, uint64_t n);

/* Microseconds: 250 us, 3 ms, 1.5 s, 4 min, 5 h, 6 days. */
void shown_micro(struct body *b, uint64_t us);

/* A time of day, in milliseconds since 1970, in UTC. */
void shown_time(struct body *b, int64_t ms);

#endif
