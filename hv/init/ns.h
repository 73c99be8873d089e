/* SPDX-License-Identifier: MIT */
/*
 * ns.h: who a domain's processes are to the host, and its namespaces
 *
 * DOC: identity
 *
 * Inside, every process has uid 0 and no capability; outside, it has one
 * ordinary uid: the configuration's uid=, or that of hvd.  Only the control
 * domain may be root's: a guest's root outside is refused.  With a user
 * namespace this costs no privilege.  Where there is none, root still makes
 * the other namespaces and gives its uid up last (ns_drop()); an ordinary
 * user gets none of them, and is told so.
 */
#ifndef HV_INIT_NS_H
#define HV_INIT_NS_H

#include "hv/init/conf.h"

struct ns {
	unsigned have; /* HVB_HAVE_* */
	int sock;      /* to hvd, for notes */
	uid_t uid;     /* to the host */
	gid_t gid;
	bool drop; /* still root: ns_drop() must follow */
};

/* Checks uid= against who we are.  0; or -EPERM with the reason in err. */
int ns_init(struct ns *ns, const struct conf *c, int sock, char *err);

/*
 * Enters what namespaces can be had; the pid namespace begins with the next
 * fork.  What is missing is in ns->have and has been said to hvd.  0, or
 * -errno: this process is nobody that it should be, and has to end.
 */
int ns_enter(struct ns *ns);

/* In the child: brings up the loopback, names the host.  Best effort. */
void ns_setup(const struct ns *ns, const struct conf *c);

/*
 * Becomes ns->uid for good, if that is still to be done, and sees that all its
 * ids are that one's.  0, or -errno: it must not run anything.
 */
int ns_drop(struct ns *ns);

#endif
