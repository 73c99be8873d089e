/* SPDX-License-Identifier: MIT */
/* end.c - hv destroy, hv shutdown: domains come to an end */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <xenstore.h>

#include "common/str.h"
#include "hv/cli/create.h"
#include "hv/cli/dom.h"

enum { WAIT_SECONDS = 60 };

static int destroy(struct machine *m, const char *name)
{
	uint32_t domid;
	int r;

	if (!machine_domid(m, name, &domid))
		return CLI_NOT_FOUND;
	if (domid == 0) {
		cli_error("the control domain cannot be destroyed");
		cli_hint("hv down ends the machine");
		return CLI_REFUSED;
	}
	r = dom_destroy(m->client, domid);
	if (r < 0) {
		cli_error("cannot destroy %s: %s", name, strerror(-r));
		return cli_code(r);
	}
	create_forget(m, domid);
	return CLI_OK;
}

int cmd_destroy(struct cli *cli, int argc, char **argv)
{
	struct machine m;
	int code = CLI_OK, r;

	if (argc < 2 || argv[1][0] == '-')
		return cli_usage(cli);
	if (!machine_open(&m, cli, 0, &code))
		return code;
	for (int i = 1; i < argc; i++) {
		r = destroy(&m, argv[i]);
		if (r)
			code = r;
	}
	machine_close(&m);
	return code;
}

/* Until none of the domains runs; false when the time is over. */
static bool wait_end(
	struct machine *m, const uint32_t *domid, int nr, uint64_t seconds)
{
	const struct timespec nap = {.tv_nsec = 20000000};
	time_t end = time(NULL) + (time_t)seconds;
	struct xen_domctl_getdomaininfo info;

	for (int i = 0; i < nr;) {
		if (dom_info(m->client, domid[i], &info) < 0 ||
			(info.flags &
				(XEN_DOMINF_shutdown | XEN_DOMINF_dying))) {
			i++;
			continue;
		}
		if (time(NULL) >= end)
			return false;
		nanosleep(&nap, NULL);
	}
	return true;
}

static bool ask(struct machine *m, uint32_t domid, const char *word)
{
	char path[64];

	snprintf(
		path, sizeof(path), "/local/domain/%u/control/shutdown", domid);
	if (xs_write(m->xs, XBT_NULL, path, word, (unsigned int)strlen(word)))
		return true;
	cli_error("the store refuses %s: %s", path, strerror(errno));
	return false;
}

static int shutdown_all(struct machine *m, char **names, int nr,
	const char *word, bool wait, uint64_t seconds)
{
	uint32_t *domids = calloc((size_t)nr, sizeof(*domids));
	int code = CLI_OK, asked = 0;

	for (int i = 0; domids && i < nr; i++) {
		uint32_t domid;

		if (!machine_domid(m, names[i], &domid)) {
			code = CLI_NOT_FOUND;
		} else if (domid == 0) {
			cli_error("the control domain is not asked to shut "
				  "down");
			cli_hint("hv down ends the machine");
			code = CLI_REFUSED;
		} else if (!ask(m, domid, word)) {
			code = CLI_FAILED;
		} else {
			domids[asked++] = domid;
		}
	}
	if (wait && domids && !wait_end(m, domids, asked, seconds)) {
		cli_error("still running after %u s", (unsigned int)seconds);
		cli_hint("hv destroy ends a domain at once");
		code = CLI_TIMEOUT;
	}
	free(domids);
	return code;
}

int cmd_shutdown(struct cli *cli, int argc, char **argv)
{
	static const struct option opts[] = {
		{"reboot", no_argument, NULL, 'r'},
		{"wait", no_argument, NULL, 'w'},
		{"timeout", required_argument, NULL, 't'},
		{NULL, 0, NULL, 0},
	};
	const char *word = "poweroff";
	uint64_t seconds = WAIT_SECONDS;
	struct machine m;
	bool wait = false;
	int c, code;

	while ((c = getopt_long(argc, argv, "rwt:", opts, NULL)) != -1) {
		if (c == 'r')
			word = "reboot";
		else if (c == 'w')
			wait = true;
		else if (c != 't' || str_to_u64(optarg, 86400, &seconds))
			return cli_usage(cli);
	}
	if (optind == argc)
		return cli_usage(cli);
	if (!machine_open(&m, cli, MACHINE_STORE, &code))
		return code;
	code = shutdown_all(
		&m, argv + optind, argc - optind, word, wait, seconds);
	machine_close(&m);
	return code;
}
