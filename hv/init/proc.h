/* SPDX-License-Identifier: MIT */
/*
 * proc.h: a domain's /proc, and the control domain's /proc/xen
 */
#ifndef HV_INIT_PROC_H
#define HV_INIT_PROC_H

#include "hv/init/ns.h"

/*
 * Fills the empty folder /proc.  A kernel that refuses a procfs (as inside
 * containers that mask theirs) costs the domain only that: HVB_HAVE_PROC is
 * not set, and hvd has been told.  0 or -errno.
 */
int proc_make(struct ns *ns, bool control);

#endif
