/* SPDX-License-Identifier: MIT */
/* chan.h - an event channel of the kernel, in its loop */
#ifndef HV_GUEST_CHAN_H
#define HV_GUEST_CHAN_H

#include "common/err.h"
#include "hv/compat/port.h"

struct chan;
struct loop;

/* @wake is called when the port has fired, after the event was taken. */
struct chan_params {
	struct loop *loop;
	struct hv_events *events;
	unsigned int op; /* HVP_EV_ATTACH, HVP_EV_ALLOC_UNBOUND */
	struct hvp_ev_bind bind;
	void (*wake)(void *arg);
	void *arg;
};

/* A channel owned by @ctx; 0 or -errno. */
int chan_new(struct chan **chan, const void *ctx,
	const struct chan_params *p) __must_check;

uint32_t chan_port(const struct chan *chan);

/* Tell the other end; @arg is the channel, so that it fits as a callback. */
void chan_kick(void *arg);

#endif
