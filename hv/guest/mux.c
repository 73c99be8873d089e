/* SPDX-License-Identifier: MIT */
/*
 * mux.c - many xenstore clients of one domain on its one connection
 *
 * DOC: What is prepared beforehand
 *
 * A client may go at any moment, and its going cannot fail.  So the message
 * that takes a watch back is made together with the watch, and the one that
 * aborts a transaction together with the request that begins it.
 */
#include <errno.h>
#include <string.h>

#include <talloc.h>

#include "common/err.h"
#include "hv/guest/mux_int.h"
#include "wire/ops.h"

struct mux *mux_new(const void *ctx, uint16_t domid)
{
	struct mux *mux = talloc_zero(ctx, struct mux);

	if (!mux)
		return NULL;
	mux->domid = domid;
	TAILQ_INIT(&mux->queue);
	TAILQ_INIT(&mux->sent);
	for (size_t i = 0; i < MUX_BUCKETS; i++)
		LIST_INIT(&mux->buckets[i]);
	return mux;
}

void mux_client_init(
	struct mux *mux, struct mux_client *client, mux_deliver *deliver)
{
	*client = (struct mux_client){.mux = mux, .deliver = deliver};
	LIST_INIT(&client->txs);
	LIST_INIT(&client->watches);
}

unsigned int mux_pending(const struct mux *mux)
{
	return mux->pending;
}

/* A request of @len payload bytes, to be filled in at req->wire. */
struct mux_req *mux_req_new(
	struct mux *mux, const struct xsmsg_hdr *hdr, size_t len)
{
	struct mux_req *req;

	req = talloc_zero_size(mux, sizeof(*req) + XSMSG_HDR_LEN + len);
	if (!req)
		return NULL;
	talloc_set_name_const(req, "struct mux_req");
	req->hdr = *hdr;
	req->len = XSMSG_HDR_LEN + len;
	return req;
}

uint8_t *mux_req_payload(struct mux_req *req)
{
	return req->wire + XSMSG_HDR_LEN;
}

/* From here on the request is owned by the queue. */
void mux_req_queue(struct mux *mux, struct mux_req *req)
{
	struct xsmsg_hdr hdr = {
		.type = req->hdr.type,
		.req_id = req->id = ++mux->next_id,
		.tx_id = req->hdr.tx_id,
		.len = (uint32_t)(req->len - XSMSG_HDR_LEN),
	};

	xsmsg_hdr_emit(req->wire, &hdr);
	talloc_steal(mux, req);
	TAILQ_INSERT_TAIL(&mux->queue, req, link);
	mux->pending++;
	if (req->client)
		req->client->inflight++;
}

void mux_reply_bytes(struct mux_client *client, const struct xsmsg_hdr *to,
	uint32_t type, const void *data, size_t len)
{
	struct xsmsg_hdr hdr = {
		.type = type,
		.req_id = to->req_id,
		.tx_id = to->tx_id,
		.len = (uint32_t)len,
	};

	client->deliver(client, &hdr, data);
}

void mux_reply_error(
	struct mux_client *client, const struct xsmsg_hdr *to, int err)
{
	const char *name = xsmsg_error_name(err);

	mux_reply_bytes(client, to, XS_OP_ERROR, name, strlen(name) + 1);
}

static void reply_ok(struct mux_client *client, const struct xsmsg_hdr *to)
{
	mux_reply_bytes(client, to, to->type, "OK", sizeof("OK"));
}

/* Transactions */

static struct mux_tx *tx_find(struct mux_client *client, uint32_t id)
{
	struct mux_tx *tx;

	LIST_FOREACH (tx, &client->txs, link)
		if (tx->id == id)
			return tx;
	return NULL;
}

/* Out of the client's list: its id is of no use to the client any more. */
static void tx_close(struct mux_client *client, struct mux_tx *tx)
{
	LIST_REMOVE(tx, link);
	tx->open = false;
	client->txs_nr--;
}

void mux_tx_abort(struct mux *mux, struct mux_tx *tx)
{
	struct mux_req *req = tx->abort;

	tx->abort = NULL;
	req->hdr.tx_id = tx->id;
	req->tx = tx;
	mux_req_queue(mux, req);
}

