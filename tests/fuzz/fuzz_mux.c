// SPDX-License-Identifier: MIT
/*
 * fuzz_mux.c - clients of a domain's kernel, and the store daemon behind it
 *
 * The input is a sequence of operations, four bytes each: a request of one of
 * three clients, a client leaving, the daemon taking or answering a request
 * (in any order), an event, or bytes that are no message.  The daemon here
 * keeps the watches and transactions it was asked for.  What must hold: each
 * request has exactly one reply, to who asked; an event is for one who
 * watches with that token; and when all have left, nothing is left with the
 * daemon, nor in memory.
 */
#include "tests/fuzz/fuzz.h"

#include <stdbool.h>
#include <string.h>
#include <talloc.h>

#include "hv/guest/mux.h"
#include "wire/ops.h"

enum { CLIENTS = 3, WAITING = 512, WATCHES = 256, TXS = 256 };

struct peer {
	struct mux_client mc;
	uint32_t waiting[WAITING]; /* ids without a reply */
	size_t nr;
	uint32_t next;
};

struct daemon_req {
	struct xsmsg_hdr hdr;
	char answer[16]; /* of a success */
	bool fails;
};

static struct mux *mux;
static struct peer peers[CLIENTS];
static struct daemon_req pending[WAITING];
static size_t pending_nr;
static char watches[WATCHES][24]; /* tokens */
static size_t watches_nr;
static uint32_t txs[TXS];
static size_t txs_nr;
static uint32_t tx_next;
static bool junk; /* was sent: the daemon's word is worth nothing now */

static void on_deliver(
	struct mux_client *mc, const struct xsmsg_hdr *hdr, const void *payload)
{
	struct peer *p = (struct peer *)mc;

	FUZZ_CHECK(hdr->len <= XSMSG_PAYLOAD_MAX);
	if (hdr->type == XS_OP_WATCH_EVENT) {
		const char *path = payload;
		const char *token = path + strlen(path) + 1;

		/* the tokens of clients are "c" and their number */
		FUZZ_CHECK(token[0] == 'c');
		FUZZ_CHECK(token[1] == '0' + (p - peers));
		return;
	}
	for (size_t i = 0; i < p->nr; i++) {
		if (p->waiting[i] != hdr->req_id)
			continue;
		p->waiting[i] = p->waiting[--p->nr];
		return;
	}
	FUZZ_CHECK(!"a reply to a request that was not made");
}

static void join(struct peer *p)
{
	p->nr = 0;
	mux_client_init(mux, &p->mc, on_deliver);
}

static void leave(struct peer *p)
{
	mux_client_fini(&p->mc);
	join(p);
}

static void request(size_t who, uint8_t a, uint8_t b)
{
	static const char *const paths[] = {"x", "/x", "/local/domain/7/x",
		"@releaseDomain", "//", "x/y/z", ""};
	static const uint32_t types[] = {XS_OP_READ, XS_OP_WATCH, XS_OP_UNWATCH,
		XS_OP_TRANSACTION_START, XS_OP_TRANSACTION_END,
		XS_OP_RESET_WATCHES, XS_OP_WRITE, XS_OP_WATCH_EVENT, 99};
	struct peer *p = &peers[who];
	char payload[64] = "";
	struct xsmsg msg = {.payload = (uint8_t *)payload};
	size_t n;

	if (mux_client_full(&p->mc))
		return;
	msg.hdr.type = types[a % 9];
	msg.hdr.req_id = p->next++ * 4 + (uint32_t)who;
	msg.hdr.tx_id = b & 0x80 && txs_nr ? txs[b % txs_nr] : 0;
	n = (size_t)snprintf(payload, 32, "%s", paths[b % 7]) + 1;
	if (msg.hdr.type == XS_OP_WATCH || msg.hdr.type == XS_OP_UNWATCH)
		n += (size_t)snprintf(
			     payload + n, 16, "c%zu%c", who, 'a' + b / 7 % 3) +
		     1;
	if (msg.hdr.type == XS_OP_TRANSACTION_END)
		n = (size_t)snprintf(payload, 4, "%c", b & 1 ? 'T' : 'F') + 1;
	/* now and then it is cut */
	msg.hdr.len = (uint32_t)(b % 11 ? n : n / 2);
	p->waiting[p->nr++] = msg.hdr.req_id;
	mux_request(&p->mc, &msg);
}

static void daemon_watch(struct daemon_req *r, const char *token)
{
	if (r->fails || watches_nr == WATCHES) {
		r->fails = true;
		return;
	}
	for (size_t i = 0; i < watches_nr; i++)
		FUZZ_CHECK(strcmp(watches[i], token));
	snprintf(watches[watches_nr++], sizeof(watches[0]), "%s", token);
}

static void daemon_unwatch(struct daemon_req *r, const char *token)
{
	r->fails = true;
	for (size_t i = 0; i < watches_nr; i++) {
		if (strcmp(watches[i], token))
			continue;
		memcpy(watches[i], watches[--watches_nr], sizeof(watches[0]));
		r->fails = false;
		return;
	}
}

