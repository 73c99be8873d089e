/* SPDX-License-Identifier: MIT */
/* hcall.c: a hypercall over a session, its buffers named by the caller */
#include <errno.h>
#include <string.h>

#include "hv/compat/hcall.h"

int64_t hv_hcall(struct hv_client *c, unsigned int op, const uint64_t arg[5],
	const struct hv_hcall_buf *bufs, unsigned int nr)
{
	struct hvp_hypercall call = {.op = op};
	struct hvp_buf desc[HVP_BUFS_MAX];
	struct iovec req[2 + HVP_BUFS_MAX], rep[1 + HVP_BUFS_MAX];
	struct hvp_result res = {0};
	struct hv_exchange x = {
		.op = HVP_HYPERCALL,
		.n = (uint16_t)nr,
		.req = req,
		.rep = rep,
	};
	size_t want = sizeof(res);
	int r;

	if (nr > HVP_BUFS_MAX)
		return -E2BIG;
	memcpy(call.arg, arg, sizeof(call.arg));
	req[x.req_nr++] = (struct iovec){&call, sizeof(call)};
	req[x.req_nr++] = (struct iovec){desc, nr * sizeof(desc[0])};
	rep[x.rep_nr++] = (struct iovec){&res, sizeof(res)};
	for (unsigned int i = 0; i < nr; i++) {
		struct iovec v = {bufs[i].ptr, bufs[i].len};

		desc[i] = (struct hvp_buf){
			(uintptr_t)bufs[i].ptr, bufs[i].len, bufs[i].flags};
		if (!(bufs[i].flags & HVP_BUF_ZERO))
			req[x.req_nr++] = v;
		if (bufs[i].flags & HVP_BUF_OUT) {
			rep[x.rep_nr++] = v;
			want += v.iov_len;
		}
	}
	r = hv_client_exchange(c, &x);
	if (r < 0)
		return r;
	if (x.rep_len != want)
		return -EPROTO;
	return res.ret;
}