static int do_start(struct mux_client *client, const struct xsmsg *msg)
{
	const struct xsmsg_hdr end = {.type = XS_OP_TRANSACTION_END};
	struct mux *mux = client->mux;
	struct mux_req *req;
	struct mux_tx *tx;

	if (client->txs_nr >= MUX_TX_MAX)
		return ENOSPC;
	tx = talloc_zero(mux, struct mux_tx);
	if (!tx)
		return ENOMEM;
	tx->abort = talloc_steal(tx, mux_req_new(mux, &end, sizeof("F")));
	req = mux_req_new(mux, &msg->hdr, msg->hdr.len);
	if (!tx->abort || !req) {
		talloc_free(req);
		talloc_free(tx);
		return ENOMEM;
	}
	memcpy(mux_req_payload(tx->abort), "F", sizeof("F"));
	memcpy(mux_req_payload(req), msg->payload, msg->hdr.len);
	req->client = client;
	req->tx = tx;
	mux_req_queue(mux, req);
	return 0;
}

static int do_forward(struct mux_client *client, const struct xsmsg *msg)
{
	struct mux_req *req = mux_req_new(client->mux, &msg->hdr, msg->hdr.len);

	if (!req)
		return ENOMEM;
	memcpy(mux_req_payload(req), msg->payload, msg->hdr.len);
	req->client = client;
	mux_req_queue(client->mux, req);
	return 0;
}

/* Only "T" and "F" end a transaction; what does not is not sent. */
static int do_end(struct mux_client *client, const struct xsmsg *msg)
{
	struct mux_tx *tx = tx_find(client, msg->hdr.tx_id);
	int r;

	if (msg->hdr.len != 2 || msg->payload[1] ||
		(msg->payload[0] != 'T' && msg->payload[0] != 'F'))
		return EINVAL;
	if (!tx)
		return ENOENT;
	r = do_forward(client, msg);
	if (r)
		return r;
	tx_close(client, tx);
	talloc_free(tx);
	return 0;
}

/* All that the client has in the daemon besides requests. */
static void client_clear(struct mux_client *client)
{
	struct mux *mux = client->mux;
	struct mux_watch *w;
	struct mux_tx *tx;

	while ((w = LIST_FIRST(&client->watches)))
		mux_watch_take_back(mux, w, NULL, NULL);
	while ((tx = LIST_FIRST(&client->txs))) {
		tx_close(client, tx);
		mux_tx_abort(mux, tx);
	}
}

static void reqs_orphan(struct mux_reqs *list, struct mux_client *client)
{
	struct mux_req *req;

	TAILQ_FOREACH (req, list, link)
		if (req->client == client)
			req->client = NULL;
}

void mux_client_fini(struct mux_client *client)
{
	client_clear(client);
	mux_watch_orphan(client->mux, client);
	reqs_orphan(&client->mux->queue, client);
	reqs_orphan(&client->mux->sent, client);
	client->inflight = 0;
}

/* Does the transaction id of this operation name a transaction? */
static bool op_uses_tx(uint32_t type)
{
	const struct ops_row *row = ops_find(type);

	return !row || row->tx != OPS_TX_IGNORE;
}

static int dispatch(struct mux_client *client, const struct xsmsg *msg)
{
	const struct xsmsg_hdr *hdr = &msg->hdr;

	switch (hdr->type) {
	case XS_OP_WATCH: return mux_do_watch(client, msg);
	case XS_OP_UNWATCH: return mux_do_unwatch(client, msg);
	case XS_OP_TRANSACTION_END: return do_end(client, msg);
	case XS_OP_WATCH_EVENT:
	case XS_OP_ERROR:
	case XS_OP_INVALID: return ENOSYS;
	}
	if (hdr->tx_id && op_uses_tx(hdr->type) && !tx_find(client, hdr->tx_id))
		return ENOENT;
	if (hdr->type == XS_OP_TRANSACTION_START && !hdr->tx_id)
		return do_start(client, msg);
	return do_forward(client, msg);
}

void mux_request(struct mux_client *client, const struct xsmsg *msg)
{
	int r;

	if (msg->hdr.type == XS_OP_RESET_WATCHES) {
		client_clear(client);
		reply_ok(client, &msg->hdr);
		return;
	}
	r = dispatch(client, msg);
	if (r)
		mux_reply_error(client, &msg->hdr, r);
}

size_t mux_out(struct mux *mux, const void **buf)
{
	struct mux_req *req = TAILQ_FIRST(&mux->queue);

	if (!req)
		return 0;
	*buf = req->wire + req->sent;
	return req->len - req->sent;
}

void mux_out_done(struct mux *mux, size_t n)
{
	struct mux_req *req = TAILQ_FIRST(&mux->queue);

	req->sent += n;
	if (req->sent < req->len)
		return;
	TAILQ_REMOVE(&mux->queue, req, link);
	TAILQ_INSERT_TAIL(&mux->sent, req, link);
}
