/* SPDX-License-Identifier: MIT */
/* list.c - hv list: the domains, for people and for programs */
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <libsmartcols.h>

#include "hv/cli/dom.h"
#include "common/json.h"
#include "hv/cli/machine.h"

enum { STATE_LEN = 6 };

/* As xl shows it: a letter in its place, or a dash. */
static void state_text(uint32_t flags, char text[STATE_LEN + 1])
{
	unsigned int reason =
		(flags >> XEN_DOMINF_shutdownshift) & XEN_DOMINF_shutdownmask;
	bool shut = flags & XEN_DOMINF_shutdown;

	text[0] = flags & XEN_DOMINF_running ? 'r' : '-';
	text[1] = flags & XEN_DOMINF_blocked ? 'b' : '-';
	text[2] = flags & XEN_DOMINF_paused ? 'p' : '-';
	text[3] = shut && reason != SHUTDOWN_crash ? 's' : '-';
	text[4] = shut && reason == SHUTDOWN_crash ? 'c' : '-';
	text[5] = flags & XEN_DOMINF_dying ? 'd' : '-';
	text[STATE_LEN] = '\0';
}

static uint64_t mib(uint64_t pages)
{
	return pages >> 8;
}

static void json_domain(struct json *j, struct machine *m,
	const struct xen_domctl_getdomaininfo *d)
{
	char *name = machine_name(m, d->domain);
	char state[STATE_LEN + 1];

	state_text(d->flags, state);
	json_open(j, NULL, '{');
	json_str(j, "name", name);
	json_num(j, "domid", d->domain);
	json_num(j, "memory_mib", mib(d->tot_pages));
	json_num(j, "maxmem_mib", mib(d->max_pages));
	json_num(j, "vcpus", d->nr_online_vcpus);
	json_str(j, "state", state);
	json_bool(j, "paused", d->flags & XEN_DOMINF_paused);
	json_bool(j, "dying", d->flags & XEN_DOMINF_dying);
	if (d->flags & XEN_DOMINF_shutdown)
		json_num(j, "shutdown_reason",
			(d->flags >> XEN_DOMINF_shutdownshift) &
				XEN_DOMINF_shutdownmask);
	json_num(j, "cpu_time_ns", d->cpu_time);
	json_close(j, '}');
	free(name);
}

static void row(struct libscols_table *t, struct machine *m,
	const struct xen_domctl_getdomaininfo *d)
{
	struct libscols_line *line = scols_table_new_line(t, NULL);
	char *name = machine_name(m, d->domain);
	char text[32], state[STATE_LEN + 1];

	if (!line) {
		free(name);
		return;
	}
	state_text(d->flags, state);
	snprintf(text, sizeof(text), "(%u)", d->domain);
	scols_line_set_data(line, 0, name && name[0] ? name : text);
	snprintf(text, sizeof(text), "%u", d->domain);
	scols_line_set_data(line, 1, text);
	snprintf(text, sizeof(text), "%" PRIu64, mib(d->tot_pages));
	scols_line_set_data(line, 2, text);
	snprintf(text, sizeof(text), "%u", d->nr_online_vcpus);
	scols_line_set_data(line, 3, text);
	scols_line_set_data(line, 4, state);
	snprintf(text, sizeof(text), "%.1f", (double)d->cpu_time / 1e9);
	scols_line_set_data(line, 5, text);
	free(name);
}

static int table(
	struct machine *m, const struct xen_domctl_getdomaininfo *infos, int nr)
{
	struct libscols_table *t = scols_new_table();

	if (!t)
		return CLI_FAILED;
	scols_table_new_column(t, "Name", 0, SCOLS_FL_TRUNC);
	scols_table_new_column(t, "ID", 0, SCOLS_FL_RIGHT);
	scols_table_new_column(t, "Mem", 0, SCOLS_FL_RIGHT);
	scols_table_new_column(t, "VCPUs", 0, SCOLS_FL_RIGHT);
	scols_table_new_column(t, "State", 0, 0);
	scols_table_new_column(t, "Time(s)", 0, SCOLS_FL_RIGHT);
	for (int i = 0; i < nr; i++)
		row(t, m, &infos[i]);
	scols_print_table(t);
	scols_unref_table(t);
	return CLI_OK;
}

static void json_all(
	struct machine *m, const struct xen_domctl_getdomaininfo *infos, int nr)
{
	struct json j;

	json_begin(&j, stdout);
	json_open(&j, NULL, '[');
	for (int i = 0; i < nr; i++)
		json_domain(&j, m, &infos[i]);
	json_close(&j, ']');
	json_end(&j);
}

/* Only the domains that were named; false after a message. */
static bool choose(struct machine *m, char **names,
	struct xen_domctl_getdomaininfo *infos, int *nr)
{
	int kept = 0;

	for (; *names; names++) {
		uint32_t domid;

		if (!machine_domid(m, *names, &domid))
			return false;
		for (int i = kept; i < *nr; i++) {
			struct xen_domctl_getdomaininfo tmp = infos[i];

			if (tmp.domain != domid)
				continue;
			infos[i] = infos[kept];
			infos[kept++] = tmp;
		}
	}
	*nr = kept;
	return true;
}

int cmd_list(struct cli *cli, int argc, char **argv)
{
	static const struct option opts[] = {
		{"json", no_argument, NULL, 'j'}, {NULL, 0, NULL, 0}};
	struct xen_domctl_getdomaininfo *infos;
	struct machine m;
	bool json = false;
	int c, nr, code;

	while ((c = getopt_long(argc, argv, "j", opts, NULL)) != -1) {
		if (c != 'j')
			return cli_usage(cli);
		json = true;
	}
	if (!machine_open(&m, cli, 0, &code))
		return code;
	nr = dom_list(m.client, &infos);
	if (nr < 0) {
		cli_error("cannot list the domains: %s", strerror(-nr));
		machine_close(&m);
		return cli_code(nr);
	}
	code = CLI_NOT_FOUND;
	if (optind == argc || choose(&m, argv + optind, infos, &nr)) {
		code = CLI_OK;
		if (json)
			json_all(&m, infos, nr);
		else
			code = table(&m, infos, nr);
	}
	free(infos);
	machine_close(&m);
	return code;
}
