/* SPDX-License-Identifier: MIT */
/*
 * hcall.h: a hypercall over a session, its buffers named by the caller
 *
 * For programs of hv itself, which know what memory a call may see; programs
 * written for Xen use libxencall, which finds that out.
 */
#ifndef HV_COMPAT_HCALL_H
#define HV_COMPAT_HCALL_H

#include <stdint.h>

#include "hv/compat/client.h"

/* Memory that the hypercall may read, and write if flags has HVP_BUF_OUT. */
struct hv_hcall_buf {
	void *ptr;
	uint32_t len;   /* bytes */
	uint32_t flags; /* HVP_BUF_OUT, HVP_BUF_ZERO */
};

/*
 * hv_hcall: run hypercall @op (__HYPERVISOR_*) with @arg; an argument that is
 * an address lies in one of the @nr buffers, as do all handles in them.
 * Returns what the hypercall returned, or a negative errno: its own, or as
 * client.h says.  Thread-safe as the client is.
 */
int64_t hv_hcall(struct hv_client *c, unsigned int op, const uint64_t arg[5],
	const struct hv_hcall_buf *bufs, unsigned int nr);

#endif
