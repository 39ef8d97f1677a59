/*
 * The deadlines of tcpmux-exporter's clients, by a clock of the test's.
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "cmd/exporter/visits.h"

#define START 1000

struct guest {
	int ours, his;
	struct visit *visit;
};

static void
guest_come(struct guest *g, struct visits *x, int64_t now)
{
	int fds[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
	g->ours = fds[0];
	g->his = fds[1];
	g->visit = visits_begin(x, g->ours, now);
}

static void
guest_go(struct guest *g, struct visits *x)
{
	if (g->visit != NULL)
		visits_end(x, g->visit);
	(void)close(g->ours);
	(void)close(g->his);
}

/* Has he been cut off? */
static int
guest_is_out(const struct guest *g)
{
	char c;

	return recv(g->his, &c, 1, MSG_DONTWAIT) == 0;
}

static void
whoever_has_no_answer_in_time_is_cut_off(void **state)
{
	struct visits x;
	struct guest slow, quick;

	(void)state;
	visits_init(&x);
	guest_come(&slow, &x, START);
	guest_come(&quick, &x, START);
	visits_expire(&x, START + VISITS_MS - 1);
	assert_false(guest_is_out(&slow));
	visits_renew(quick.visit, START + VISITS_MS - 1);
	visits_expire(&x, START + VISITS_MS);
	assert_true(guest_is_out(&slow));
	assert_false(guest_is_out(&quick));
	guest_go(&slow, &x);
	guest_go(&quick, &x);
	assert_int_equal(x.n, 0);
}

static void
the_oldest_makes_room(void **state)
{
	struct guest all[VISITS_MAX + 1];
	struct visits x;
	int i;

	(void)state;
	visits_init(&x);
	for (i = 0; i < VISITS_MAX; i++) {
		assert_false(i > 1 && guest_is_out(&all[1]));
		guest_come(&all[i], &x, START + i);
		assert_non_null(all[i].visit);
		if (i == 0)
			visits_renew(all[0].visit, START + VISITS_MAX);
	}
	assert_false(guest_is_out(&all[0]));
	assert_true(guest_is_out(&all[1]));
	guest_come(&all[VISITS_MAX], &x, START);
	assert_null(all[VISITS_MAX].visit);
	for (i = 0; i <= VISITS_MAX; i++)
		guest_go(&all[i], &x);
	assert_int_equal(x.n, 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(whoever_has_no_answer_in_time_is_cut_off),
		cmocka_unit_test(the_oldest_makes_room),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
