/*
 * What a registrar that has gone bad can have the monitor do, and what other
 * processes can have it believe: daemon/monitor/desk.c, guests.c and board.c.
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "daemon/front/slots.h"
#include "daemon/monitor/desk.h"
#include "daemon/monitor/guests.h"
#include "daemon/process.h"
#include "daemon/relay/relay.h"
#include "daemon/spawn/children.h"
#include "os/message.h"

/* Slots of a front and of a relay in these tests. */
#define SLOTS 500

static const struct setup setup;
static struct monitor mon;
static struct cohort cohort;
static struct process processes[3]; /* a front, a relay and a spawn */
static int orders[3];               /* where each hears the monitor */
static uint32_t seed;

/* A number of a fixed course that looks like none. */
static uint32_t
any(void)
{
	seed = seed * 1103515245 + 12345;
	return seed >> 16;
}

static void
scribble(void *memory, size_t size)
{
	unsigned char *p = memory;
	size_t i;

	for (i = 0; i < size; i++)
		p[i] = (unsigned char)any();
}

static int
make_process(struct process *p, int *hears, enum role role, size_t size)
{
	const int type = SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK;
	int ends[2];

	if (socketpair(AF_UNIX, type, 0, ends) == -1)
		return -1;
	p->role = role;
	p->pid = getpid();
	p->control = ends[0];
	*hears = ends[1];
	p->memory = calloc(1, size);
	p->memory_size = size;
	p->pulse = calloc(1, sizeof(*p->pulse));
	return p->memory == NULL || p->pulse == NULL ? -1 : 0;
}

static int
make_services(struct table *t)
{
	const struct service *first, *second;
	struct service echo = { .name = "echo",
		.kind = SERVICE_ECHO,
		.file = "x" };

	return table_add(t, &echo) == NULL ||
		table_finish(t, &first, &second) == -1 ?
	    -1 :
	    0;
}

