/*
 * The screen of top: what is on it, and the keys that are pressed.
 */

#include <curses.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "cmd/ctl/problems.h"
#include "cmd/ctl/screen.h"
#include "cmd/ctl/show.h"
#include "cmd/ctl/terminfo.h"
#include "cmd/escape.h"

/* The lines above the services, their title included, and below. */
#define ROWS_ABOVE 6
#define ROWS_BELOW 1

/* So long a key that begins with ESC may take, in milliseconds. */
#define ESCAPE_MS 25

/* The name gives way, but not beyond this. */
#define NAME_MIN 12

/* The widest text of one place. */
#define TEXT_MAX 512

/* Room for a rate as it is shown, with what is around it. */
#define RATE_MAX (SHOW_MAX + 16)

/* What stands in a column. */
enum cell {
	CELL_NAME,
	CELL_KIND,
	CELL_STATE,
	CELL_CURRENT,
	CELL_QUEUE,
	CELL_REQUESTS,
	CELL_REFUSED,
	CELL_IN,
	CELL_OUT,
	CELL_TOTAL,
	CELLS,
};

/* From left to right; those of the highest rank go first in a narrow one. */
static const struct {
	const char *title;
	int width; /* negative: to the left */
	int rank;
	enum rates_order order; /* that it stands for, or RATES_ORDERS */
} cells[CELLS] = {
	[CELL_NAME] = { "SERVICE", 0, 0, RATES_BY_NAME },
	[CELL_KIND] = { "KIND", -7, 9, RATES_ORDERS },
	[CELL_STATE] = { "STATE", -7, 3, RATES_ORDERS },
	[CELL_CURRENT] = { "NOW", 5, 2, RATES_BY_CURRENT },
	[CELL_QUEUE] = { "QUEUE", 7, 6, RATES_ORDERS },
	[CELL_REQUESTS] = { "REQ/S", 6, 1, RATES_BY_REQUESTS },
	[CELL_REFUSED] = { "REF/S", 6, 4, RATES_BY_REFUSED },
	[CELL_IN] = { "IN/S", 6, 7, RATES_BY_IN },
	[CELL_OUT] = { "OUT/S", 6, 8, RATES_BY_OUT },
	[CELL_TOTAL] = { "TOTAL", 6, 5, RATES_BY_TOTAL },
};

static const char *const help[] = {
	"q        end",
	"s        sort by the next column: the one with * is it",
	"space    look now",
	"arrows, page up and down, home and end",
	"         see other services",
	"^L       draw all again",
	"h, ?     this page, and back",
	"",
	"NOW      connections that it has; QUEUE: that wait, and how many could",
	"REQ/S    requests a second; REF/S: refused; TOTAL: since the start",
	"IN/S     bytes a second from clients, OUT/S to them, where known",
};

#define HELP_LINES ((int)(sizeof(help) / sizeof(help[0])))

int
screen_open(void)
{
	/* A screen that did not come about could not be freed. */
	if (!terminfo_is_enough())
		return -1;
	if (newterm(NULL, stdout, stdin) == NULL)
		return -1;
	/* None fails on a screen that is there; what is not there is not. */
	(void)cbreak();
	(void)noecho();
	(void)nonl();
	(void)keypad(stdscr, TRUE);
	(void)nodelay(stdscr, TRUE);
	(void)leaveok(stdscr, TRUE);
	(void)curs_set(0);
	(void)set_escdelay(ESCAPE_MS);
	return 0;
}

/* A terminal that has gone cannot be given back: nothing is asked here. */
void
screen_close(void)
{
	if (isendwin() == FALSE)
		(void)endwin();
}

void
screen_resume(void)
{
	struct winsize size;

	if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_row > 0 &&
	    size.ws_col > 0)
		(void)resizeterm(size.ws_row, size.ws_col); /* or the old one */
	(void)clearok(curscr, TRUE); /* whatever is there is not ours */
	(void)refresh();
}

size_t
screen_rows(void)
{
	const int rows = LINES - ROWS_ABOVE - ROWS_BELOW;

	return rows > 0 ? (size_t)rows : 1;
}

/*
 * Put text at a place, cut at the right end.  A place that a small screen does
 * not have is no error, here and below.
 */
static void
put(int y, int x, const char *text)
{
	if (x < COLS)
		(void)mvaddnstr(y, x, text, COLS - x);
}

