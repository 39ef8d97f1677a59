/*
 * Is the terminal one that can show a screen?  Apart from the screen itself,
 * as the header of this part of curses takes common names for its own.
 */

#include <curses.h>
#include <term.h>
#include <unistd.h>

#include "cmd/ctl/terminfo.h"

bool
terminfo_is_enough(void)
{
	bool can_move;
	int error;

	if (setupterm(NULL, STDOUT_FILENO, &error) != OK)
		return false;
	can_move = cursor_address != NULL;
	(void)del_curterm(cur_term); /* it is there */
	return can_move;
}
