/*
 * What is answered, made once for each snapshot.
 */

#ifndef CMD_EXPORTER_ANSWERS_H
#define CMD_EXPORTER_ANSWERS_H

#include <microhttpd.h>

#include "cmd/exporter/source.h"

enum answer {
	ANSWER_PAGE,
	ANSWER_JSON,
	ANSWER_PROMETHEUS,
	ANSWER_OPENMETRICS,
	ANSWER_COUNT
};

struct answers {
	struct source source;
	const char *host; /* borrowed */
	struct MHD_Response *made[ANSWER_COUNT];
};

/* control may be NULL; host is the name of this machine. */
void answers_init(struct answers *x, const char *control, const char *host);
void answers_clear(struct answers *x);

/*
 * The answer as it is now, which stays ours; NULL if there is no memory for it,
 * or it would be too long.
 */
struct MHD_Response *answers_get(struct answers *x, enum answer which);

/*
 * Make an answer of a text that lives as long as the program.  Returns NULL if
 * there is no memory.
 */
struct MHD_Response *answers_make_text(const char *text);

#endif
