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
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <talloc.h>

#include "common/err.h"
#include "common/str.h"
#include "hv/guest/mux.h"
#include "wire/ops.h"
#include "wire/path.h"

enum {
	MUX_BUCKETS = 256,
	MUX_TOKEN_MAX = 17, /* hexadecimal, with its NUL */
};

/*
 * A request: queued, then sent and waiting for its reply.
 * Owner: the mux (while prepared: its watch or transaction).
 * Freed by: the reply.
 */
struct mux_req {
	TAILQ_ENTRY(mux_req) link;
	struct mux_client *client; /* NULL: gone, or the mux's own */
	struct mux_watch *watch;   /* WATCH and UNWATCH: the one meant */
	struct mux_tx *tx;         /* TRANSACTION_START and _END */
	struct xsmsg_hdr hdr;      /* as the client sent it */
	uint32_t id;               /* on the wire */
	size_t len, sent;          /* bytes of wire */
	uint8_t wire[];
};
TAILQ_HEAD(mux_reqs, mux_req);

/*
 * A transaction.  Owner: the mux.  Freed by: the reply to its end.
 * Moves on: begun (asked for) -> open (in the client's list) -> ending.
 */
struct mux_tx {
	LIST_ENTRY(mux_tx) link;
	uint32_t id;
	bool open;
	struct mux_req *abort; /* prepared */
};

/*
 * A watch.  Owner: the mux.  Freed by: the last reply, to UNWATCH or to a
 * WATCH that failed.  In its client's list until it is closing: UNWATCH was
 * asked for, or WATCH failed.
 */
struct mux_watch {
	LIST_ENTRY(mux_watch) link;   /* client's */
	LIST_ENTRY(mux_watch) bucket; /* by id */
	struct mux_client *client;
	uint64_t id;
	char *path;  /* absolute */
	char *token; /* the client's */
	bool closing;
	unsigned int reqs;       /* WATCH and UNWATCH without a reply */
	struct mux_req *unwatch; /* prepared */
};

