/* SPDX-License-Identifier: MIT */
/*
 * mux.h - many xenstore clients of one domain on its one connection
 *
 * DOC: The multiplexer
 *
 * The store daemon knows one connection per domain.  The domain's processes
 * each have one of their own with the domain's kernel, and must not be able
 * to disturb each other.  So on the way to the daemon
 *
 * - request ids are replaced by ids of the multiplexer, and put back in the
 *   reply: every request has exactly one reply, to the one who asked;
 * - a transaction belongs to the client that began it; the id of another
 *   one's is ENOENT.  What is open when a client goes is aborted;
 * - watch tokens are replaced by numbers, so that two clients may use the
 *   same path and token.  Events carry the client's own token again.  When a
 *   client goes its watches are taken back;
 * - RESET_WATCHES, which on the connection would hit everybody, takes back
 *   the watches and transactions of the client that asks.
 *
 * Nothing here does I/O.  The daemon is trusted as a domain trusts its store,
 * yet whatever it sends is bounded and at worst ends the connection.
 *
 * One thread.  Memory: struct mux and what it queues are talloc objects below
 * the mux; clients are embedded in objects of the caller.
 */
#ifndef HV_GUEST_MUX_H
#define HV_GUEST_MUX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/queue.h>

#include "wire/xsmsg.h"

enum {
	MUX_INFLIGHT_MAX = 8,   /* requests of a client without a reply */
	MUX_WATCHES_MAX = 4096, /* of a client; the daemon's quota is lower */
	MUX_TX_MAX = 256,       /* open transactions of a client */
};

struct mux;
struct mux_req;
struct mux_tx;
struct mux_watch;
LIST_HEAD(mux_tx_list, mux_tx);
LIST_HEAD(mux_watch_list, mux_watch);

struct mux_client;

/*
 * Called with a reply or an event for the client.  @payload is hdr->len bytes
 * and belongs to the mux.  May call mux_client_fini() and mux_request().
 */
typedef void mux_deliver(struct mux_client *client, const struct xsmsg_hdr *hdr,
	const void *payload);

/* Owner: the caller.  Between mux_client_init() and mux_client_fini(). */
struct mux_client {
	struct mux *mux;
	mux_deliver *deliver;
	struct mux_tx_list txs;
	struct mux_watch_list watches;
	unsigned int inflight;
	unsigned int watches_nr;
	unsigned int txs_nr;
};

/*
 * mux_new - the multiplexer of domain @domid, owned by @ctx; NULL when out of
 * memory.  All clients must be gone when it is freed.
 */
struct mux *mux_new(const void *ctx, uint16_t domid);

void mux_client_init(
	struct mux *mux, struct mux_client *client, mux_deliver *deliver);

/* The client goes: cannot fail, and nothing is delivered to it any more. */
void mux_client_fini(struct mux_client *client);

/* No more requests before a reply: stop reading from this client. */
static inline bool mux_client_full(const struct mux_client *client)
{
	return client->inflight >= MUX_INFLIGHT_MAX;
}

/*
 * mux_request - a request of @client, which is not full.  Its reply comes
 * through deliver, perhaps before this returns.
 */
void mux_request(struct mux_client *client, const struct xsmsg *msg);

/*
 * mux_out - bytes for the daemon: returns how many are at *@buf, 0 for none.
 * mux_out_done - @n of them were taken.
 */
size_t mux_out(struct mux *mux, const void **buf);
void mux_out_done(struct mux *mux, size_t n);

/*
 * mux_in - @len bytes came from the daemon.  False: they cannot be a message,
 * the connection is of no use any more.
 */
bool mux_in(struct mux *mux, const void *buf, size_t len);

/* How many requests wait for the daemon's reply or to be sent. */
unsigned int mux_pending(const struct mux *mux);

#endif
