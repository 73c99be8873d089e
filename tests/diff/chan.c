/* SPDX-License-Identifier: MIT */
/* chan.c: the clients of a side, on sockets and on rings */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include <xenevtchn.h>
#include <xen/io/xs_wire.h>

#include "common/str.h"
#include "tests/diff/side.h"
#include "wire/ops.h"
#include "wire/xsmsg.h"

enum {
	REQ_SYNC = 0x5e5e5e5e, /* req_id of what only asks to be answered */
	REQ_ASK = 0x1d1d1d1d,
	ANSWER_MS = 3000,
	SLICE_MS = 100, /* between looks whether it is still there */
	TAKEN_MS = 200,
	RELEASE_MS = 2000,
	PART_SURE = 4000, /* bytes of a listing in parts */
};

static uint64_t now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000 + (uint64_t)ts.tv_nsec / 1000000;
}

static bool is_socket(unsigned c)
{
	return c < CHAN_GUEST || c == CHAN_CTL;
}

static struct dom *dom_of(struct side *s, unsigned c)
{
	return &s->dom[c - CHAN_GUEST + 1];
}

void said_clear(struct side *s)
{
	for (unsigned c = 0; c < CHANS; c++) {
		struct said *said = &s->chan[c].said;

		for (unsigned i = 0; i < said->nr; i++)
			free(said->line[i]);
		said->nr = 0;
		said->reply = -1;
	}
}

static void said_add(struct chan *chan, const char *head, const void *data,
	size_t len, bool reply)
{
	const size_t cap = strlen(head) + 4 * len + 1;
	struct said *said = &chan->said;
	char *line;

	if (said->nr == LINES_MAX)
		return;
	line = malloc(cap);
	if (!line)
		abort();
	strcpy(line, head);
	str_escape(line + strlen(head), cap - strlen(head), data, len);
	if (reply)
		said->reply = (int)said->nr;
	said->line[said->nr++] = line;
}

static void note(struct chan *chan, const char *text)
{
	said_add(chan, text, "", 0, false);
}

void chan_note(struct side *s, unsigned c, const char *text)
{
	note(&s->chan[c], text);
}

/*
 * The reply as text; what each daemon may choose is left out: the id of a
 * transaction, and the generation of a listing in parts.
 */
static void on_reply(struct chan *chan, const struct xsmsg *msg)
{
	const uint8_t *data = msg->payload;
	size_t len = msg->hdr.len, skip = 0;
	char text[16];

	chan->wait_reply = false;
	if (msg->hdr.tx_id != chan->tx)
		note(chan, "tx_id of the reply is wrong");
	if (msg->hdr.type == XS_OP_ERROR) {
		said_add(chan, "!", data, len ? len - 1 : 0, true);
		return;
	}
	if (msg->hdr.type != chan->type)
		note(chan, "type of the reply is wrong");
	if (chan->type == XS_OP_TRANSACTION_START && len && len < 12) {
		memcpy(text, data, len);
		text[len] = '\0';
		chan->tx_given = (uint32_t)strtoul(text, NULL, 10);
		said_add(chan, "=tx", "", 0, true);
		return;
	}
	if (len == 3 && !memcmp(data, "OK", len)) {
		said_add(chan, "=OK", "", 0, true);
		return;
	}
	if (chan->type == XS_OP_DIRECTORY_PART) {
		skip = strnlen((const char *)data, len);
		/* there is room for more beside a shorter generation */
		if (len > PART_SURE)
			len = PART_SURE + skip;
	}
	said_add(chan, "=", data + skip, len - skip, true);
}

static void on_message(struct side *s, unsigned c, const struct xsmsg *msg)
{
	struct chan *chan = &s->chan[c];

	if (msg->hdr.type == XS_OP_WATCH_EVENT) {
		if (msg->hdr.req_id || msg->hdr.tx_id)
			note(chan, "header of the event is wrong");
		if (c == CHAN_CTL)
			chan->releases++;
		else
			said_add(chan, "@", msg->payload, msg->hdr.len, false);
	} else if (chan->wait_reply && msg->hdr.req_id == REQ_ASK) {
		on_reply(chan, msg);
	} else if (chan->wait_sync && msg->hdr.req_id == REQ_SYNC) {
		chan->wait_sync = false;
	} else {
		note(chan, "a reply that nobody waits for");
	}
}

