// SPDX-License-Identifier: MIT
/* test_console.c - a command's output and input through the console ring */
#include <fcntl.h>
#include <stdint.h>
#include <sys/socket.h>
#include <talloc.h>

#include "common/log.h"
#include "common/loop.h"
#include "hv/guest/console.h"
#include "tests/unit/bh_check.h"
#include "wire/consring.h"

static uint8_t page[4096] __attribute__((aligned(4096)));
static struct loop *loop;
static struct console *con;
static struct consring back;
static unsigned int kicks;
static int cmd; /* the command's end */

static void on_kick(void *arg)
{
	kicks++;
}

static void setup(void)
{
	struct console_params p = {.page = page, .kick = on_kick};
	int sv[2];

	log_fd_set(-1);
	memset(page, 0, sizeof(page));
	ck_assert_int_eq(
		socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, sv), 0);
	cmd = sv[0];
	p.tty_fd = sv[1];
	p.loop = loop = loop_new(NULL);
	con = console_new(loop, &p);
	ck_assert_ptr_nonnull(con);
	consring_attach(&back, page, CONSRING_BACKEND);
}

static void teardown(void)
{
	talloc_free(con);
	talloc_free(loop);
	close(cmd);
}

static void turns(int nr)
{
	while (nr--)
		ck_assert_int_eq(loop_turn(loop), 0);
}

START_TEST(test_both_ways)
{
	char buf[64];
	size_t n;

	setup();
	ck_assert_int_eq(write(cmd, "shown", 5), 5);
	turns(3);
	ck_assert(consring_get(&back, buf, sizeof(buf), &n));
	ck_assert_uint_eq(n, 5);
	ck_assert_mem_eq(buf, "shown", 5);
	ck_assert_uint_eq(kicks, 1);
	ck_assert(consring_put(&back, "typed", 5, &n));
	console_wake(con);
	turns(3);
	ck_assert_int_eq(read(cmd, buf, sizeof(buf)), 5);
	ck_assert_mem_eq(buf, "typed", 5);
	ck_assert_uint_eq(kicks, 2);
	teardown();
}
END_TEST

/* Nobody listens: the newest is kept, and the loss is said once. */
START_TEST(test_backlog)
{
	static char all[CONSOLE_BACKLOG + 8192];
	static const char lost[] = "[output was lost]";
	const unsigned int total = 3 * CONSOLE_BACKLOG;
	unsigned int sent = 0, said = 0;
	size_t len = 0, n;

	setup();
	while (sent < total) {
		char line[16];
		int l = snprintf(line, sizeof(line), "%08u\n", sent);

		ck_assert_int_eq(write(cmd, line, (size_t)l), l);
		sent += (unsigned int)l;
		turns(2);
	}
	do {
		console_wake(con);
		turns(2);
		ck_assert_uint_le(len + CONSRING_OUT, sizeof(all));
		ck_assert(consring_get(&back, all + len, CONSRING_OUT, &n));
		len += n;
	} while (n);
	ck_assert_mem_eq(all, "00000000\n", 9);
	snprintf(all + len, 16, "%08u\n", sent - 9);
	ck_assert_mem_eq(all + len - 9, all + len, 9);
	all[len] = '\0';
	for (char *p = all; (p = strstr(p, lost)); p++)
		said++;
	ck_assert_uint_eq(said, 1);
	teardown();
}
END_TEST

/* The command does not read: what is typed stays in the ring. */
START_TEST(test_input_waits)
{
	uint8_t chunk[CONSRING_IN], buf[4096];
	size_t put = 0, got = 0, n;
	ssize_t r;

	setup();
	memset(chunk, 'k', sizeof(chunk));
	for (int i = 0; i < 2000; i++) {
		ck_assert(consring_put(&back, chunk, sizeof(chunk), &n));
		put += n;
		console_wake(con);
		turns(1);
		if (!n)
			break;
	}
	ck_assert_uint_eq(n, 0);
	while ((r = read(cmd, buf, sizeof(buf))) > 0) {
		got += (size_t)r;
		turns(2);
	}
	ck_assert_uint_eq(got, put);
	teardown();
}
END_TEST

START_TEST(test_command_ends)
{
	char buf[64];
	size_t n;

	setup();
	ck_assert_int_eq(write(cmd, "last words", 10), 10);
	close(cmd);
	turns(5);
	ck_assert(consring_get(&back, buf, sizeof(buf), &n));
	ck_assert_uint_eq(n, 10);
	/* what is typed now goes nowhere, and holds nobody up */
	ck_assert(consring_put(&back, "x", 1, &n));
	console_wake(con);
	turns(3);
	ck_assert(consring_put(&back, buf, sizeof(buf), &n));
	cmd = dup(0);
	teardown();
}
END_TEST

START_TEST(test_broken)
{
	uint32_t *out_prod =
		(uint32_t *)(page + CONSRING_IN + CONSRING_OUT + 12);

	setup();
	*out_prod = CONSRING_OUT + 1;
	ck_assert_int_eq(write(cmd, "x", 1), 1);
	turns(5);
	ck_assert_uint_eq(kicks, 0);
	ck_assert_uint_eq(*out_prod, CONSRING_OUT + 1);
	teardown();
}
END_TEST

BH_CHECK_MAIN("console", 20, BH_TEST(test_both_ways), BH_TEST(test_backlog),
	BH_TEST(test_input_waits), BH_TEST(test_command_ends),
	BH_TEST(test_broken))
