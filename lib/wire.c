/*
 * The lines of RFC 1078, parsed and formatted: pure, and proved.
 *
 * The comments that begin with @ are ACSL contracts: what each function
 * promises for any input.  "make prove" has Frama-C discharge every one of
 * them, together with the absence of undefined behaviour.  tests/prove shows
 * in turn that may_be_line(), the meaning of "more", is exactly "some
 * continuation is a line".  They are half of this file, which is longer than
 * others for it.
 */

#include <stdbool.h>

#include "tcpmux.h"

/*
 * What a kind of line may hold before its end: min to max bytes, of 0x21 to
 * 0x7e if it is a name, of anything but CR, LF and NUL if it is text.
 */
struct grammar {
	bool is_name;
	size_t min;
	size_t max;
};

#define NAME_LINE  ((struct grammar){ true, 1, TCPMUX_NAME_MAX })
#define REPLY_LINE ((struct grammar){ false, 1, TCPMUX_REPLY_MAX - 2 })
#define ANY_LINE   ((struct grammar){ false, 0, TCPMUX_REPLY_MAX - 2 })

/*@
  predicate lenient(integer flags) = (flags & TCPMUX_LENIENT) != 0;

  predicate holds_byte(integer is_name, char c) =
    is_name != 0 ? 0x21 <= c <= 0x7e : c != '\r' && c != '\n' && c != 0;

  predicate holds{L}(integer is_name, char *p, integer n) =
    \forall integer i; 0 <= i < n ==> holds_byte(is_name, p[i]);

  predicate is_end{L}(char *buf, integer k, integer n, integer flags) =
    (n == k + 2 && buf[k] == '\r' && buf[k + 1] == '\n') ||
    (n == k + 1 && buf[k] == '\n' && lenient(flags));

  // The first n bytes at buf are one whole line with k bytes before its end.
  predicate is_line_of{L}(integer is_name, integer min, integer max,
      char *buf, integer k, integer n, integer flags) =
    min <= k <= max && holds(is_name, buf, k) && is_end(buf, k, n, flags);

  predicate is_line{L}(integer is_name, integer min, integer max,
      char *buf, integer n, integer flags) =
    \exists integer k;
    is_line_of(is_name, min, max, buf, k, n, flags);

  // The first n bytes at buf are no line yet, but could become one.
  predicate may_be_line{L}(integer is_name, integer min, integer max,
      char *buf, integer n) =
    (n <= max && holds(is_name, buf, n)) ||
    (min < n <= max + 1 && holds(is_name, buf, n - 1) && buf[n - 1] == '\r');

  predicate is_name{L}(struct tcpmux_span name) =
    1 <= name.len <= TCPMUX_NAME_MAX &&
    holds(1, name.p, name.len);

  predicate is_sign(char c) = c == '+' || c == '-';

  predicate may_be_listed{L}(char *p, integer n) =
    1 <= n <= TCPMUX_NAME_MAX && holds(1, p, n) && !is_sign(p[0]);

  // Octets, so that their order is one, whether char is signed or not.
  logic integer folded(char c) =
    'A' <= c <= 'Z' ? c + ('a' - 'A') : (unsigned char)c;

  predicate same_until{L}(struct tcpmux_span a, struct tcpmux_span b,
      integer n) =
    \forall integer i; 0 <= i < n ==> folded(a.p[i]) == folded(b.p[i]);

  predicate sorts_before{L}(struct tcpmux_span a, struct tcpmux_span b) =
    \exists integer i; 0 <= i <= a.len && i < b.len && same_until(a, b, i) &&
    (i == a.len || folded(a.p[i]) < folded(b.p[i]));
*/

/*@
  assigns \nothing;
  ensures \result <==> holds_byte(is_name, c);
*/
static bool
holds_byte(bool is_name, char c)
{
	if (is_name)
		return c >= 0x21 && c <= 0x7e;
	return c != '\r' && c != '\n' && c != '\0';
}