static void on_closed(struct chan *chan)
{
	if (chan->wait_reply)
		note(chan, "closed");
	chan->closed = true;
	chan->live = false;
	chan->wait_reply = chan->wait_sync = false;
}

static size_t bytes_in(struct side *s, unsigned c)
{
	struct chan *chan = &s->chan[c];
	uint8_t *to = chan->in + chan->in_len;
	const size_t cap = CHAN_BUF - chan->in_len;
	size_t got = 0;
	ssize_t n;

	if (is_socket(c)) {
		n = recv(chan->fd, to, cap, MSG_DONTWAIT);
		if (n == 0 || (n < 0 && errno != EAGAIN))
			on_closed(chan);
		return n < 0 ? 0 : (size_t)n;
	}
	if (!xsring_get(&chan->ring, to, cap, &got)) {
		note(chan, "impossible indexes on the ring");
		chan->live = false;
	}
	if (got)
		xenevtchn_notify(dom_of(s, c)->evtchn,
			(evtchn_port_t)dom_of(s, c)->port);
	return got;
}

static void take(struct side *s, unsigned c)
{
	struct chan *chan = &s->chan[c];
	struct xsmsg msg;
	size_t at = 0;

	chan->in_len += bytes_in(s, c);
	while (xsmsg_parse(&msg, chan->in + at, chan->in_len - at) ==
		XSMSG_READY) {
		on_message(s, c, &msg);
		at += xsmsg_size(&msg);
	}
	chan->in_len -= at;
	memmove(chan->in, chan->in + at, chan->in_len);
}

static void give(struct side *s, unsigned c)
{
	struct chan *chan = &s->chan[c];
	size_t len = chan->out_len - chan->out_at, put = 0;

	if (!len)
		return;
	if (is_socket(c)) {
		ssize_t n = send(chan->fd, chan->out + chan->out_at, len,
			MSG_NOSIGNAL | MSG_DONTWAIT);

		if (n < 0 && errno != EAGAIN) {
			chan->out_at = chan->out_len = 0;
			return;
		}
		put = n < 0 ? 0 : (size_t)n;
	} else {
		if (!xsring_put(
			    &chan->ring, chan->out + chan->out_at, len, &put))
			chan->live = false;
		if (put)
			xenevtchn_notify(dom_of(s, c)->evtchn,
				(evtchn_port_t)dom_of(s, c)->port);
	}
	chan->out_at += put;
	if (chan->out_at == chan->out_len)
		chan->out_at = chan->out_len = 0;
}

static void wait_any(struct side *s, int ms)
{
	struct pollfd p[CHANS];
	unsigned which[CHANS], nr = 0;

	for (unsigned c = 0; c < CHANS; c++) {
		if (!is_socket(c) && !dom_of(s, c)->evtchn)
			continue;
		if (is_socket(c) && s->chan[c].closed)
			continue;
		p[nr].fd = is_socket(c) ? s->chan[c].fd
					: xenevtchn_fd(dom_of(s, c)->evtchn);
		p[nr].events = POLLIN;
		which[nr++] = c;
	}
	if (poll(p, nr, ms) <= 0)
		return;
	for (unsigned i = 0; i < nr; i++) {
		struct dom *d;
		xenevtchn_port_or_error_t port;

		if (is_socket(which[i]) || !(p[i].revents & POLLIN))
			continue;
		d = dom_of(s, which[i]);
		port = xenevtchn_pending(d->evtchn);
		if (port >= 0)
			xenevtchn_unmask(d->evtchn, (evtchn_port_t)port);
	}
}

static void turn(struct side *s)
{
	for (unsigned c = 0; c < CHANS; c++) {
		struct chan *chan = &s->chan[c];

		if (is_socket(c) ? chan->closed : !chan->live)
			continue;
		give(s, c);
		take(s, c);
	}
}

static bool all_quiet(const struct side *s)
{
	for (unsigned c = 0; c < CHANS; c++) {
		const struct chan *chan = &s->chan[c];

		if (chan->live && (chan->wait_reply || chan->wait_sync))
			return false;
	}
	return true;
}

static void until_quiet(struct side *s)
{
	const uint64_t end = now_ms() + ANSWER_MS;

	for (;;) {
		uint64_t now;

		turn(s);
		if (all_quiet(s))
			return;
		now = now_ms();
		if (now >= end || !side_alive(s))
			break;
		wait_any(s, SLICE_MS);
	}
	s->silent = true;
	for (unsigned c = 0; c < CHANS; c++) {
		struct chan *chan = &s->chan[c];

		if (chan->live && (chan->wait_reply || chan->wait_sync))
			note(chan, "no answer");
	}
}

