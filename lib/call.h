/*
 * A call, between its object and its steps.
 */

#ifndef LIB_CALL_H
#define LIB_CALL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/address.h"
#include "lib/dial.h"
#include "lib/list.h"
#include "lib/talk.h"
#include "tcpmux.h"

/* As many multiplexers can be behind one another. */
#define CALL_NAMES_MAX 64

enum call_state {
	CALL_DIAL,
	CALL_SEND,
	CALL_REPLY,
	CALL_LIST,
	CALL_OVER,
};

struct tcpmux_call {
	enum call_state state;
	int result; /* of every step */
	int error;  /* errno, if that says so */
	int epoll;
	int timer;
	int fd; /* connected, or -1 */
	bool is_lent;
	bool is_watched;
	bool has_moved;
	unsigned int flags;
	int64_t deadline;
	char *host;
	char *out; /* the requests, one behind the other */
	size_t ends[CALL_NAMES_MAX];
	size_t nnames;
	size_t place; /* of the name that is asked for */
	struct dial dial;
	struct talk talk;
	struct list list;
	char address[ADDRESS_TEXT_SIZE];
	char text[TCPMUX_REPLY_MAX * 4 + 1];
};

/* Have the descriptor of a call show input at a time; 0 is at once. */
void tcpmux_call_arm(const struct tcpmux_call *call, int64_t due);

#endif
