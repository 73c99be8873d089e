/* SPDX-License-Identifier: MIT */
/* store_srv.c: servers on machines of hv, and the domains of those */
#include <errno.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#define __XEN_TOOLS__ 1
#include <xen/xen.h>
#include <xen/event_channel.h>
#include <xen/grant_table.h>
#include <xen/memory.h>
#include <xencall.h>
#include <xenevtchn.h>
#include <xenforeignmemory.h>

#include "tests/bench/store.h"
#include "tests/sys/stored.h"

enum { SRVS = 16, DOMAIN_KB = 1024 };

const char *const kind_name[KINDS] = {
	[OURS] = "ours", [C_XS] = "C", [OCAML_XS] = "OCaml", [ECHO] = "echo"};

/* Those that run, so that nothing stays when the program dies. */
static struct srv *running[SRVS];

void die(const char *fmt, ...)
{
	va_list ap;

	fputs("store: ", stderr);
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fputc('\n', stderr);
	srv_stop_all();
	exit(2);
}

/* In the child: becomes the server. */
static void srv_child(struct srv *s, int port)
{
	static const enum stored_kind kinds[] = {[OURS] = STORED_OURS,
		[C_XS] = STORED_C,
		[OCAML_XS] = STORED_OCAML};

	stored_output(&s->stand);
	if (s->kind == ECHO)
		echo_main(s->socket, (uint32_t)port);
	stored_exec(&s->stand, kinds[s->kind], getenv("XEN_DEBS"), port);
}

void srv_start(struct srv *s, enum kind kind)
{
	int i = 0, port;

	*s = (struct srv){.kind = kind};
	while (running[i])
		if (++i == SRVS)
			die("too many servers");
	if (stand_start(&s->stand))
		die("no hvd");
	running[i] = s;
	stored_prepare(&s->stand, s->socket, sizeof(s->socket));
	/* for as long as the program runs */
	if (!stored_kernel(&port))
		die("event channel: %s", strerror(errno));
	fflush(NULL);
	s->pid = fork();
	if (s->pid == 0)
		srv_child(s, port);
	if (s->pid < 0)
		die("fork: %s", strerror(errno));
	if (stored_wait(s->pid, s->socket)) {
		stored_log_show(&s->stand);
		die("%s does not start", kind_name[kind]);
	}
	s->admin = cl_open(s);
}

void srv_stop(struct srv *s)
{
	if (s->admin)
		cl_close(s->admin);
	if (s->pid > 0) {
		kill(s->pid, SIGKILL);
		waitpid(s->pid, NULL, 0);
	}
	stand_kill(&s->stand);
	for (int i = 0; i < SRVS; i++)
		if (running[i] == s)
			running[i] = NULL;
}

void srv_stop_all(void)
{
	for (int i = 0; i < SRVS; i++)
		if (running[i]) {
			stored_log_show(&running[i]->stand);
			srv_stop(running[i]);
		}
}

size_t srv_resident(const struct srv *s)
{
	unsigned long size, resident;
	char path[64];
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/statm", (int)s->pid);
	f = fopen(path, "re");
	if (!f || fscanf(f, "%lu %lu", &size, &resident) != 2)
		die("%s: %s", path, strerror(errno));
	fclose(f);
	return resident * (size_t)sysconf(_SC_PAGESIZE);
}

