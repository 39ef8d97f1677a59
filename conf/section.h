/*
 * The sections of the configuration: takes one into the table, and says what
 * is wrong with its options together.
 *
 * Of the configuration's own files only; others see conf.h.
 */

#ifndef CONF_SECTION_H
#define CONF_SECTION_H

#include <confuse.h>

#include "conf/option.h"
#include "conf/value.h"

/* Every default of a listener, and of a service. */
extern const struct listen listen_default;
extern const struct service service_default;

/* Does a program say + itself, unless reply = mux says otherwise? */
bool section_program_replies(enum service_kind kind);

/* Set the fields of the section's struct at base from the options of cfg. */
void section_take(struct taking *k, const cfg_t *cfg, enum section s,
    void *base);

/* Add the listener, or the service, whose section cfg is. */
void section_take_listen(struct taking *k, const cfg_t *cfg);
void section_take_service(struct taking *k, const cfg_t *cfg);

#endif
