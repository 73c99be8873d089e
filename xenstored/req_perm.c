/* SPDX-License-Identifier: MIT */
/* req_perm.c - GET_PERMS, SET_PERMS */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/rd.h"
#include "xenstored/acl.h"
#include "xenstored/change.h"
#include "xenstored/conn.h"
#include "xenstored/dispatch.h"
#include "xenstored/domain.h"
#include "xenstored/server.h"
#include "xenstored/tx.h"

/* The special node of argument 0: 0, or ENOENT. */
static int find_special(const struct req *req, enum watch_special *special)
{
	for (int i = 0; i < WATCH_SPECIALS; i++) {
		if (strcmp(req->args.str[0], watch_special_name[i]) != 0)
			continue;
		*special = (enum watch_special)i;
		return 0;
	}
	return ENOENT;
}

static bool is_special(const struct req *req)
{
	return req->args.str[0][0] == '@';
}

/*
 * Entries of domains that are gone are not shown: with the domid used again
 * they would look as if they applied (XSA-322).
 */
static bool is_over(struct server *server, const struct acl_entry *e)
{
	const struct domain *domain = domain_find(server, e->domid);

	if (!e->instance || e->domid == PERM_DOMID_ANY)
		return false;
	return !domain || domain->instance != e->instance;
}

int do_get_perms(struct req *req)
{
	const struct acl *acl = NULL;
	enum watch_special special;
	struct tree_pos pos;
	struct wr wr;
	int r;

	if (is_special(req)) {
		r = find_special(req, &special);
		if (r)
			return r;
		acl = req->server->special[special];
		if (!(conn_access(req->conn, acl) & PERM_READ))
			return EACCES;
	} else {
		r = req_find(req, PERM_READ, TX_DEP_ACL, &pos);
		if (r)
			return r;
		acl = pos.node->acl;
	}
	req_wr(req, &wr);
	for (uint32_t i = 0; i < acl->nr; i++) {
		const struct acl_entry *e = &acl->entry[i];
		struct perm perm = {.domid = e->domid, .access = e->access};
		char text[PERM_STR_MAX];

		if (!i || !is_over(req->server, e))
			wr_bytes(&wr, text, perm_emit(text, &perm));
	}
	return req_wr_done(req, &wr);
}

/*
 * Entries are bound to the domain that lives now.  The owner must be one; of
 * the others, unknown ones are kept and never apply (XSA-417).
 */
static int entry_bind(struct req *req, struct acl_entry *e, bool owner)
{
	struct domain *domain = req->conn->domain;
	int r;

	if (e->domid == PERM_DOMID_ANY)
		return 0;
	/* Who asks means itself, even if somebody has its number by now. */
	if (e->domid == domain->domid) {
		e->instance = domain->instance;
		return 0;
	}
	r = domain_get(req->server, e->domid, &domain);
	if (r == ENOENT && !owner)
		return 0;
	if (!r)
		e->instance = domain->instance;
	return r;
}

/*
 * The owner last: looking for the others may let go of records, and nodes are
 * owned by one that is there.
 */
static int acl_bind(struct req *req, struct acl *acl)
{
	int r = 0;

	for (uint32_t i = acl->nr; !r && i > 0; i--)
		r = entry_bind(req, &acl->entry[i - 1], i == 1);
	return r;
}

static int entries_parse(
	const struct req *req, struct acl_entry *e, unsigned nr)
{
	struct rd rd;

	rd_init(&rd, req->args.data, req->args.data_len);
	for (unsigned i = 0; i < nr; i++) {
		struct perm perm;
		int r = perm_parse(&perm, rd_cstr(&rd, NULL));

		if (r)
			return r;
		if (!i && perm.domid == PERM_DOMID_ANY)
			return EINVAL;
		e[i].domid = perm.domid;
		e[i].access = perm.access;
	}
	return 0;
}

/* The list of the arguments behind the path, bound to nobody yet. */
static int acl_parse(struct req *req, struct acl **acl)
{
	unsigned nr = req->args.nr - 1;
	struct acl_entry *entries;
	int r;

	if (!nr)
		return EINVAL;
	if (nr > req->conn->domain->limits.node_perms)
		return quota_refused(req->conn->domain, QUOTA_NODE_PERMS);
	entries = calloc(nr, sizeof(*entries));
	if (!entries)
		return ENOMEM;
	r = entries_parse(req, entries, nr);
	if (!r) {
		*acl = acl_new(entries, nr);
		if (!*acl)
			r = ENOMEM;
	}
	free(entries);
	return r;
}

/*
 * A special node stays with the privileged domain: an owner that can die
 * would leave it to nobody (requirement B7).
 */
static int set_special(struct req *req, struct acl *acl)
{
	struct change change = {
		.kind = CHANGE_SPECIAL_ACL, .conn = req->conn, .acl = acl};
	int r = find_special(req, &change.special);

	if (r)
		return r;
	if (!req->conn->domain->priv)
		return EACCES;
	if (acl_owner(acl)->domid != req->server->self->domid)
		return EINVAL;
	r = acl_bind(req, acl);
	return r ? r : change_apply(req->server, &change);
}

static int set_node(struct req *req, struct acl *acl)
{
	struct change change = {
		.kind = CHANGE_NODE_ACL,
		.path = req->server->path.buf,
		.acl = acl,
	};
	struct tree_pos pos;
	int r = req_find(req, PERM_WRITE | ACL_OWNER, TX_DEP_ACL, &pos);

	change.pos = &pos;
	if (r)
		return r;
	/* Giving a node away would get round the quota (XSA-352). */
	if (!req->conn->domain->priv &&
		acl_owner(acl)->domid != acl_owner(pos.node->acl)->domid)
		return EPERM;
	/* Not before, or the errno would tell any guest who there is. */
	r = acl_bind(req, acl);
	/* Nodes of somebody who had one of these numbers may be gone now. */
	if (!r)
		r = req_find(req, PERM_WRITE | ACL_OWNER, TX_DEP_ACL, &pos);
	return r ? r : req_change(req, &change);
}

int do_set_perms(struct req *req)
{
	struct acl *acl = NULL;
	int r = acl_parse(req, &acl);

	if (r)
		return r;
	r = is_special(req) ? set_special(req, acl) : set_node(req, acl);
	acl_unref(acl);
	return r;
}