/*
 * Parse one line of the grammar g and set *line to what stands before its
 * end.  Every parser of this file is this function and a little more.
 */
/*@
  requires valid: \valid_read(buf + (0 .. len - 1));
  requires grammar: g.min <= g.max <= TCPMUX_REPLY_MAX;
  requires \valid(line);
  requires \separated(line, buf + (0 .. len - 1));
  assigns *line;

  ensures done: \result > 0 <==> (\exists integer n; 1 <= n <= len &&
    is_line(g.is_name, g.min, g.max, buf, n, flags));
  ensures line: \result > 0 ==> \result <= len && line->p == buf &&
    is_line_of(g.is_name, g.min, g.max, buf, line->len, \result, flags);
  ensures more: \result == 0 <==>
    may_be_line(g.is_name, g.min, g.max, buf, len);
  ensures kept: \result <= 0 ==> *line == \old(*line);
  ensures error: \result < 0 ==>
    TCPMUX_ERR_LF <= \result <= TCPMUX_ERR_EMPTY;
  ensures cause: \result < 0 ==> \exists integer i; 0 <= i < len &&
    holds(g.is_name, buf, i) &&
    (\result == TCPMUX_ERR_LONG ? i == g.max && holds_byte(g.is_name, buf[i]) :
    \result == TCPMUX_ERR_BYTE ? !holds_byte(g.is_name, buf[i]) &&
      buf[i] != '\r' && buf[i] != '\n' :
    \result == TCPMUX_ERR_LF ? buf[i] == '\n' && !lenient(flags) :
    \result == TCPMUX_ERR_CR ? buf[i] == '\r' && i + 1 < len &&
      buf[i + 1] != '\n' :
    i < g.min && (buf[i] == '\r' || (buf[i] == '\n' && lenient(flags))));
*/
static ssize_t
parse_line(const char *buf, size_t len, struct grammar g, unsigned int flags,
    struct tcpmux_span *line)
{
	size_t n, end;

	n = 0;
	/*@
	  loop invariant 0 <= n <= len && n <= g.max;
	  loop invariant holds(g.is_name, buf, n);
	  loop assigns n;
	  loop variant len - n;
	*/
	while (n < len && holds_byte(g.is_name, buf[n])) {
		/*@
		  assert \forall integer k, m; k <= n && m <= len ==>
		    !is_line_of(g.is_name, g.min, g.max, buf, k, m, flags);
		*/
		if (n == g.max)
			return TCPMUX_ERR_LONG;
		n++;
	}
	/*@
	  assert \forall integer k, m; m <= len && is_line_of(g.is_name,
	    g.min, g.max, buf, k, m, flags) ==> k == n;
	*/
	if (n == len)
		return 0;

	if (buf[n] == '\r') {
		if (n < g.min)
			return TCPMUX_ERR_EMPTY;
		if (n + 1 == len)
			return 0;
		if (buf[n + 1] != '\n')
			return TCPMUX_ERR_CR;
		end = n + 2;
	} else if (buf[n] == '\n') {
		if ((flags & TCPMUX_LENIENT) == 0)
			return TCPMUX_ERR_LF;
		if (n < g.min)
			return TCPMUX_ERR_EMPTY;
		end = n + 1;
	} else
		return TCPMUX_ERR_BYTE;

	//@ assert is_line_of(g.is_name, g.min, g.max, buf, n, end, flags);
	//@ assert is_line(g.is_name, g.min, g.max, buf, end, flags);
	line->p = buf;
	line->len = n;
	return (ssize_t)end;
}

