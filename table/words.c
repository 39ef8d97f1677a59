/*
 * Two sets of words: plain sentences, and those of the server of 2010.
 */

#include <stdbool.h>
#include <string.h>

#include "table/words.h"

/* A span's two members, for a string constant. */
#define TEXT(s) (s), sizeof(s) - 1

static const struct tcpmux_span help_name = { TEXT("HELP") };
static const struct tcpmux_span tcpmux_name = { TEXT("tcpmux") };

/* Each refusal is one plain sentence that says what to do next. */
const struct words words_default = {
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
		[REFUSE_FULL] = { TEXT("-busy: this service is full, "
		    "try again in a moment\r\n") },
		[REFUSE_SOURCE] = { TEXT("-busy: too many connections from "
		    "your address, end one first\r\n") },
		[REFUSE_RATE] = { TEXT("-busy: connections come too fast, "
		    "try again in a moment\r\n") },
		[REFUSE_NAMES] = { TEXT("-busy: too many unknown names from "
		    "your address, try again later\r\n") },
		[REFUSE_DOWN] = { TEXT("-Service not running: "
		    "try again later\r\n") },
		[REFUSE_DRAINED] = { TEXT("-Out of service for now: "
		    "try again later\r\n") },
		[REFUSE_STOPPING] = { TEXT("-Going down: "
		    "try again in a moment\r\n") },
		[REFUSE_BROKEN] = { TEXT("-Not set up right: "
		    "tell the administrator of this server\r\n") },
	},
};

const struct words words_classic = {
	.help_in_any_case = false,
	.ok = { TEXT("+OK FINE\r\n") },
	.help = { TEXT("tcpmux\r\n") },
	.refusal = { TEXT("-BLOW ME\r\n") },
};

bool
words_is_help(const struct words *w, struct tcpmux_span name)
{
	if (w->help_in_any_case)
		return tcpmux_compare_names(name, help_name) == 0;
	return name.len == help_name.len &&
	    memcmp(name.p, help_name.p, name.len) == 0;
}

struct answer
words_answer(const struct words *w, struct tcpmux_span name)
{
	if (words_is_help(w, name))
		return (struct answer){ w->help, ANSWER_CLOSE };
	if (tcpmux_compare_names(name, tcpmux_name) == 0)
		return (struct answer){ w->ok, ANSWER_NEXT };
	return words_refuse(w, REFUSE_UNKNOWN);
}

struct answer
words_refuse(const struct words *w, enum refusal why)
{
	if (w->refusal.len > 0)
		return (struct answer){ w->refusal, ANSWER_CLOSE };
	return (struct answer){ w->refusals[why], ANSWER_CLOSE };
}

const char *
words_reason(enum refusal why)
{
	static const char *const reasons[REFUSE_COUNT] = {
		[REFUSE_EMPTY] = "empty",
		[REFUSE_LONG] = "long",
		[REFUSE_BYTE] = "byte",
		[REFUSE_CR] = "cr",
		[REFUSE_LF] = "lf",
		[REFUSE_UNKNOWN] = "unknown",
		[REFUSE_LATE] = "late",
		[REFUSE_URGENT] = "urgent",
		[REFUSE_BUSY] = "busy",
		[REFUSE_FULL] = "full",
		[REFUSE_SOURCE] = "source",
		[REFUSE_RATE] = "rate",
		[REFUSE_NAMES] = "names",
		[REFUSE_DOWN] = "down",
		[REFUSE_DRAINED] = "drained",
		[REFUSE_STOPPING] = "stopping",
		[REFUSE_BROKEN] = "broken",
	};

	return reasons[why];
}