static void queue(struct chan *chan, const void *data, size_t len)
{
	if (chan->out_len + len > CHAN_BUF)
		abort();
	memcpy(chan->out + chan->out_len, data, len);
	chan->out_len += len;
}

static void request(struct chan *chan, uint32_t type, uint32_t req_id,
	uint32_t tx, const void *data, size_t len)
{
	const struct xsmsg_hdr hdr = {
		.type = type, .req_id = req_id, .tx_id = tx, .len = len};
	uint8_t bytes[XSMSG_HDR_LEN];

	xsmsg_hdr_emit(bytes, &hdr);
	queue(chan, bytes, sizeof(bytes));
	queue(chan, data, len);
}

bool chan_send(struct side *s, unsigned c, uint32_t type, uint32_t tx,
	const void *data, size_t len)
{
	struct chan *chan = &s->chan[c];

	if (!chan->live)
		return false;
	chan->type = type;
	chan->tx = tx;
	chan->wait_reply = true;
	request(chan, type, REQ_ASK, tx, data, len);
	give(s, c);
	return true;
}

void chan_send_raw(struct side *s, unsigned c, const void *data, size_t len)
{
	queue(&s->chan[c], data, len);
	give(s, c);
}

void chan_reply(struct side *s)
{
	until_quiet(s);
}

void chan_settle(struct side *s)
{
	until_quiet(s);
	for (unsigned c = 0; c < CHANS; c++) {
		struct chan *chan = &s->chan[c];

		if (!chan->live)
			continue;
		chan->wait_sync = true;
		request(chan, XS_OP_GET_DOMAIN_PATH, REQ_SYNC, 0, "0", 2);
		give(s, c);
	}
	until_quiet(s);
}

int chan_reopen(struct side *s, unsigned c)
{
	struct sockaddr_un sun = {.sun_family = AF_UNIX};
	struct chan *chan = &s->chan[c];

	if (chan->fd >= 0)
		close(chan->fd);
	memcpy(sun.sun_path, s->socket, strlen(s->socket));
	chan->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	chan->in_len = chan->out_at = chan->out_len = 0;
	chan->wait_reply = chan->wait_sync = false;
	chan->live = true;
	chan->closed = false;
	/* Debian's listens for one at a time */
	for (int i = 0;
		connect(chan->fd, (struct sockaddr *)&sun, sizeof(sun)) < 0;
		i++) {
		if (i == 2000) {
			perror("diff: cannot connect");
			return -1;
		}
		usleep(1000);
	}
	return 0;
}

void chan_wait_closed(struct side *s, unsigned c)
{
	const uint64_t end = now_ms() + RELEASE_MS;

	while (!s->chan[c].closed && now_ms() < end) {
		wait_any(s, 10);
		turn(s);
	}
	if (!s->chan[c].closed)
		note(&s->chan[c], "not closed");
}

void chan_ring_fresh(struct side *s, unsigned c)
{
	struct chan *chan = &s->chan[c];

	chan->in_len = chan->out_at = chan->out_len = 0;
	chan->wait_reply = chan->wait_sync = false;
	chan->live = false;
}

static volatile struct xenstore_domain_interface *page_of(
	struct side *s, unsigned c)
{
	return dom_of(s, c)->page;
}

void chan_wait_taken(struct side *s, unsigned c)
{
	const uint64_t end = now_ms() + TAKEN_MS;

	while (page_of(s, c)->req_cons != page_of(s, c)->req_prod &&
		now_ms() < end)
		wait_any(s, 1);
}

void chan_bad_index(struct side *s, unsigned c)
{
	page_of(s, c)->req_prod = page_of(s, c)->req_cons + XSRING_SIZE + 1;
	xenevtchn_notify(
		dom_of(s, c)->evtchn, (evtchn_port_t)dom_of(s, c)->port);
}

void chan_wait_releases(struct side *s, unsigned nr)
{
	const uint64_t end = now_ms() + RELEASE_MS;

	while (s->chan[CHAN_CTL].releases < nr && now_ms() < end) {
		turn(s);
		if (s->chan[CHAN_CTL].releases < nr)
			wait_any(s, 20);
	}
}