/* Zeroed memory, as much as is ever needed of it. */
static void *
map(size_t size)
{
	void *p = mmap(NULL, size, PROT_READ | PROT_WRITE,
	    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	return p == MAP_FAILED ? NULL : p;
}

static int
make_monitor(void **state)
{
	void *counts = map(stats_size(1)), *meter = map(meter_size());

	(void)state;
	cohort.table = table_new();
	mon.board = map(sizeof(*mon.board));
	if (cohort.table == NULL || mon.board == NULL || counts == NULL ||
	    meter == NULL || make_services(cohort.table) == -1)
		return -1;
	stats_init(&mon.stats, counts, 1, 7);
	cohort.g.meter = meter_init(meter, 7);
	mon.setup = &setup;
	mon.current = &cohort;
	/* So that whoever asks for a reload or an upgrade is told to wait. */
	mon.state = MONITOR_CHANGING;
	cohort.g.table = cohort.table;
	cohort.g.board = mon.board;
	cohort.g.stats = &mon.stats;
	cohort.g.control = -1;
	cohort.processes = processes;
	cohort.nprocesses = 3;
	return make_process(&processes[0], &orders[0], ROLE_FRONT,
		   sizeof(struct slots_shared) + SLOTS * sizeof(struct conn)) ==
		    -1 ||
		make_process(&processes[1], &orders[1], ROLE_RELAY, 100000) ==
		    -1 ||
		make_process(&processes[2], &orders[2], ROLE_SPAWN,
		    children_memory_size()) == -1 ?
	    -1 :
	    0;
}

/* How many descriptors this process has. */
static unsigned int
count_fds(void)
{
	DIR *d = opendir("/proc/self/fd");
	unsigned int n = 0;

	assert_non_null(d);
	while (readdir(d) != NULL)
		n++;
	assert_int_equal(closedir(d), 0);
	return n;
}

/* One answer, whole and right, with a text at most; and then the end. */
static char
read_answer(int fd)
{
	char line[TCPMUX_REPLY_MAX];
	struct tcpmux_reply reply;
	ssize_t n;
	int more;

	n = message_receive(fd, line, sizeof(line), &more);
	assert_true(n > 0);
	assert_int_equal(tcpmux_parse_reply(line, (size_t)n, TCPMUX_STRICT,
			     &reply),
	    n);
	if (more != -1) {
		assert_int_equal(write(more, "x", 1), -1);
		/* It is opened for reading; without /proc, sealed alone. */
		assert_true(errno == EBADF || errno == EPERM);
		assert_int_equal(close(more), 0);
	}
	assert_int_equal(message_receive(fd, line, sizeof(line), &more), 0);
	return reply.sign;
}

/* Have e done; returns + or -. */
static char
do_errand(const struct errand *e)
{
	const int type = SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK;
	char sign;
	int ends[2];

	assert_int_equal(socketpair(AF_UNIX, type, 0, ends), 0);
	desk_do(&mon, e, ends[0]);
	sign = read_answer(ends[1]);
	assert_int_equal(close(ends[1]), 0);
	return sign;
}

static struct errand
errand_of(enum errand_what what, const char *name, const char *option)
{
	struct errand e = { .mark = ERRAND_MARK, .what = (uint8_t)what };

	e.name_len = (uint8_t)strlen(name);
	memcpy(e.name, name, e.name_len);
	e.option_len = (uint8_t)strlen(option);
	memcpy(e.option, option, e.option_len);
	return e;
}

/* Throw away what the processes were told; each must be a good order. */
static unsigned int
hear_orders(void)
{
	struct order order;
	enum process_order what;
	unsigned int n = 0;
	int i;

	for (i = 0; i < 3; i++)
		while ((what = process_full_order(orders[i], &order)) !=
		    ORDER_NONE) {
			assert_int_equal(what, ORDER_KICK);
			n++;
		}
	return n;
}

static void
t9_errands_of_any_bytes_do_no_more_than_they_may(void **state)
{
	unsigned int fds;
	struct errand e;
	int i;

	(void)state;
	seed = 1;
	e = errand_of(ERRAND_SNAPSHOT, "", "");
	assert_int_equal(do_errand(&e), '+');
	e = errand_of(ERRAND_CONNS, "", "");
	assert_int_equal(do_errand(&e), '+');
	fds = count_fds();
	for (i = 0; i < 20000; i++) {
		scribble(&e, sizeof(e));
		e.what %= ERRAND_LOG + 2;
		(void)do_errand(&e); /* either will do */
	}
	assert_in_range(count_fds(), fds - 2, fds);
	(void)hear_orders();
}

/* Errands that are nearly good reach further. */
static void
t9_errands_of_any_words_do_no_more_than_they_may(void **state)
{
	static const char *const words[] = {
		"", "echo", "tcpmux", "help", "x", "+", "\n", "a b", "1",
		"18446744073709551616", "-1", "nothing", "configured",
		"10.0.0.1", "::1", "%s%n",
		"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
	};
	const uint32_t n = sizeof(words) / sizeof(words[0]);
	unsigned int fds = count_fds();
	struct errand e;
	int i;

	(void)state;
	seed = 2;
	for (i = 0; i < 20000; i++) {
		e = errand_of((enum errand_what)(any() % (ERRAND_LOG + 1)),
		    words[any() % n], words[any() % n]);
		if (any() % 50 == 0)
			scribble(processes[any() % 3].memory, 4000);
		(void)do_errand(&e); /* either will do */
		(void)hear_orders();
	}
	assert_in_range(count_fds(), fds - 2, fds);
}

static void
t9_memory_of_any_bytes_is_read_and_no_more(void **state)
{
	static struct text t;
	const int null = open("/dev/null", O_WRONLY | O_CLOEXEC);
	int i, round;

	(void)state;
	assert_int_not_equal(null, -1);
	seed = 3;
	for (round = 0; round < 30; round++) {
		for (i = 0; i < 3; i++) {
			scribble(processes[i].memory, processes[i].memory_size);
			if (round % 2 == 0)
				memset(processes[i].memory, 0xff, 4);
		}
		text_begin(&t, null);
		guests_write(&cohort, &t);
		assert_int_equal(text_flush(&t), 0);
		(void)guests_kick(&cohort, any());
		(void)guests_kick_service(&cohort,
		    (struct tcpmux_span){ "echo", 4 });
		(void)hear_orders();
	}
	for (i = 0; i < 3; i++)
		memset(processes[i].memory, 0, processes[i].memory_size);
	assert_int_equal(close(null), 0);
}

static void
a_connection_is_kicked_by_its_number_alone(void **state)
{
	struct slots_shared *shared = processes[0].memory;
	struct conn *c = &shared->conns[1];
	uint64_t number;

	(void)state;
	memset(shared, 0, processes[0].memory_size);
	shared->used = 2;
	c->generation = 77;
	c->state = CONN_LINE;
	number = UINT64_C(77) << 22 | (uint64_t)getpid();
	assert_int_equal(guests_kick(&cohort, number + (1 << 22)), 0);
	assert_int_equal(guests_kick(&cohort, number + 1), 0);
	assert_int_equal(hear_orders(), 0);
	assert_int_equal(guests_kick(&cohort, number), 1);
	assert_int_equal(hear_orders(), 1);
	c->state = CONN_OVER;
	assert_int_equal(guests_kick(&cohort, number), 0);
	memset(shared, 0, processes[0].memory_size);
}

static void
a_name_on_the_board_is_one_in_any_case(void **state)
{
	static struct board b;
	const struct tcpmux_span name = { "Web.1", 5 }, same = { "wEB.1", 5 };
	const struct tcpmux_span other = { "web.", 4 }, none = { NULL, 0 };
	char buf[TCPMUX_NAME_MAX], many[8];
	size_t i;

	(void)state;
	assert_false(board_is_drained(NULL, name));
	assert_false(board_is_drained(&b, name));
	assert_int_equal(board_undrain(&b, name), 0);
	assert_int_equal(board_drain(&b, name), 1);
	assert_int_equal(board_drain(&b, same), 0);
	assert_true(board_is_drained(&b, same));
	assert_false(board_is_drained(&b, other));
	assert_false(board_is_drained(&b, none));
	assert_int_equal(board_name(&b, 0, buf).len, 5);
	assert_memory_equal(buf, "Web.1", 5); /* as it was said */
	assert_int_equal(board_undrain(&b, same), 1);
	assert_false(board_is_drained(&b, name));
	for (i = 0; i < BOARD_NAMES_MAX; i++) {
		(void)snprintf(many, sizeof(many), "n%zu", i); /* it fits */
		assert_int_equal(board_drain(&b,
				     (struct tcpmux_span){ many,
					 strlen(many) }),
		    1);
	}
	assert_int_equal(board_drain(&b, name), -1);
	assert_int_equal(board_undrain(&b, (struct tcpmux_span){ "N7", 2 }), 1);
	assert_int_equal(board_drain(&b, name), 1);
	assert_true(board_is_drained(&b, name));
}

static void
the_board_has_another_level_until_it_has_none(void **state)
{
	struct errand e = errand_of(ERRAND_LOG, "", "nothing");

	(void)state;
	assert_int_equal(board_log_level(NULL, LOG_REFUSALS), LOG_REFUSALS);
	assert_int_equal(do_errand(&e), '+');
	assert_int_equal(board_log_level(mon.board, LOG_REFUSALS), LOG_NOTHING);
	e = errand_of(ERRAND_LOG, "", "configured");
	assert_int_equal(do_errand(&e), '+');
	assert_int_equal(board_log_level(mon.board, LOG_REFUSALS),
	    LOG_REFUSALS);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
		    t9_errands_of_any_bytes_do_no_more_than_they_may),
		cmocka_unit_test(
		    t9_errands_of_any_words_do_no_more_than_they_may),
		cmocka_unit_test(t9_memory_of_any_bytes_is_read_and_no_more),
		cmocka_unit_test(a_connection_is_kicked_by_its_number_alone),
		cmocka_unit_test(a_name_on_the_board_is_one_in_any_case),
		cmocka_unit_test(the_board_has_another_level_until_it_has_none),
	};

	return cmocka_run_group_tests(tests, make_monitor, NULL);
}