/* A rate, in six places at the most. */
static void
format_rate(char text[static SHOW_MAX], double rate)
{
	if (rate > 0 && rate < 9.95)
		(void)snprintf(text, SHOW_MAX, "%.1f", rate);
	else
		show_count(text, (uint64_t)(rate + 0.5));
}

static void
draw_daemon(const struct rates *r)
{
	const struct snapshot_line *d = r->daemon;
	const int64_t now = snapshot_time(d, "now");
	char text[TEXT_MAX], shown[TEXT_MAX], age[SHOW_MAX], day[SHOW_MAX];

	show_duration(age, now - snapshot_time(d, "started"));
	(void)snprintf(text, sizeof(text),
	    "tcpmuxd %s, %s for %s, generation %s", snapshot_text(d, "version"),
	    snapshot_text(d, "state"), age, snapshot_text(d, "generation"));
	(void)escape_text(shown, sizeof(shown), text); /* or cut */
	put(0, 0, shown);
	show_time(day, now);
	/* The time of the day alone, at the right, if it fits there. */
	if (strlen(day) > 11 && (int)strlen(shown) + 10 < COLS)
		put(0, COLS - 8, day + 11);
}

static void
draw_totals(const struct rates *r)
{
	char a[SHOW_MAX], b[SHOW_MAX], c[SHOW_MAX], d[SHOW_MAX];
	char text[TEXT_MAX];

	format_rate(a, r->accepted.per_second);
	show_count(b, r->accepted.total);
	show_count(c,
	    r->total == NULL ? 0 : snapshot_number(r->total, "waiting", 0));
	show_count(d,
	    r->total == NULL ? 0 : snapshot_number(r->total, "lingering", 0));
	(void)snprintf(text, sizeof(text),
	    "connections %6s/s, %s in all; %s wait, %s linger", a, b, c, d);
	put(1, 0, text);
	format_rate(a, r->requests.per_second);
	format_rate(b, r->refused.per_second);
	format_rate(c, r->in.per_second);
	format_rate(d, r->out.per_second);
	(void)snprintf(text, sizeof(text),
	    "requests    %6s/s, %s/s refused; bytes %s/s in, %s/s out", a, b, c,
	    d);
	put(2, 0, text);
	show_count(a, r->rss_kb * 1024);
	(void)snprintf(text, sizeof(text),
	    "processes   %6zu, %.1f %% of a CPU, %sB of memory at most",
	    r->processes, r->cpu.per_second / 10000, a);
	put(3, 0, text);
}

/* Keep the first one. */
static void
keep_problem(const char *problem, void *arg)
{
	char *text = arg;

	if (*text == '\0')
		(void)snprintf(text, PROBLEM_MAX, "%s", problem);
}

static void
draw_problems(const struct rates *r)
{
	char first[PROBLEM_MAX] = "", text[PROBLEM_MAX + 64];
	size_t n;

	n = problems_find(&r->snapshot, keep_problem, first);
	if (n == 0)
		return;
	if (n == 1)
		(void)snprintf(text, sizeof(text), "! %s", first);
	else
		(void)snprintf(text, sizeof(text), "! %s (and %zu more)", first,
		    n - 1);
	(void)attron(A_BOLD);
	put(4, 0, text);
	(void)attroff(A_BOLD);
}

/*
 * Which columns there is room for: those of a rank up to the result; and how
 * wide the name is, in *name.
 */
static int
choose_rank(int *name)
{
	int rank, i, used;

	for (rank = CELLS - 1; rank >= 0; rank--) {
		used = 0;
		for (i = CELL_NAME + 1; i < CELLS; i++)
			if (cells[i].rank <= rank)
				used += 1 +
				    (cells[i].width < 0 ? -cells[i].width :
							  cells[i].width);
		*name = COLS - used;
		if (*name >= NAME_MIN)
			return rank;
	}
	*name = COLS;
	return 0;
}

/* What stands in a cell. */
static void
format_cell(char text[static TEXT_MAX], const struct rates_row *row,
    enum cell cell)
{
	const struct snapshot_line *line = row->line;
	char a[SHOW_MAX], b[SHOW_MAX];

