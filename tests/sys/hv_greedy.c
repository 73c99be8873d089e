/* SPDX-License-Identifier: MIT */
/* hv_greedy.c: domains that want all of hvd: its log, its time */
#include <errno.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>

#include "hv/proto/proto.h"
#include "tests/sys/stand.h"
#include "tests/unit/bh_check.h"

#define FLOOD 20000

static struct stand s;

/* Lines of domain 1 in the machine's log, and the sum of those that it says
 * it has left out. */
static unsigned int log_lines(unsigned int *more)
{
	char path[128], line[600];
	unsigned int lines = 0, n;
	const char *p;
	FILE *f;

	*more = 0;
	snprintf(path, sizeof(path), "%s/hvd.log", s.dir);
	f = fopen(path, "r");
	ck_assert_ptr_nonnull(f);
	while (fgets(line, sizeof(line), f)) {
		p = strstr(line, "] d1 (d1): ");
		if (!p || strstr(p, ": destroyed"))
			continue;
		if (sscanf(p, "] d1 (d1): %u more lines in the last", &n) == 1)
			*more += n;
		else
			lines++;
	}
	fclose(f);
	return lines;
}

/* What its processes can make hvd say is a burst and a number: after a while
 * (_i == 0), or when the domain ends before. */
START_TEST(test_log)
{
	char count[16];
	unsigned int lines, more = 0;

	snprintf(count, sizeof(count), "%d", FLOOD);
	setenv("BH_FLOOD", count, 1);
	ck_assert_int_eq(stand_start(&s), 0);
	ck_assert_int_eq(stand_domain(&s, 1, 1024), 0);
	if (_i) {
		usleep(200000);
		ck_assert_int_eq(stand_destroy(&s, 1), 0);
	}
	for (int i = 0; i < (_i ? 30 : 200); i++) {
		usleep(100000);
		lines = log_lines(&more);
		ck_assert_uint_le(lines, 40);
		if (lines + more == FLOOD || (_i && more))
			break;
	}
	ck_assert_uint_gt(more, 0);
	if (!_i) {
		ck_assert_uint_eq(lines + more, FLOOD);
		ck_assert_int_eq(stand_destroy(&s, 1), 0);
	}
	unsetenv("BH_FLOOD");
	ck_assert_int_eq(stand_stop(&s), 0);
}
END_TEST

static int session(uint32_t domid)
{
	struct timeval tv = {.tv_sec = 10};
	struct sockaddr_un sa = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);

	snprintf(sa.sun_path, sizeof(sa.sun_path), "%s/hv%u", s.dir, domid);
	ck_assert_int_eq(connect(fd, (struct sockaddr *)&sa, sizeof(sa)), 0);
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof(tv));
	return fd;
}

/* A request with these arguments; what it is answered. */
static int ask(int fd, int op, const void *args, size_t len)
{
	static uint8_t rep[HVP_MSG_MAX], req[256];
	const struct hvp_req h = {.op = op, .len = len};
	struct hvp_rep got;

	memcpy(req, &h, sizeof(h));
	if (len)
		memcpy(req + sizeof(h), args, len);
	ck_assert_int_eq(send(fd, req, sizeof(h) + len, MSG_NOSIGNAL),
		(ssize_t)(sizeof(h) + len));
	/* descriptors in it are not taken, and closed by Linux */
	ck_assert_int_ge(recv(fd, rep, sizeof(rep), 0), (ssize_t)sizeof(got));
	memcpy(&got, rep, sizeof(got));
	return got.rc;
}

static int share(int fd, uint32_t pages)
{
	const struct hvp_gnt_share a = {.domid = 0, .count = pages, .write = 1};

	return ask(fd, HVP_GNT_SHARE, &a, sizeof(a));
}

#define LOOKS 64

/* hvd answers one request of a connection per turn of its loop: so this many,
 * sent at once, show what it did in each of as many turns. */
static void look(uint32_t *descriptors)
{
	const struct hva_msg m = {.type = HVA_INFO};
	uint8_t got[sizeof(m) + sizeof(struct hva_info)];
	struct hva_info info;

	for (int i = 0; i < LOOKS; i++)
		ck_assert_int_eq(send(s.admin, &m, sizeof(m), MSG_NOSIGNAL),
			(ssize_t)sizeof(m));
	ck_assert_int_eq(kill(s.hvd, SIGCONT), 0);
	for (int i = 0; i < LOOKS; i++) {
		ck_assert_int_eq(recv(s.admin, got, sizeof(got), 0),
			(ssize_t)sizeof(got));
		memcpy(&info, got + sizeof(m), sizeof(info));
		descriptors[i] = info.descriptors;
	}
}

/*
 * While a session with all that its domain may have is closed (_i == 0), or
 * its domain dies, others are answered: no turn gives back more than a few of
 * its runs.
 */
START_TEST(test_give_back)
{
	uint32_t descriptors[LOOKS + 1], most = 0;
	struct hva_info info;
	unsigned int n = 0;
	pid_t pid = 0;
	int fd;

	ck_assert_int_eq(stand_start(&s), 0);
	ck_assert_int_eq(stand_domain(&s, 1, 256 << 10), 0);
	fd = session(1);
	while (n < 6000 && share(fd, 1) == 0)
		n++;
	/* some of the descriptors of a process, where these are few */
	ck_assert_uint_ge(n, 200);
	ck_assert_int_eq(stand_info(&s, &info), 0);
	descriptors[0] = info.descriptors;
	ck_assert_int_eq(kill(s.hvd, SIGSTOP), 0);
	if (_i) {
		pid = fork();
		if (pid == 0)
			_exit(stand_destroy(&s, 1) != 0);
		usleep(200000);
	} else {
		close(fd);
	}
	look(descriptors + 1);
	for (int i = 1; i <= LOOKS; i++)
		if (descriptors[i] + most < descriptors[i - 1])
			most = descriptors[i - 1] - descriptors[i];
	ck_assert_uint_gt(most, 0);
	ck_assert_msg(most <= 100, "%u of %u in one turn", most, n);
	if (_i) {
		ck_assert_int_eq(waitpid(pid, &(int){0}, 0), pid);
		close(fd);
	} else {
		ck_assert_int_eq(stand_destroy(&s, 1), 0);
	}
	ck_assert_int_eq(stand_stop(&s), 0);
}
END_TEST

BH_CHECK_MAIN("hv_greedy", 60, BH_LOOP(test_log, 2), BH_LOOP(test_give_back, 2))
