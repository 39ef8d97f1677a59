/*
 * Text and numbers for people: of others, escaped; large, in short.
 */

#ifndef CMD_CTL_SHOW_H
#define CMD_CTL_SHOW_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

/* Room for any number as it is shown, and a NUL. */
#define SHOW_MAX 32

/* Write lines of somebody's text, escaped; the last one ends with LF, too. */
void show_text(FILE *f, const char *text);

/* A count or bytes in five places at the most: 9999, 12.3k, 1.23M. */
void show_count(char buf[static SHOW_MAX], uint64_t n);

/* A time in six places at the most: 12ms, 3.4s, 5m12s, 3h04m, 12d03h. */
void show_duration(char buf[static SHOW_MAX], int64_t ms);

/* The same for microseconds: 120us, 1.2ms. */
void show_microseconds(char buf[static SHOW_MAX], uint64_t us);

/* A time of day, in milliseconds since 1970, as of this machine. */
void show_time(char buf[static SHOW_MAX], int64_t ms);

/*
 * All is written: returns the exit status, and has said it if standard output
 * cannot be written.
 */
int show_end(void);

#endif
