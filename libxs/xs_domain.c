/* SPDX-License-Identifier: MIT */
/* xs_domain.c - transactions, domains, and what concerns the daemon itself */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "libxs/xs_int.h"

/* --- transactions --------------------------------------------------------- */

xs_transaction_t xs_transaction_start(struct xs_handle *h)
{
	struct iovec iov = xs_iov("");
	xs_transaction_t t;
	size_t len;
	char *text;

	text = xs_call(h, XS_OP_TRANSACTION_START, XBT_NULL, &iov, 1, &len);
	if (!text)
		return XBT_NULL;
	t = xsx_txn_id(text, len);
	free(text);
	if (t == XBT_NULL)
		errno = EIO;
	return t;
}

bool xs_transaction_end(struct xs_handle *h, xs_transaction_t t, bool abort)
{
	struct iovec iov = xs_iov(abort ? "F" : "T");

	return xs_call_ok(h, XS_OP_TRANSACTION_END, t, &iov, 1);
}

bool xsx_txn_run(struct xs_handle *h,
	int (*fn)(struct xs_handle *h, xs_transaction_t t, void *arg),
	void *arg, unsigned int tries)
{
	int err;

	do {
		xs_transaction_t t = xs_transaction_start(h);

		if (t == XBT_NULL)
			return false;
		err = fn(h, t, arg);
		if (err)
			(void)xs_transaction_end(h, t, true);
		else if (xs_transaction_end(h, t, false))
			return true;
		else
			err = errno;
	} while (err == EAGAIN && (!tries || --tries));
	errno = err;
	return false;
}

/* --- requests of numbers -------------------------------------------------- */

/* Each number of a request in decimal, one string each. */
struct numbers {
	char text[3][MAX_STRLEN(unsigned long)];
	struct iovec iov[3];
};

static void number_set(struct numbers *n, int i, unsigned long value)
{
	snprintf(n->text[i], sizeof(n->text[i]), "%lu", value);
	n->iov[i] = xs_iov(n->text[i]);
}

static char *domid_call(
	struct xs_handle *h, uint32_t type, unsigned int domid, size_t *len)
{
	struct numbers n;

	number_set(&n, 0, domid);
	return xs_call(h, type, XBT_NULL, n.iov, 1, len);
}

static bool domid_call_ok(struct xs_handle *h, uint32_t type, unsigned domid)
{
	char *text = domid_call(h, type, domid, NULL);

	free(text);
	return text;
}

bool xs_introduce_domain(struct xs_handle *h, unsigned int domid,
	unsigned long mfn, unsigned int eventchn)
{
	struct numbers n;

	number_set(&n, 0, domid);
	number_set(&n, 1, mfn);
	number_set(&n, 2, eventchn);
	return xs_call_ok(h, XS_OP_INTRODUCE, XBT_NULL, n.iov, 3);
}

bool xs_set_target(struct xs_handle *h, unsigned int domid, unsigned int target)
{
	struct numbers n;

	number_set(&n, 0, domid);
	number_set(&n, 1, target);
	return xs_call_ok(h, XS_OP_SET_TARGET, XBT_NULL, n.iov, 2);
}

bool xs_resume_domain(struct xs_handle *h, unsigned int domid)
{
	return domid_call_ok(h, XS_OP_RESUME, domid);
}

bool xs_release_domain(struct xs_handle *h, unsigned int domid)
{
	return domid_call_ok(h, XS_OP_RELEASE, domid);
}

char *xs_get_domain_path(struct xs_handle *h, unsigned int domid)
{
	return domid_call(h, XS_OP_GET_DOMAIN_PATH, domid, NULL);
}

bool xs_is_domain_introduced(struct xs_handle *h, unsigned int domid)
{
	char *text = domid_call(h, XS_OP_IS_DOMAIN_INTRODUCED, domid, NULL);
	bool yes;

	if (!text)
		return false;
	yes = !strcmp(text, "T");
	errno = yes || !strcmp(text, "F") ? 0 : EIO;
	free(text);
	return yes;
}

int xs_suspend_evtchn_port(int domid)
{
	char path[sizeof("/local/domain//device/suspend/event-channel") +
		  MAX_STRLEN(int)];
	struct xs_handle *h = xs_open(0);
	unsigned int len, port;
	char *text;
	int err;

	if (!h)
		return -1;
	snprintf(path, sizeof(path),
		"/local/domain/%d/device/suspend/event-channel", domid);
	text = xs_read(h, XBT_NULL, path, &len);
	err = errno;
	xs_close(h);
	if (!text) {
		errno = err;
		return -1;
	}
	/* the guest wrote it */
	port = xsx_txn_id(text, len);
	free(text);
	if (!port || port > INT32_MAX) {
		errno = EINVAL;
		return -1;
	}
	return (int)port;
}

