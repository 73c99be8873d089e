/* SPDX-License-Identifier: MIT */
/* monitor.c - what happens to domains that have ended */
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>

#include <xenstore.h>

#include "hv/cli/create.h"
#include "hv/cli/dom.h"
#include "hv/cli/monitor.h"
#include "hv/cli/record.h"

static const char *action_of(const struct domcfg *cfg, unsigned int reason)
{
	switch (reason) {
	case SHUTDOWN_poweroff: return cfg->on_poweroff;
	case SHUTDOWN_reboot: return cfg->on_reboot;
	case SHUTDOWN_crash: return cfg->on_crash;
	}
	return "preserve";
}

/* A domain that has shut down and has a record. */
static void on_shutdown(
	struct machine *m, struct cli *cli, uint32_t domid, unsigned int reason)
{
	struct record rec;
	const char *action;
	int r;

	if (!record_read(m->dir, domid, &rec))
		return;
	action = action_of(&rec.cfg, reason);
	if (!strcmp(action, "preserve")) {
		record_fini(&rec);
		return;
	}
	r = dom_destroy(m->client, domid);
	if (r < 0 && r != -ESRCH)
		cli_error("cannot destroy %u: %s", domid, strerror(-r));
	create_forget(m, domid);
	if (r == 0 && !strcmp(action, "restart"))
		(void)!create_domain(m, cli, &rec, false);
	record_fini(&rec);
}

/* Every domain that there is, and every record of one that is not. */
static void look(struct machine *m, struct cli *cli)
{
	struct xen_domctl_getdomaininfo *infos;
	uint32_t *known;
	int nr = dom_list(m->client, &infos), n;

	if (nr < 0)
		return;
	for (int i = 0; i < nr; i++) {
		uint32_t flags = infos[i].flags;

		if (!infos[i].domain || (flags & XEN_DOMINF_dying) ||
			!(flags & XEN_DOMINF_shutdown))
			continue;
		on_shutdown(m, cli, infos[i].domain,
			(flags >> XEN_DOMINF_shutdownshift) &
				XEN_DOMINF_shutdownmask);
	}
	free(infos);
	n = record_list(m->dir, &known);
	for (int i = 0; i < n; i++) {
		struct xen_domctl_getdomaininfo info;

		if (dom_info(m->client, known[i], &info) == -ESRCH)
			create_forget(m, known[i]);
	}
	if (n >= 0)
		free(known);
}

int monitor_run(struct machine *m, struct cli *cli)
{
	struct pollfd p[2] = {
		{.fd = m->admin.fd, .events = POLLIN},
		{.events = POLLIN},
	};
	struct hva_msg msg;

	if (!xs_watch(m->xs, "@releaseDomain", "monitor")) {
		cli_error("the store refuses a watch: %s", strerror(errno));
		return CLI_FAILED;
	}
	p[1].fd = xs_fileno(m->xs);
	for (;;) {
		char **event;

		if (poll(p, 2, -1) < 0 && errno != EINTR)
			return CLI_FAILED;
		/* a daemon of dom0 has ended, or the machine has */
		if ((p[0].revents || m->admin.has_exited) &&
			admin_wait_exited(&m->admin, &msg) < 0)
			return CLI_OK;
		if (!p[1].revents)
			continue;
		event = xs_check_watch(m->xs);
		if (event) {
			free(event);
			look(m, cli);
		} else if (errno != EAGAIN) {
			/* without a store there is nothing to be heard */
			p[1].fd = -1;
		}
	}
}

int cmd_monitor(struct cli *cli, int argc, char **argv)
{
	struct machine m;
	int code;

	if (argc != 1)
		return cli_usage(cli);
	if (!machine_open(&m, cli, MACHINE_STORE, &code))
		return code;
	code = monitor_run(&m, cli);
	machine_close(&m);
	return code;
}