/*@
  requires \valid_read(buf + (0 .. len - 1));
  requires \valid(name);
  requires \separated(name, buf + (0 .. len - 1));
  assigns *name;

  ensures done: \result > 0 <==> (\exists integer n; 1 <= n <= len &&
    is_line(1, 1, TCPMUX_NAME_MAX, buf, n, flags));
  ensures name: \result > 0 ==> \result <= len &&
    name->p == buf && is_name(*name) &&
    is_end(buf, name->len, \result, flags);
  ensures first: \result > 0 ==> \forall integer i; 0 <= i < \result - 2 ==>
    !(buf[i] == '\r' && buf[i + 1] == '\n');
  ensures more: \result == 0 <==>
    may_be_line(1, 1, TCPMUX_NAME_MAX, buf, len);
  ensures bad: \result < 0 ==>
    TCPMUX_ERR_LF <= \result <= TCPMUX_ERR_EMPTY;
  ensures kept: \result <= 0 ==> *name == \old(*name);
*/
ssize_t
tcpmux_parse_request(const char *buf, size_t len, unsigned int flags,
    struct tcpmux_span *name)
{
	return parse_line(buf, len, NAME_LINE, flags, name);
}

/*@
  assigns \nothing;
  ensures \result <==> is_sign(c);
*/
static bool
is_sign(char c)
{
	return c == '+' || c == '-';
}

/*@
  requires \valid_read(buf + (0 .. len - 1));
  requires \valid(reply);
  requires \separated(reply, buf + (0 .. len - 1));
  assigns *reply;

  ensures done: \result > 0 <==> \old(len > 0 && is_sign(buf[0]) &&
    (\exists integer n; 1 <= n <= len &&
    is_line(0, 1, TCPMUX_REPLY_MAX - 2, buf, n, flags)));
  ensures text: \result > 0 ==> \result <= len &&
    reply->sign == buf[0] && reply->text.p == buf + 1 &&
    reply->text.len <= TCPMUX_REPLY_MAX - 3;
  ensures bytes: \result > 0 ==> \forall integer i;
    0 <= i < reply->text.len ==> holds_byte(0, \at(buf[i + 1], Pre));
  ensures end: \result > 0 ==>
    is_end(buf, reply->text.len + 1, \result, flags);
  ensures more: \result == 0 <==> (len > 0 ==> is_sign(buf[0])) &&
    may_be_line(0, 1, TCPMUX_REPLY_MAX - 2, buf, len);
  ensures bad: \result < 0 ==>
    TCPMUX_ERR_SIGN <= \result <= TCPMUX_ERR_EMPTY;
  ensures sign: \result == TCPMUX_ERR_SIGN <==> len > 0 && !is_sign(buf[0]);
  ensures kept: \result <= 0 ==> *reply == \old(*reply);
*/
ssize_t
tcpmux_parse_reply(const char *buf, size_t len, unsigned int flags,
    struct tcpmux_reply *reply)
{
	struct tcpmux_span line;
	ssize_t n;

	if (len > 0 && !is_sign(buf[0]))
		return TCPMUX_ERR_SIGN;
	n = parse_line(buf, len, REPLY_LINE, flags, &line);
	/*@
	  assert n > 0 ==> is_line_of(0, 1, TCPMUX_REPLY_MAX - 2, buf,
	    line.len, n, flags);
	*/
	/*@
	  assert n > 0 ==> is_line(0, 1, TCPMUX_REPLY_MAX - 2, buf, n, flags);
	*/
	if (n > 0) {
		reply->sign = line.p[0];
		reply->text.p = line.p + 1;
		reply->text.len = line.len - 1;
	}
	return n;
}

/*@
  requires \valid_read(name.p + (0 .. name.len - 1));
  assigns \nothing;
  ensures \result == 0 <==> is_name(name);
  ensures \result != 0 ==> TCPMUX_ERR_BYTE <= \result <= TCPMUX_ERR_EMPTY;
*/
int
tcpmux_check_name(struct tcpmux_span name)
{
	size_t i;

	if (name.len == 0)
		return TCPMUX_ERR_EMPTY;
	if (name.len > TCPMUX_NAME_MAX)
		return TCPMUX_ERR_LONG;
	/*@
	  loop invariant 0 <= i <= name.len;
	  loop invariant holds(1, name.p, i);
	  loop assigns i;
	  loop variant name.len - i;
	*/
	for (i = 0; i < name.len; i++)
		if (!holds_byte(true, name.p[i]))
			return TCPMUX_ERR_BYTE;
	return 0;
}