struct mux {
	uint16_t domid;
	uint32_t next_id;
	uint64_t next_watch;
	unsigned int pending;
	struct mux_reqs queue; /* to be sent */
	struct mux_reqs sent;  /* waiting for the reply, oldest first */
	struct mux_watch_list buckets[MUX_BUCKETS];
	size_t in_len;
	uint8_t in[XSMSG_MAX];
};

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
static struct mux_req *req_new(
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

static uint8_t *req_payload(struct mux_req *req)
{
	return req->wire + XSMSG_HDR_LEN;
}

/* From here on the request is owned by the queue. */
static void req_queue(struct mux *mux, struct mux_req *req)
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

static void reply_bytes(struct mux_client *client, const struct xsmsg_hdr *to,
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

static void reply_error(
	struct mux_client *client, const struct xsmsg_hdr *to, int err)
{
	const char *name = xsmsg_error_name(err);

	reply_bytes(client, to, XS_OP_ERROR, name, strlen(name) + 1);
}

static void reply_ok(struct mux_client *client, const struct xsmsg_hdr *to)
{
	reply_bytes(client, to, to->type, "OK", sizeof("OK"));
}

/* Watches */

static struct mux_watch_list *watch_bucket(struct mux *mux, uint64_t id)
{
	return &mux->buckets[id % MUX_BUCKETS];
}

static struct mux_watch *watch_find_id(struct mux *mux, uint64_t id)
{
	struct mux_watch *w;

	LIST_FOREACH (w, watch_bucket(mux, id), bucket)
		if (w->id == id)
			return w;
	return NULL;
}

static struct mux_watch *watch_find(
	struct mux_client *client, const char *path, const char *token)
{
	struct mux_watch *w;

	LIST_FOREACH (w, &client->watches, link)
		if (!strcmp(w->path, path) && !strcmp(w->token, token))
			return w;
	return NULL;
}

/* Out of its client's list: it can be neither found nor taken back again. */
static void watch_close(struct mux_watch *w)
{
	if (w->closing)
		return;
	w->closing = true;
	LIST_REMOVE(w, link);
	w->client->watches_nr--;
}

/* A request about it was answered, in whatever order they were. */
static void watch_settle(struct mux_watch *w)
{
	if (--w->reqs || !w->closing)
		return;
	LIST_REMOVE(w, bucket);
	talloc_free(w);
}

static void watch_attach(struct mux_req *req, struct mux_watch *w)
{
	req->watch = w;
	w->reqs++;
}

/* Queue the prepared UNWATCH; @client is who waits for its reply, or NULL. */
static void watch_take_back(struct mux *mux, struct mux_watch *w,
	struct mux_client *client, const struct xsmsg_hdr *hdr)
{
	struct mux_req *req = w->unwatch;

	w->unwatch = NULL;
	watch_close(w);
	if (hdr)
		req->hdr = *hdr;
	req->hdr.tx_id = hdr ? hdr->tx_id : 0;
	req->client = client;
	watch_attach(req, w);
	req_queue(mux, req);
}

/* The request "path, our token, what follows" of type @type. */
static struct mux_req *watch_req(struct mux *mux, const struct xsmsg_hdr *hdr,
	const struct ops_args *args, uint64_t id, uint32_t type)
{
	char token[MUX_TOKEN_MAX];
	size_t n, rest = 0;
	struct mux_req *req;
	uint8_t *p;

	n = (size_t)snprintf(token, sizeof(token), "%" PRIx64, id) + 1;
	if (type == XS_OP_WATCH && args->nr > 2)
		rest = args->str_len[2] + 1;
	req = req_new(mux, hdr, args->str_len[0] + 1 + n + rest);
	if (!req)
		return NULL;
	req->hdr.type = type;
	p = req_payload(req);
	memcpy(p, args->str[0], args->str_len[0] + 1);
	p += args->str_len[0] + 1;
	memcpy(p, token, n);
	if (rest)
		memcpy(p + n, args->str[2], rest);
	return req;
}

/* Parses the arguments of WATCH and UNWATCH: path and token in front. */
static int watch_args(struct mux_client *client, const struct xsmsg *msg,
	struct ops_args *args, struct path *path)
{
	int r;

	r = ops_args_parse(
		ops_find(msg->hdr.type), msg->payload, msg->hdr.len, args);
	if (r)
		return r;
	return path_parse(path, args->str[0], args->str_len[0],
		client->mux->domid, PATH_ABS_MAX, true);
}

static int do_watch(struct mux_client *client, const struct xsmsg *msg)
{
	struct mux *mux = client->mux;
	struct ops_args args;
	struct mux_watch *w;
	struct mux_req *req;
	struct path path;
	int r = watch_args(client, msg, &args, &path);

	if (r)
		return r;
	if (watch_find(client, path.buf, args.str[1]))
		return EEXIST;
	if (client->watches_nr >= MUX_WATCHES_MAX)
		return ENOSPC;
	w = talloc_zero(mux, struct mux_watch);
	if (!w)
		return ENOMEM;
	w->id = mux->next_watch;
	w->path = talloc_strdup(w, path.buf);
	w->token = talloc_strdup(w, args.str[1]);
	w->unwatch = talloc_steal(
		w, watch_req(mux, &msg->hdr, &args, w->id, XS_OP_UNWATCH));
	req = watch_req(mux, &msg->hdr, &args, w->id, XS_OP_WATCH);
	if (!w->path || !w->token || !w->unwatch || !req) {
		talloc_free(req);
		talloc_free(w);
		return ENOMEM;
	}
	mux->next_watch++;
	w->client = client;
	client->watches_nr++;
	LIST_INSERT_HEAD(&client->watches, w, link);
	LIST_INSERT_HEAD(watch_bucket(mux, w->id), w, bucket);
	req->client = client;
	watch_attach(req, w);
	req_queue(mux, req);
	return 0;
}

static int do_unwatch(struct mux_client *client, const struct xsmsg *msg)
{
	struct ops_args args;
	struct mux_watch *w;
	struct path path;
	int r = watch_args(client, msg, &args, &path);

	if (r)
		return r;
	w = watch_find(client, path.buf, args.str[1]);
	if (!w)
		return ENOENT;
	watch_take_back(client->mux, w, client, &msg->hdr);
	return 0;
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

static void tx_abort(struct mux *mux, struct mux_tx *tx)
{
	struct mux_req *req = tx->abort;

	tx->abort = NULL;
	req->hdr.tx_id = tx->id;
	req->tx = tx;
	req_queue(mux, req);
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
	tx->abort = talloc_steal(tx, req_new(mux, &end, sizeof("F")));
	req = req_new(mux, &msg->hdr, msg->hdr.len);
	if (!tx->abort || !req) {
		talloc_free(req);
		talloc_free(tx);
		return ENOMEM;
	}
	memcpy(req_payload(tx->abort), "F", sizeof("F"));
	memcpy(req_payload(req), msg->payload, msg->hdr.len);
	req->client = client;
	req->tx = tx;
	req_queue(mux, req);
	return 0;
}

static int do_forward(struct mux_client *client, const struct xsmsg *msg)
{
	struct mux_req *req = req_new(client->mux, &msg->hdr, msg->hdr.len);

	if (!req)
		return ENOMEM;
	memcpy(req_payload(req), msg->payload, msg->hdr.len);
	req->client = client;
	req_queue(client->mux, req);
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
		watch_take_back(mux, w, NULL, NULL);
	while ((tx = LIST_FIRST(&client->txs))) {
		tx_close(client, tx);
		tx_abort(mux, tx);
	}
}

static void reqs_orphan(struct mux_reqs *list, struct mux_client *client)
{
	struct mux_req *req;

	TAILQ_FOREACH (req, list, link)
		if (req->client == client)
			req->client = NULL;
}

/* No event goes to a client that has left, whatever is still under way. */
static void watches_orphan(struct mux *mux, struct mux_client *client)
{
	struct mux_watch *w;

	for (size_t i = 0; i < MUX_BUCKETS; i++)
		LIST_FOREACH (w, &mux->buckets[i], bucket)
			if (w->client == client)
				w->client = NULL;
}

void mux_client_fini(struct mux_client *client)
{
	client_clear(client);
	watches_orphan(client->mux, client);
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
	case XS_OP_WATCH: return do_watch(client, msg);
	case XS_OP_UNWATCH: return do_unwatch(client, msg);
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
		reply_error(client, &msg->hdr, r);
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

/* What the daemon says */

static void on_event(struct mux *mux, const struct xsmsg *msg)
{
	uint8_t out[XSMSG_PAYLOAD_MAX];
	const char *path = (const char *)msg->payload, *token;
	size_t path_len, token_len, len = msg->hdr.len;
	struct xsmsg_hdr hdr = {.type = XS_OP_WATCH_EVENT};
	struct mux_watch *w;
	uint64_t id;

	path_len = strnlen(path, len) + 1;
	if (path_len >= len || msg->payload[len - 1])
		return;
	token = path + path_len;
	if (strspn(token, "0123456789abcdef") != strlen(token) || !*token)
		return;
	id = strtoull(token, NULL, 16);
	w = watch_find_id(mux, id);
	if (!w || !w->client)
		return;
	token_len = strlen(w->token) + 1;
	/* as the daemon does with an event that does not fit */
	if (path_len + token_len > sizeof(out))
		return;
	memcpy(out, path, path_len);
	memcpy(out + path_len, w->token, token_len);
	hdr.len = (uint32_t)(path_len + token_len);
	w->client->deliver(w->client, &hdr, out);
}

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
		tx_abort(mux, tx);
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
			watch_close(req->watch);
		watch_settle(req->watch);
		return 0;
	case XS_OP_UNWATCH: watch_settle(req->watch); return 0;
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
		reply_error(client, &hdr, r);
	else
		reply_bytes(client, &hdr, msg->hdr.type, msg->payload,
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
				on_event(mux, &msg);
			else
				on_reply(mux, &msg);
			mux->in_len -= xsmsg_size(&msg);
			memmove(mux->in, mux->in + xsmsg_size(&msg),
				mux->in_len);
		}
	}
	return true;
}
