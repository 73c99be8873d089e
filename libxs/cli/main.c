/* SPDX-License-Identifier: MIT */
/* main.c - xs */
#include "libxs/cli/cli.h"

int main(int argc, char **argv)
{
	return cli_main(argc, argv);
}
