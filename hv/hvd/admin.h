/* SPDX-License-Identifier: MIT */
/* admin.h: the administrator's socket of hvd (hv/proto/admin.h). */
#ifndef HV_HVD_ADMIN_H
#define HV_HVD_ADMIN_H

#include "hv/hvd/hvd.h"

/* admin_listen: bind DIR/hvd.sock; 0 or -errno. */
int admin_listen(struct hvd *h);
void admin_fini(struct hvd *h);
void admins_reap(struct hvd *h);

/* What spawn.c has to tell: the outcome of HVA_BUILD; the end of what
 * HVA_EXEC started; the end of all of it, with the domain. */
void admin_built(struct vdom *vd, int rc, const char *why);
void admin_exited(struct vdom *vd, uint32_t id, int status);
void admin_all_exited(struct vdom *vd);

#endif
