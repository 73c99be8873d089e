/* SPDX-License-Identifier: MIT */
/* host.c - what xenstored asks of the hypervisor, on any host */
#include <errno.h>

#include "xenstored/host.h"

int host_domain_get(struct host *host, uint16_t domid, struct host_domain *dom)
{
	int nr = host->ops->domains(host, domid, dom, 1);

	if (nr < 0)
		return err_trace(nr);
	/* The hypervisor answers with the next domain it has. */
	return nr && dom->domid == domid ? 0 : ENOENT;
}