	switch (cell) {
	case CELL_NAME:
		(void)escape_text(text, TEXT_MAX, row->name); /* or cut */
		break;
	case CELL_KIND:
		(void)escape_text(text, TEXT_MAX, snapshot_text(line, "kind"));
		break;
	case CELL_STATE:
		(void)escape_text(text, TEXT_MAX, snapshot_text(line, "state"));
		break;
	case CELL_CURRENT:
		show_count(text, snapshot_number(line, "current", 0));
		break;
	case CELL_QUEUE:
		if (snapshot_get(line, "queue") == NULL) {
			(void)snprintf(text, TEXT_MAX, "-");
			break;
		}
		show_count(a, snapshot_number(line, "queue", 0));
		show_count(b, snapshot_number(line, "queue-max", 0));
		(void)snprintf(text, TEXT_MAX, "%s/%s", a, b);
		break;
	case CELL_REQUESTS:
		format_rate(text, row->requests.per_second);
		break;
	case CELL_REFUSED:
		format_rate(text, row->refused.per_second);
		break;
	case CELL_IN:
		format_rate(text, row->in.per_second);
		break;
	case CELL_OUT:
		format_rate(text, row->out.per_second);
		break;
	case CELL_TOTAL:
		show_count(text, row->requests.total);
		break;
	case CELLS:
		break;
	}
}

/* A row of a table: a service, or the titles if row is NULL. */
static void
draw_row(int y, const struct rates_row *row, enum rates_order order)
{
	char text[TEXT_MAX], cell[TEXT_MAX];
	int x = 0, i, width, name;
	const int rank = choose_rank(&name);

	for (i = 0; i < CELLS; i++) {
		if (cells[i].rank > rank)
			continue;
		width = i == CELL_NAME ? -name : cells[i].width;
		if (row != NULL)
			format_cell(cell, row, (enum cell)i);
		else
			(void)snprintf(cell, sizeof(cell), "%s%s",
			    cells[i].order == order ? "*" : "", cells[i].title);
		(void)snprintf(text, sizeof(text), "%*.*s", width,
		    width < 0 ? -width : width, cell);
		put(y, x, text);
		x += (width < 0 ? -width : width) + 1;
	}
}

static void
draw_services(const struct screen_view *v)
{
	const struct rates *r = v->rates;
	size_t i;

	(void)attron(A_REVERSE);
	(void)mvhline(ROWS_ABOVE - 1, 0, ' ', COLS);
	draw_row(ROWS_ABOVE - 1, NULL, v->order);
	(void)attroff(A_REVERSE);
	for (i = 0; i < screen_rows() && v->first + i < r->n; i++)
		draw_row(ROWS_ABOVE + (int)i, r->order[v->first + i], v->order);
}

static void
draw_bottom(const struct screen_view *v)
{
	char text[TEXT_MAX];
	size_t last = v->first + screen_rows();

	if (v->trouble[0] != '\0') {
		(void)attron(A_BOLD);
		put(LINES - 1, 0, v->trouble);
		(void)attroff(A_BOLD);
		return;
	}
	if (last > v->rates->n)
		last = v->rates->n;
	(void)snprintf(text, sizeof(text),
	    "q ends, s sorts, h helps; services %zu to %zu of %zu",
	    v->rates->n > 0 ? v->first + 1 : 0, last, v->rates->n);
	put(LINES - 1, 0, text);
}

void
screen_draw(const struct screen_view *view)
{
	int i;

	(void)erase();
	if (view->is_help) {
		for (i = 0; i < HELP_LINES; i++)
			put(i, 0, help[i]);
	} else if (view->rates->daemon != NULL) {
		draw_daemon(view->rates);
		draw_totals(view->rates);
		draw_problems(view->rates);
		draw_services(view);
	}
	draw_bottom(view);
	(void)refresh();
}

enum screen_key
screen_read(bool is_ready)
{
	const int key = getch();

	switch (key) {
	case ERR:
		return is_ready ? SCREEN_GONE : SCREEN_NOTHING;
	case 'q':
	case 'Q':
		return SCREEN_QUIT;
	case 'h':
	case '?':
		return SCREEN_HELP;
	case 's':
		return SCREEN_ORDER;
	case ' ':
		return SCREEN_LOOK;
	case 'L' & 31:
		return SCREEN_REDRAW;
	case KEY_UP:
	case 'k':
		return SCREEN_UP;
	case KEY_DOWN:
	case 'j':
		return SCREEN_DOWN;
	case KEY_PPAGE:
		return SCREEN_PAGE_UP;
	case KEY_NPAGE:
		return SCREEN_PAGE_DOWN;
	case KEY_HOME:
		return SCREEN_FIRST;
	case KEY_END:
		return SCREEN_LAST;
	default:
		return SCREEN_NOTHING;
	}
}
