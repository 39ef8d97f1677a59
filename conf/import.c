/*
 * Whose configuration is this text, and which files does it include?
 */

#include "conf/import.h"
#include "conf/field.h"

bool
import_is_xinetd(const char *text, size_t len)
{
	struct field s = { { text, len }, 0 };
	struct tcpmux_span line, word;

	while (field_line(&s, &line)) {
		line = field_trim(line);
		if (line.len == 0 || line.p[0] == '#')
			continue;
		/* A line of inetd's has more words, or ends with a colon. */
		if (field_count(line) > 2)
			return false;
		(void)field_word(&line, &word); /* The line is not empty. */
		return field_is(word, "defaults") ||
		    field_is(word, "service") || field_is(word, "include") ||
		    field_is(word, "includedir");
	}
	return false;
}

bool
import_find_include(const char *text, size_t len, struct import_include *found)
{
	struct field s = { { text + found->end, len - found->end },
		found->line };
	struct tcpmux_span line, word;
	bool is_inside = false; /* { and }, where there are none */

	for (;;) {
		found->begin = len - s.rest.len;
		if (!field_line(&s, &line))
			return false;
		found->end = len - s.rest.len;
		found->line = s.line;
		if (!field_word(&line, &word))
			continue;
		if (field_is(word, "{") || field_is(word, "}"))
			is_inside = field_is(word, "{");
		found->is_folder = field_is(word, "includedir");
		if (!is_inside &&
		    (found->is_folder || field_is(word, "include")) &&
		    field_word(&line, &found->path))
			return true;
	}
}
