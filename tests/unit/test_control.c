// SPDX-License-Identifier: MIT
/* test_control.c - CONTROL: the commands of operators */
#include <sys/stat.h>

#include "tests/unit/xs_case.h"

/* CONTROL with the strings of a literal: the errno; the text in msg. */
#define CONTROL(...) \
	fx_ask(fx, k, XS_OP_CONTROL, __VA_ARGS__ "", sizeof(__VA_ARGS__), &msg)

#define SAYS(text) ck_assert_ptr_nonnull(strstr(msg.data, (text)))

#define OK(literal)                                    \
	do {                                           \
		ck_assert_int_eq(CONTROL(literal), 0); \
		ck_assert_str_eq(msg.data, "OK");      \
	} while (0)

START_TEST(test_commands)
{
	setup();
	fx_guest(fx, -k, 1);
	ck_assert_int_eq(FX_ASK(fx, 1, CONTROL, "help"), EACCES);
	ck_assert_int_eq(CONTROL("nonsense"), EINVAL);
	ck_assert_int_eq(CONTROL(""), EINVAL);
	ck_assert_int_eq(CONTROL("print\0a\0b\0c\0d\0e"), EINVAL);
	ck_assert_int_eq(CONTROL("help"), 0);
	SAYS("quota           [set <name> <value> [<domid>]|");
	SAYS("watches");
	ck_assert_int_eq(CONTROL("help\0x"), EINVAL);
	ck_assert_int_eq(CONTROL("live-update\0-s"), 0);
	SAYS("not supported");
	OK("print\0hello");
	ck_assert_int_eq(CONTROL("print"), EINVAL);
	OK("check");
	/* What would be wrong is told. */
	account_force(&fx->server->self->account[DOMAIN_NODES], 1);
	ck_assert_int_eq(CONTROL("check"), 0);
	SAYS("domain=0 nodes=");
	account_give(&fx->server->self->account[DOMAIN_NODES], 1);
	teardown();
}
END_TEST

START_TEST(test_log)
{
	FILE *f = tmpfile();
	char text[4096] = "";

	setup();
	log_fd_set(fileno(f));
	ck_assert_int_eq(CONTROL("log"), 0);
	ck_assert_str_eq(msg.data, "io: off\nobj: off\nvalues: off\n");
	OK("log\0on");
	ck_assert_int_eq(CONTROL("log"), 0);
	ck_assert_str_eq(msg.data, "io: on\nobj: on\nvalues: off\n");
	ck_assert_int_eq(FX_ASKN(fx, k, WRITE, "/name\0secret"), 0);
	ck_assert_int_eq(FX_ASK(fx, k, READ, "/none"), ENOENT);
	OK("log\0-io");
	ck_assert_int_eq(FX_ASK(fx, k, MKDIR, "/quiet"), 0);
	ck_assert_int_eq(CONTROL("log\0+none"), EINVAL);
	ck_assert_int_eq(CONTROL("log\0on\0on"), EINVAL);
	rewind(f);
	ck_assert_uint_gt(fread(text, 1, sizeof(text) - 1, f), 0);
	ck_assert_ptr_nonnull(strstr(text, "d0 socket WRITE tx=0 OK"));
	ck_assert_ptr_nonnull(strstr(text, "d0 socket READ tx=0 ENOENT"));
	ck_assert_ptr_null(strstr(text, "MKDIR"));
	ck_assert_ptr_null(strstr(text, "name"));
	ck_assert_ptr_null(strstr(text, "secret"));
	log_fd_set(-1);
	fclose(f);
	teardown();
}
END_TEST

START_TEST(test_files)
{
	char dir[] = "/tmp/test_control.XXXXXX", name[64], args[128];
	struct stat st;
	size_t n;

	setup();
	ck_assert_int_eq(CONTROL("memreport\0f"), 0);
	SAYS("not supported");
	ck_assert_ptr_nonnull(mkdtemp(dir));
	ck_assert_int_eq(server_rundir_set(fx->server, dir), 0);
	ck_assert_int_eq(CONTROL("memreport\0../f"), 0);
	SAYS("not supported");
	ck_assert_int_eq(CONTROL("memreport\0/etc/passwd"), 0);
	SAYS("not supported");
	ck_assert_int_eq(CONTROL("memreport\0"), 0);
	SAYS("not supported");
	ck_assert_int_eq(symlinkat("x", fx->server->rundir_fd, "link"), 0);
	ck_assert_int_eq(CONTROL("logfile\0link"), 0);
	SAYS("link: ");
	unlinkat(fx->server->rundir_fd, "link", 0);
	OK("memreport\0f");
	snprintf(name, sizeof(name), "%s/f", dir);
	ck_assert_int_eq(stat(name, &st), 0);
	ck_assert_uint_eq(st.st_mode & 0777, 0600);
	ck_assert_int_gt(st.st_size, 20);
	n = 1 + (size_t)snprintf(args, sizeof(args), "logfile%c%s/log", 0, dir);
	ck_assert_int_eq(fx_ask(fx, k, XS_OP_CONTROL, args, n, &msg), 0);
	ck_assert_str_eq(msg.data, "OK");
	OK("logfile\0log");
	OK("print\0hello");
	ck_assert_int_eq(fstatat(fx->server->rundir_fd, "log", &st, 0), 0);
	ck_assert_int_gt(st.st_size, 5);
	unlinkat(fx->server->rundir_fd, "log", 0);
	unlink(name);
	rmdir(dir);
	ck_assert_int_eq(CONTROL("memreport"), 0);
	SAYS("nodes=");
	teardown();
}
END_TEST