static void daemon_tx(struct daemon_req *r)
{
	if (r->hdr.type == XS_OP_TRANSACTION_START) {
		r->fails |= r->hdr.tx_id || txs_nr == TXS;
		if (r->fails)
			return;
		txs[txs_nr++] = ++tx_next;
		snprintf(r->answer, sizeof(r->answer), "%u", tx_next);
		return;
	}
	for (size_t i = 0; i < txs_nr; i++)
		if (txs[i] == r->hdr.tx_id)
			txs[i] = txs[--txs_nr];
}

/* The daemon takes the next request, if there is room. */
static bool take(bool fails)
{
	uint8_t buf[XSMSG_MAX + 1];
	struct daemon_req *r = &pending[pending_nr];
	struct xsmsg msg;
	const void *p;
	size_t len = 0, n;

	if (pending_nr == WAITING || !(n = mux_out(mux, &p)))
		return false;
	while (xsmsg_parse(&msg, buf, len) != XSMSG_READY) {
		n = mux_out(mux, &p);
		FUZZ_CHECK(n && len + n <= XSMSG_MAX);
		n = n > 7 ? 7 : n;
		memcpy(buf + len, p, n);
		len += n;
		mux_out_done(mux, n);
	}
	FUZZ_CHECK(len == xsmsg_size(&msg));
	buf[len] = '\0';
	*r = (struct daemon_req){
		.hdr = msg.hdr, .answer = "OK", .fails = fails};
	if (msg.hdr.type == XS_OP_WATCH || msg.hdr.type == XS_OP_UNWATCH) {
		const char *path = (const char *)msg.payload;
		const char *token = path + strlen(path) + 1;

		if (msg.hdr.type == XS_OP_WATCH)
			daemon_watch(r, token);
		else
			daemon_unwatch(r, token);
	} else if (msg.hdr.type == XS_OP_TRANSACTION_START ||
		   msg.hdr.type == XS_OP_TRANSACTION_END) {
		daemon_tx(r);
	}
	pending_nr++;
	return true;
}

static void say(const struct xsmsg_hdr *hdr, const void *data)
{
	uint8_t buf[XSMSG_MAX];

	xsmsg_hdr_emit(buf, hdr);
	memcpy(buf + XSMSG_HDR_LEN, data, hdr->len);
	if (!mux_in(mux, buf, XSMSG_HDR_LEN + hdr->len))
		FUZZ_CHECK(junk);
}

static void answer(uint8_t a)
{
	struct daemon_req r;
	size_t i;

	if (!pending_nr)
		return;
	i = a % pending_nr;
	r = pending[i];
	memmove(pending + i, pending + i + 1,
		(--pending_nr - i) * sizeof(pending[0]));
	if (r.fails) {
		r.hdr.type = XS_OP_ERROR;
		strcpy(r.answer, "ENOSPC");
	}
	r.hdr.len = (uint32_t)strlen(r.answer) + 1;
	say(&r.hdr, r.answer);
}

static void event(uint8_t a, uint8_t b)
{
	struct xsmsg_hdr hdr = {.type = XS_OP_WATCH_EVENT};
	char payload[64];

	hdr.len = (uint32_t)snprintf(payload, sizeof(payload), "x/y%c%s", 0,
			  watches_nr ? watches[a % watches_nr] : "0") +
		  1;
	if (b % 5 == 0)
		hdr.len = b % hdr.len;
	say(&hdr, payload);
}

static void garbage(const uint8_t *data, size_t len)
{
	uint8_t buf[XSMSG_HDR_LEN] = {0};

	/* only once: the length of what comes after it is anybody's guess */
	junk = true;
	memcpy(buf, data, len < sizeof(buf) ? len : sizeof(buf));
	(void)mux_in(mux, buf, sizeof(buf));
}

static void finish(void)
{
	for (int i = 0; i < CLIENTS; i++)
		mux_client_fini(&peers[i].mc);
	while (!junk && (pending_nr || take(false)))
		answer(0);
	if (!junk) {
		FUZZ_CHECK(watches_nr == 0);
		FUZZ_CHECK(txs_nr == 0);
		FUZZ_CHECK(mux_pending(mux) == 0);
		FUZZ_CHECK(talloc_total_blocks(mux) == 1);
	}
	talloc_free(mux);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	mux = mux_new(NULL, 7);
	memset(peers, 0, sizeof(peers));
	pending_nr = watches_nr = txs_nr = 0;
	junk = false;
	for (int i = 0; i < CLIENTS; i++)
		join(&peers[i]);
	for (; len >= 4 && !junk; data += 4, len -= 4) {
		size_t who = data[1] % CLIENTS;

		switch (data[0] & 7) {
		case 0:
		case 1:
		case 2: request(who, data[2], data[3]); break;
		case 3: take(data[1] % 8 == 0); break;
		case 4: answer(data[1]); break;
		case 5: event(data[1], data[2]); break;
		case 6: leave(&peers[who]); break;
		case 7:
			if (data[1] == 7)
				garbage(data, len);
			break;
		}
	}
	finish();
	return 0;
}
