// SPDX-License-Identifier: MIT
/*
 * fuzz_libxs_reader.c - whatever a store says, the client bears it
 *
 * The first byte says how many requests are under way, the second how large
 * the pieces are in which the rest arrives.  What must hold: each request is
 * answered exactly once, events are two strings, and the queue of events
 * stays within its bounds.
 */
#include "tests/fuzz/fuzz.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "libxs/evq.h"
#include "libxs/xsx_int.h"

static const uint8_t *stream;
static size_t left, piece;

static ssize_t mem_send(struct chan *chan, const struct iovec *iov, int nr)
{
	ssize_t sum = 0;

	(void)chan;
	for (int i = 0; i < nr; i++)
		sum += (ssize_t)iov[i].iov_len;
	return sum;
}

static ssize_t mem_recv(struct chan *chan, void *buf, size_t cap, bool wait)
{
	size_t n = left < piece ? left : piece;

	(void)chan;
	(void)wait;
	if (!left)
		return 0;
	FUZZ_CHECK(cap > 0);
	if (n > cap)
		n = cap;
	memcpy(buf, stream, n);
	stream += n;
	left -= n;
	return (ssize_t)n;
}

static short mem_poll(
	struct chan *chan, short events, int wake_fd, int timeout_ms)
{
	(void)chan;
	(void)wake_fd;
	(void)timeout_ms;
	return events;
}

static const struct chan_ops mem_ops = {mem_send, mem_recv, mem_poll};

static int answers[16];

static void on_answer(void *arg, int err, const void *payload, size_t len)
{
	size_t at = 0;

	++*(int *)arg;
	FUZZ_CHECK(err >= 0);
	FUZZ_CHECK(!err || !len);
	FUZZ_CHECK(len <= XSMSG_PAYLOAD_MAX);
	while (xsx_string_next(payload, len, &at))
		FUZZ_CHECK(at <= len);
	(void)xsx_txn_id(payload, len);
}

static void on_event(void *arg, const char *path, const char *token)
{
	FUZZ_CHECK(strlen(path) + strlen(token) + 2 <= XSMSG_PAYLOAD_MAX);
	evq_push(arg, path, token);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	static const uint32_t types[] = {
		XS_READ, XS_WATCH, XS_DIRECTORY, XS_TRANSACTION_START};
	struct xsx_options opts = {.transport = XSX_FD, .on_event = on_event};
	struct xsx *x;
	struct evq q;
	int nr, fds[2];

	if (len < 2)
		return 0;
	nr = data[0] % 16;
	piece = (size_t)data[1] + 1;
	stream = data + 2;
	left = len - 2;
	evq_init(&q);
	FUZZ_CHECK(evq_watch(&q, "/", "t"));
	opts.event_arg = &q;
	FUZZ_CHECK(!socketpair(AF_UNIX, SOCK_STREAM, 0, fds));
	opts.fd = fds[0];
	x = xsx_open(&opts);
	FUZZ_CHECK(x);
	x->chan.ops = &mem_ops;
	x->chan.single = data[0] & 0x80;
	memset(answers, 0, sizeof(answers));
	for (int i = 0; i < nr; i++)
		FUZZ_CHECK(!xsx_path(
			x, types[i % 4], 0, "/a", on_answer, &answers[i]));
	while (xsx_process(x) >= 0)
		FUZZ_CHECK(q.nr <= EVQ_MAX && q.bytes <= EVQ_BYTES);
	FUZZ_CHECK(xsx_pending(x) == 0);
	for (int i = 0; i < nr; i++)
		FUZZ_CHECK(answers[i] == 1);
	xsx_close(x);
	close(fds[1]);
	evq_filter(&q, "/", "t");
	evq_fini(&q);
	return 0;
}
