/* SPDX-License-Identifier: MIT */
/*
 * dom.h: domains: birth, states, death.
 *
 * DOC: the life of a domain
 *
 *   alive -> (shutdown) -> dying -> dead -> freed
 *
 * alive    pause counts decide whether it runs.
 * shutdown a flag and a code; the domain stays until it is destroyed, and
 *          can be resumed.
 * dying    hv_dom_destroy() has begun; getdomaininfo shows no more than
 *          that it does not run.  Releases, in this order and within a
 *          budget: event channels, grant mappings made by the domain,
 *          foreign references taken by it, what its page tables hold, its
 *          frames.
 * dead     nothing of its own left to release; getdomaininfo shows DYING
 *          from now on, as Xen does.  While other domains still map its
 *          pages it is a zombie.
 * freed    the last reference went; the domid can be used again, after all
 *          other free ones (round robin).
 *
 * A domain instance is (domid, gen).  gen is unique in a machine for ever;
 * references between domains are kept as instances, never as bare domids;
 * an unbound port for a domain that is not born yet is the one exception.
 *
 * VIRQ_DOM_EXC is raised to its handler (dom0 until hv_set_virq_handler())
 * on shutdown, when destroy is complete, and when the domain is freed.
 */
#ifndef HV_CORE_DOM_H
#define HV_CORE_DOM_H

#include "hv/core/hv.h"

#include <xen/domctl.h>

enum hv_kind { HV_PV, HV_PVH, HV_HVM };

struct hv_dom_config {
	enum hv_kind kind;
	uint8_t bits;       /* 32 or 64: bounds the event channel ports */
	bool control;       /* the control domain: dom0 */
	bool xenstore;      /* serves the store: may list all domains */
	uint32_t max_vcpus; /* 1..; default 1 */
	uint32_t ssidref;
	uint8_t handle[16];        /* uuid */
	uint32_t max_grant_frames; /* 0: the machine's */
	uint32_t max_maptrack;     /* 0: the machine's */
	uint32_t max_ports;        /* 0: the machine's */
};

/*
 * hv_dom_create: a new domain, paused once (control pause) as Xen does,
 * except the control domain, which is born running.
 * @domid  the wanted one, or 0 for the next free one if @cfg->control is not
 *         set.  -EEXIST, -EINVAL (bad config or domid), -ENOMEM, -ENOSPC.
 */
int hv_dom_create(struct hv *hv, uint32_t domid,
	const struct hv_dom_config *cfg, struct hv_dom **out);

/* hv_dom_find: the domain of that domid, dying and dead ones too, or NULL. */
struct hv_dom *hv_dom_find(struct hv *hv, uint32_t domid);

/* hv_dom_next: the domain with the lowest domid >= @domid, or NULL. */
struct hv_dom *hv_dom_next(struct hv *hv, uint32_t domid);

uint32_t hv_dom_id(const struct hv_dom *d);
uint64_t hv_dom_gen(const struct hv_dom *d);
bool hv_dom_is_control(const struct hv_dom *d);
bool hv_dom_is_dying(const struct hv_dom *d);   /* dying, dead or zombie */
bool hv_dom_is_running(const struct hv_dom *d); /* not paused, shut, dying */

/* The host's own data of this domain; NULL at creation. */
void hv_dom_set_host(struct hv_dom *d, void *data);
void *hv_dom_host(const struct hv_dom *d);

/* hv_dom_pause, hv_dom_unpause: control pauses, counted.  Unpausing a domain
 * that is not paused is -EINVAL; pausing a dying one too. */
int hv_dom_pause(struct hv_dom *d);
int hv_dom_unpause(struct hv_dom *d);

/*
 * hv_dom_shutdown: @code is SHUTDOWN_* of xen/sched.h (0..5).  A second
 * shutdown keeps the first code.  Raises VIRQ_DOM_EXC once.
 */
int hv_dom_shutdown(struct hv_dom *d, uint32_t code);

/* hv_dom_resume: forget a shutdown (suspend cancelled, checkpoint). */
int hv_dom_resume(struct hv_dom *d);

/*
 * hv_dom_destroy: restartable; spends *budget, about one per object released
 * (port, mapping, frame).  -ERESTART: call again.  0: it is dead, maybe a
 * zombie; @d may be freed already and must not be used again.
 */
int hv_dom_destroy(struct hv_dom *d, uint32_t *budget);

/* hv_dom_set_target: @d becomes the stubdomain of the instance now at
 * @target; -ESRCH, -EINVAL (itself, has a target or is one). */
int hv_dom_set_target(struct hv_dom *d, uint32_t target);

/* hv_set_virq_handler: the domain that receives global VIRQ @virq. */
int hv_set_virq_handler(struct hv *hv, uint32_t virq, struct hv_dom *d);

/* hv_dom_info: what domctl getdomaininfo shows. */
void hv_dom_info(const struct hv_dom *d, struct xen_domctl_getdomaininfo *i);

/* HVM parameters (xen/hvm/params.h), of every kind of domain here: they
 * carry the xenstore and console rings.  -EINVAL beyond HVM_NR_PARAMS. */
int hv_dom_param_get(const struct hv_dom *d, uint32_t i, uint64_t *v);
int hv_dom_param_set(struct hv_dom *d, uint32_t i, uint64_t v);

#endif
