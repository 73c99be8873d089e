/* SPDX-License-Identifier: MIT */
/*
 * call.c: libxencall.so.1 on hv.
 *
 * A hypercall is a request with the memory it may touch (marshal.h).  A
 * negative result is Xen's errno, whose numbers are Linux's for all that hvd
 * answers.
 */
#include <errno.h>
#include <limits.h>
#include <stdlib.h>

#include "hv/compat/call.h"
#include "hv/compat/marshal.h"

static int on_restrict(struct Xentoolcore__Active_Handle *active, domid_t domid)
{
	const xencall_handle *xcall = (xencall_handle *)active;

	/* hypercalls know no restriction to one domain: none at all then */
	return xentoolcore__restrict_by_dup2_null(hv_client_fd(xcall->client));
}

xencall_handle *xencall_open(
	struct xentoollog_logger *logger, unsigned int open_flags)
{
	xencall_handle *xcall;
	int r;

	if (open_flags & ~XENCALL_OPENFLAG_NON_REENTRANT) {
		errno = EINVAL;
		return NULL;
	}
	xcall = calloc(1, sizeof(*xcall));
	r = xcall ? hv_client_open(&xcall->client, NULL, 0) : -ENOMEM;
	if (r < 0) {
		hv_log_error(logger, "xencall", -r, "cannot reach hvd");
		free(xcall);
		errno = -r;
		return NULL;
	}
	xcall->logger = logger;
	pthread_mutex_init(&xcall->lock, NULL);
	xcall->active.restrict_callback = on_restrict;
	xentoolcore__register_active_handle(&xcall->active);
	return xcall;
}

int xencall_close(xencall_handle *xcall)
{
	if (!xcall)
		return 0;
	xentoolcore__deregister_active_handle(&xcall->active);
	call_cache_fini(xcall);
	pthread_mutex_destroy(&xcall->lock);
	hv_client_close(xcall->client);
	free(xcall);
	return 0;
}

int xencall_fd(xencall_handle *xcall)
{
	return hv_client_fd(xcall->client);
}

int64_t call_once(struct hv_client *c, unsigned int op, const uint64_t arg[5])
{
	struct marshal m;
	struct hv_exchange x = {.op = HVP_HYPERCALL};
	int r = marshal_call(&m, op, arg);

	if (r < 0)
		return r;
	x.n = m.nr;
	x.req = m.req;
	x.req_nr = m.req_nr;
	x.rep = m.rep;
	x.rep_nr = m.rep_nr;
	r = hv_client_exchange(c, &x);
	if (r < 0)
		return r;
	if (x.rep_len != sizeof(m.result) + m.back)
		return -EIO;
	return m.result.ret;
}

static long call(xencall_handle *xcall, unsigned int op, uint64_t arg0,
	uint64_t arg1, uint64_t arg2, uint64_t arg3, uint64_t arg4)
{
	const uint64_t arg[5] = {arg0, arg1, arg2, arg3, arg4};
	int64_t ret = call_split(xcall->client, op, arg);

	if (ret < 0) {
		errno = ret < INT_MIN ? EIO : (int)-ret;
		return -1;
	}
	return ret;
}

int xencall0(xencall_handle *xcall, unsigned int op)
{
	return call(xcall, op, 0, 0, 0, 0, 0);
}

int xencall1(xencall_handle *xcall, unsigned int op, uint64_t arg1)
{
	return call(xcall, op, arg1, 0, 0, 0, 0);
}

int xencall2(
	xencall_handle *xcall, unsigned int op, uint64_t arg1, uint64_t arg2)
{
	return call(xcall, op, arg1, arg2, 0, 0, 0);
}

long xencall2L(
	xencall_handle *xcall, unsigned int op, uint64_t arg1, uint64_t arg2)
{
	return call(xcall, op, arg1, arg2, 0, 0, 0);
}

int xencall3(xencall_handle *xcall, unsigned int op, uint64_t arg1,
	uint64_t arg2, uint64_t arg3)
{
	return call(xcall, op, arg1, arg2, arg3, 0, 0);
}

int xencall4(xencall_handle *xcall, unsigned int op, uint64_t arg1,
	uint64_t arg2, uint64_t arg3, uint64_t arg4)
{
	return call(xcall, op, arg1, arg2, arg3, arg4, 0);
}

int xencall5(xencall_handle *xcall, unsigned int op, uint64_t arg1,
	uint64_t arg2, uint64_t arg3, uint64_t arg4, uint64_t arg5)
{
	return call(xcall, op, arg1, arg2, arg3, arg4, arg5);
}
