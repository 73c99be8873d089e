/* SPDX-License-Identifier: MIT */
/* req_domain.c - INTRODUCE, RELEASE and what else is said of domains */
#include <errno.h>
#include <stdint.h>

#include "wire/perm.h"
#include "wire/xsring.h"
#include "xenstored/change.h"
#include "xenstored/conn.h"
#include "xenstored/dispatch.h"
#include "xenstored/domain.h"
#include "xenstored/server.h"

/* DOMID_SELF of xen/xen.h. */
enum { DOMID_OURSELVES = 0x7ff0 };

/* A domain other than the privileged one: nothing happens to that. */
static int guest_domid(const struct req *req, unsigned i, uint16_t *domid)
{
	uint64_t number;
	int r = req_number(req, i, PERM_DOMID_MAX, &number);

	if (r)
		return r;
	*domid = (uint16_t)number;
	return *domid == req->server->self->domid ? EINVAL : 0;
}

/*
 * The frame number is not used: the ring page is mapped by its grant.  Still
 * it must be a number.
 */
int do_introduce(struct req *req)
{
	struct change change = {
		.kind = CHANGE_DOMAIN_INTRODUCE, .conn = req->conn};
	uint64_t frame, port;
	int r = guest_domid(req, 0, &change.domid);

	if (!r)
		r = req_number(req, 1, UINT64_MAX, &frame);
	if (!r)
		r = req_number(req, 2, INT32_MAX, &port);
	if (r)
		return r;
	if (!port)
		return EINVAL;
	change.port = (uint32_t)port;
	return change_apply(req->server, &change);
}

/* The introduced guest of argument @i. */
static int guest_introduced(
	const struct req *req, unsigned i, struct domain **domain)
{
	uint16_t domid;
	int r = guest_domid(req, i, &domid);

	if (r)
		return r;
	*domain = domain_find(req->server, domid);
	return *domain && (*domain)->introduced ? 0 : ENOENT;
}

int do_release(struct req *req)
{
	struct change change = {.kind = CHANGE_DOMAIN_GONE, .conn = req->conn};
	int r = guest_introduced(req, 0, &change.domain);

	return r ? r : change_apply(req->server, &change);
}

int do_resume(struct req *req)
{
	struct change change = {
		.kind = CHANGE_DOMAIN_RESUME, .conn = req->conn};
	int r = guest_introduced(req, 0, &change.domain);

	return r ? r : change_apply(req->server, &change);
}

int do_set_target(struct req *req)
{
	struct change change = {
		.kind = CHANGE_DOMAIN_TARGET, .conn = req->conn};
	int r = guest_introduced(req, 0, &change.domain);

	if (!r)
		r = guest_introduced(req, 1, &change.target);
	if (r)
		return r;
	if (change.domain == change.target)
		return EINVAL;
	return change_apply(req->server, &change);
}

int do_get_domain_path(struct req *req)
{
	char path[PATH_HOME_MAX];
	uint64_t domid;
	struct wr wr;
	int r = req_number(req, 0, UINT16_MAX, &domid);

	if (r)
		return r;
	req_wr(req, &wr);
	wr_bytes(&wr, path, path_home(path, (uint16_t)domid) + 1);
	return req_wr_done(req, &wr);
}

int do_is_domain_introduced(struct req *req)
{
	const struct domain *domain;
	uint64_t domid;
	int r = req_number(req, 0, UINT16_MAX, &domid);

	if (r)
		return r;
	domain = domain_find(req->server, domid);
	if (domid == DOMID_OURSELVES)
		domain = req->conn->domain;
	req->data = domain && domain->introduced ? "T" : "F";
	req->len = sizeof("T");
	return 0;
}

/* Without an argument anybody asks for what it is offered itself. */
int do_get_feature(struct req *req)
{
	struct domain *domain = req->conn->domain;
	uint64_t domid;
	struct wr wr;
	int r;

	if (req->args.nr) {
		if (!domain->priv)
			return EACCES;
		r = req_number(req, 0, PERM_DOMID_MAX, &domid);
		if (r)
			return r;
		domain = domain_find(req->server, domid);
		if (!domain)
			return ENOENT;
	}
	req_wr(req, &wr);
	wr_dec(&wr, domain->features);
	wr_bytes(&wr, "", 1);
	return req_wr_done(req, &wr);
}

/* Before INTRODUCE, so that a guest never sees what it has to do without. */
int do_set_feature(struct req *req)
{
	struct change change = {
		.kind = CHANGE_DOMAIN_FEATURES, .conn = req->conn};
	uint64_t features;
	uint16_t domid;
	int r = guest_domid(req, 0, &domid);

	if (!r)
		r = req_number(req, 1, UINT32_MAX, &features);
	if (!r && features & ~(uint64_t)XSRING_FEATURES)
		r = EINVAL;
	if (!r)
		r = domain_get(req->server, domid, &change.domain);
	if (r)
		return r;
	if (change.domain->introduced)
		return EBUSY;
	change.features = (uint32_t)features;
	return change_apply(req->server, &change);
}
