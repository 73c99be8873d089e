/* SPDX-License-Identifier: MIT */
/* req_node.c - READ, WRITE, MKDIR, RM */
#include <errno.h>

#include "xenstored/change.h"
#include "xenstored/conn.h"
#include "xenstored/dispatch.h"
#include "xenstored/place.h"
#include "xenstored/server.h"
#include "xenstored/tx.h"

/*
 * Where there is no node, the nearest one above decides: ENOENT is only for
 * who would have the same access there, and may list it.  So a missing node
 * and one that is out of reach look the same (requirement B15).
 */
int req_find(
	struct req *req, unsigned access, unsigned deps, struct tree_pos *pos)
{
	const char *path = req->server->path.buf;
	struct tx *tx = req->tx;
	struct tree *tree;
	unsigned has;
	int r;

	/* a bad path: never ENOENT, since pos is not filled */
	if (req_path(req, false))
		return EINVAL;
	if (tx && !tx->lapsed)
		turn_refresh(tx, path);
	tree = tx_tree(req->server, tx);
	tree_find(tree, tree->root, path, pos);
	has = conn_access(req->conn, pos->near->acl);
	if (!pos->node)
		access |= PERM_READ;
	r = (has & access) == access ? 0 : EACCES;
	if (tx && !tx->lapsed) {
		/* Who may write there may create, and so finds out. */
		bool hidden = r && (pos->node || !(has & PERM_WRITE));
		int full =
			hidden ? tx_depend_refused(tx, path, pos, access & ~has)
			       : tx_depend(tx, path, pos, deps);

		if (full)
			return full;
	}
	return r || pos->node ? r : ENOENT;
}

int do_read(struct req *req)
{
	struct tree_pos pos;
	int r = req_find(req, PERM_READ, TX_DEP_NODE, &pos);

	if (r)
		return r;
	req->data = pos.node->value;
	req->len = pos.node->value_len;
	return 0;
}

/*
 * The node to be written, or its nearest ancestor, must be writable; to
 * create, it need not be readable.
 */
static int find_writable(struct req *req, unsigned deps, struct tree_pos *pos)
{
	int r = req_find(req, PERM_WRITE, deps, pos);

	if (r != ENOENT && r != EACCES)
		return r;
	return conn_access(req->conn, pos->near->acl) & PERM_WRITE ? 0 : r;
}

static int write_value(struct req *req, const struct tree_pos *pos,
	const void *value, size_t len)
{
	struct change change = {
		.kind = CHANGE_NODE_WRITE,
		.path = req->server->path.buf,
		.pos = pos,
		.value = value,
		.value_len = len,
	};

	return req_change(req, &change);
}

int do_write(struct req *req)
{
	struct tree_pos pos;
	int r = find_writable(req, TX_DEP_NODE, &pos);

	return r ? r
		 : write_value(req, &pos, req->args.data, req->args.data_len);
}

int do_mkdir(struct req *req)
{
	struct tree_pos pos;
	int r = find_writable(req, TX_DEP_ACL, &pos);

	if (r || pos.node)
		return r;
	return write_value(req, &pos, NULL, 0);
}

int do_rm(struct req *req)
{
	struct change change = {
		.kind = CHANGE_NODE_REMOVE,
		.path = req->server->path.buf,
	};
	struct tree_pos pos;
	int r = req_find(req, PERM_WRITE, TX_DEP_TREE, &pos);

	change.pos = &pos;
	/* Gone already is as good, if only its parent is there. */
	if (r == ENOENT && pos.missing == 1)
		return 0;
	if (r)
		return r;
	/* Nobody removes the root (XSA-353). */
	if (!pos.parent)
		return EINVAL;
	return req_change(req, &change);
}
