/* SPDX-License-Identifier: MIT */
/*
 * rogue.c - a guest's kernel that breaks the protocol of its ring
 *
 * usage: hv-demo-rogue DOMID
 *
 * hv's kernel never does this, so dom0 does it in its place: it maps the
 * guest's ring and appends a request with a length that no message may have
 * (docs/misc/xenstore.txt).  The store meets it with the next request.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include <xen/grant_table.h>
#include <xen/io/xs_wire.h>
#include <xengnttab.h>

#include "hv/demo/demo.h"

int main(int argc, char **argv)
{
	struct xsd_sockmsg bad = {.type = XS_READ, .len = 5000};
	struct xenstore_domain_interface *ring;
	xengnttab_handle *gnt;
	char bytes[sizeof(bad)];
	uint32_t domid, prod;

	if (argc != 2)
		die("usage: hv-demo-rogue DOMID");
	domid = (uint32_t)strtoul(argv[1], NULL, 10);
	gnt = xengnttab_open(NULL, 0);
	if (!gnt)
		die("no grants");
	ring = xengnttab_map_grant_ref(
		gnt, domid, GNTTAB_RESERVED_XENSTORE, PROT_READ | PROT_WRITE);
	if (!ring)
		die("the ring of domain %u", domid);
	memcpy(bytes, &bad, sizeof(bytes));
	prod = __atomic_load_n(&ring->req_prod, __ATOMIC_ACQUIRE);
	for (size_t i = 0; i < sizeof(bad); i++)
		ring->req[MASK_XENSTORE_IDX(prod++)] = bytes[i];
	__atomic_store_n(&ring->req_prod, prod, __ATOMIC_RELEASE);
	xengnttab_unmap(gnt, ring, 1);
	xengnttab_close(gnt);
	return 0;
}
