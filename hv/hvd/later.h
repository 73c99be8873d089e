/* SPDX-License-Identifier: MIT */
/*
 * later.h: giving back, in slices.
 *
 * DOC: what takes long when a domain lets go
 *
 * A session can have made thousands of shares and ports, a domain can have
 * memory that takes Linux a second to free, and hvd has one thread.  So what
 * is to be given back is queued, and each turn of the loop does as much of it
 * as LATER_UNITS buys, for all domains together; then the others are served.
 * What is little is done at once.
 *
 * Until a session's things are given back it counts as the domain's, and so
 * do the descriptors of a run until it is closed: who makes more work of this
 * kind than is done is kept waiting (later_is_behind()), not hvd.
 *
 * A unit is what the engine's is (HVD_BUDGET), about 25 ns.
 */
#ifndef HV_HVD_LATER_H
#define HV_HVD_LATER_H

#include "hv/hvd/hvd.h"

#define LATER_UNITS 16384

/* System calls that the engine's own units do not know of. */
#define COST_PAGE 32  /* a hole in a memfd */
#define COST_RUN  512 /* a memfd and its mapping, made or ended */
#define COST_PORT 256 /* two doorbells closed */

/* Pages whose memory waits to be freed: no more of one domain. */
#define LATER_PAGES_MAX 16384

/* later_spend: for work of @units; false if this turn has none left. */
bool later_spend(struct hvd *h, uint32_t units);

/* later_session: a dead one that has yet to give back. */
void later_session(struct session *s);

/* later_window: one that no run has any more; takes it. */
void later_window(struct hvd *h, struct window *w);

/* later_is_behind: more is queued of the domain than it may have there. */
bool later_is_behind(const struct vdom *vd);

/* later_turn: a slice of it; more is done in the next turn. */
void later_turn(struct hvd *h);
bool later_is_empty(const struct hvd *h);

#endif
