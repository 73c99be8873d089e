/* SPDX-License-Identifier: MIT */
/* machine.c - a running machine, as a command needs it */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <xenstore.h>

#include "common/str.h"
#include "hv/cli/dom.h"
#include "hv/cli/machine.h"
#include "hv/cli/shared.h"

int machine_store_path(const char *dir, char path[MACHINE_STORE_PATH])
{
	int fd = shared_socket(dir);

	if (fd >= 0)
		snprintf(path, MACHINE_STORE_PATH, "/proc/self/fd/%d", fd);
	return fd;
}

bool machine_store(struct machine *m)
{
	char path[MACHINE_STORE_PATH];
	int fd;

	if (m->xs)
		return true;
	/* without it libxenstore would go on to the device of the host */
	fd = machine_store_path(m->dir, path);
	if (fd < 0)
		return false;
	setenv("XENSTORED_PATH", path, 1);
	m->xs = xs_open(0);
	unsetenv("XENSTORED_PATH");
	close(fd);
	return m->xs;
}

static int session_open(struct machine *m)
{
	struct admin_call call = {.msg = {.type = HVA_SESSION}};
	int r = admin_call(&m->admin, &call);

	if (r == 0)
		r = call.msg.value;
	if (r == 0 && call.fd < 0)
		r = -EPROTO;
	if (r == 0)
		r = hv_client_adopt(&m->client, call.fd, 0);
	if (r < 0 && call.fd >= 0)
		close(call.fd);
	return r;
}

bool machine_open(struct machine *m, const struct cli *cli, int need, int *code)
{
	int r;

	*m = (struct machine){.dir = cli->dir};
	r = admin_open(&m->admin, cli->dir);
	if (r < 0) {
		*code = r == -EACCES || r == -EPERM ? CLI_REFUSED
						    : CLI_NO_MACHINE;
		if (r == -ENOENT || r == -ECONNREFUSED) {
			cli_error("no machine is up in %s", cli->dir);
			cli_hint("hv up starts one");
		} else if (r != -EPERM) {
			cli_error("%s: %s", cli->dir, strerror(-r));
		}
		return false;
	}
	r = session_open(m);
	if (r < 0) {
		cli_error("no session of dom0: %s", strerror(-r));
		*code = cli_code(r);
		machine_close(m);
		return false;
	}
	if (!machine_store(m) && (need & MACHINE_STORE)) {
		cli_error("dom0's xenstored does not answer");
		cli_hint("hv dmesg may say why; hv down and hv up start "
			 "over");
		*code = CLI_NO_MACHINE;
		machine_close(m);
		return false;
	}
	return true;
}

void machine_close(struct machine *m)
{
	if (m->xs)
		xs_close(m->xs);
	hv_client_close(m->client);
	admin_close(&m->admin);
	m->xs = NULL;
	m->client = NULL;
}

char *machine_name(struct machine *m, uint32_t domid)
{
	char path[64];
	unsigned int len;

	if (!m->xs)
		return NULL;
	snprintf(path, sizeof(path), "/local/domain/%u/name", domid);
	return xs_read(m->xs, XBT_NULL, path, &len);
}

static bool find_by_name(struct machine *m, const char *name, uint32_t *domid)
{
	struct xen_domctl_getdomaininfo *infos;
	int nr = dom_list(m->client, &infos);
	bool found = false;

	for (int i = 0; i < nr && !found; i++) {
		char *n = machine_name(m, infos[i].domain);

		found = n && !strcmp(n, name);
		*domid = infos[i].domain;
		free(n);
	}
	if (nr >= 0)
		free(infos);
	return found;
}

bool machine_domid(struct machine *m, const char *name, uint32_t *domid)
{
	struct xen_domctl_getdomaininfo info;
	uint64_t v;

	if (!str_to_u64(name, 0x7fef, &v)) {
		*domid = (uint32_t)v;
		if (dom_info(m->client, *domid, &info) == 0)
			return true;
	} else if (find_by_name(m, name, domid)) {
		return true;
	}
	cli_error("no domain \"%s\"", name);
	cli_hint("hv list shows the domains");
	return false;
}
