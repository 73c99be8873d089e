/* SPDX-License-Identifier: MIT */
/* req_quota.c - GET_QUOTA, SET_QUOTA */
#include <errno.h>
#include <string.h>

#include "wire/perm.h"
#include "xenstored/change.h"
#include "xenstored/conn.h"
#include "xenstored/dispatch.h"
#include "xenstored/domain.h"
#include "xenstored/quota.h"
#include "xenstored/server.h"

/* The domain of argument 0, which need not be introduced yet. */
static int find_domain(struct req *req, struct domain **domain)
{
	uint64_t domid;
	int r = req_number(req, 0, PERM_DOMID_MAX, &domid);

	return r ? r : domain_get(req->server, (uint16_t)domid, domain);
}

/* Without arguments: which there are. */
static int list(struct req *req)
{
	struct wr wr;

	req_wr(req, &wr);
	for (int i = 0; i < QUOTAS; i++) {
		const char *name = quota_name((enum quota)i);

		if (i)
			wr_bytes(&wr, " ", 1);
		wr_bytes(&wr, name, strlen(name));
	}
	wr_bytes(&wr, "", 1);
	return req_wr_done(req, &wr);
}

int do_get_quota(struct req *req)
{
	const struct limits *limits = &req->server->domains.defaults;
	struct domain *domain;
	enum quota quota;
	struct wr wr;
	int r;

	if (!req->args.nr)
		return list(req);
	r = quota_find(req->args.str[req->args.nr - 1], &quota);
	if (!r && req->args.nr == 2) {
		r = find_domain(req, &domain);
		if (!r)
			limits = &domain->limits;
	}
	if (r)
		return r;
	req_wr(req, &wr);
	wr_dec(&wr, quota_get_wire(limits, quota));
	wr_bytes(&wr, "", 1);
	return req_wr_done(req, &wr);
}

/* The defaults are copied by domains that come; those that are there stay. */
int do_set_quota(struct req *req)
{
	struct change change = {.kind = CHANGE_QUOTA, .conn = req->conn};
	unsigned name = req->args.nr - 2;
	int r;

	r = quota_find(req->args.str[name], &change.quota);
	if (!r)
		r = quota_parse(
			change.quota, req->args.str[name + 1], &change.limit);
	if (!r && req->args.nr == 3)
		r = find_domain(req, &change.domain);
	if (r)
		return r;
	if (change.domain && change.domain->priv)
		return EINVAL;
	return change_apply(req->server, &change);
}
