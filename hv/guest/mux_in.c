/* SPDX-License-Identifier: MIT */
/* mux_in.c - what the daemon says to clients that share one connection */
#include <errno.h>
#include <string.h>

#include <talloc.h>

#include "common/str.h"
#include "hv/guest/mux_int.h"
#include "wire/ops.h"

/* The reply to TRANSACTION_START.  Returns what the client is told. */
static int started(
	struct mux *mux, struct mux_req *req, const struct xsmsg *msg)
{
	struct mux_tx *tx = req->tx;
	uint64_t id = 0;
	int r = EIO;

	if (msg->hdr.len && !msg->payload[msg->hdr.len - 1])
		r = str_to_u64((const char *)msg->payload, UINT32_MAX, &id);
	if (r || !id) {
		talloc_free(tx);
		return EIO;
	}
	tx->id = (uint32_t)id;
	if (!req->client) {
		mux_tx_abort(mux, tx);
		return 0;
	}
	tx->open = true;
	LIST_INSERT_HEAD(&req->client->txs, tx, link);
	req->client->txs_nr++;
	return 0;
}

/* Books what a reply changes.  Returns 0, or an errno instead of the reply. */
static int settle(struct mux *mux, struct mux_req *req, const struct xsmsg *msg)
{
	bool failed = msg->hdr.type == XS_OP_ERROR;

	switch (req->hdr.type) {
	case XS_OP_WATCH:
		if (failed)
			mux_watch_close(req->watch);
		mux_watch_settle(req->watch);
		return 0;
	case XS_OP_UNWATCH: mux_watch_settle(req->watch); return 0;
	case XS_OP_TRANSACTION_START:
		if (!req->tx)
			return 0;
		if (!failed)
			return started(mux, req, msg);
		talloc_free(req->tx);
		return 0;
	case XS_OP_TRANSACTION_END:
		talloc_free(req->tx); /* one of an abort, or NULL */
		return 0;
	}
	return 0;
}

static struct mux_req *req_take(struct mux *mux, uint32_t id)
{
	struct mux_req *req;

	TAILQ_FOREACH (req, &mux->sent, link) {
		if (req->id != id)
			continue;
		TAILQ_REMOVE(&mux->sent, req, link);
		mux->pending--;
		return req;
	}
	return NULL;
}

static void on_reply(struct mux *mux, const struct xsmsg *msg)
{
	struct mux_req *req = req_take(mux, msg->hdr.req_id);
	struct mux_client *client;
	struct xsmsg_hdr hdr;
	int r;

	if (!req)
		return;
	r = settle(mux, req, msg);
	hdr = req->hdr;
	client = req->client;
	talloc_free(req);
	if (!client)
		return;
	client->inflight--;
	if (!r && msg->hdr.type != XS_OP_ERROR && msg->hdr.type != hdr.type)
		r = EIO;
	if (r)
		mux_reply_error(client, &hdr, r);
	else
		mux_reply_bytes(client, &hdr, msg->hdr.type, msg->payload,
			msg->hdr.len);
}

bool mux_in(struct mux *mux, const void *buf, size_t len)
{
	const uint8_t *p = buf;
	struct xsmsg msg;

	while (len) {
		size_t n = sizeof(mux->in) - mux->in_len;

		if (n > len)
			n = len;
		memcpy(mux->in + mux->in_len, p, n);
		mux->in_len += n;
		p += n;
		len -= n;
		for (;;) {
			enum xsmsg_status s;

			s = xsmsg_parse(&msg, mux->in, mux->in_len);
			if (s == XSMSG_BAD)
				return false;
			if (s == XSMSG_MORE)
				break;
			if (msg.hdr.type == XS_OP_WATCH_EVENT)
				mux_on_event(mux, &msg);
			else
				on_reply(mux, &msg);
			mux->in_len -= xsmsg_size(&msg);
			memmove(mux->in, mux->in + xsmsg_size(&msg),
				mux->in_len);
		}
	}
	return true;
}
