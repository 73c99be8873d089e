/* SPDX-License-Identifier: MIT */
/*
 * mounts.h: the file tree that a domain sees
 *
 * DOC: a domain's files
 *
 * The root is a small tmpfs of the domain's own.  In it, read-only, are the
 * host's programs and their settings: /usr /bin /sbin /lib* /etc; at their own
 * paths, whatever the configuration binds; private /tmp /run /var /dev; and a
 * /proc of its pid namespace, read-only since uid 0 might be the host's.
 * There is no /home, /root, /sys, nor anything of the host's /run, /tmp, /var.
 *
 * The control domain sees the host's whole tree read-only instead, with its
 * own /tmp /run /var /dev /proc over it.  Xen's programs want /proc/xen, and a
 * procfs has no folder to mount that on: so /proc is a tmpfs with links into a
 * procfs at /proc/.proc, those of the process ids made beforehand.
 */
#ifndef HV_INIT_MOUNTS_H
#define HV_INIT_MOUNTS_H

#include "hv/init/conf.h"
#include "hv/init/ns.h"
#include "hv/init/tree.h"

#define MOUNTS_XSD_KVA  "/proc/xen/xsd_kva"
#define MOUNTS_PIDS_MAX 8192 /* of the control domain */

struct mounts {
	struct mounts_piece *piece;
	size_t n_piece;
	bool taken;
};

/*
 * Takes from the host what the domain will see.  Root calls it before
 * ns_enter(), so that the domain's user need not be able to walk there;
 * otherwise mounts_make() does.  0, or -errno with the reason in err.
 */
int mounts_take(struct mounts *m, const struct conf *c, char *err);

/*
 * Makes the tree and enters it, as the first process of the pid namespace.
 * 0; >0 an errno: mounting is not permitted here, nothing has been changed
 * and the domain keeps the host's tree; or -errno with the reason in err.
 */
int mounts_make(
	struct mounts *m, struct ns *ns, const struct conf *c, char *err);
void mounts_fini(struct mounts *m);

#endif
