/* SPDX-License-Identifier: MIT */
/* main.c - xs, or the xenstore-* command that we are called as */
#include "libxs/cli/cli.h"
#include "libxs/cli/compat.h"

int main(int argc, char **argv)
{
	int status;

	if (argc && compat_main(argc, argv, &status))
		return status;
	return cli_main(argc, argv);
}
