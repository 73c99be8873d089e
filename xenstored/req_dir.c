/* SPDX-License-Identifier: MIT */
/*
 * req_dir.c - DIRECTORY, DIRECTORY_PART
 *
 * A listing in parts is a string of bytes, name after name, of which the
 * client asks for what is behind an offset.  The connection remembers where
 * its last part ended, so that all parts together cost one walk.
 */
#include <errno.h>

#include "common/hash.h"
#include "xenstored/conn.h"
#include "xenstored/dispatch.h"
#include "xenstored/place.h"
#include "xenstored/server.h"
#include "xenstored/tx.h"

static size_t name_bytes(const struct node *node)
{
	return node->place->len + 1u;
}

int do_directory(struct req *req)
{
	const struct node *child;
	struct tree_pos pos;
	uint32_t slot = 0;
	struct wr wr;
	int r = req_find(req, PERM_READ, TX_DEP_KIDS | TX_DEP_ACL, &pos);

	if (r)
		return r;
	/* Do not look at all of them first. */
	if (kids_bytes(pos.node->kids) > XSMSG_PAYLOAD_MAX)
		return E2BIG;
	req_wr(req, &wr);
	while ((child = kids_next(pos.node->kids, &slot)))
		wr_bytes(&wr, child->place->name, name_bytes(child));
	return req_wr_done(req, &wr);
}

/* Is @cur at a child of @dir as it is now, and not behind @offset? */
static bool cursor_fits(
	const struct conn_cursor *cur, const struct node *dir, uint64_t offset)
{
	const struct node *child;

	if (cur->gen != node_kids_gen(dir) || cur->offset > offset ||
		cur->slot >= dir->kids->used)
		return false;
	/*
	 * The same names may have got other slots; and directories that were
	 * created together have one generation.
	 */
	child = kids_at(dir->kids, cur->slot);
	return child && child->place == cur->child;
}

/*
 * The child of @dir whose name has the byte at @offset, which there is; @cur
 * is left at it.
 */
static const struct node *cursor_seek(
	struct conn_cursor *cur, const struct node *dir, uint64_t offset)
{
	const struct node *child;
	uint32_t slot;

	if (!cursor_fits(cur, dir, offset)) {
		cur->gen = node_kids_gen(dir);
		cur->offset = 0;
		cur->slot = 0;
	}
	slot = cur->slot;
	while ((child = kids_next(dir->kids, &slot))) {
		cur->slot = slot - 1;
		if (offset - cur->offset < name_bytes(child))
			break;
		cur->offset += name_bytes(child);
	}
	CHECK(child);
	cur->child = child->place;
	return child;
}

/* What is behind @offset, as far as there is room for whole names. */
static void part_emit(struct wr *wr, struct conn_cursor *cur,
	const struct node *dir, uint64_t offset)
{
	const struct node *child = cursor_seek(cur, dir, offset);
	size_t skip = (size_t)(offset - cur->offset);
	uint32_t slot = cur->slot + 1;

	/* The last byte is for the end of the listing. */
	while (child && name_bytes(child) - skip < wr->cap - wr->len) {
		wr_bytes(wr, child->place->name + skip,
			name_bytes(child) - skip);
		cur->offset += name_bytes(child);
		skip = 0;
		child = kids_next(dir->kids, &slot);
	}
	if (!child)
		wr_bytes(wr, "", 1);
	cur->slot = slot - 1;
	cur->child = child ? child->place : NULL;
}

int do_directory_part(struct req *req)
{
	uint64_t offset, gen;
	struct tree_pos pos;
	struct wr wr;
	int r;

	if (req_number(req, 1, UINT64_MAX, &offset))
		return EINVAL;
	r = req_find(req, PERM_READ, TX_DEP_KIDS | TX_DEP_ACL, &pos);
	if (r)
		return r;
	req_wr(req, &wr);
	/*
	 * Clients look whether it is the same as before.  The number itself
	 * would tell how much goes on in the store.
	 */
	gen = node_kids_gen(pos.node);
	wr_dec(&wr, hash_bytes(&req->server->key, &gen, sizeof(gen)));
	wr_bytes(&wr, "", 1);
	if (offset >= kids_bytes(pos.node->kids))
		wr_bytes(&wr, "", 1);
	else
		part_emit(&wr, &req->conn->cursor, pos.node, offset);
	return req_wr_done(req, &wr);
}
