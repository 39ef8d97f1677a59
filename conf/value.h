/*
 * The types of values that options of several sections take.
 */

#ifndef CONF_VALUE_H
#define CONF_VALUE_H

#include <stdio.h>

#include "conf/option.h"

/* Each is followed by the field that it sets. */
extern const struct option_type type_text;  /* const char * */
extern const struct option_type type_path;  /* the same: absolute */
extern const struct option_type type_bool;  /* bool */
extern const struct option_type type_not;   /* bool, the other way round */
extern const struct option_type type_word;  /* an enum: the place in words */
extern const struct option_type type_flag;  /* bool: the place in words */
extern const struct option_type type_count; /* uint32_t */
extern const struct option_type type_port;  /* uint16_t */
extern const struct option_type type_time;  /* uint32_t, milliseconds */
extern const struct option_type type_size;  /* uint64_t */
extern const struct option_type type_rate;  /* struct rate */
extern const struct option_type type_byte_rate;
extern const struct option_type type_networks; /* struct network *, number */
extern const struct option_type type_texts;    /* const char *const *, NULL */
extern const struct option_type type_groups;   /* the same: may be none */
extern const struct option_type type_names;    /* the same, and number */
extern const struct option_type type_ok;       /* struct tcpmux_span: + reply */
extern const struct option_type type_refusal;  /* the same: - reply */
extern const struct option_type type_daemon_user; /* struct table */
extern const struct option_type type_sandbox;     /* struct table */
extern const struct option_type type_log_to;      /* struct log_rule */
extern const struct option_type type_reference;   /* none: include, import */
extern const struct option_type type_exec;        /* as type_texts */
extern const struct option_type type_environment; /* as type_texts */
extern const struct option_type type_rlimits;     /* struct program */
extern const struct option_type type_umask;       /* mode_t */
extern const struct option_type type_nice;        /* int */
extern const struct option_type type_backends;    /* struct relay_rule */
extern const struct option_type type_socket;      /* as type_path */
extern const struct option_type type_control;     /* struct table */
extern const struct option_type type_offerers;    /* struct offerer *, number */
extern const struct option_type type_service_offerers; /* without globs */
extern const struct option_type type_readers;          /* likewise */

/* The field of o in the struct at base. */
void *value_field(const struct option *o, void *base);
const void *value_field_const(const struct option *o, const void *base);

/* Write text in double quotes, so that it is read as the same. */
void value_quote(FILE *f, const char *text, size_t len);

/* Is path too long for that of a socket?  Then it is said of v. */
bool taking_is_long_path(struct taking *k, const struct option *o,
    const struct value *v, const char *path);

/* Say what is wrong with a service of this name, if anything is. */
void taking_check_name(struct taking *k, int line, const char *name);

/*
 * Copy the values into the table as a list that ends with NULL, which is the
 * result, or NULL if there was no memory.
 */
const char *const *taking_copy_all(struct taking *k, const cfg_opt_t *values);

/* The place of v in the words of o, or -1 and it has been said. */
int taking_find_word(struct taking *k, const struct option *o,
    const struct value *v);

/*
 * Is every byte of text printable, and is there one?  If not, it is said.
 */
bool taking_is_printable(struct taking *k, const struct option *o,
    const struct value *v);

#endif