/*@
  requires \valid_read(buf + (0 .. len - 1));
  requires \valid(name);
  requires \separated(name, buf + (0 .. len - 1));
  assigns *name;

  ensures kept: \result <= 0 ==> *name == \old(*name);
  ensures bad: \result < 0 ==>
    TCPMUX_ERR_SIGN <= \result <= TCPMUX_ERR_EMPTY;

  behavior strict:
    assumes !lenient(flags);
    ensures done: \result > 0 <==> len > 0 && !is_sign(buf[0]) &&
      (\exists integer n; 1 <= n <= len &&
      is_line(1, 1, TCPMUX_NAME_MAX, buf, n, flags));
    ensures name: \result > 0 ==> \result <= len &&
      name->p == buf && is_name(*name) &&
      is_end(buf, name->len, \result, flags);
    ensures more: \result == 0 <==> (len > 0 ==> !is_sign(buf[0])) &&
      may_be_line(1, 1, TCPMUX_NAME_MAX, buf, len);
    ensures sign: \result == TCPMUX_ERR_SIGN <==> len > 0 && is_sign(buf[0]);

  behavior lenient:
    assumes lenient(flags);
    ensures done: \result > 0 <==> (\exists integer n; 1 <= n <= len &&
      is_line(0, 0, TCPMUX_REPLY_MAX - 2, buf, n, flags));
    ensures name: \result > 0 ==> \result <= len && name->p == buf &&
      \exists integer k; is_line_of(0, 0, TCPMUX_REPLY_MAX - 2,
      buf, k, \result, flags) &&
      (may_be_listed(buf, k) ? name->len == k : name->len == 0);
    ensures more: \result == 0 <==>
      may_be_line(0, 0, TCPMUX_REPLY_MAX - 2, buf, len);

  complete behaviors;
  disjoint behaviors;
*/
ssize_t
tcpmux_parse_help(const char *buf, size_t len, unsigned int flags,
    struct tcpmux_span *name)
{
	struct tcpmux_span line;
	ssize_t n;

	if ((flags & TCPMUX_LENIENT) == 0) {
		if (len > 0 && is_sign(buf[0]))
			return TCPMUX_ERR_SIGN;
		return parse_line(buf, len, NAME_LINE, flags, name);
	}
	n = parse_line(buf, len, ANY_LINE, flags, &line);
	if (n > 0) {
		if (tcpmux_check_name(line) != 0 || is_sign(line.p[0]))
			line.len = 0;
		*name = line;
	}
	return n;
}

/*
 * Write what, CR and LF.  The caller has seen to it that there is room.
 */
/*@
  requires \valid_read(what.p + (0 .. what.len - 1));
  requires what.len <= TCPMUX_REPLY_MAX;
  requires \valid(buf + (0 .. what.len + 1));
  requires \separated(buf + (0 .. what.len + 1),
    what.p + (0 .. what.len - 1));
  assigns buf[0 .. what.len + 1];
  ensures \result == what.len + 2;
  ensures \forall integer i; 0 <= i < what.len ==>
    buf[i] == \old(what.p[i]);
  ensures is_end(buf, what.len, what.len + 2, TCPMUX_STRICT);
*/
static ssize_t
put_line(char *buf, struct tcpmux_span what)
{
	size_t i;

	/*@
	  loop invariant 0 <= i <= what.len;
	  loop invariant \forall integer j; 0 <= j < i ==>
	    buf[j] == \at(what.p[j], Pre);
	  loop assigns i, buf[0 .. what.len - 1];
	  loop variant what.len - i;
	*/
	for (i = 0; i < what.len; i++)
		buf[i] = what.p[i];
	buf[i] = '\r';
	buf[i + 1] = '\n';
	return (ssize_t)(i + 2);
}

