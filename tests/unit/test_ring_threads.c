/* SPDX-License-Identifier: MIT */
/*
 * test_ring_threads.c - several threads on one handle on a bare ring
 *
 * The daemon is a thread on the other side of the page.  It answers READ with
 * the path and WRITE with an event and OK, as far as the ring has room; paths
 * are long, so that both sides have to wait for room.
 */
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "libxs/xenstore.h"
#include "libxs/xsx.h"
#include "tests/unit/bh_check.h"
#include "wire/ops.h"
#include "wire/xsmsg.h"
#include "wire/xsring.h"

enum { THREADS = 6, ROUNDS = 150, WRITES = 15, LONG = 700 };

static uint8_t page[XSRING_PAGE] __attribute__((aligned(XSRING_PAGE)));
static struct xsring server;
static int bell_client, bell_server;
static int waiting; /* threads in bell_wait() */
static bool stop;

/* --- the event channel ----------------------------------------------------- */

static void ring_bell(int fd)
{
	uint64_t one = 1;

	ck_assert_int_eq(write(fd, &one, sizeof(one)), sizeof(one));
}

static void notify(void *arg)
{
	(void)arg;
	ring_bell(bell_server);
}

/* As xsx.h says: one at a time, and not longer than it is told. */
static int bell_wait(void *arg, int timeout_ms)
{
	struct pollfd p = {.fd = bell_client, .events = POLLIN};
	uint64_t v;
	int r;

	(void)arg;
	ck_assert_int_eq(__atomic_add_fetch(&waiting, 1, __ATOMIC_SEQ_CST), 1);
	r = poll(&p, 1, timeout_ms);
	if (r > 0)
		r = read(bell_client, &v, sizeof(v)) == sizeof(v);
	__atomic_sub_fetch(&waiting, 1, __ATOMIC_SEQ_CST);
	return r > 0;
}

/* --- the daemon ------------------------------------------------------------ */

struct daemon {
	uint8_t in[2 * XSMSG_MAX];
	uint8_t out[1 << 20];
	size_t in_len, out_at, out_len;
};

static void say(struct daemon *d, const struct xsmsg_hdr *as, uint32_t type,
	uint32_t id, const void *data, size_t len)
{
	struct xsmsg_hdr hdr = {type, id, as->tx_id, (uint32_t)len};

	ck_assert_uint_le(d->out_len + XSMSG_HDR_LEN + len, sizeof(d->out));
	xsmsg_hdr_emit(d->out + d->out_len, &hdr);
	memcpy(d->out + d->out_len + XSMSG_HDR_LEN, data, len);
	d->out_len += XSMSG_HDR_LEN + len;
}

static void answer(struct daemon *d, const struct xsmsg *msg)
{
	const struct xsmsg_hdr *hdr = &msg->hdr;
	const char *path = (const char *)msg->payload;
	char event[XSMSG_PAYLOAD_MAX];
	size_t len = strlen(path) + 1;

	if (hdr->type == XS_OP_READ) {
		say(d, hdr, hdr->type, hdr->req_id, path, len - 1);
		return;
	}
	if (hdr->type == XS_OP_WRITE) {
		memcpy(event, path, len);
		memcpy(event + len, "t", 2);
		say(d, hdr, XS_OP_WATCH_EVENT, 0, event, len + 2);
	}
	say(d, hdr, hdr->type, hdr->req_id, "OK", 3);
}

/* What can be done now; false if that is nothing. */
static bool daemon_step(struct daemon *d)
{
	struct xsmsg msg;
	size_t got, put;

	ck_assert(xsring_get(
		&server, d->in + d->in_len, sizeof(d->in) - d->in_len, &got));
	d->in_len += got;
	while (xsmsg_parse(&msg, d->in, d->in_len) == XSMSG_READY) {
		answer(d, &msg);
		d->in_len -= xsmsg_size(&msg);
		memmove(d->in, d->in + xsmsg_size(&msg), d->in_len);
	}
	ck_assert(xsring_put(
		&server, d->out + d->out_at, d->out_len - d->out_at, &put));
	d->out_at += put;
	if (d->out_at == d->out_len)
		d->out_at = d->out_len = 0;
	return got || put;
}

