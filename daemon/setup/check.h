/*
 * What a table says of users, programs and sockets, checked against this
 * machine.
 */

#ifndef DAEMON_SETUP_CHECK_H
#define DAEMON_SETUP_CHECK_H

#include <stdbool.h>

#include "conf/conf.h"

/*
 * Say which users, groups, programs, directories and sockets of t are not
 * there or not as they must be, and set the ids of each program and of whoever
 * may offer names.  t has been finished.  Returns 0, or -1 if there was no memory.
 */
int check_table(struct table *t, bool is_root, struct conf_report *report);

/*
 * Say something to report, as from printf(3): a mistake, which is counted, or
 * a warning.
 */
void check_say(struct conf_report *report, bool is_warning, const char *file,
    int line, const char *fmt, ...) __attribute__((format(printf, 5, 6)));

#endif
