/* SPDX-License-Identifier: MIT */
/* monitor.c - what happens to domains that have ended */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include <xenstore.h>

#include "hv/cli/create.h"
#include "hv/cli/dom.h"
#include "hv/cli/monitor.h"
#include "hv/cli/record.h"

enum {
	RETRY_MS = 1000,
	RECENT_NR = 64,
	FAST_SECONDS = 10, /* restarts within this time */
	FAST_MAX = 5,      /* are too many */
};

/* Restarts of late, by uuid: one that ends at once must not go on for ever. */
static struct recent {
	uint8_t uuid[16];
	time_t since;
	unsigned int nr;
} recent[RECENT_NR];

static bool may_restart(const uint8_t uuid[16])
{
	struct recent *slot = &recent[0];
	time_t now = time(NULL);

	for (size_t i = 0; i < RECENT_NR; i++) {
		struct recent *r = &recent[i];

		if (!memcmp(r->uuid, uuid, sizeof(r->uuid))) {
			slot = r;
			break;
		}
		if (r->since < slot->since)
			slot = r;
	}
	if (memcmp(slot->uuid, uuid, sizeof(slot->uuid)) ||
		now - slot->since > FAST_SECONDS) {
		*slot = (struct recent){.since = now};
		memcpy(slot->uuid, uuid, sizeof(slot->uuid));
	}
	return ++slot->nr <= FAST_MAX;
}

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
	if (r == 0 && !strcmp(action, "restart")) {
		if (may_restart(rec.cfg.uuid))
			(void)!create_domain(m, cli, &rec, false);
		else
			cli_error("%s ends as soon as it starts: not made "
				  "anew",
				rec.cfg.name);
	}
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

/*
 * libxenstore does not say when the daemon has gone.  So there is a second
 * connection, on which nothing is ever said: it hangs up then.
 */
static int canary_open(const struct machine *m)
{
	struct sockaddr_un sun = {.sun_family = AF_UNIX};
	char path[MACHINE_STORE_PATH];
	int store = machine_store_path(m->dir, path), fd;

	if (store < 0)
		return -1;
	memcpy(sun.sun_path, path, sizeof(path));
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd >= 0 && connect(fd, (struct sockaddr *)&sun, sizeof(sun)) < 0) {
		close(fd);
		fd = -1;
	}
	close(store);
	return fd;
}

static void store_lose(struct machine *m, struct pollfd p[2])
{
	if (p[1].fd >= 0)
		close(p[1].fd);
	if (m->xs)
		xs_close(m->xs);
	m->xs = NULL;
	p[0].fd = p[1].fd = -1;
}

/* p[0]: events of the store; p[1]: it is still there */
static void store_find(struct machine *m, struct pollfd p[2])
{
	p[1].fd = canary_open(m);
	if (p[1].fd < 0 || !machine_store(m) ||
		!xs_watch(m->xs, "@releaseDomain", "monitor"))
		store_lose(m, p);
	else
		p[0].fd = xs_fileno(m->xs);
}

static void store_hear(struct machine *m, struct cli *cli, struct pollfd p[2])
{
	if (p[1].fd < 0) {
		store_find(m, p);
		return;
	}
	if (p[0].revents) {
		char **event = xs_check_watch(m->xs);

		if (event)
			look(m, cli);
		free(event);
	}
	if (p[1].revents) {
		cli_error("the store has gone");
		store_lose(m, p);
	}
}

int monitor_run(struct machine *m, struct cli *cli)
{
	struct pollfd p[3] = {
		{.fd = -1, .events = POLLIN},
		{.fd = -1, .events = POLLIN},
		{.fd = m->admin.fd, .events = POLLIN},
	};
	struct hva_msg msg;

	store_find(m, p);
	for (;;) {
		int n = poll(p, 3, p[1].fd < 0 ? RETRY_MS : -1);

		if (n < 0 && errno != EINTR)
			return CLI_FAILED;
		if (n < 0)
			continue;
		/* a daemon of dom0 has ended, or the machine has */
		if ((p[2].revents || m->admin.has_exited) &&
			admin_wait_exited(&m->admin, &msg) < 0)
			return CLI_OK;
		/* a watch begins with an event: nothing is missed */
		store_hear(m, cli, p);
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