/*@
  requires \valid_read(name.p + (0 .. name.len - 1));
  requires \valid(buf + (0 .. size - 1));
  requires \separated(buf + (0 .. size - 1), name.p + (0 .. name.len - 1));
  assigns buf[0 .. size - 1];
  ensures room: \result > 0 <==> is_name(name) && size >= name.len + 2;
  ensures done: \result > 0 ==> \result == name.len + 2 &&
    (\forall integer i; 0 <= i < name.len ==> buf[i] == name.p[i]) &&
    is_line_of(1, 1, TCPMUX_NAME_MAX, buf, name.len, \result,
    TCPMUX_STRICT);
  ensures bad: \result <= 0 ==> (\result == TCPMUX_ERR_ROOM ||
    TCPMUX_ERR_BYTE <= \result <= TCPMUX_ERR_EMPTY) &&
    \forall integer i; 0 <= i < size ==> buf[i] == \old(buf[i]);
*/
ssize_t
tcpmux_format_request(char *buf, size_t size, struct tcpmux_span name)
{
	int error;

	error = tcpmux_check_name(name);
	if (error != 0)
		return error;
	if (size < name.len + 2)
		return TCPMUX_ERR_ROOM;
	return put_line(buf, name);
}

/*@
  requires \valid_read(reply.text.p + (0 .. reply.text.len - 1));
  requires \valid(buf + (0 .. size - 1));
  requires \separated(buf + (0 .. size - 1),
    reply.text.p + (0 .. reply.text.len - 1));
  assigns buf[0 .. size - 1];
  ensures room: \result > 0 <==> is_sign(reply.sign) &&
    reply.text.len <= TCPMUX_REPLY_MAX - 3 &&
    \old(holds(0, reply.text.p, reply.text.len)) &&
    size >= reply.text.len + 3;
  ensures done: \result > 0 ==> \result == reply.text.len + 3 &&
    buf[0] == reply.sign &&
    (\forall integer i; 0 <= i < reply.text.len ==>
    buf[i + 1] == reply.text.p[i]) &&
    is_end(buf, reply.text.len + 1, \result, TCPMUX_STRICT);
  ensures bad: \result <= 0 ==> (TCPMUX_ERR_ROOM <= \result <= TCPMUX_ERR_SIGN
    || TCPMUX_ERR_BYTE <= \result <= TCPMUX_ERR_LONG) &&
    \forall integer i; 0 <= i < size ==> buf[i] == \old(buf[i]);
*/
ssize_t
tcpmux_format_reply(char *buf, size_t size, struct tcpmux_reply reply)
{
	size_t i;

	if (!is_sign(reply.sign))
		return TCPMUX_ERR_SIGN;
	if (reply.text.len > TCPMUX_REPLY_MAX - 3)
		return TCPMUX_ERR_LONG;
	/*@
	  loop invariant 0 <= i <= reply.text.len;
	  loop invariant holds(0, reply.text.p, i);
	  loop assigns i;
	  loop variant reply.text.len - i;
	*/
	for (i = 0; i < reply.text.len; i++)
		if (!holds_byte(false, reply.text.p[i]))
			return TCPMUX_ERR_BYTE;
	if (size < reply.text.len + 3)
		return TCPMUX_ERR_ROOM;
	buf[0] = reply.sign;
	return 1 + put_line(buf + 1, reply.text);
}

