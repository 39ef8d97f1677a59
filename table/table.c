/*
 * Two tables with one service, tcpmux, and the words for all else.
 */

#include <stdbool.h>
#include <string.h>

#include "table/table.h"

/* A span's two members, for a string constant. */
#define TEXT(s) (s), sizeof(s) - 1

struct table {
	bool help_in_any_case; /* rule 10 */
	struct tcpmux_span ok;
	struct tcpmux_span help;
	struct tcpmux_span refusal; /* whatever the cause, if not empty */
	struct tcpmux_span refusals[REFUSE_COUNT];
};

static const struct tcpmux_span help_name = { TEXT("HELP") };
static const struct tcpmux_span tcpmux_name = { TEXT("tcpmux") };

/* Each refusal is one plain sentence that says what to do next. */
const struct table table_default = {
	.help_in_any_case = true,
	.ok = { TEXT("+OK FINE\r\n") },
	.help = { TEXT("tcpmux\r\n") },
	.refusals = {
		[REFUSE_EMPTY] = { TEXT("-No service name: send a name and "
		    "CR LF, or HELP and CR LF for a list\r\n") },
		[REFUSE_LONG] = { TEXT("-Service name too long: "
		    "send 255 bytes at most\r\n") },
		[REFUSE_BYTE] = { TEXT("-Not a service name: send printable "
		    "ASCII without spaces, then CR LF\r\n") },
		[REFUSE_CR] = { TEXT("-CR without LF: "
		    "end the name with CR LF\r\n") },
		[REFUSE_LF] = { TEXT("-LF without CR: "
		    "end the name with CR LF\r\n") },
		[REFUSE_UNKNOWN] = { TEXT("-No such service: "
		    "send HELP and CR LF for a list\r\n") },
		[REFUSE_LATE] = { TEXT("-No name in time: "
		    "connect again and send it at once\r\n") },
		[REFUSE_URGENT] = { TEXT("-Urgent data in the name: "
		    "send it as ordinary data\r\n") },
		[REFUSE_BUSY] = { TEXT("-busy: too many connections wait here, "
		    "try again in a moment\r\n") },
		[REFUSE_STOPPING] = { TEXT("-Going down: "
		    "try again in a moment\r\n") },
		[REFUSE_BROKEN] = { TEXT("-Not set up right: "
		    "tell the administrator of this server\r\n") },
	},
};

const struct table table_classic = {
	.help_in_any_case = false,
	.ok = { TEXT("+OK FINE\r\n") },
	.help = { TEXT("tcpmux\r\n") },
	.refusal = { TEXT("-BLOW ME\r\n") },
};

static bool
is_help(const struct table *t, struct tcpmux_span name)
{
	if (t->help_in_any_case)
		return tcpmux_compare_names(name, help_name) == 0;
	return name.len == help_name.len &&
	    memcmp(name.p, help_name.p, name.len) == 0;
}

struct answer
table_answer(const struct table *t, struct tcpmux_span name)
{
	if (is_help(t, name))
		return (struct answer){ t->help, ANSWER_CLOSE };
	if (tcpmux_compare_names(name, tcpmux_name) == 0)
		return (struct answer){ t->ok, ANSWER_NEXT };
	return table_refuse(t, REFUSE_UNKNOWN);
}

struct answer
table_refuse(const struct table *t, enum refusal why)
{
	if (t->refusal.len > 0)
		return (struct answer){ t->refusal, ANSWER_CLOSE };
	return (struct answer){ t->refusals[why], ANSWER_CLOSE };
}
