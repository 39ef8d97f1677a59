/*
 * A snapshot as Prometheus or OpenMetrics text.
 */

#ifndef CMD_EXPORTER_METRICS_H
#define CMD_EXPORTER_METRICS_H

#include "cmd/exporter/body.h"
#include "cmd/snapshot.h"

enum metrics_format {
	METRICS_PROMETHEUS, /* text format 0.0.4 */
	METRICS_OPEN        /* OpenMetrics 1.0 */
};

/* The value of Content-Type. */
const char *metrics_type(enum metrics_format format);

/* Add all metrics of a snapshot; or, if it is NULL, that there is none. */
void metrics_write(struct body *b, enum metrics_format format,
    const struct snapshot *s);

#endif