START_TEST(test_quota_command)
{
	setup();
	home(1);
	ck_assert_int_eq(CONTROL("quota"), 0);
	SAYS("nodes            :     1000 ");
	SAYS("transactions     :       10 ");
	ck_assert_int_eq(CONTROL("quota\0001"), 0);
	SAYS("nodes            : used=1 high=1 limit=1000 refused=0\n");
	ck_assert_int_eq(CONTROL("quota\0002"), ENOENT);
	ck_assert_int_eq(CONTROL("quota\0001x"), EINVAL);
	/* Whoever has the default follows it. */
	fx_guest(fx, -k, 2);
	OK("quota\0set\0nodes\00050\0002");
	OK("quota\0set\0nodes\0001");
	ck_assert_int_eq(CONTROL("quota\0002"), 0);
	SAYS("nodes            : used=0 high=0 limit=50 ");
	ck_assert_int_eq(FX_ASK(fx, 1, MKDIR, "x"), ENOSPC);
	ck_assert_int_eq(CONTROL("quota\0001"), 0);
	SAYS("nodes            : used=1 high=1 limit=1 refused=1\n");
	ck_assert_int_eq(CONTROL("quota\0set\0nodes\0-1"), EINVAL);
	ck_assert_int_eq(CONTROL("quota\0set\0none\0001"), EINVAL);
	ck_assert_int_eq(CONTROL("quota\0set\0nodes"), EINVAL);
	ck_assert_int_eq(CONTROL("quota\0set\0nodes\0001\0000"), EINVAL);
	ck_assert_int_eq(FX_ASK(fx, 1, WATCH, "x\0t"), 0);
	ck_assert_int_eq(FX_ASK(fx, 1, UNWATCH, "x\0t"), 0);
	ck_assert_int_eq(CONTROL("quota\0max\0-r"), 0);
	SAYS("watches          :        1\n");
	ck_assert_int_eq(CONTROL("quota\0max"), 0);
	SAYS("watches          :        0\n");
	ck_assert_int_eq(CONTROL("quota\0max\0-x"), EINVAL);
	OK("quota-soft\0set\0memory\0005000");
	ck_assert_int_eq(CONTROL("quota-soft"), 0);
	SAYS("memory           :     5000 ");
	ck_assert_int_eq(CONTROL("quota-soft\0set\0nodes\0005"), EINVAL);
	teardown();
}
END_TEST

START_TEST(test_show)
{
	char who[128];
	int n;

	setup();
	home(1);
	ck_assert_int_eq(FX_ASK(fx, 1, WATCH, "x\0tok\n"), 0);
	ck_assert_int_eq(FX_ASK(fx, k, WATCH, "/local\0t\0003"), 0);
	ck_assert_int_eq(FX_ASK(fx, k, WATCH, "/locals\0t"), 0);
	ck_assert_int_eq(FX_ASK(fx, 1, MKDIR, "x"), 0);
	ck_assert_int_eq(CONTROL("watches"), 0);
	SAYS("/local/domain/1/x domain=1 ring port=");
	SAYS("hits=1 depth=any token=tok\\n\n");
	SAYS("/local domain=0 socket pid=");
	SAYS("hits=1 depth=3 token=t\n");
	ck_assert_int_eq(CONTROL("watches\0/local"), 0);
	SAYS("/local domain=0");
	SAYS("/local/domain/1/x ");
	ck_assert_ptr_null(strstr(msg.data, "/locals"));
	ck_assert_int_eq(CONTROL("connections"), 0);
	SAYS("domain=1 ring port=");
	n = snprintf(who, sizeof(who),
		"domain=0 socket pid=%ld uid=%lu state=open ", (long)getpid(),
		(unsigned long)geteuid());
	ck_assert_int_lt(n, sizeof(who));
	SAYS(who);
	SAYS("watches=2 transactions=0\n");
	ck_assert_int_eq(CONTROL("transactions"), 0);
	ck_assert_str_eq(msg.data, "OK");
	ck_assert_int_eq(
		fx_ask(fx, 1, XS_OP_TRANSACTION_START, "", 1, &msg), 0);
	ck_assert_int_eq(CONTROL("transactions"), 0);
	SAYS("domain=1 ring port=");
	SAYS(" places=0 memory=");
	SAYS(" state=reading\n");
	teardown();
}
END_TEST

/* More than a message: whole lines, and how many there were. */
START_TEST(test_long)
{
	char args[64];
	unsigned left = 0;
	char *last;
	int nr = 0;

	setup();
	for (int i = 0; i < 200; i++) {
		size_t n = 1 + (size_t)snprintf(args, sizeof(args),
				       "/some/path/%d%ct", i, 0);

		ck_assert_int_eq(fx_ask(fx, k, XS_OP_WATCH, args, n, &msg), 0);
	}
	ck_assert_int_eq(CONTROL("watches"), 0);
	ck_assert_uint_le(msg.hdr.len, XSMSG_PAYLOAD_MAX);
	last = strstr(msg.data, "... ");
	ck_assert_ptr_nonnull(last);
	ck_assert_int_eq(
		sscanf(last, "... %u more lines left out\n", &left), 1);
	ck_assert_int_eq(last[-1], '\n');
	for (char *p = msg.data; p < last; p++)
		nr += *p == '\n';
	ck_assert_uint_eq((unsigned)nr + left, 200);
	teardown();
}
END_TEST

BH_CHECK_MAIN("control", 20, BH_TEST(test_commands), BH_TEST(test_log),
	BH_TEST(test_files), BH_TEST(test_quota_command), BH_TEST(test_show),
	BH_TEST(test_long))
