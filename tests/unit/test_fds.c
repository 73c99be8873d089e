/* SPDX-License-Identifier: MIT */
/* test_fds.c - messages with descriptors: whole, cut, too many, none left */
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include "hv/proto/fds.h"
#include "tests/unit/bh_check.h"
#include "tests/unit/sendfds.h"

static int pair[2];
static int fds[SENDFDS_MAX]; /* all the same file */

static void begin(void)
{
	struct rlimit files;

	/* those in flight count, too */
	ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &files), 0);
	files.rlim_cur = files.rlim_max;
	ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &files), 0);
	ck_assert_int_eq(
		socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair), 0);
	for (int i = 0; i < SENDFDS_MAX; i++)
		fds[i] = pair[0];
}

static void end(void)
{
	close(pair[0]);
	close(pair[1]);
}

static struct iovec vec(char *text)
{
	return (struct iovec){text, strlen(text)};
}

/* @nr descriptors that are ours, closed. */
static void check_taken(const int *got, size_t nr)
{
	struct stat a, b;

	ck_assert_int_eq(fstat(pair[0], &a), 0);
	for (size_t i = 0; i < nr; i++) {
		ck_assert_int_eq(fstat(got[i], &b), 0);
		ck_assert_uint_eq(a.st_ino, b.st_ino);
		ck_assert_int_eq(fcntl(got[i], F_GETFD), FD_CLOEXEC);
		ck_assert_int_eq(close(got[i]), 0);
	}
}

/* Sent, and room for as many: from none to the most there are. */
static const size_t numbers[] = {0, 1, 2, 3, FDS_MAX};

START_TEST(test_whole)
{
	size_t nr = numbers[_i];
	char one[] = "on", two[] = "e", buf[8] = "";
	struct iovec out[2] = {vec(one), vec(two)};
	struct iovec in[2] = {{buf, 1}, {buf + 1, 7}};
	struct fds_got got;
	int taken[FDS_MAX];

	begin();
	ck_assert_int_eq(fds_send(pair[0], out, 2, fds, nr, 0), 0);
	ck_assert_int_eq(
		fds_recv(pair[1], in, 2, taken, nr, MSG_CMSG_CLOEXEC, &got), 3);
	ck_assert_str_eq(buf, "one");
	ck_assert_uint_eq(got.nr, nr);
	ck_assert(!got.cut && !got.lost);
	check_taken(taken, nr);
	end();
}
END_TEST

/* More than fit: none stays open besides what is told. */
static const struct {
	size_t sent, cap;
} lost[] = {{1, 0}, {2, 1}, {3, 1}, {4, 3}, {5, 3}, {SENDFDS_MAX, 2},
	{FDS_MAX + 1, FDS_MAX}, {SENDFDS_MAX, FDS_MAX}};

START_TEST(test_lost)
{
	char text[] = "x", buf[8] = "";
	struct iovec out = vec(text), in = {buf, sizeof(buf)};
	struct fds_got got;
	int taken[FDS_MAX + 1];

	begin();
	taken[lost[_i].cap] = -5;
	ck_assert_int_eq(sendfds(pair[0], &out, 1, fds, lost[_i].sent, 0), 1);
	ck_assert_int_eq(fds_recv(pair[1], &in, 1, taken, lost[_i].cap,
				 MSG_CMSG_CLOEXEC, &got),
		1);
	ck_assert_uint_eq(got.nr, lost[_i].cap);
	ck_assert(got.lost);
	ck_assert_int_eq(taken[lost[_i].cap], -5);
	check_taken(taken, got.nr);
	end();
}
END_TEST

/* Its bytes do not fit, its descriptors are the caller's all the same. */
START_TEST(test_cut)
{
	char text[] = "long", buf[3];
	struct iovec out = vec(text), in = {buf, sizeof(buf)};
	struct fds_got got;
	int taken[2];

	begin();
	ck_assert_int_eq(fds_send(pair[0], &out, 1, fds, 2, 0), 0);
	ck_assert_int_eq(
		fds_recv(pair[1], &in, 1, taken, 2, MSG_CMSG_CLOEXEC, &got), 3);
	ck_assert(got.cut && !got.lost);
	ck_assert_uint_eq(got.nr, 2);
	check_taken(taken, 2);
	end();
}
END_TEST

