/* SPDX-License-Identifier: MIT */
/* side.c: a daemon on a machine of its own, and the life of its domains */
#include "tests/diff/side.h"

#include <errno.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#ifndef __XEN_TOOLS__
#define __XEN_TOOLS__ 1
#endif
#include <xen/xen.h>
#include <xen/domctl.h>
#include <xen/event_channel.h>
#include <xen/grant_table.h>
#include <xen/memory.h>
#include <xen/sched.h>
#include <xencall.h>
#include <xenevtchn.h>
#include <xenforeignmemory.h>
#include <xengnttab.h>

#include "tests/sys/stored.h"

enum { DOMAIN_KB = 1024 };

static int oops(const char *what)
{
	fprintf(stderr, "diff: %s: %s\n", what, strerror(errno));
	return -1;
}

static int daemon_start(struct side *s)
{
	int port;

	s->kernel = stored_kernel(&port);
	if (!s->kernel)
		return oops("no event channel");
	s->pid = fork();
	if (s->pid == 0) {
		stored_output(&s->stand);
		stored_exec(&s->stand, s->xen ? STORED_C : STORED_OURS, s->xen,
			port);
	}
	if (s->pid < 0)
		return oops("fork");
	if (stored_wait(s->pid, s->socket) == 0)
		return 0;
	fprintf(stderr, "diff: %s does not start\n", s->name);
	stored_log_show(&s->stand);
	return -1;
}

int side_start(struct side *s)
{
	if (stand_start(&s->stand) < 0)
		return -1;
	stored_prepare(&s->stand, s->socket, sizeof(s->socket));
	if (daemon_start(s) < 0)
		return -1;
	for (unsigned c = 0; c < CHANS; c++) {
		s->chan[c] = (struct chan){.fd = -1};
		s->chan[c].in = malloc(CHAN_BUF);
		s->chan[c].out = malloc(CHAN_BUF);
		if (!s->chan[c].in || !s->chan[c].out)
			return oops("buffers");
		s->chan[c].said.reply = -1;
		if ((c < CHAN_GUEST || c == CHAN_CTL) && chan_reopen(s, c) < 0)
			return -1;
	}
	for (unsigned d = 1; d <= GUESTS; d++) {
		if (side_create(s, d) < 0)
			return -1;
	}
	return 0;
}

bool side_alive(const struct side *s)
{
	siginfo_t end = {.si_pid = 0};

	return waitid(P_PID, (id_t)s->pid, &end, WEXITED | WNOHANG | WNOWAIT) <
		       0 ||
	       end.si_pid != s->pid;
}

static void dom_forget(struct dom *d)
{
	if (d->evtchn)
		xenevtchn_close(d->evtchn);
	if (d->page)
		xengnttab_unmap(d->grants, d->page, 1);
	if (d->grants)
		xengnttab_close(d->grants);
	*d = (struct dom){.port = -1};
}

void side_stop(struct side *s)
{
	said_clear(s);
	for (unsigned c = 0; c < CHANS; c++) {
		if (s->chan[c].fd >= 0)
			close(s->chan[c].fd);
		free(s->chan[c].in);
		free(s->chan[c].out);
	}
	for (unsigned d = 1; d <= GUESTS; d++)
		dom_forget(&s->dom[d]);
	/* Debian's dies of some sequences: differences has it */
	if (s->pid > 0 && !s->xen && !side_alive(s))
		stored_log_show(&s->stand);
	if (s->pid > 0) {
		kill(s->pid, SIGKILL);
		waitpid(s->pid, NULL, 0);
	}
	if (s->kernel)
		xenevtchn_close(s->kernel);
	stand_kill(&s->stand);
}

/* The right of dom0 to frame 0 of the domain, where toolstacks put it. */
static int page_grant(unsigned domid)
{
	xenforeignmemory_handle *fm = xenforeignmemory_open(NULL, 0);
	xenforeignmemory_resource_handle *res = NULL;
	struct grant_entry_v1 *table;
	void *at = NULL;

	if (fm)
		res = xenforeignmemory_map_resource(fm, (domid_t)domid,
			XENMEM_resource_grant_table,
			XENMEM_resource_grant_table_id_shared, 0, 1, &at,
			PROT_READ | PROT_WRITE, 0);
	if (!res)
		return oops("no grant table of a domain");
	table = at;
	table[GNTTAB_RESERVED_XENSTORE].frame = 0;
	table[GNTTAB_RESERVED_XENSTORE].domid = 0;
	__atomic_store_n(&table[GNTTAB_RESERVED_XENSTORE].flags,
		GTF_permit_access, __ATOMIC_RELEASE);
	xenforeignmemory_unmap_resource(fm, res);
	xenforeignmemory_close(fm);
	return 0;
}

