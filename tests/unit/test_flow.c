/*
 * Moving bytes one way, in each of its manners: daemon/relay/flow.c and os/pipe.c.
 */

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "daemon/relay/flow.h"
#include "os/loop.h"

#define SIZE 3000000

static struct moving moving;
static char sent[SIZE], got[SIZE];

/* A source that we write to, and a target that we read from. */
struct ends {
	int write, from, to, read;
	struct flow flow;
	size_t sent, got;
};

static void
connect_ends(struct ends *e)
{
	const int type = SOCK_STREAM | SOCK_NONBLOCK;
	int one[2], two[2];
	size_t i;

	assert_int_equal(socketpair(AF_UNIX, type, 0, one), 0);
	assert_int_equal(socketpair(AF_UNIX, type, 0, two), 0);
	*e = (struct ends){ one[0], one[1], two[0], two[1], { 0 }, 0, 0 };
	flow_init(&e->flow);
	for (i = 0; i < SIZE; i++)
		sent[i] = (char)(i * 31 + i / 251);
	memset(got, 0, sizeof(got));
}

static void
close_ends(struct ends *e)
{
	flow_clear(&e->flow, &moving);
	assert_int_equal(close(e->write), 0);
	assert_int_equal(close(e->from), 0);
	assert_int_equal(close(e->to), 0);
	assert_int_equal(close(e->read), 0);
}

/* Write up to n bytes more, then the end. */
static void
put(struct ends *e, size_t n, size_t size)
{
	ssize_t done;

	if (n > size - e->sent)
		n = size - e->sent;
	done = send(e->write, sent + e->sent, n, MSG_NOSIGNAL);
	if (done > 0)
		e->sent += (size_t)done;
	if (e->sent == size)
		assert_int_equal(shutdown(e->write, SHUT_WR), 0);
}

static void
take(struct ends *e, size_t n)
{
	const size_t room = SIZE - e->got;
	ssize_t done;

	done = recv(e->read, got + e->got, n < room ? n : room, 0);
	if (done > 0)
		e->got += (size_t)done;
}

/* Move size bytes, written and read in pieces of so many. */
static void
assert_moves(size_t size, size_t written, size_t taken)
{
	struct ends e;
	enum flow_state state;

	connect_ends(&e);
	do {
		put(&e, written, size);
		flow_retry(&e.flow, true);
		state =
		    flow_step(&e.flow, &moving, e.from, e.to, FLOW_UNBOUNDED);
		assert_int_not_equal(state, FLOW_BROKEN);
		assert_int_equal(state, e.flow.state);
		take(&e, taken);
	} while (state != FLOW_ENDED);
	while (e.got < size)
		take(&e, taken);
	assert_memory_equal(sent, got, size);
	assert_int_equal(e.flow.moved, size);
	assert_int_equal(e.flow.pipe, PIPE_NONE);
	close_ends(&e);
}

static void
assert_moves_in_all_manners(void)
{
	assert_moves(0, 1, 1);
	assert_moves(1, 1, 1);
	assert_moves(5000, 100, 100);
	assert_moves(SIZE, 200000, 200000);
	assert_moves(SIZE, 200000, 5000);
	assert_moves(SIZE, 5000, 200000);
	assert_moves(300000, 20000, 7);
}

static void
bytes_come_whole_and_in_order(void **state)
{
	(void)state;
	pipes_init(&moving.pipes, 4);
	assert_moves_in_all_manners();
}

static void
bytes_come_without_any_pipe(void **state)
{
	(void)state;
	pipes_init(&moving.pipes, 0);
	assert_moves_in_all_manners();
}

static void
a_bound_is_kept_to_the_byte(void **state)
{
	static const uint64_t bounds[] = { 0, 1, 100, 65536, 65537, 250001 };
	struct ends e;
	size_t i;

	(void)state;
	pipes_init(&moving.pipes, 4);
	for (i = 0; i < sizeof(bounds) / sizeof(bounds[0]); i++) {
		connect_ends(&e);
		while (e.flow.state != FLOW_ENDED) {
			put(&e, 30000, SIZE);
			(void)flow_step(&e.flow, &moving, e.from, e.to,
			    bounds[i]); /* the state is in the flow */
			take(&e, 30000);
		}
		assert_int_equal(e.flow.moved, bounds[i]);
		close_ends(&e);
	}
}

static void
a_reader_that_is_gone_breaks_it(void **state)
{
	struct ends e;

	(void)state;
	pipes_init(&moving.pipes, 4);
	connect_ends(&e);
	put(&e, 10, SIZE);
	assert_int_equal(shutdown(e.read, SHUT_RD), 0);
	assert_int_equal(flow_step(&e.flow, &moving, e.from, e.to,
			     FLOW_UNBOUNDED),
	    FLOW_BROKEN);
	close_ends(&e);
}

static void
only_what_it_waits_for_makes_it_ready(void **state)
{
	struct flow f;

	(void)state;
	flow_init(&f);
	assert_true(flow_is_ready(&f, LOOP_READ, 0));
	assert_true(flow_is_ready(&f, LOOP_END, 0));
	assert_false(flow_is_ready(&f, 0, LOOP_READ | LOOP_WRITE | LOOP_END));
	f.state = FLOW_OUTPUT;
	assert_false(flow_is_ready(&f, LOOP_READ | LOOP_END, LOOP_READ));
	assert_true(flow_is_ready(&f, 0, LOOP_WRITE));
	assert_true(flow_is_ready(&f, 0, LOOP_END));
	f.state = FLOW_TURN;
	assert_true(flow_is_ready(&f, 0, 0));
	f.state = FLOW_ENDED;
	assert_false(flow_is_ready(&f, LOOP_READ, LOOP_WRITE));
}

static void
pipes_are_kept_but_not_too_many(void **state)
{
	uint16_t taken[PIPES_MAX], i;

	(void)state;
	pipes_init(&moving.pipes, 20);
	for (i = 0; i < 20; i++) {
		taken[i] = pipes_take(&moving.pipes);
		assert_int_not_equal(taken[i], PIPE_NONE);
	}
	assert_int_equal(pipes_take(&moving.pipes), PIPE_NONE);
	assert_false(pipes_ready(&moving.pipes));
	for (i = 0; i < 20; i++)
		pipes_give(&moving.pipes, taken[i]);
	assert_int_equal(moving.pipes.nidle, PIPES_IDLE);
	assert_int_equal(moving.pipes.nfree, 20 - PIPES_IDLE);
	while (moving.pipes.nidle > 0)
		pipes_drop(&moving.pipes, pipes_take(&moving.pipes));
}

int
main(int argc, char *argv[])
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(bytes_come_whole_and_in_order),
		cmocka_unit_test(bytes_come_without_any_pipe),
		cmocka_unit_test(a_bound_is_kept_to_the_byte),
		cmocka_unit_test(a_reader_that_is_gone_breaks_it),
		cmocka_unit_test(only_what_it_waits_for_makes_it_ready),
		cmocka_unit_test(pipes_are_kept_but_not_too_many),
	};

	if (argc > 1)
		cmocka_set_test_filter(argv[1]);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
