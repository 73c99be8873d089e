// SPDX-License-Identifier: MIT
/*
 * test_conn_sock.c - sockets: pieces, ends, slow readers, descriptors
 *
 * Each with events that come once for each arrival (1), as where the kernel
 * refuses descriptors to their sender, and as long as there is something (0).
 */
#include <fcntl.h>
#include <stdint.h>
#include <sys/un.h>

#include "tests/unit/sendfds.h"
#include "tests/unit/xs_case.h"

static void sock_setup(int refuse_rights)
{
	setup();
	fx->take_rights = !refuse_rights;
}

/* A client that leaves in the middle of everything. */
START_TEST(test_socket_ends)
{
	int c;

	sock_setup(_i);
	c = -fx_client(fx);
	ck_assert_int_eq(FX_ASK(fx, c, WATCH, "/\0t"), 0);
	fx_send_bytes(fx, c, "half a header", 13);
	fx_settle(fx);
	close(-c);
	ck_assert_int_eq(ask(k, XS_OP_MKDIR, "/x"), 0);
	fx_settle(fx);
	ck_assert_uint_eq(fx->server->watches_nr, 0);
	/* Too long a message, or a length that wraps, ends it (XSA-420). */
	for (uint32_t len = 4097; len; len = len == 4097 ? 0x80000000 : 0) {
		struct xsmsg_hdr hdr = {XS_OP_READ, 0, 0, len};
		uint8_t raw[XSMSG_HDR_LEN];

		c = -fx_client(fx);
		xsmsg_hdr_emit(raw, &hdr);
		fx_send_bytes(fx, c, raw, sizeof(raw));
		fx_settle(fx);
		ck_assert_int_eq(recv(-c, raw, 1, 0), 0);
		close(-c);
	}
	/* Its last request is answered before the end. */
	c = -fx_client(fx);
	fx_send(fx, c, XS_OP_MKDIR, 0, "/y", 3);
	ck_assert_int_eq(shutdown(-c, SHUT_WR), 0);
	ck_assert(fx_recv(fx, c, &msg));
	fx_settle(fx);
	ck_assert_int_eq(recv(-c, &msg, 1, 0), 0);
	close(-c);
	teardown();
}
END_TEST

/* Its end is an error when it left what it was told unread. */
START_TEST(test_socket_ends_unread)
{
	int c;

	sock_setup(_i);
	c = -fx_client(fx);
	fx_send(fx, c, XS_OP_WATCH, 0, "/\0t", 4);
	fx_settle(fx);
	fx_send_bytes(fx, c, "half a header", 13);
	close(-c);
	fx_settle(fx);
	ck_assert_uint_eq(fx->server->watches_nr, 0);
	teardown();
}
END_TEST

/* Requests that come in pieces, while others have their turns in between. */
START_TEST(test_pieces_between_others)
{
	uint8_t raw[2][XSMSG_HDR_LEN + 3];
	int c[2];

	sock_setup(_i);
	for (int i = 0; i < 2; i++) {
		struct xsmsg_hdr hdr = {XS_OP_MKDIR, 1, 0, 3};

		c[i] = -fx_client(fx);
		xsmsg_hdr_emit(raw[i], &hdr);
		memcpy(raw[i] + XSMSG_HDR_LEN, i ? "/b" : "/a", 3);
	}
	for (size_t at = 0; at < sizeof(raw[0]); at++) {
		for (int i = 0; i < 2; i++) {
			fx_send_bytes(fx, c[i], raw[i] + at, 1);
			fx_turn(fx);
			fx_turn(fx);
		}
		ck_assert_int_eq(ask(k, XS_OP_READ, "/none"), ENOENT);
	}
	for (int i = 0; i < 2; i++) {
		ck_assert(fx_recv(fx, c[i], &msg));
		ck_assert_uint_eq(msg.hdr.type, XS_OP_MKDIR);
		close(-c[i]);
	}
	ck_assert_int_eq(ask(k, XS_OP_READ, "/a"), 0);
	ck_assert_int_eq(ask(k, XS_OP_READ, "/b"), 0);
	teardown();
}
END_TEST

