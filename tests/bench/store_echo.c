/* SPDX-License-Identifier: MIT */
/*
 * store_echo.c: the least that a fair daemon does for the same messages
 *
 * It waits with epoll, takes what there is in one go, answers each request in
 * it with so many bytes as the request says, and sends that in one go.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <xenevtchn.h>
#include <xengnttab.h>

#include <xen/xen.h>
#include <xen/grant_table.h>

#include "common/str.h"
#include "tests/bench/store.h"

enum { BUF = 16384, EVENTS = 64, PEERS = 4096 };

struct peer {
	int fd; /* -1: a ring */
	struct xsring ring;
	uint32_t port;
	size_t len;
	uint8_t in[BUF];
};

static int set, peers_nr;
static struct peer *peers[PEERS];
static uint8_t out[BUF * 4];
static size_t out_len;
static xenevtchn_handle *evtchn;
static xengnttab_handle *gnttab;

static void give_up(void)
{
	_exit(1);
}

static void answer(uint32_t type, size_t len)
{
	const struct xsmsg_hdr hdr = {.type = type, .len = (uint32_t)len};

	xsmsg_hdr_emit(out + out_len, &hdr);
	memset(out + out_len + XSMSG_HDR_LEN, '1', len);
	out_len += XSMSG_HDR_LEN + len;
}

static struct peer *peer_new(int fd)
{
	struct peer *p = calloc(1, sizeof(*p));

	if (!p || peers_nr == PEERS)
		give_up();
	p->fd = fd;
	peers[peers_nr++] = p;
	return p;
}

static void peer_free(struct peer *p)
{
	for (int i = 0; i < peers_nr; i++)
		if (peers[i] == p)
			peers[i] = peers[--peers_nr];
	close(p->fd);
	free(p);
}

static void to_all(size_t len)
{
	size_t was = out_len;

	answer(XS_OP_WATCH_EVENT, len);
	for (int i = 0; i < peers_nr; i++)
		if (peers[i]->fd >= 0)
			(void)!send(peers[i]->fd, out + was, out_len - was,
				MSG_DONTWAIT | MSG_NOSIGNAL);
	out_len = was;
}

/* INTRODUCE: map the page, bind the port. */
static void introduce(const struct xsmsg *msg)
{
	struct ops_args args;
	uint64_t domid, port;
	struct peer *p = peer_new(-1);
	void *page;
	int local;

	if (ops_args_parse(ops_find(XS_OP_INTRODUCE), msg->payload,
		    msg->hdr.len, &args) ||
		str_to_u64(args.str[0], UINT16_MAX, &domid) ||
		str_to_u64(args.str[2], UINT16_MAX, &port))
		give_up();
	page = xengnttab_map_grant_ref(gnttab, (uint32_t)domid,
		GNTTAB_RESERVED_XENSTORE, PROT_READ | PROT_WRITE);
	local = xenevtchn_bind_interdomain(
		evtchn, (uint32_t)domid, (evtchn_port_t)port);
	if (!page || local < 0)
		give_up();
	p->port = (uint32_t)local;
	xsring_attach(&p->ring, page, XSRING_SERVER);
}

/* What is whole of what came is answered. */
static void answer_all(struct peer *p)
{
	struct xsmsg msg;
	size_t at = 0;

	out_len = 0;
	while (xsmsg_parse(&msg, p->in + at, p->len - at) == XSMSG_READY) {
		if (msg.hdr.type == XS_OP_INTRODUCE)
			introduce(&msg);
		if (msg.hdr.type == ECHO_TO_ALL)
			to_all(msg.hdr.req_id);
		answer(msg.hdr.type, msg.hdr.req_id);
		at += xsmsg_size(&msg);
	}
	p->len -= at;
	memmove(p->in, p->in + at, p->len);
}

static void on_sock(struct peer *p)
{
	ssize_t n = recv(p->fd, p->in + p->len, BUF - p->len, MSG_DONTWAIT);

	if (n < 0 && errno == EAGAIN)
		return;
	if (n <= 0) {
		peer_free(p);
		return;
	}
	p->len += (size_t)n;
	answer_all(p);
	if (out_len && send(p->fd, out, out_len, MSG_NOSIGNAL) < 0)
		give_up();
}

static void on_ring(void)
{
	xenevtchn_port_or_error_t port = xenevtchn_pending(evtchn);
	struct peer *p = NULL;
	size_t n;

	if (port < 0 || xenevtchn_unmask(evtchn, (evtchn_port_t)port))
		give_up();
	for (int i = 0; i < peers_nr && !p; i++)
		if (peers[i]->fd < 0 && peers[i]->port == (uint32_t)port)
			p = peers[i];
	if (!p)
		return;
	if (!xsring_get(&p->ring, p->in + p->len, BUF - p->len, &n))
		give_up();
	p->len += n;
	answer_all(p);
	if (out_len && (!xsring_put(&p->ring, out, out_len, &n) || n < out_len))
		give_up();
	if (out_len)
		xenevtchn_notify(evtchn, p->port);
}

static void wait_for(int fd, void *what)
{
	struct epoll_event ev = {.events = EPOLLIN, .data.ptr = what};

	if (epoll_ctl(set, EPOLL_CTL_ADD, fd, &ev))
		give_up();
}

void echo_main(const char *path, uint32_t store_port)
{
	struct sockaddr_un sun = {.sun_family = AF_UNIX};
	struct epoll_event ev[EVENTS];
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	memcpy(sun.sun_path, path, strlen(path));
	set = epoll_create1(0);
	evtchn = xenevtchn_open(NULL, 0);
	gnttab = xengnttab_open(NULL, 0);
	if (fd < 0 || set < 0 || !evtchn || !gnttab ||
		bind(fd, (struct sockaddr *)&sun, sizeof(sun)) ||
		listen(fd, 128))
		give_up();
	wait_for(fd, &set);
	wait_for(xenevtchn_fd(evtchn), &evtchn);
	for (;;) {
		int n = epoll_wait(set, ev, EVENTS, -1);

		for (int i = 0; i < n; i++) {
			if (ev[i].data.ptr == &set) {
				int conn = accept(fd, NULL, NULL);

				if (conn >= 0)
					wait_for(conn, peer_new(conn));
			} else if (ev[i].data.ptr == &evtchn) {
				on_ring();
			} else {
				on_sock(ev[i].data.ptr);
			}
		}
	}
}
