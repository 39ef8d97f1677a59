/*
 * What a service of the benchmark does with a connection.
 *
 * It reads the name line if it is told to, answers, and then sends back what
 * comes, throws it away, or sends bytes of its own.
 */

#ifndef BENCH_TALK_H
#define BENCH_TALK_H

#include <stdbool.h>
#include <stdint.h>

enum duty {
	DUTY_ECHO,
	DUTY_DISCARD,
	DUTY_SOURCE
};

struct talk {
	int loop; /* of epoll: data.fd is the connection */
	enum duty duty;
	bool reads_name; /* a line comes first */
	bool answers;    /* then "+OK FINE" is said */
	uint64_t bytes;  /* that DUTY_SOURCE sends before it ends */
};

/*
 * Begin with the connection fd, blocking or not, which is now owned.  What
 * it waits for is watched by the loop, and goes to talk_go_on().
 */
void talk_begin(const struct talk *t, int fd);

/* Go on with a connection that the loop reports, as far as it goes. */
void talk_go_on(const struct talk *t, int fd);

#endif
