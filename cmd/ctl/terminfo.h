/*
 * Is the terminal one that can show a screen?
 */

#ifndef CMD_CTL_TERMINFO_H
#define CMD_CTL_TERMINFO_H

#include <stdbool.h>

/* Is the terminal of $TERM known, and can it move its cursor? */
bool terminfo_is_enough(void);

#endif
