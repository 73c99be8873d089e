/* SPDX-License-Identifier: MIT */
/* xs_node.c - nodes: values, permissions, removal */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "libxs/xs_int.h"

void *xs_read(struct xs_handle *h, xs_transaction_t t, const char *path,
	unsigned int *len)
{
	struct iovec iov = xs_iov(path);
	size_t n;
	void *data = xs_call(h, XS_OP_READ, t, &iov, 1, &n);

	if (data && len)
		*len = (unsigned int)n;
	return data;
}

bool xs_write(struct xs_handle *h, xs_transaction_t t, const char *path,
	const void *data, unsigned int len)
{
	struct iovec iov[] = {xs_iov(path), {(void *)(uintptr_t)data, len}};

	return xs_call_ok(h, XS_OP_WRITE, t, iov, 2);
}

bool xs_mkdir(struct xs_handle *h, xs_transaction_t t, const char *path)
{
	struct iovec iov = xs_iov(path);

	return xs_call_ok(h, XS_OP_MKDIR, t, &iov, 1);
}

bool xs_rm(struct xs_handle *h, xs_transaction_t t, const char *path)
{
	struct iovec iov = xs_iov(path);

	return xs_call_ok(h, XS_OP_RM, t, &iov, 1);
}

bool xs_restrict(struct xs_handle *h, unsigned int domid)
{
	(void)h;
	(void)domid;
	errno = ENOSYS;
	return false;
}

struct xs_permissions *xs_get_permissions(struct xs_handle *h,
	xs_transaction_t t, const char *path, unsigned int *num)
{
	struct iovec iov = xs_iov(path);
	struct xs_permissions *perms = NULL;
	unsigned int nr = 0;
	size_t len, at = 0;
	char *text = xs_call(h, XS_OP_GET_PERMS, t, &iov, 1, &len);

	if (!text)
		return NULL;
	while (xsx_string_next(text, len, &at))
		nr++;
	/* a node has an owner, and nothing may follow the last NUL */
	if (!nr || at != len) {
		errno = EIO;
		goto out;
	}
	perms = calloc(nr, sizeof(*perms));
	if (!perms)
		goto out;
	if (xs_strings_to_perms(perms, nr, text)) {
		*num = nr;
	} else {
		free(perms);
		perms = NULL;
		errno = EIO;
	}
out:
	free(text);
	return perms;
}

/* "r5", with its NUL; 0 if it is no permission. */
static int perm_print(char *buf, size_t cap, const struct xs_permissions *p)
{
	static const char letters[] = {
		[XS_PERM_NONE] = 'n',
		[XS_PERM_READ] = 'r',
		[XS_PERM_WRITE] = 'w',
		[XS_PERM_READ | XS_PERM_WRITE] = 'b',
	};

	if (p->perms >= sizeof(letters))
		return 0;
	return snprintf(buf, cap, "%c%u", letters[p->perms], p->id) + 1;
}

bool xs_set_permissions(struct xs_handle *h, xs_transaction_t t,
	const char *path, struct xs_permissions *perms, unsigned int num_perms)
{
	/* as many as fit into a message are short enough for the stack */
	char text[XSMSG_PAYLOAD_MAX];
	struct iovec iov[] = {xs_iov(path), {text, 0}};

	for (unsigned int i = 0; i < num_perms; i++) {
		char one[1 + MAX_STRLEN(unsigned int)];
		int n = perm_print(one, sizeof(one), &perms[i]);

		if (!n || (size_t)n > sizeof(text) - iov[1].iov_len) {
			errno = n ? E2BIG : EINVAL;
			return false;
		}
		memcpy(text + iov[1].iov_len, one, (size_t)n);
		iov[1].iov_len += (size_t)n;
	}
	return xs_call_ok(h, XS_OP_SET_PERMS, t, iov, 2);
}
