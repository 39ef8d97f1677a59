/*
 * A first look at the text of a configuration: its structure.
 *
 * The configuration library ends at the first thing that it does not expect,
 * loses count of the lines in comments, drops some characters in silence, and
 * puts the environment into strings.  So all of that is found here, and is
 * not there any more when the library looks at the text.
 */

#ifndef CONF_SCAN_H
#define CONF_SCAN_H

#include "conf/option.h"

/*
 * Say what is wrong with the structure of text, and with the names of its
 * options, and blank that, and all comments, out.  If the structure is broken,
 * the text ends before the outermost section that it is broken in.  Each
 * section that is left gets its mark.  Returns 0, or -1 if there was no memory.
 */
int scan_text(struct taking *k, char *text);

#endif
