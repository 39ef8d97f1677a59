/*
 * The texts of the status page, as the build has made them of the files in
 * page/: pieces, and what is to be filled in between.
 */

#ifndef CMD_EXPORTER_TEMPLATE_H
#define CMD_EXPORTER_TEMPLATE_H

#include <stddef.h>

/* What {{format key}} becomes, where key is one of a line of the snapshot. */
enum template_format {
	TEMPLATE_END,    /* nothing: the last one */
	TEMPLATE_TEXT,   /* its text */
	TEMPLATE_RAW,    /* digits, for the script */
	TEMPLATE_COUNT,  /* digits in groups of three */
	TEMPLATE_BYTES,  /* such as 1.2 MB */
	TEMPLATE_KIB,    /* the same, of a number of KiB */
	TEMPLATE_MICRO,  /* microseconds, such as 3.4 s */
	TEMPLATE_MILLI,  /* the same, of milliseconds */
	TEMPLATE_AGE,    /* how long ago a time of day was */
	TEMPLATE_TIME,   /* a time of day */
	TEMPLATE_STATE,  /* a word, with its mark */
	TEMPLATE_NOTE,   /* the key itself, if its value is yes */
	TEMPLATE_HALF,   /* half of the times are not above it */
	TEMPLATE_MOST,   /* 99 % of them are not */
	TEMPLATE_QUEUE,  /* how many wait, and how many may */
	TEMPLATE_MEANS,  /* a sentence for a reason */
	TEMPLATE_WHERE,  /* the services that are refused most for a reason */
	TEMPLATE_SHARE,  /* a part of the largest such number, of 100 */
	TEMPLATE_LAYERS, /* a cell for each layer of the sandbox */
	TEMPLATE_EACH,   /* the template of that name for each such line */
	TEMPLATE_SOME,   /* the attribute hidden, if there is such a line */
	TEMPLATE_NONE,   /* the same, if there is none */
	TEMPLATE_MORE,   /* how many such lines are not shown */
	TEMPLATE_HOST,   /* the name of this machine */
	TEMPLATE_WHY     /* why there is no snapshot */
};

/* A piece of text, not NUL-terminated, and what follows it. */
struct template_part {
	const char *text;
	size_t len;
	enum template_format format;
	const char *key;
};

/* Each ends with a part of TEMPLATE_END. */
extern const struct template_part template_index[];
extern const struct template_part template_tcpmuxd[];
extern const struct template_part template_mode[];
extern const struct template_part template_now[];
extern const struct template_part template_total[];
extern const struct template_part template_listener[];
extern const struct template_part template_service[];
extern const struct template_part template_refused[];
extern const struct template_part template_offer[];
extern const struct template_part template_process[];
extern const struct template_part template_layers[];

/* What the page may do, as the value of Content-Security-Policy. */
extern const char template_policy[];

#endif