static void *daemon_main(void *arg)
{
	static struct daemon d;
	uint64_t v;

	(void)arg;
	d.in_len = d.out_at = d.out_len = 0;
	while (!__atomic_load_n(&stop, __ATOMIC_ACQUIRE)) {
		if (daemon_step(&d))
			ring_bell(bell_client);
		else
			(void)!read(bell_server, &v, sizeof(v));
	}
	return NULL;
}

/* --- clients --------------------------------------------------------------- */

static int next_id;

static void *client_main(void *arg)
{
	struct xs_handle *h = arg;
	int id = __atomic_add_fetch(&next_id, 1, __ATOMIC_RELAXED);
	char path[LONG + 1];
	unsigned int len;

	for (int i = 0; i < ROUNDS; i++) {
		size_t want = i % 3 ? LONG : 20;
		char *v;

		memset(path, 'x', sizeof(path));
		path[snprintf(path, sizeof(path), "/%d/%d/", id, i)] = 'x';
		path[want] = '\0';
		v = xs_read(h, 0, path, &len);
		ck_assert_ptr_nonnull(v);
		ck_assert_str_eq(v, path);
		free(v);
		if (i % (ROUNDS / WRITES) == 0)
			ck_assert(xs_write(h, 0, path, "1", 1));
	}
	return NULL;
}

static void *events_main(void *arg)
{
	struct xs_handle *h = arg;

	for (int i = 0; i < THREADS * WRITES; i++) {
		char **vec = xs_read_watch(h, NULL);

		ck_assert_ptr_nonnull(vec);
		ck_assert_str_eq(vec[XS_WATCH_TOKEN], "t");
		free(vec);
	}
	return NULL;
}

/* Somebody who looks, and never waits. */
static void *look_main(void *arg)
{
	struct xs_handle *h = arg;

	for (int i = 0; i < THREADS * WRITES;) {
		char **vec = xs_check_watch(h);

		if (!vec) {
			ck_assert_int_eq(errno, EAGAIN);
			usleep(100);
			continue;
		}
		free(vec);
		i++;
	}
	return NULL;
}

/*
 * Every answer to who asked and every event to somebody: with a descriptor
 * and without one, with the library's thread, with a time limit, and with
 * somebody who polls for events.
 */
START_TEST(test_threads)
{
	struct xsx_options o = {
		.transport = XSX_RING,
		.ring = {.page = page, .notify = notify, .wait = bell_wait},
		.timeout_ms = _i & 4 ? 60000 : 0,
	};
	pthread_t clients[THREADS], events, daemon;
	struct xs_handle *h;

	memset(page, 0, sizeof(page));
	xsring_attach(&server, page, XSRING_SERVER);
	bell_client = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	bell_server = eventfd(0, EFD_CLOEXEC);
	o.ring.fd = _i & 1 ? bell_client : -1;
	pthread_create(&daemon, NULL, daemon_main, NULL);
	h = xsx_handle_open(&o);
	ck_assert_ptr_nonnull(h);
	if (_i & 2)
		ck_assert_int_ge(xs_fileno(h), 0);
	ck_assert(xs_watch(h, "/", "t"));
	pthread_create(&events, NULL, _i & 8 ? look_main : events_main, h);
	for (int i = 0; i < THREADS; i++)
		pthread_create(&clients[i], NULL, client_main, h);
	for (int i = 0; i < THREADS; i++)
		pthread_join(clients[i], NULL);
	pthread_join(events, NULL);
	xs_close(h);
	__atomic_store_n(&stop, true, __ATOMIC_RELEASE);
	ring_bell(bell_server);
	pthread_join(daemon, NULL);
	close(bell_client);
	close(bell_server);
}
END_TEST

BH_CHECK_MAIN("ring_threads", 60, BH_LOOP(test_threads, 16))
