/* SPDX-License-Identifier: MIT */
/* dispatch.c - from a message to its handler, and to its reply */
#include <errno.h>
#include <string.h>

#include "common/str.h"
#include "xenstored/change.h"
#include "xenstored/conn.h"
#include "xenstored/dispatch.h"
#include "xenstored/domain.h"
#include "xenstored/server.h"
#include "xenstored/trace.h"

typedef int (*handler_fn)(struct req *req);

/* What is not here is not there: ENOSYS. */
static const handler_fn handlers[XS_OP_NR] = {
	[XS_OP_CONTROL] = do_control,
	[XS_OP_DIRECTORY] = do_directory,
	[XS_OP_READ] = do_read,
	[XS_OP_GET_PERMS] = do_get_perms,
	[XS_OP_WATCH] = do_watch,
	[XS_OP_UNWATCH] = do_unwatch,
	[XS_OP_TRANSACTION_START] = do_transaction_start,
	[XS_OP_TRANSACTION_END] = do_transaction_end,
	[XS_OP_INTRODUCE] = do_introduce,
	[XS_OP_RELEASE] = do_release,
	[XS_OP_GET_DOMAIN_PATH] = do_get_domain_path,
	[XS_OP_WRITE] = do_write,
	[XS_OP_MKDIR] = do_mkdir,
	[XS_OP_RM] = do_rm,
	[XS_OP_SET_PERMS] = do_set_perms,
	[XS_OP_IS_DOMAIN_INTRODUCED] = do_is_domain_introduced,
	[XS_OP_RESUME] = do_resume,
	[XS_OP_SET_TARGET] = do_set_target,
	[XS_OP_GET_FEATURE] = do_get_feature,
	[XS_OP_SET_FEATURE] = do_set_feature,
	[XS_OP_GET_QUOTA] = do_get_quota,
	[XS_OP_SET_QUOTA] = do_set_quota,
	[XS_OP_RESET_WATCHES] = do_reset_watches,
	[XS_OP_DIRECTORY_PART] = do_directory_part,
};

void req_reply(struct req *req)
{
	CHECK(!req->replied);
	req->replied = true;
	if (!req->data) {
		req->data = "OK";
		req->len = sizeof("OK");
	}
	conn_reply(req->conn, req->hdr, req->data, req->len);
}

static void reply_error(struct req *req, int err)
{
	struct xsmsg_hdr hdr = *req->hdr;
	const char *name;

	if (err < 0) {
		log_error(&req->conn->domain->log, "request-failed",
			"%s failed: %s", ops_name(hdr.type), strerror(-err));
		err = err == -ENOMEM ? ENOMEM : EIO;
	}
	name = xsmsg_error_name(err);
	hdr.type = XS_OP_ERROR;
	req->replied = true;
	conn_reply(req->conn, &hdr, name, strlen(name) + 1);
}

void req_wr(struct req *req, struct wr *wr)
{
	wr_init(wr, req->server->reply, sizeof(req->server->reply));
}

int req_wr_done(struct req *req, const struct wr *wr)
{
	if (!wr_ok(wr))
		return E2BIG;
	req->data = wr->buf;
	req->len = wr->len;
	return 0;
}

int req_path(struct req *req, bool special)
{
	struct domain *domain = req->conn->domain;
	struct path *path = &req->server->path;
	const char *s = req->args.str[0];
	size_t len = req->args.str_len[0];

	if (!path_parse(path, s, len, domain->domid, domain->limits.path_max,
		    special))
		return 0;
	/* Too long for this client only, or no path at all? */
	if (!path_parse(path, s, len, domain->domid, PATH_ABS_MAX, special))
		(void)quota_refused(domain, QUOTA_PATH_MAX);
	return EINVAL;
}

int req_number(const struct req *req, unsigned i, uint64_t max, uint64_t *val)
{
	return str_to_u64(req->args.str[i], max, val);
}

int req_change(struct req *req, struct change *change)
{
	change->conn = req->conn;
	change->tx = req->tx;
	if (req->tx && req->tx->lapsed)
		return 0;
	return change_apply(req->server, change);
}

static int handle(struct req *req, const struct xsmsg *msg)
{
	const struct ops_row *row = ops_find(msg->hdr.type);
	int r;

	if (!row || !handlers[msg->hdr.type])
		return ENOSYS;
	if (row->priv && !req->conn->domain->priv)
		return EACCES;
	if (row->tx != OPS_TX_IGNORE && msg->hdr.tx_id) {
		req->tx = tx_find(req->conn, msg->hdr.tx_id);
		if (!req->tx)
			return ENOENT;
	}
	r = ops_args_parse(row, msg->payload, msg->hdr.len, &req->args);
	return r ? r : handlers[msg->hdr.type](req);
}

void dispatch(struct conn *conn, const struct xsmsg *msg)
{
	struct req req = {
		.server = conn->server, .conn = conn, .hdr = &msg->hdr};
	int r = handle(&req, msg);

	if (conn->state != CONN_OPEN)
		return;
	if (__builtin_expect(req.server->trace.on, 0))
		trace_request(&req, r);
	if (r)
		reply_error(&req, r);
	else if (!req.replied)
		req_reply(&req);
}
