/*
 * The parsing of one text by a test, and what came of it.
 */

#ifndef TESTS_UNIT_TRIAL_H
#define TESTS_UNIT_TRIAL_H

#include "conf/conf.h"

#define SAID_MAX 4096

struct trial {
	struct table *t;
	struct conf_report report;
	struct conf_refer refer;
	char said[SAID_MAX]; /* LINE: TEXT, one per line */
	char referred[SAID_MAX];
};

/* Parse text as test.conf, whatever is in it, and finish the table. */
void trial_init(struct trial *trial, const char *text);
void trial_clear(struct trial *trial);

/* Parse text into the same table, which has not been finished. */
void trial_parse(struct trial *trial, const char *text);

/* The service of this name, which must be there. */
const struct service *trial_service(const struct trial *trial,
    const char *name);

/* What is wrong with text is this, and nothing else. */
void trial_says(const char *text, const char *said);

/* Nothing is wrong with text, and this is its canonical form. */
void trial_prints(const char *text, const char *canonical);

#endif
