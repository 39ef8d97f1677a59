/*
 * What "more" means, proved: may_be_line() of lib/wire.c holds of exactly
 * those bytes that some continuation turns into a line.
 *
 * One function shows each direction.  Neither is ever run.
 */

#include "../../lib/wire.c"

size_t completed(char *, size_t, struct grammar, unsigned int);
void begun(const char *, size_t, size_t, struct grammar, unsigned int);

/* Whatever may be a line can be completed: here is the continuation. */
/*@
  requires g.min <= 1 <= g.max <= TCPMUX_REPLY_MAX;
  requires \valid(buf + (0 .. len + 2)) && len <= TCPMUX_REPLY_MAX;
  requires may_be_line(g.is_name, g.min, g.max, buf, len);
  assigns buf[len .. len + 2];
  ensures longer: len < \result <= len + 3;
  ensures kept: \forall integer i; 0 <= i < len ==> buf[i] == \old(buf[i]);
  ensures line: is_line(g.is_name, g.min, g.max, buf, \result, flags);
*/
size_t
completed(char *buf, size_t len, struct grammar g, unsigned int flags)
{
	size_t n = len;

	if (n > 0 && buf[n - 1] == '\r') {
		n--;
	} else {
		if (n < g.min)
			buf[n++] = 'x';
		buf[n] = '\r';
	}
	buf[n + 1] = '\n';
	//@ assert is_line_of(g.is_name, g.min, g.max, buf, n, n + 2, flags);
	//@ assert is_line(g.is_name, g.min, g.max, buf, n + 2, flags);
	return n + 2;
}

/* Whatever is less than a line may be one: here is any line, cut short. */
/*@
  requires \valid_read(buf + (0 .. n - 1));
  requires is_line(g.is_name, g.min, g.max, buf, n, flags) && len < n;
  assigns \nothing;
  ensures may_be_line(g.is_name, g.min, g.max, buf, len);
*/
void
begun(const char *buf, size_t len, size_t n, struct grammar g,
    unsigned int flags)
{
	/*@
	  assert \exists integer k; k + 1 <= n <= k + 2 &&
	    is_line_of(g.is_name, g.min, g.max, buf, k, n, flags);
	*/
	(void)buf, (void)len, (void)n, (void)g, (void)flags;
}
