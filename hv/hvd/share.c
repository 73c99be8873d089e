/* SPDX-License-Identifier: MIT */
/* share.c: hvd's descriptors, shared out among the domains. */
#include "hv/hvd/share.h"

#include <assert.h>
#include <sys/resource.h>

#include "hv/hvd/vdom.h"

/* What Linux allows a process in mappings, if nobody has changed it. */
#define MAPPINGS_MAX 65530

void share_init(struct hvd *h)
{
	struct rlimit r;

	h->fds_max = 1024;
	if (getrlimit(RLIMIT_NOFILE, &r) == 0)
		h->fds_max = r.rlim_cur < MAPPINGS_MAX ? (uint32_t)r.rlim_cur
						       : MAPPINGS_MAX;
	h->fds_max -=
		h->fds_max > 2 * SHARE_RESERVE ? SHARE_RESERVE : h->fds_max / 2;
}

bool share_take(struct vdom *vd, uint32_t n)
{
	struct hvd *h = vd->h;
	uint32_t free = h->fds_max > h->n_fds ? h->fds_max - h->n_fds : 0;
	uint32_t held = vd->domid ? vd->n_fds : 0;

	if (n > free || held > free - n)
		return false;
	vd->n_fds += n;
	h->n_fds += n;
	return true;
}

void share_put(struct vdom *vd, uint32_t n)
{
	assert(n <= vd->n_fds && n <= vd->h->n_fds);
	vd->n_fds -= n;
	vd->h->n_fds -= n;
}
