/* SPDX-License-Identifier: MIT */
/*
 * mux_int.h - what the files of the multiplexer share
 *
 * mux.c	clients, their requests and transactions
 * mux_watch.c	watches, from WATCH to the last reply about them
 * mux_in.c	what the daemon says
 */
#ifndef HV_GUEST_MUX_INT_H
#define HV_GUEST_MUX_INT_H

#include "hv/guest/mux.h"

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

/* mux.c */

/* A request of @len payload bytes, to be filled in at mux_req_payload(). */
struct mux_req *mux_req_new(
	struct mux *mux, const struct xsmsg_hdr *hdr, size_t len);
uint8_t *mux_req_payload(struct mux_req *req);
/* From here on the request is owned by the queue. */
void mux_req_queue(struct mux *mux, struct mux_req *req);
/* What the client is told; the last thing to be done for it. */
void mux_reply_bytes(struct mux_client *client, const struct xsmsg_hdr *to,
	uint32_t type, const void *data, size_t len);
void mux_reply_error(
	struct mux_client *client, const struct xsmsg_hdr *to, int err);
/* Send the prepared end of @tx. */
void mux_tx_abort(struct mux *mux, struct mux_tx *tx);

/* mux_watch.c */

/* WATCH and UNWATCH: 0, or the errno that is the reply. */
int mux_do_watch(struct mux_client *client, const struct xsmsg *msg);
int mux_do_unwatch(struct mux_client *client, const struct xsmsg *msg);
/* Out of its client's list: it can be neither found nor taken back again. */
void mux_watch_close(struct mux_watch *w);
/* A request about it was answered, in whatever order they were. */
void mux_watch_settle(struct mux_watch *w);
/* Queue the prepared UNWATCH; @client is who waits for its reply, or NULL. */
void mux_watch_take_back(struct mux *mux, struct mux_watch *w,
	struct mux_client *client, const struct xsmsg_hdr *hdr);
/* No event goes to a client that has left, whatever is still under way. */
void mux_watch_orphan(struct mux *mux, struct mux_client *client);
void mux_on_event(struct mux *mux, const struct xsmsg *msg);

#endif
