/*
 * Reaching a service in one call that waits.
 */

#include <errno.h>

#include "tcpmux.h"

/* Why is there no call? */
static int
error_of_new(void)
{
	return errno == EINVAL ? TCPMUX_ERR_ARGUMENT : TCPMUX_ERR_SYSTEM;
}

int
tcpmux_connect(const char *host, uint16_t port, const char *name,
    int timeout_ms)
{
	const struct tcpmux_target target = {
		.size = sizeof(target),
		.host = host,
		.port = port,
		.names = &name,
		.nnames = 1,
		.timeout_ms = timeout_ms,
	};
	struct tcpmux_call *call;
	int result;

	call = tcpmux_call_new(&target);
	if (call == NULL)
		return error_of_new();
	result = tcpmux_call_wait(call);
	if (result == 0)
		result = tcpmux_call_take(call);
	tcpmux_call_free(call);
	return result;
}

int
tcpmux_connect_fd(int fd, const char *name, int timeout_ms)
{
	const struct tcpmux_target target = {
		.size = sizeof(target),
		.names = &name,
		.nnames = 1,
		.timeout_ms = timeout_ms,
	};
	struct tcpmux_call *call;
	int result;

	call = tcpmux_call_new_fd(fd, &target);
	if (call == NULL)
		return error_of_new();
	result = tcpmux_call_wait(call);
	tcpmux_call_free(call);
	return result;
}

int
tcpmux_list(const char *host, uint16_t port, int timeout_ms,
    int (*each)(const char *name, void *arg), void *arg)
{
	const struct tcpmux_target target = {
		.size = sizeof(target),
		.host = host,
		.port = port,
		.timeout_ms = timeout_ms,
	};
	struct tcpmux_call *call;
	size_t i, n;
	int result;

	call = tcpmux_call_new(&target);
	if (call == NULL)
		return error_of_new();
	result = tcpmux_call_wait(call);
	if (result == 0) {
		n = tcpmux_call_names(call);
		for (i = 0; i < n; i++)
			if (each(tcpmux_call_name(call, i), arg) != 0)
				break;
		result = (int)n;
	}
	tcpmux_call_free(call);
	return result;
}
