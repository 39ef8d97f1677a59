/*
 * A whole number as people type it.
 */

#ifndef OS_NUMBER_H
#define OS_NUMBER_H

/*
 * Set *value to the decimal number s, which must lie between 0 and max and
 * be nothing but digits.  Returns 0, or -1; then *value is left alone.
 */
int number_parse(const char *s, int max, int *value);

#endif