/* Frame 0, and the right of dom0 to it where toolstacks put that. */
static void page_make(
	xencall_handle *xc, xenforeignmemory_handle *fm, uint32_t domid)
{
	struct xen_memory_reservation r = {
		.nr_extents = 1, .domid = (domid_t)domid};
	xenforeignmemory_resource_handle *res = NULL;
	struct grant_entry_v1 *table;
	xen_pfn_t gfn = 0;
	void *at = NULL;

	r.extent_start.p = &gfn;
	if (xencall2L(xc, __HYPERVISOR_memory_op, XENMEM_populate_physmap,
		    (uintptr_t)&r) == 1)
		res = xenforeignmemory_map_resource(fm, (domid_t)domid,
			XENMEM_resource_grant_table,
			XENMEM_resource_grant_table_id_shared, 0, 1, &at,
			PROT_READ | PROT_WRITE, 0);
	if (!res)
		die("no page of domain %u: %s", domid, strerror(errno));
	table = at;
	table[GNTTAB_RESERVED_XENSTORE].frame = 0;
	table[GNTTAB_RESERVED_XENSTORE].domid = 0;
	__atomic_store_n(&table[GNTTAB_RESERVED_XENSTORE].flags,
		GTF_permit_access, __ATOMIC_RELEASE);
	xenforeignmemory_unmap_resource(fm, res);
}

/* A port of the domain for dom0, in the hands of nobody. */
static int port_make(xencall_handle *xc, uint32_t domid)
{
	struct evtchn_alloc_unbound op = {
		.dom = (domid_t)domid, .remote_dom = 0};

	if (xencall2(xc, __HYPERVISOR_event_channel_op, EVTCHNOP_alloc_unbound,
		    (uintptr_t)&op))
		die("no port of domain %u: %s", domid, strerror(errno));
	return (int)op.port;
}

static void introduce(struct srv *s, uint32_t domid, int port)
{
	char buf[64];
	int n = snprintf(buf, sizeof(buf), "%u%c0%c%d", domid, 0, 0, port);
	uint64_t errors = s->admin->errors;

	cl_ask(s->admin, XS_OP_INTRODUCE, 0, buf, (size_t)n + 1, 3);
	if (s->admin->errors != errors)
		die("%s: INTRODUCE of %u: %s", kind_name[s->kind], domid,
			s->admin->last);
}

/* Give the domain what it has in the store, below its own path. */
static void home_make(struct srv *s, uint32_t domid)
{
	char text[64];
	int n;

	if (s->kind == ECHO)
		return;
	snprintf(text, sizeof(text), "/local/domain/%u", domid);
	cl_write(s->admin, 0, text, "");
	n = snprintf(
		text, sizeof(text), "/local/domain/%u%cn%u", domid, 0, domid);
	cl_ask(s->admin, XS_OP_SET_PERMS, 0, text, (size_t)n + 1, 3);
}

/* The kernel's end of a port for dom0. */
static xenevtchn_handle *guest_port(struct srv *s, uint32_t domid, int *port)
{
	xenevtchn_handle *x;

	stand_as(&s->stand, domid);
	x = xenevtchn_open(NULL, 0);
	*port = x ? xenevtchn_bind_unbound_port(x, 0) : -1;
	stand_as(&s->stand, 0);
	if (*port < 0)
		die("guest's port: %s", strerror(errno));
	return x;
}

void srv_domain(struct srv *s, uint32_t domid, struct cl **cl)
{
	xenforeignmemory_handle *fm;
	xenevtchn_handle *x = NULL;
	xencall_handle *xc;
	xen_pfn_t gfn = 0;
	void *page;
	int port;

	if (stand_domain(&s->stand, domid, DOMAIN_KB))
		die("no domain %u", domid);
	xc = xencall_open(NULL, 0);
	fm = xenforeignmemory_open(NULL, 0);
	if (!xc || !fm)
		die("no hypervisor: %s", strerror(errno));
	page_make(xc, fm, domid);
	if (cl)
		x = guest_port(s, domid, &port);
	else
		port = port_make(xc, domid);
	introduce(s, domid, port);
	if (cl) {
		/* after the server: a page that is mapped cannot be granted */
		page = xenforeignmemory_map(
			fm, domid, PROT_READ | PROT_WRITE, 1, &gfn, NULL);
		if (!page)
			die("no ring: %s", strerror(errno));
		*cl = cl_ring(page, x, port);
	} else {
		xenforeignmemory_close(fm);
	}
	xencall_close(xc);
	home_make(s, domid);
}
