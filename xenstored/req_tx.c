/* SPDX-License-Identifier: MIT */
/* req_tx.c - TRANSACTION_START, TRANSACTION_END */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "xenstored/change.h"
#include "xenstored/conn.h"
#include "xenstored/dispatch.h"
#include "xenstored/server.h"
#include "xenstored/tx.h"

int do_transaction_start(struct req *req)
{
	char *text = (char *)req->server->reply;
	struct tx *tx;
	int r;

	/* Transactions do not nest. */
	if (req->tx)
		return EBUSY;
	r = tx_new(req->conn, &tx);
	if (r)
		return r;
	req->data = text;
	req->len = (size_t)snprintf(
			   text, sizeof(req->server->reply), "%u", tx->id) +
		   1;
	return 0;
}

/* Whatever comes of it, the transaction is over; only not after nonsense. */
int do_transaction_end(struct req *req)
{
	struct change change = {.kind = CHANGE_TX_COMMIT, .conn = req->conn};
	struct conn *conn = req->conn;
	bool commit = !strcmp(req->args.str[0], "T");
	int r = 0;

	if (!commit && strcmp(req->args.str[0], "F") != 0)
		return EINVAL;
	if (!req->tx)
		return ENOENT;
	change.tx = req->tx;
	if (commit) {
		r = change_apply(req->server, &change);
		if (r == EAGAIN && !req->tx->aged)
			conn->turn.lost++;
		if (!r)
			conn->turn.lost = 0;
	}
	tx_free(req->tx);
	req->tx = NULL;
	return r;
}