/* --- the daemon ----------------------------------------------------------- */

char *xs_control_command(
	struct xs_handle *h, const char *cmd, void *data, unsigned int len)
{
	struct iovec iov[] = {xs_iov(cmd), {data, len}};

	return xs_call(h, XS_OP_CONTROL, XBT_NULL, iov, 2, NULL);
}

char *xs_debug_command(
	struct xs_handle *h, const char *cmd, void *data, unsigned int len)
{
	return xs_control_command(h, cmd, data, len);
}

/* A number and nothing else, in @text, which is freed; false with errno. */
static bool number_take(char *text, size_t len, unsigned int *value)
{
	uint64_t v = 0;
	size_t i;

	if (!text)
		return false;
	for (i = 0; i < len && text[i] >= '0' && text[i] <= '9'; i++) {
		v = v * 10 + (uint64_t)(text[i] - '0');
		if (v > UINT_MAX)
			break;
	}
	/* the NUL may be missing */
	if (i && (i == len || (i + 1 == len && !text[i]))) {
		*value = (unsigned int)v;
		free(text);
		return true;
	}
	free(text);
	errno = EIO;
	return false;
}

bool xs_get_features_supported(struct xs_handle *h, unsigned int *features)
{
	size_t len = 0;
	char *text = xs_call(h, XS_OP_GET_FEATURE, XBT_NULL, NULL, 0, &len);

	return number_take(text, len, features);
}

bool xs_get_features_domain(
	struct xs_handle *h, unsigned int domid, unsigned int *features)
{
	size_t len = 0;
	char *text = domid_call(h, XS_OP_GET_FEATURE, domid, &len);

	return number_take(text, len, features);
}

bool xs_set_features_domain(
	struct xs_handle *h, unsigned int domid, unsigned int features)
{
	struct numbers n;

	number_set(&n, 0, domid);
	number_set(&n, 1, features);
	return xs_call_ok(h, XS_OP_SET_FEATURE, XBT_NULL, n.iov, 2);
}

/* --- quotas --------------------------------------------------------------- */

const char **xs_get_quota_names(struct xs_handle *h, unsigned int *num)
{
	size_t len = 0;
	char *text = xs_call(h, XS_OP_GET_QUOTA, XBT_NULL, NULL, 0, &len);
	char *name, *save = NULL, *to;
	unsigned int nr = 0;
	const char **names;

	if (!text)
		return NULL;
	/* no more names than every second byte of the answer */
	names = malloc((len / 2 + 1) * sizeof(*names) + len + 1);
	if (!names) {
		free(text);
		errno = ENOMEM;
		return NULL;
	}
	to = (char *)(names + len / 2 + 1);
	memcpy(to, text, len + 1);
	free(text);
	for (name = strtok_r(to, " ", &save); name;
		name = strtok_r(NULL, " ", &save))
		names[nr++] = name;
	*num = nr;
	return names;
}

bool xs_get_global_quota(
	struct xs_handle *h, const char *quota, unsigned int *value)
{
	struct iovec iov = xs_iov(quota);
	size_t len = 0;
	char *text = xs_call(h, XS_OP_GET_QUOTA, XBT_NULL, &iov, 1, &len);

	return number_take(text, len, value);
}

bool xs_set_global_quota(
	struct xs_handle *h, const char *quota, unsigned int value)
{
	struct numbers n;

	number_set(&n, 1, value);
	n.iov[0] = xs_iov(quota);
	return xs_call_ok(h, XS_OP_SET_QUOTA, XBT_NULL, n.iov, 2);
}

bool xs_get_domain_quota(struct xs_handle *h, unsigned int domid,
	const char *quota, unsigned int *value)
{
	struct numbers n;
	size_t len = 0;
	char *text;

	number_set(&n, 0, domid);
	n.iov[1] = xs_iov(quota);
	text = xs_call(h, XS_OP_GET_QUOTA, XBT_NULL, n.iov, 2, &len);
	return number_take(text, len, value);
}

bool xs_set_domain_quota(struct xs_handle *h, unsigned int domid,
	const char *quota, unsigned int value)
{
	struct numbers n;

	number_set(&n, 0, domid);
	number_set(&n, 2, value);
	n.iov[1] = xs_iov(quota);
	return xs_call_ok(h, XS_OP_SET_QUOTA, XBT_NULL, n.iov, 3);
}