/* A socket client which never reads is not read for ever. */
START_TEST(test_socket_that_does_not_read)
{
	struct xsmsg_hdr hdr = {XS_OP_READ, 1, 0, 3};
	static char value[4096] = "/v";
	struct conn *conn;
	uint8_t raw[19];
	int c, sent = 0;

	sock_setup(_i);
	ck_assert_int_eq(
		fx_ask(fx, k, XS_OP_WRITE, value, sizeof(value), &msg), 0);
	c = -fx_client(fx);
	conn = TAILQ_LAST(&fx->server->conns, conn_head);
	xsmsg_hdr_emit(raw, &hdr);
	memcpy(raw + 16, "/v", 3);
	for (int idle = 0; idle < 20;) {
		idle = send(-c, raw, sizeof(raw), 0) == sizeof(raw) ? 0
								    : idle + 1;
		sent += !idle;
		fx_turn(fx);
		ck_assert_uint_le(conn->out.reply_bytes, CONN_REPLY_MAX + 8192);
	}
	for (int i = 0; i < sent; i++)
		ck_assert(fx_recv(fx, c, &msg));
	close(-c);
	teardown();
}
END_TEST

/*
 * Bytes with a descriptor end a read early; what is behind them is served all
 * the same.  The descriptor is closed, or does not get here.
 */
START_TEST(test_descriptors)
{
	uint8_t raw[XSMSG_HDR_LEN + 3] = {0};
	struct xsmsg_hdr hdr = {XS_OP_MKDIR, 1, 0, 3};
	struct iovec iov = {raw, sizeof(raw)};
	int c, pipes[2];

	sock_setup(_i);
	c = -fx_client(fx);
	ck_assert_int_eq(pipe2(pipes, O_CLOEXEC | O_NONBLOCK), 0);
	xsmsg_hdr_emit(raw, &hdr);
	memcpy(raw + XSMSG_HDR_LEN, "/a", 3);
	if (sendfds(-c, &iov, 1, &pipes[1], 1, 0) < 0) {
		ck_assert_int_eq(_i, 1);
		ck_assert_int_eq(errno, EPERM);
		ck_assert_int_eq(sendfds(-c, &iov, 1, NULL, 0, 0), sizeof(raw));
	}
	fx_send(fx, c, XS_OP_MKDIR, 0, "/b", 3);
	ck_assert(fx_recv(fx, c, &msg));
	ck_assert(fx_recv(fx, c, &msg));
	ck_assert_int_eq(ask(k, XS_OP_READ, "/b"), 0);
	/* Nobody else can write there any more. */
	close(pipes[1]);
	ck_assert_int_eq(read(pipes[0], raw, 1), 0);
	close(pipes[0]);
	close(-c);
	teardown();
}
END_TEST

/* Who connects is refused to pass a descriptor, by a kernel that can. */
START_TEST(test_listening)
{
	char dir[] = "/tmp/xs-sock-XXXXXX";
	struct sockaddr_un sun = {.sun_family = AF_UNIX};
	struct iovec iov = {dir, 1};
	int c = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	bool can = !conn_sock_refuse_rights(c);

	setup();
	ck_assert_ptr_nonnull(mkdtemp(dir));
	snprintf(sun.sun_path, sizeof(sun.sun_path), "%s/socket", dir);
	ck_assert_int_eq(server_listen(fx->server, sun.sun_path), 0);
	ck_assert_int_eq(
		connect(c, (const struct sockaddr *)&sun, sizeof(sun)), 0);
	ck_assert_int_eq(sendfds(c, &iov, 1, &c, 1, 0), can ? -1 : 1);
	close(c);
	teardown();
	ck_assert_int_eq(rmdir(dir), 0);
}
END_TEST

BH_CHECK_MAIN("conn_sock", 30, BH_LOOP(test_socket_ends, 2),
	BH_LOOP(test_socket_ends_unread, 2),
	BH_LOOP(test_pieces_between_others, 2),
	BH_LOOP(test_socket_that_does_not_read, 2),
	BH_LOOP(test_descriptors, 2), BH_TEST(test_listening))