/* No place for another descriptor in this process. */
START_TEST(test_no_place)
{
	char text[] = "x", buf[8];
	struct iovec out = vec(text), in = {buf, sizeof(buf)};
	struct rlimit files, few;
	struct fds_got got;
	int taken[3];

	begin();
	ck_assert_int_eq(fds_send(pair[0], &out, 1, fds, 3, 0), 0);
	ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &files), 0);
	few = files;
	few.rlim_cur = (rlim_t)pair[1] + 2; /* one more */
	ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &few), 0);
	ck_assert_int_eq(
		fds_recv(pair[1], &in, 1, taken, 3, MSG_CMSG_CLOEXEC, &got), 1);
	ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &files), 0);
	ck_assert(got.lost);
	ck_assert_uint_eq(got.nr, 1);
	check_taken(taken, 1);
	end();
}
END_TEST

START_TEST(test_errors)
{
	char text[] = "x", buf[8];
	struct iovec out = vec(text), in = {buf, sizeof(buf)};
	struct fds_got got = {.nr = 5, .lost = true};
	int taken[1], bad = -1;

	begin();
	ck_assert_int_eq(
		fds_send(pair[0], &out, 1, fds, FDS_MAX + 1, 0), -E2BIG);
	ck_assert_int_eq(
		fds_recv(pair[1], &in, 1, taken, FDS_MAX + 1, 0, &got), -E2BIG);
	ck_assert_int_eq(
		fds_recv(pair[1], &in, 1, taken, 1, MSG_DONTWAIT, &got),
		-EAGAIN);
	ck_assert_uint_eq(got.nr, 0);
	ck_assert(!got.lost);
	ck_assert_int_eq(fds_send(pair[0], &out, 1, &bad, 1, 0), -EBADF);
	close(pair[1]);
	/* and no SIGPIPE */
	ck_assert_int_eq(fds_send(pair[0], &out, 1, fds, 1, 0), -EPIPE);
	ck_assert_int_eq(fds_recv(pair[0], &in, 1, taken, 1, 0, &got), 0);
	close(pair[0]);
}
END_TEST

static pthread_t waiting;

static void on_signal(int sig)
{
	(void)sig;
}

/* Signals until the message is there. */
static void *signals_main(void *arg)
{
	char text[] = "x";
	struct iovec out = vec(text);

	(void)arg;
	for (int i = 0; i < 20; i++) {
		pthread_kill(waiting, SIGUSR1);
		usleep(1000);
	}
	ck_assert_int_eq(fds_send(pair[0], &out, 1, fds, 1, 0), 0);
	return NULL;
}

START_TEST(test_signal)
{
	struct sigaction act = {.sa_handler = on_signal};
	char buf[8];
	struct iovec in = {buf, sizeof(buf)};
	struct fds_got got;
	pthread_t thread;
	int taken[1];

	begin();
	waiting = pthread_self();
	ck_assert_int_eq(sigaction(SIGUSR1, &act, NULL), 0);
	ck_assert_int_eq(pthread_create(&thread, NULL, signals_main, NULL), 0);
	ck_assert_int_eq(
		fds_recv(pair[1], &in, 1, taken, 1, MSG_CMSG_CLOEXEC, &got), 1);
	pthread_join(thread, NULL);
	check_taken(taken, 1);
	end();
}
END_TEST

#define NR(a) ((int)(sizeof(a) / sizeof((a)[0])))

BH_CHECK_MAIN("fds", 20, BH_LOOP(test_whole, NR(numbers)),
	BH_LOOP(test_lost, NR(lost)), BH_TEST(test_cut), BH_TEST(test_no_place),
	BH_TEST(test_errors), BH_TEST(test_signal))
