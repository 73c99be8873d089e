/* SPDX-License-Identifier: MIT */
/* main.c - xenstored */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

#include "common/log.h"
#include "config.h"
#include "xenstored/background.h"
#include "xenstored/opts.h"
#include "xenstored/start.h"

enum { EXIT_USAGE = 2 };

int main(int argc, char **argv)
{
	struct opts opts;
	int ready = -1;

	log_init("xenstored");
	if (opts_parse(&opts, argc, argv))
		return EXIT_USAGE;
	if (opts.help || opts.version) {
		if (opts.help)
			opts_help(stdout);
		else
			puts("xenstored " PACKAGE_VERSION);
		return EXIT_SUCCESS;
	}
	if (opts.verbose)
		log_level_set(LOG_LEVEL_DEBUG);
	if (opts.check_conf)
		return start_check(&opts);
	signal(SIGPIPE, SIG_IGN);
	/* Until there is something to read again. */
	signal(SIGHUP, SIG_IGN);
	limits_raise();
	if (!opts.foreground)
		ready = background();
	return start_run(&opts, ready);
}
