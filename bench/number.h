/*
 * Numbers of a command line.
 */

#ifndef BENCH_NUMBER_H
#define BENCH_NUMBER_H

/* The decimal number text, from 1 to max; ends the program if it is none. */
long number(const char *text, long max);

#endif
