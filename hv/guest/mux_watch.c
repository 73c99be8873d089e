/* SPDX-License-Identifier: MIT */
/* mux_watch.c - the watches of clients that share one connection */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <talloc.h>

#include "hv/guest/mux_int.h"
#include "wire/ops.h"
#include "wire/path.h"

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
void mux_watch_close(struct mux_watch *w)
{
	if (w->closing)
		return;
	w->closing = true;
	LIST_REMOVE(w, link);
	w->client->watches_nr--;
}

/* A request about it was answered, in whatever order they were. */
void mux_watch_settle(struct mux_watch *w)
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
void mux_watch_take_back(struct mux *mux, struct mux_watch *w,
	struct mux_client *client, const struct xsmsg_hdr *hdr)
{
	struct mux_req *req = w->unwatch;

	w->unwatch = NULL;
	mux_watch_close(w);
	if (hdr)
		req->hdr = *hdr;
	req->hdr.tx_id = hdr ? hdr->tx_id : 0;
	req->client = client;
	watch_attach(req, w);
	mux_req_queue(mux, req);
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
	req = mux_req_new(mux, hdr, args->str_len[0] + 1 + n + rest);
	if (!req)
		return NULL;
	req->hdr.type = type;
	p = mux_req_payload(req);
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

int mux_do_watch(struct mux_client *client, const struct xsmsg *msg)
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
	mux_req_queue(mux, req);
	return 0;
}

int mux_do_unwatch(struct mux_client *client, const struct xsmsg *msg)
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
	mux_watch_take_back(client->mux, w, client, &msg->hdr);
	return 0;
}

/* No event goes to a client that has left, whatever is still under way. */
void mux_watch_orphan(struct mux *mux, struct mux_client *client)
{
	struct mux_watch *w;

	for (size_t i = 0; i < MUX_BUCKETS; i++)
		LIST_FOREACH (w, &mux->buckets[i], bucket)
			if (w->client == client)
				w->client = NULL;
}

void mux_on_event(struct mux *mux, const struct xsmsg *msg)
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
