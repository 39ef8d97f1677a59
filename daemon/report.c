/*
 * Reporting finished connections to the logger.
 *
 * The budgets are kept as the moment at which all that was used of them will
 * have grown back: there is room for more as long as that is less than one
 * period away.
 */

#include <errno.h>
#include <string.h>

#include "daemon/report.h"
#include "os/clock.h"
#include "os/message.h"

#define NS_PER_MS INT64_C(1000000)

/* Is anything left of the budget? */
static bool
budget_has(struct rate rate, int64_t *due, int64_t now_ns)
{
	if (rate.count == 0)
		return true;
	if (*due < now_ns)
		*due = now_ns;
	return *due - now_ns < (int64_t)rate.period_ms * NS_PER_MS;
}

static void
budget_use(struct rate rate, int64_t *due, int64_t n)
{
	if (rate.count != 0)
		*due += n * rate.period_ms * NS_PER_MS / rate.count;
}

void
report_init(struct report *r, const struct generation *g)
{
	memset(r, 0, offsetof(struct report, text));
	r->rule = &g->table->log;
	r->board = g->board;
	r->socket = g->log.send;
	/* The journal gets each key as a field of its own, out of the text. */
	r->format = r->rule->to == LOG_JOURNAL ? LOG_TEXT : r->rule->format;
}

bool
report_wants(struct report *r, enum log_level level, int64_t now)
{
	const int64_t now_ns = now * NS_PER_MS;

	if (level > board_log_level(r->board, r->rule->level))
		return false;
	if (!budget_has(r->rule->lines, &r->lines_due, now_ns) ||
	    !budget_has(r->rule->bytes, &r->bytes_due, now_ns)) {
		r->suppressed++;
		return false;
	}
	budget_use(r->rule->lines, &r->lines_due, 1);
	return true;
}

void
report_add(struct report *r, struct record *record)
{
	size_t n;

	if (r->len + RECORD_MAX > sizeof(r->text))
		report_flush(r);
	record->time_ms = clock_wall();
	record->suppressed = r->suppressed;
	r->told += r->suppressed;
	r->suppressed = 0;
	if (r->len == 0)
		r->text[r->len++] = LOGGER_TEXT;
	n = record_format(record, r->format, r->text + r->len);
	r->len += n;
	budget_use(r->rule->bytes, &r->bytes_due, (int64_t)n);
}

/* Whatever could not be sent will be told as a number. */
static void
report_count_lost(struct report *r)
{
	size_t i;

	r->suppressed += r->told;
	for (i = 0; i < r->len; i++)
		if (r->text[i] == '\n')
			r->suppressed++;
}

void
report_flush(struct report *r)
{
	if (r->len == 0)
		return;
	if (message_send(r->socket, r->text, r->len, -1) == -1) {
		/* The logger rests now and then: soon there is room again. */
		if (errno == EAGAIN && r->len + RECORD_MAX <= sizeof(r->text))
			return;
		report_count_lost(r);
	}
	r->len = 0;
	r->told = 0;
}
