/*
 * A pool of pipes to splice through.
 */

#include <fcntl.h>
#include <unistd.h>

#include "os/pipe.h"

/* After the kernel refused a pipe, so many times none is asked for. */
#define REST_TIMES 1000

void
pipes_init(struct pipes *p, uint16_t max)
{
	p->max = max < PIPES_MAX ? max : PIPES_MAX;
	p->nidle = 0;
	p->rest = 0;
	for (p->nfree = 0; p->nfree < p->max; p->nfree++)
		p->free[p->nfree] = p->nfree;
}

/*
 * Make a pipe of some use.  A user who has many already is given small ones,
 * and none that can be made larger.
 */
static bool
make(struct pipe *made)
{
	int ends[2];

	if (pipe2(ends, O_CLOEXEC | O_NONBLOCK) == -1)
		return false;
	if (fcntl(ends[1], F_SETPIPE_SZ, PIPE_SIZE) == -1 &&
	    fcntl(ends[1], F_SETPIPE_SZ, PIPE_SIZE_LOW) == -1 &&
	    fcntl(ends[1], F_GETPIPE_SZ) < PIPE_SIZE_MIN) {
		(void)close(ends[0]); /* nothing was ever in it */
		(void)close(ends[1]);
		return false;
	}
	made->output = ends[0];
	made->input = ends[1];
	return true;
}

bool
pipes_ready(struct pipes *p)
{
	if (p->nidle > 0)
		return true;
	if (p->nfree == 0)
		return false;
	if (p->rest > 0) {
		p->rest--;
		return false;
	}
	if (!make(&p->v[p->free[p->nfree - 1]])) {
		p->rest = REST_TIMES;
		return false;
	}
	p->idle[p->nidle++] = p->free[--p->nfree];
	return true;
}

uint16_t
pipes_take(struct pipes *p)
{
	return pipes_ready(p) ? p->idle[--p->nidle] : PIPE_NONE;
}

void
pipes_give(struct pipes *p, uint16_t pipe)
{
	if (p->nidle < PIPES_IDLE)
		p->idle[p->nidle++] = pipe;
	else
		pipes_drop(p, pipe);
}

void
pipes_drop(struct pipes *p, uint16_t pipe)
{
	/* What is still in it is not wanted. */
	(void)close(p->v[pipe].input);
	(void)close(p->v[pipe].output);
	p->free[p->nfree++] = pipe;
}
