/* SPDX-License-Identifier: MIT */
/* req_domain.c - INTRODUCE, RELEASE and questions about domains */
#include <errno.h>
#include <stdint.h>

#include "wire/perm.h"
#include "xenstored/change.h"
#include "xenstored/conn.h"
#include "xenstored/dispatch.h"
#include "xenstored/domain.h"
#include "xenstored/server.h"

/* DOMID_SELF of xen/xen.h. */
enum { DOMID_OURSELVES = 0x7ff0 };

/* A domain other than the privileged one: nothing happens to that. */
static int guest_domid(const struct req *req, uint16_t *domid)
{
	uint64_t number;
	int r = req_number(req, 0, PERM_DOMID_MAX, &number);

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
	int r = guest_domid(req, &change.domid);

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

int do_release(struct req *req)
{
	struct change change = {.kind = CHANGE_DOMAIN_GONE, .conn = req->conn};
	uint16_t domid;
	int r = guest_domid(req, &domid);

	if (r)
		return r;
	change.domain = domain_find(req->server, domid);
	if (!change.domain || !change.domain->introduced)
		return ENOENT;
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
