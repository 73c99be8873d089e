/* SPDX-License-Identifier: MIT */
/* req_watch.c - WATCH, UNWATCH, RESET_WATCHES */
#include <errno.h>
#include <limits.h>

#include "xenstored/change.h"
#include "xenstored/conn.h"
#include "xenstored/dispatch.h"
#include "xenstored/server.h"
#include "xenstored/watch.h"

int do_watch(struct req *req)
{
	struct change change = {.kind = CHANGE_WATCH_ADD, .conn = req->conn};
	int depth = WATCH_ANY_DEPTH;
	uint64_t number;
	int r = req_path(req, true);

	if (!r && req->args.nr == 3) {
		r = req_number(req, 2, INT_MAX, &number);
		if (!r)
			depth = (int)number;
	}
	if (r)
		return r;
	r = watch_new(req->conn, &req->server->path, req->args.str[1],
		req->args.str_len[1], depth, &change.watch);
	if (!r)
		r = change_apply(req->server, &change);
	if (r)
		return r;
	/* The client learns that it is set before it hears of it. */
	req_reply(req);
	if (req->conn->state == CONN_OPEN)
		watch_fire_first(change.watch);
	return 0;
}

int do_unwatch(struct req *req)
{
	struct change change = {.kind = CHANGE_WATCH_REMOVE, .conn = req->conn};
	int r = req_path(req, true);

	if (r)
		return r;
	change.watch =
		watch_find(req->conn, &req->server->path, req->args.str[1]);
	if (!change.watch)
		return ENOENT;
	return change_apply(req->server, &change);
}

int do_reset_watches(struct req *req)
{
	struct change change = {
		.kind = CHANGE_WATCHES_RESET, .conn = req->conn};

	return change_apply(req->server, &change);
}
