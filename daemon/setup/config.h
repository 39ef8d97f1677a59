/*
 * Reading the configuration: its files, and what they say of users, programs
 * and hosts, checked against this machine.
 */

#ifndef DAEMON_SETUP_CONFIG_H
#define DAEMON_SETUP_CONFIG_H

#include <stdbool.h>

#include "table/table.h"

/*
 * Read the file at path, all that it includes or imports, and path.d, *.conf.
 * An optional file need not be there; without any the table is the seed's.
 * Every mistake is said with log_say(), as "FILE:LINE: what is wrong: what
 * would be right"; warnings too.  is_root tells whether programs can be started
 * as other users.  Returns a table, the caller's to free, or NULL if there was
 * any mistake.
 */
struct table *config_read(const char *path, bool is_optional, bool is_root);

#endif