/*
 * The guest's end of its ring.  We have it as dom0 has it: while a page is
 * mapped without a grant, hv does not share it.
 */
static int page_make(struct dom *d, xencall_handle *xc, unsigned domid)
{
	struct xen_memory_reservation r = {
		.nr_extents = 1, .domid = (domid_t)domid};
	xen_pfn_t gfn = 0;

	r.extent_start.p = &gfn;
	if (xencall2L(xc, __HYPERVISOR_memory_op, XENMEM_populate_physmap,
		    (uintptr_t)&r) != 1)
		return oops("no memory for a domain");
	if (page_grant(domid) < 0)
		return -1;
	d->grants = xengnttab_open(NULL, 0);
	if (d->grants)
		d->page = xengnttab_map_grant_ref(d->grants, domid,
			GNTTAB_RESERVED_XENSTORE, PROT_READ | PROT_WRITE);
	return d->page ? 0 : oops("no page of a domain");
}

int side_create(struct side *s, unsigned domid)
{
	struct dom *d = &s->dom[domid];
	struct chan *chan = &s->chan[CHAN_GUEST + domid - 1];
	xencall_handle *xc;
	int r;

	*d = (struct dom){.port = -1};
	stand_as(&s->stand, 0);
	if (stand_domain(&s->stand, domid, DOMAIN_KB) < 0)
		return -1;
	stand_as(&s->stand, 0);
	xc = xencall_open(NULL, 0);
	if (!xc)
		return oops("xencall");
	r = page_make(d, xc, domid);
	xencall_close(xc);
	if (r < 0)
		return r;
	stand_as(&s->stand, domid);
	d->evtchn = xenevtchn_open(NULL, 0);
	d->port = d->evtchn ? xenevtchn_bind_unbound_port(d->evtchn, 0) : -1;
	stand_as(&s->stand, 0);
	if (d->port < 0)
		return oops("a guest's port");
	d->alive = true;
	chan->live = false;
	xsring_attach(&chan->ring, d->page, XSRING_CLIENT);
	return 0;
}

/* Until the daemon has let go of the page, and hvd of the domain. */
static int number_free(struct side *s)
{
	struct hva_info info;
	unsigned alive = 1;

	for (unsigned d = 1; d <= GUESTS; d++)
		alive += s->dom[d].alive;
	for (int i = 0; i < 1000; i++) {
		if (stand_info(&s->stand, &info) < 0)
			return -1;
		if (!info.zombies && info.domains <= alive)
			return 0;
		usleep(5000);
	}
	fprintf(stderr, "diff: %s: a dead domain stays\n", s->name);
	return 0;
}

int side_kill(struct side *s, unsigned domid)
{
	struct dom *d = &s->dom[domid];
	const unsigned before = s->chan[CHAN_CTL].releases;
	const bool introduced = d->introduced;

	if (!d->alive)
		return 0;
	s->chan[CHAN_GUEST + domid - 1].live = false;
	dom_forget(d);
	if (stand_destroy(&s->stand, domid) < 0)
		return -1;
	d->introduced = false;
	chan_wait_releases(s, before + introduced);
	return number_free(s);
}

static int sched_op(struct side *s, unsigned domid)
{
	struct sched_remote_shutdown op = {
		.domain_id = (domid_t)domid, .reason = SHUTDOWN_poweroff};
	xencall_handle *xc;
	int r;

	stand_as(&s->stand, 0);
	xc = xencall_open(NULL, 0);
	r = xc ? xencall2(xc, __HYPERVISOR_sched_op, SCHEDOP_remote_shutdown,
			 (uintptr_t)&op)
	       : -1;
	xencall_close(xc);
	return r < 0 ? oops("remote_shutdown") : 0;
}

int side_shutdown(struct side *s, unsigned domid)
{
	struct dom *d = &s->dom[domid];
	const unsigned before = s->chan[CHAN_CTL].releases;

	if (!d->alive || d->shutdown)
		return 0;
	d->shutdown = true;
	if (sched_op(s, domid) < 0)
		return -1;
	chan_wait_releases(s, before + d->introduced);
	return 0;
}

int side_resume(struct side *s, unsigned domid)
{
	struct xen_domctl ctl = {.cmd = XEN_DOMCTL_resumedomain,
		.interface_version = XEN_DOMCTL_INTERFACE_VERSION,
		.domain = (domid_t)domid};
	struct dom *d = &s->dom[domid];
	xencall_handle *xc;
	int r;

	if (!d->alive || !d->shutdown)
		return 0;
	d->shutdown = false;
	stand_as(&s->stand, 0);
	xc = xencall_open(NULL, 0);
	r = xc ? xencall1(xc, __HYPERVISOR_domctl, (uintptr_t)&ctl) : -1;
	xencall_close(xc);
	return r < 0 ? oops("resumedomain") : 0;
}
