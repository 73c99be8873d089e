/* SPDX-License-Identifier: MIT */
/*
 * dom.h - the hypercalls of a toolstack, one function each
 *
 * All return 0 (or what is said) or a negative errno: the hypervisor's, or
 * one of hv/compat/client.h.
 */
#ifndef HV_CLI_DOM_H
#define HV_CLI_DOM_H

#include <stdbool.h>
#include <stdint.h>

/* the interfaces of the toolstack */
#ifndef __XEN_TOOLS__
#define __XEN_TOOLS__ 1
#endif
#include <xen/xen.h>
#include <xen/domctl.h>
#include <xen/sysctl.h>
#include <xen/sched.h>

#include "hv/compat/client.h"

/* dom_list - all domains, malloc'ed; returns how many. */
int dom_list(struct hv_client *c, struct xen_domctl_getdomaininfo **infos);
int dom_info(struct hv_client *c, uint32_t domid,
	struct xen_domctl_getdomaininfo *info);
int dom_physinfo(struct hv_client *c, struct xen_sysctl_physinfo *info);

int dom_create(struct hv_client *c, const struct xen_domctl_createdomain *how,
	uint32_t *domid);
int dom_max_mem(struct hv_client *c, uint32_t domid, uint64_t kib);
int dom_max_vcpus(struct hv_client *c, uint32_t domid, uint32_t vcpus);
/* dom_populate - @nr extents of 2^@order pages from guest frame @gfn on */
int dom_populate(struct hv_client *c, uint32_t domid, uint64_t gfn, uint64_t nr,
	unsigned int order);
int dom_param_set(
	struct hv_client *c, uint32_t domid, uint32_t index, uint64_t value);
/* dom_port - a port of @domid that dom0 may bind */
int dom_port(struct hv_client *c, uint32_t domid, uint32_t *port);
/* dom_grant - entries 0 and 1: the console's and the store's page, to dom0 */
int dom_grant(struct hv_client *c, uint32_t domid, uint32_t console_gfn,
	uint32_t store_gfn);
int dom_pause(struct hv_client *c, uint32_t domid);
int dom_unpause(struct hv_client *c, uint32_t domid);
/* dom_destroy - until the domain is gone, or all but what others map of it */
int dom_destroy(struct hv_client *c, uint32_t domid);

#endif
