/*
 * Signals that wait until they are asked for, as no tool here has a handler.
 */

#ifndef CMD_SIGNALS_H
#define CMD_SIGNALS_H

/*
 * Block the signals of a list that ends with 0, and have those that are sent
 * from now on read from a signalfd(2), which does not block.  Those that are
 * ignored stay so.  Returns it, or -1 with errno.
 */
int signals_open(const int *numbers);

#endif