/*@
  requires \valid_read(name.p + (0 .. name.len - 1));
  requires \valid(buf + (0 .. size - 1));
  requires \separated(buf + (0 .. size - 1), name.p + (0 .. name.len - 1));
  assigns buf[0 .. size - 1];
  ensures room: \result > 0 <==> \old(is_name(name) && !is_sign(name.p[0])) &&
    size >= name.len + 2;
  ensures done: \result > 0 ==> \result == name.len + 2 &&
    is_line_of(1, 1, TCPMUX_NAME_MAX, buf, name.len, \result,
    TCPMUX_STRICT) && !is_sign(buf[0]);
  ensures bad: \result <= 0 ==> TCPMUX_ERR_ROOM <= \result <= TCPMUX_ERR_EMPTY
    && \forall integer i; 0 <= i < size ==> buf[i] == \old(buf[i]);
*/
ssize_t
tcpmux_format_help(char *buf, size_t size, struct tcpmux_span name)
{
	if (name.len > 0 && is_sign(name.p[0]))
		return TCPMUX_ERR_SIGN;
	return tcpmux_format_request(buf, size, name);
}

/*@
  assigns \nothing;
  ensures \result == folded(c);
*/
static unsigned char
fold(char c)
{
	return (unsigned char)(c >= 'A' && c <= 'Z' ? c + ('a' - 'A') : c);
}

/*@
  requires \valid_read(a.p + (0 .. a.len - 1));
  requires \valid_read(b.p + (0 .. b.len - 1));
  assigns \nothing;
  ensures same: \result == 0 <==> a.len == b.len && same_until(a, b, a.len);
  ensures before: \result < 0 <==> sorts_before(a, b);
  ensures behind: \result > 0 <==> sorts_before(b, a);
  ensures -1 <= \result <= 1;
*/
int
tcpmux_compare_names(struct tcpmux_span a, struct tcpmux_span b)
{
	unsigned char ca, cb;
	size_t i;

	/*@
	  loop invariant 0 <= i <= a.len && i <= b.len;
	  loop invariant same_until(a, b, i) && same_until(b, a, i);
	  loop assigns i, ca, cb;
	  loop variant a.len - i;
	*/
	for (i = 0; i < a.len && i < b.len; i++) {
		ca = fold(a.p[i]);
		cb = fold(b.p[i]);
		if (ca != cb)
			return ca < cb ? -1 : 1;
	}
	if (a.len == b.len)
		return 0;
	//@ assert a.len < b.len ==> sorts_before(a, b);
	//@ assert b.len < a.len ==> sorts_before(b, a);
	return a.len < b.len ? -1 : 1;
}

/*@
  requires \valid_read(name.p + (0 .. name.len - 1));
  requires \valid(buf + (0 .. size - 1));
  requires \separated(buf + (0 .. size - 1), name.p + (0 .. name.len - 1));
  assigns buf[0 .. size - 1];
  ensures room: \result > 0 <==> is_name(name) && size >= name.len;
  ensures done: \result > 0 ==> \result == name.len &&
    \forall integer i; 0 <= i < name.len ==> buf[i] == folded(name.p[i]);
  ensures bad: \result <= 0 ==> (\result == TCPMUX_ERR_ROOM ||
    TCPMUX_ERR_BYTE <= \result <= TCPMUX_ERR_EMPTY) &&
    \forall integer i; 0 <= i < size ==> buf[i] == \old(buf[i]);
*/
ssize_t
tcpmux_fold_name(char *buf, size_t size, struct tcpmux_span name)
{
	size_t i;
	int error;

	error = tcpmux_check_name(name);
	if (error != 0)
		return error;
	if (size < name.len)
		return TCPMUX_ERR_ROOM;
	/*@
	  loop invariant 0 <= i <= name.len;
	  loop invariant \forall integer j; 0 <= j < i ==>
	    buf[j] == folded(\at(name.p[j], Pre));
	  loop assigns i, buf[0 .. name.len - 1];
	  loop variant name.len - i;
	*/
	for (i = 0; i < name.len; i++)
		buf[i] = (char)fold(name.p[i]);
	return (ssize_t)i;
}
