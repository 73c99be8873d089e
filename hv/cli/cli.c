/* SPDX-License-Identifier: MIT */
/* cli.c - what the commands of hv share: words and exit codes */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>

#include "hv/cli/cli.h"

static void talk(const char *head, const char *fmt, va_list ap)
{
	fputs(head, stderr);
	vfprintf(stderr, fmt, ap);
	fputc('\n', stderr);
}

void cli_error(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	talk("hv: ", fmt, ap);
	va_end(ap);
}

void cli_hint(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	talk("hint: ", fmt, ap);
	va_end(ap);
}

int cli_code(int err)
{
	switch (-err) {
	case 0: return CLI_OK;
	case ENOENT:
	case ESRCH: return CLI_NOT_FOUND;
	case EACCES:
	case EPERM: return CLI_REFUSED;
	case ECONNREFUSED:
	case ECONNRESET:
	case EPIPE: return CLI_NO_MACHINE;
	case ETIMEDOUT: return CLI_TIMEOUT;
	}
	return CLI_FAILED;
}
