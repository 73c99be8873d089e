/* SPDX-License-Identifier: MIT */
/* simple.c - hv pause, unpause, dmesg, info, down */
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "hv/cli/dom.h"
#include "common/json.h"
#include "hv/cli/machine.h"
#include "hv/proto/birth.h"

enum { DOWN_SECONDS = 30 };

/* One call for each domain named; goes on after a failure. */
static int for_each(struct cli *cli, int argc, char **argv,
	int (*fn)(struct hv_client *c, uint32_t domid))
{
	struct machine m;
	int code = CLI_OK, r;

	if (argc < 2 || argv[1][0] == '-')
		return cli_usage(cli);
	if (!machine_open(&m, cli, 0, &code))
		return code;
	for (int i = 1; i < argc; i++) {
		uint32_t domid;

		if (!machine_domid(&m, argv[i], &domid)) {
			code = CLI_NOT_FOUND;
			continue;
		}
		r = fn(m.client, domid);
		if (r < 0) {
			cli_error("cannot %s %s: %s", cli->name, argv[i],
				strerror(-r));
			code = cli_code(r);
		}
	}
	machine_close(&m);
	return code;
}

int cmd_pause(struct cli *cli, int argc, char **argv)
{
	return for_each(cli, argc, argv, dom_pause);
}

int cmd_unpause(struct cli *cli, int argc, char **argv)
{
	return for_each(cli, argc, argv, dom_unpause);
}

int cmd_dmesg(struct cli *cli, int argc, char **argv)
{
	struct admin_call call = {.msg = {.type = HVA_LOG}};
	static char text[HVA_MSG_MAX];
	struct machine m;
	int code, r;

	if (argc != 1)
		return cli_usage(cli);
	if (!machine_open(&m, cli, 0, &code))
		return code;
	call.reply = text;
	call.reply_cap = sizeof(text);
	r = admin_call(&m.admin, &call);
	machine_close(&m);
	if (r < 0) {
		cli_error("cannot read the log: %s", strerror(-r));
		return cli_code(r);
	}
	fwrite(text, 1, call.msg.len, stdout);
	return CLI_OK;
}

/* What hv info shows: a name for people, one for programs, and where. */
struct fact {
	const char *text, *key;
	uint64_t value;
};

static const struct {
	uint64_t bit;
	const char *name;
} isolation[] = {
	{HVB_HAVE_USERNS, "user"},
	{HVB_HAVE_MOUNTNS, "mount"},
	{HVB_HAVE_PIDNS, "pid"},
	{HVB_HAVE_NETNS, "net"},
	{HVB_HAVE_IPCNS, "ipc"},
	{HVB_HAVE_PROC, "proc"},
	{HVB_HAVE_SECCOMP, "seccomp"},
};
#define ISOLATION_NR (sizeof(isolation) / sizeof(isolation[0]))

static void info_text(
	const char *dir, const struct fact *f, size_t nr, uint64_t have)
{
	printf("%-22s %s\n", "machine", dir);
	for (size_t i = 0; i < nr; i++)
		printf("%-22s %" PRIu64 "\n", f[i].text, f[i].value);
	printf("%-22s", "isolation");
	for (size_t i = 0; i < ISOLATION_NR; i++)
		printf(" %s%s", have & isolation[i].bit ? "" : "no-",
			isolation[i].name);
	putchar('\n');
}

static void info_json(
	const char *dir, const struct fact *f, size_t nr, uint64_t have)
{
	struct json j;

	json_begin(&j, stdout);
	json_open(&j, NULL, '{');
	json_str(&j, "machine", dir);
	for (size_t i = 0; i < nr; i++)
		json_num(&j, f[i].key, f[i].value);
	json_open(&j, "isolation", '{');
	for (size_t i = 0; i < ISOLATION_NR; i++)
		json_bool(&j, isolation[i].name, have & isolation[i].bit);
	json_close(&j, '}');
	json_close(&j, '}');
	json_end(&j);
}

int cmd_info(struct cli *cli, int argc, char **argv)
{
	static const struct option opts[] = {
		{"json", no_argument, NULL, 'j'}, {NULL, 0, NULL, 0}};
	struct admin_call call = {.msg = {.type = HVA_INFO}};
	struct xen_sysctl_physinfo phys = {0};
	struct hva_info i = {0};
	struct machine m;
	bool json = false;
	int c, code, r;

	while ((c = getopt_long(argc, argv, "j", opts, NULL)) != -1) {
		if (c != 'j')
			return cli_usage(cli);
		json = true;
	}
	if (optind != argc)
		return cli_usage(cli);
	if (!machine_open(&m, cli, 0, &code))
		return code;
	call.reply = &i;
	call.reply_cap = sizeof(i);
	r = admin_call(&m.admin, &call);
	if (r == 0)
		r = dom_physinfo(m.client, &phys);
	machine_close(&m);
	if (r < 0 || call.msg.len != sizeof(i)) {
		cli_error("cannot ask the machine: %s",
			strerror(r < 0 ? -r : EPROTO));
		return cli_code(r < 0 ? r : -EPROTO);
	}
	const struct fact facts[] = {
		{"processors", "nr_cpus", phys.nr_cpus},
		{"memory (MiB)", "memory_mib", phys.total_pages >> 8},
		{"free (MiB)", "free_mib", phys.free_pages >> 8},
		{"hvd's process", "hvd_pid", i.pid},
		{"domains", "domains", i.domains},
		{"of them zombies", "zombies", i.zombies},
		{"domains with programs", "processes", i.processes},
		{"event channels", "ports", i.ports},
		{"grant mappings", "grant_maps", i.maps},
		{"foreign mappings", "foreign_maps", i.foreign},
		{"page frames", "frames", i.frames},
		{"runs of frames", "runs", i.runs},
		{"sessions", "sessions", i.sessions},
		{"descriptors", "descriptors", i.descriptors},
		{"requests served", "requests", i.requests},
	};
	if (json)
		info_json(cli->dir, facts, sizeof(facts) / sizeof(facts[0]),
			i.have);
	else
		info_text(cli->dir, facts, sizeof(facts) / sizeof(facts[0]),
			i.have);
	return CLI_OK;
}

int cmd_down(struct cli *cli, int argc, char **argv)
{
	struct admin a;
	int r;

	if (argc != 1)
		return cli_usage(cli);
	r = admin_open(&a, cli->dir);
	if (r == -ENOENT || r == -ECONNREFUSED) {
		cli_error("no machine is up in %s", cli->dir);
		return CLI_NO_MACHINE;
	}
	if (r == -EPERM)
		return CLI_REFUSED;
	if (r == 0)
		r = admin_ask(&a, HVA_STOP, 0);
	if (r < 0 && r != -ECONNRESET) {
		cli_error("cannot stop the machine: %s", strerror(-r));
		admin_close(&a);
		return cli_code(r);
	}
	if (!admin_wait_gone(&a, cli->dir, DOWN_SECONDS)) {
		cli_error("hvd still runs after %d s", DOWN_SECONDS);
		cli_hint("%s/hvd.pid has its process", cli->dir);
		admin_close(&a);
		return CLI_TIMEOUT;
	}
	admin_close(&a);
	return CLI_OK;
}
