/*
 * Cells of a table, out of a line of a snapshot.
 */

#include "cmd/ctl/cells.h"
#include "cmd/ctl/show.h"

void
cells_put_text(struct columns *c, const struct snapshot_line *line,
    const char *key)
{
	const char *text = snapshot_text(line, key);

	columns_put(c, *text == '\0' ? "-" : text);
}

void
cells_put_count(struct columns *c, const struct snapshot_line *line,
    const char *key)
{
	char text[SHOW_MAX];

	if (snapshot_get(line, key) == NULL) {
		columns_put(c, "-");
		return;
	}
	show_count(text, snapshot_number(line, key, 0));
	columns_put(c, text);
}
