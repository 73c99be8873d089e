/* SPDX-License-Identifier: MIT */
/*
 * share.h: hvd's descriptors, shared out among the domains.
 *
 * DOC: fair shares
 *
 * Ports, runs of frames and sessions are descriptors (and mappings) of hvd,
 * of which it has a limited number, and guests decide how many they want.  So
 * each is charged to the domain that causes it, and a guest may have as many
 * as stay free for all others: the first greedy one ends with half of them,
 * the next with a quarter.  dom0 is trusted with all but the reserve, which
 * is for what hvd does on its own.
 *
 * The numbers are of objects, rounded up: SHARE_PORT is what a port can hold
 * at worst: two doorbells, of three descriptors each.
 */
#ifndef HV_HVD_SHARE_H
#define HV_HVD_SHARE_H

#include "hv/hvd/hvd.h"

#define SHARE_PORT    6
#define SHARE_RUN     1
#define SHARE_SESSION 1
#define SHARE_RESERVE 512

/* share_init: after the limit was raised. */
void share_init(struct hvd *h);

/* share_take: charge @n to @vd; false, and nothing changed, if that is more
 * than its share. */
bool share_take(struct vdom *vd, uint32_t n);
void share_put(struct vdom *vd, uint32_t n);

#endif
