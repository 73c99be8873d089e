/* SPDX-License-Identifier: MIT */
/* xsx_req.c - the usual requests, and their answers */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "common/rd.h"
#include "libxs/xsx.h"
#include "wire/ops.h"

static struct iovec iov_str(const char *s)
{
	return (struct iovec){(void *)(uintptr_t)s, strlen(s) + 1};
}

static int submit(struct xsx *x, uint32_t type, xs_transaction_t tx,
	const struct iovec *iov, unsigned int nr, xsx_reply_fn *fn, void *arg)
{
	return xsx_submit(x, &(struct xsx_request){
				     .type = type,
				     .tx = tx,
				     .iov = iov,
				     .nr = nr,
				     .fn = fn,
				     .arg = arg,
			     });
}

int xsx_path(struct xsx *x, uint32_t type, xs_transaction_t tx,
	const char *path, xsx_reply_fn *fn, void *arg)
{
	struct iovec iov = iov_str(path);

	return submit(x, type, tx, &iov, 1, fn, arg);
}

int xsx_write(struct xsx *x, xs_transaction_t tx, const char *path,
	const void *data, size_t len, xsx_reply_fn *fn, void *arg)
{
	struct iovec iov[] = {iov_str(path), {(void *)(uintptr_t)data, len}};

	return submit(x, XS_OP_WRITE, tx, iov, 2, fn, arg);
}

int xsx_watch(struct xsx *x, const char *path, const char *token, int depth,
	xsx_reply_fn *fn, void *arg)
{
	struct iovec iov[3] = {iov_str(path), iov_str(token)};
	char number[MAX_STRLEN(int)];

	if (depth < 0)
		return submit(x, XS_OP_WATCH, XBT_NULL, iov, 2, fn, arg);
	snprintf(number, sizeof(number), "%d", depth);
	iov[2] = iov_str(number);
	return submit(x, XS_OP_WATCH, XBT_NULL, iov, 3, fn, arg);
}

int xsx_unwatch(struct xsx *x, const char *path, const char *token,
	xsx_reply_fn *fn, void *arg)
{
	struct iovec iov[] = {iov_str(path), iov_str(token)};

	return submit(x, XS_OP_UNWATCH, XBT_NULL, iov, 2, fn, arg);
}

int xsx_txn_start(struct xsx *x, xsx_reply_fn *fn, void *arg)
{
	struct iovec iov = iov_str("");

	return submit(x, XS_OP_TRANSACTION_START, XBT_NULL, &iov, 1, fn, arg);
}

int xsx_txn_end(struct xsx *x, xs_transaction_t tx, bool abort,
	xsx_reply_fn *fn, void *arg)
{
	struct iovec iov = iov_str(abort ? "F" : "T");

	return submit(x, XS_OP_TRANSACTION_END, tx, &iov, 1, fn, arg);
}

xs_transaction_t xsx_txn_id(const void *payload, size_t len)
{
	const char *s = payload;
	uint64_t id = 0;
	size_t i;

	for (i = 0; i < len && s[i] >= '0' && s[i] <= '9'; i++) {
		id = id * 10 + (uint64_t)(s[i] - '0');
		if (id > UINT32_MAX)
			return XBT_NULL;
	}
	/* with its NUL or without, but with nothing else */
	if (i == len || (i + 1 == len && !s[i]))
		return (xs_transaction_t)id;
	return XBT_NULL;
}

const char *xsx_string_next(const void *payload, size_t len, size_t *at)
{
	const char *start = payload, *end;

	if (*at >= len)
		return NULL;
	end = memchr(start + *at, 0, len - *at);
	if (!end)
		return NULL;
	start += *at;
	*at += (size_t)(end - start) + 1;
	return start;
}
