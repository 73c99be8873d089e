/* SPDX-License-Identifier: MIT */
/*
 * host_xen.c - the hypervisor, through Xen's libraries
 *
 * DOC: Rings of guests are mapped by the grant the toolstack reserves for
 * them (GNTTAB_RESERVED_XENSTORE), so no foreign mapping is needed.  The
 * states of domains come from xc_domain_getinfolist(), and those of ports from
 * xc_evtchn_status(): two calls of libxenctrl that kept their signatures over
 * the versions.  Both are one hypercall through privcmd (see confine.c).
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <talloc.h>
#include <xenctrl.h>
#include <xenevtchn.h>
#include <xengnttab.h>

#include <xen/grant_table.h>

#include "common/log.h"
#include "common/macro.h"
#include "common/str.h"
#include "wire/xsring.h"
#include "xenstored/host.h"

enum { INFO_MAX = 256 };

/* Owner: main.  Freed by: talloc. */
struct host_xen {
	struct host host;
	xenevtchn_handle *evtchn;
	xengnttab_handle *gnttab;
	xc_interface *xc;
	void *own_page; /* mapped from a file, not by a grant */
};

static struct host_xen *xen_of(struct host *host)
{
	return container_of(host, struct host_xen, host);
}

static int xen_fd(struct host *host)
{
	return xenevtchn_fd(xen_of(host)->evtchn);
}

static bool xen_pending(struct host *host, uint32_t *port)
{
	xenevtchn_port_or_error_t p = xenevtchn_pending(xen_of(host)->evtchn);

	if (p < 0)
		return false;
	*port = (uint32_t)p;
	return true;
}

static void xen_unmask(struct host *host, uint32_t port)
{
	if (xenevtchn_unmask(xen_of(host)->evtchn, port))
		log_error(NULL, "unmask", "cannot unmask port %u: %s", port,
			strerror(errno));
}

/* A port whose other end has closed cannot be notified: nobody minds. */
static void xen_notify(struct host *host, uint32_t port)
{
	if (xenevtchn_notify(xen_of(host)->evtchn, port))
		log_debug(NULL, "notify", "cannot notify port %u: %s", port,
			strerror(errno));
}

static int xen_bind(
	struct host *host, uint16_t domid, uint32_t remote, uint32_t *local)
{
	xenevtchn_port_or_error_t p =
		xenevtchn_bind_interdomain(xen_of(host)->evtchn, domid, remote);

	if (p < 0)
		return ENOENT;
	*local = (uint32_t)p;
	return 0;
}

static void xen_unbind(struct host *host, uint32_t local)
{
	if (xenevtchn_unbind(xen_of(host)->evtchn, local))
		log_error(NULL, "unbind", "cannot unbind port %u: %s", local,
			strerror(errno));
}

/* xen/event_channel.h: EVTCHNOP_status */
static int xen_peer(
	struct host *host, uint32_t local, uint16_t *domid, uint32_t *remote)
{
	xc_evtchn_status_t status = {.dom = DOMID_SELF, .port = local};

	if (xc_evtchn_status(xen_of(host)->xc, &status))
		return errno ? -errno : -EIO;
	if (status.status != EVTCHNSTAT_interdomain)
		return ENOENT;
	*domid = status.u.interdomain.dom;
	*remote = status.u.interdomain.port;
	return 0;
}

static int xen_map(struct host *host, uint16_t domid, void **page)
{
	*page = xengnttab_map_grant_ref(xen_of(host)->gnttab, domid,
		GNTTAB_RESERVED_XENSTORE, PROT_READ | PROT_WRITE);
	return *page ? 0 : ENOENT;
}

static void xen_unmap(struct host *host, uint16_t domid, void *page)
{
	struct host_xen *xen = xen_of(host);
	int r;

	if (page == xen->own_page) {
		r = munmap(page, XSRING_PAGE);
		xen->own_page = NULL;
	} else {
		r = xengnttab_unmap(xen->gnttab, page, 1);
	}
	if (r)
		log_error(NULL, "unmap",
			"cannot unmap the ring of domain %u: %s", domid,
			strerror(errno));
}

