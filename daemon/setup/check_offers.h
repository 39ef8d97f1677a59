/*
 * What a table says of offers, checked against this machine: who may offer
 * names, and where the control socket is.
 */

#ifndef DAEMON_SETUP_CHECK_OFFERS_H
#define DAEMON_SETUP_CHECK_OFFERS_H

#include <stdbool.h>

#include "conf/conf.h"

/*
 * Say which users and groups of t are not there, and whether its control
 * socket is to be where others could put theirs; set the ids of offerers, and
 * the logins if names are theirs by prefix.  t has been finished.  Returns 0,
 * or -1 if there was no memory.
 */
int check_offers(struct table *t, bool is_root, struct conf_report *report);

#endif
