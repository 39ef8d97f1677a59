/*
 * No sandbox, for builds under a sanitizer or an analyser only.
 */

#include "os/sandbox.h"

int
sandbox_prepare(const struct sandbox_names *names)
{
	(void)names;
	return 0;
}

int
sandbox_enter(rlim_t nofile, const struct sandbox_call *calls, size_t n)
{
	(void)nofile;
	(void)calls;
	(void)n;
	return 0;
}