static int xen_domains(struct host *host, uint16_t first,
	struct host_domain *dom, unsigned max)
{
	xc_domaininfo_t info[INFO_MAX];
	int nr;

	if (max > INFO_MAX)
		max = INFO_MAX;
	nr = xc_domain_getinfolist(xen_of(host)->xc, first, max, info);
	if (nr < 0)
		return errno ? -errno : -EIO;
	for (int i = 0; i < nr; i++) {
		memset(&dom[i], 0, sizeof(dom[i]));
		dom[i].domid = info[i].domain;
		memcpy(dom[i].handle, info[i].handle, sizeof(dom[i].handle));
		dom[i].shutdown = info[i].flags & XEN_DOMINF_shutdown;
		dom[i].dying = info[i].flags & XEN_DOMINF_dying;
	}
	return nr;
}

/* Where kernels say it, older ones first. */
static const char *const kva_names[] = {
	"/proc/xen/xsd_kva", "/dev/xen/xsd_kva"};
static const char *const port_names[] = {
	"/proc/xen/xsd_port", "/dev/xen/xsd_port"};

static int port_read(const char *name, uint32_t *port)
{
	char text[16] = "";
	uint64_t number;
	ssize_t n;
	int fd;

	fd = open(name, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return ENOENT;
	n = read(fd, text, sizeof(text) - 1);
	close(fd);
	if (n <= 0)
		return ENOENT;
	text[strcspn(text, "\n")] = '\0';
	if (str_to_u64(text, INT32_MAX, &number) || !number)
		return ENOENT;
	*port = (uint32_t)number;
	return 0;
}

static void *kva_map(const char *name)
{
	void *page;
	int fd;

	fd = open(name, O_RDWR | O_CLOEXEC);
	if (fd < 0)
		return NULL;
	page = mmap(
		NULL, XSRING_PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	close(fd);
	return page == MAP_FAILED ? NULL : page;
}

static int xen_own_ring(struct host *host, void **page, uint32_t *port)
{
	for (size_t i = 0; i < ARRAY_LEN(kva_names); i++) {
		if (port_read(port_names[i], port))
			continue;
		*page = kva_map(kva_names[i]);
		if (!*page)
			continue;
		xen_of(host)->own_page = *page;
		return 0;
	}
	return ENOENT;
}

static const struct host_ops xen_ops = {
	.fd = xen_fd,
	.pending = xen_pending,
	.unmask = xen_unmask,
	.notify = xen_notify,
	.bind = xen_bind,
	.unbind = xen_unbind,
	.peer = xen_peer,
	.map = xen_map,
	.unmap = xen_unmap,
	.domains = xen_domains,
	.own_ring = xen_own_ring,
};

static int xen_destroy(struct host_xen *xen)
{
	if (xen->xc)
		xc_interface_close(xen->xc);
	if (xen->gnttab)
		xengnttab_close(xen->gnttab);
	if (xen->evtchn)
		xenevtchn_close(xen->evtchn);
	return 0;
}

static int xen_open(struct host_xen *xen)
{
	xenevtchn_port_or_error_t virq;

	xen->evtchn = xenevtchn_open(NULL, 0);
	if (!xen->evtchn)
		return -1;
	xen->gnttab = xengnttab_open(NULL, 0);
	if (!xen->gnttab)
		return -1;
	/* One ring for each domain; where it is not supported, no limit is. */
	(void)!xengnttab_set_max_grants(xen->gnttab, DOMID_FIRST_RESERVED);
	xen->xc = xc_interface_open(NULL, NULL, 0);
	if (!xen->xc)
		return -1;
	virq = xenevtchn_bind_virq(xen->evtchn, VIRQ_DOM_EXC);
	if (virq < 0)
		return -1;
	xen->host.virq_port = (uint32_t)virq;
	return 0;
}

struct host *host_xen_new(const void *ctx)
{
	struct host_xen *xen = talloc_zero(ctx, struct host_xen);
	int saved;

	if (!xen)
		return NULL;
	talloc_set_destructor(xen, xen_destroy);
	xen->host.ops = &xen_ops;
	if (xen_open(xen)) {
		saved = errno;
		talloc_free(xen);
		errno = saved;
		return NULL;
	}
	return &xen->host;
}
