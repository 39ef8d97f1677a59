/*
 * The bounds of a conversation with a stranger, and their defaults.
 */

#ifndef TABLE_LIMITS_H
#define TABLE_LIMITS_H

/* Seconds for one whole request, unless -w says otherwise (rule 27). */
#define LIMIT_WAIT_S 10

/* The most seconds that -w takes: a day. */
#define LIMIT_WAIT_MAX_S 86400

/*
 * After the last reply, how long and how many bytes of further input are
 * read and thrown away, so that no reset overtakes the reply (rule 24).  A
 * reply that is lost four times in a row still arrives within this time.
 */
#define LIMIT_LINGER_MS    5000
#define LIMIT_LINGER_BYTES 262144

/* What one process may log in a second. */
#define LIMIT_LOG_LINES 1000
#define LIMIT_LOG_BYTES 1048576

#endif
