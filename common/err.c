/* SPDX-License-Identifier: MIT */
/* err.c - error traces and failed checks */
#include <stdlib.h>
#include <string.h>

#include "common/err.h"
#include "common/log.h"

int err_trace_at(int r, const char *file, int line, const char *func)
{
	if (r < 0)
		log_debug(NULL, "err-trace", "%s:%d: %s: %s", file, line, func,
			strerror(-r));
	return r;
}

void err_check_failed(
	const char *cond, const char *file, int line, const char *func)
{
	log_error(NULL, "check-failed", "%s:%d: %s: check failed: %s", file,
		line, func, cond);
	abort();
}
