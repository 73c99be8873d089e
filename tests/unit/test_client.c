/* SPDX-License-Identifier: MIT */
/*
 * test_client.c: the session client against a peer that speaks badly
 *
 * The peer is a script: for each request it sends the messages that the test
 * wrote down, with as many descriptors as it says.  Whatever comes, the
 * client answers with a defined error and keeps no descriptor.
 */
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/time.h>

#include "hv/compat/client.h"
#include "tests/unit/bh_check.h"
#include "tests/unit/sendfds.h"

/* One message of the peer. */
struct line {
	struct hvp_rep head;
	size_t len;       /* bytes after the head that are sent */
	unsigned int fds; /* descriptors that are sent */
	size_t cut;       /* send only so many bytes of all */
};

static struct hv_client *c;
static int peer;

static void up(void)
{
	int sv[2];

	ck_assert_int_eq(
		socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, sv), 0);
	peer = sv[1];
	ck_assert_int_eq(hv_client_adopt(&c, sv[0], 0), 0);
}

static void down(void)
{
	hv_client_close(c);
	close(peer);
}

static void say(const struct line *l)
{
	static char body[HVP_MSG_MAX];
	int fds[SENDFDS_MAX];
	struct hvp_rep head = l->head;
	struct iovec iov[2] = {{&head, sizeof(head)}, {body, l->len}};

	for (size_t i = 0; i < l->len; i++)
		body[i] = (char)i;
	if (l->cut)
		iov[0].iov_len = l->cut;
	for (unsigned int i = 0; i < l->fds; i++)
		fds[i] = peer;
	ck_assert_int_ge(sendfds(peer, iov, l->cut ? 1 : 2, fds, l->fds, 0), 0);
}

/* A request whose reply is to have @rep_len bytes; the peer has answered. */
static int ask(const struct line *l, size_t rep_len, struct hv_fds *fds)
{
	static char rep[HVP_MSG_MAX];

	say(l);
	return hv_client_ask(c, HVP_HELLO, 0, NULL, 0, rep, rep_len, fds);
}

static int open_fds(void)
{
	int n = 0;

	for (int fd = 0; fd < 512; fd++)
		n += fcntl(fd, F_GETFD) >= 0;
	return n;
}

START_TEST(test_good)
{
	struct line l = {.head = {.len = 16, .n = 3}, .len = 16};
	struct hv_fds fds;

	up();
	ck_assert_int_eq(ask(&l, 16, NULL), 0);
	l.head.nfds = l.fds = 2;
	ck_assert_int_eq(ask(&l, 16, &fds), 0);
	ck_assert_uint_eq(fds.nr, 2);
	ck_assert_int_eq(fcntl(fds.fd[0], F_GETFD), FD_CLOEXEC);
	hv_fds_close(&fds);
	l.head.nfds = l.fds = HVP_FDS_MAX;
	ck_assert_int_eq(ask(&l, 16, &fds), 0);
	ck_assert_uint_eq(fds.nr, HVP_FDS_MAX);
	hv_fds_close(&fds);
	/* an error of hvd's, with and without a payload */
	l = (struct line){.head = {.rc = -ENOSPC}};
	ck_assert_int_eq(ask(&l, 16, NULL), -ENOSPC);
	l.head.len = l.len = 200;
	ck_assert_int_eq(ask(&l, 16, NULL), -ENOSPC);
	l = (struct line){.head = {.len = 16}, .len = 16};
	ck_assert_int_eq(ask(&l, 16, NULL), 0);
	down();
}
END_TEST

/* These replies are not what was asked for; the session goes on. */
static const struct {
	struct line line;
	size_t want;
	bool take; /* the caller takes descriptors */
} strange[] = {
	{{.head = {.len = 15}, .len = 15}, 16, false},
	{{.head = {.len = 17}, .len = 17}, 16, false},
	{{.head = {.len = 200}, .len = 200}, 16, false},
	{{.head = {.rc = 1}}, 0, false},
	{{.head = {.rc = 1, .nfds = 1}, .fds = 1}, 0, true},
	{{.head = {.nfds = 1}, .fds = 1}, 0, false},
	{{.head = {.nfds = 128}, .fds = 128}, 0, false},
	{{.head = {.len = 15, .nfds = 4}, .len = 15, .fds = 4}, 16, true},
};

START_TEST(test_strange_replies)
{
	const struct line good = {.head = {.len = 4}, .len = 4};
	struct hv_fds fds;
	int before;

	up();
	before = open_fds();
	ck_assert_int_eq(ask(&strange[_i].line, strange[_i].want,
				 strange[_i].take ? &fds : NULL),
		-EPROTO);
	ck_assert_int_eq(open_fds(), before);
	ck_assert_int_eq(ask(&good, 4, NULL), 0);
	down();
}
END_TEST

/* After these nothing can be believed any more. */
static const struct line fatal[] = {
	{.cut = 3},
	{.cut = 15},
	{.head = {.len = 10}, .len = 9},
	{.head = {.len = 10}, .len = 11},
	{.head = {.len = 0}, .len = 60000},
	{.head = {.len = 60000}, .len = 60000},
	/* what fits is what it says, and more follows */
	{.head = {.len = 16 + HV_ASYNC_MAX}, .len = 400},
	{.head = {.kind = 2}},
	{.head = {.nfds = 0}, .fds = 1},
	{.head = {.nfds = 1}, .fds = 0},
	{.head = {.nfds = 3}, .fds = 2},
	{.head = {.nfds = 129}, .fds = 129},
	{.head = {.nfds = 0xffff}, .fds = 200},
	{.head = {.kind = HVP_ASYNC, .len = 4000}, .len = 4000},
};

START_TEST(test_broken_framing)
{
	struct hv_fds fds;
	int before;

	up();
	before = open_fds();
	ck_assert_int_eq(ask(&fatal[_i], 16, &fds), -EIO);
	ck_assert_int_eq(open_fds(), before);
	/* dead, and no signal */
	ck_assert_int_eq(
		hv_client_ask(c, HVP_HELLO, 0, NULL, 0, NULL, 0, NULL), -EIO);
	down();
}
END_TEST

START_TEST(test_peer_gone)
{
	up();
	shutdown(peer, SHUT_RDWR);
	ck_assert_int_eq(
		hv_client_ask(c, HVP_HELLO, 0, NULL, 0, NULL, 0, NULL), -EIO);
	ck_assert_int_eq(hv_client_dispatch(c), -EIO);
	down();
}
END_TEST

static void *close_later(void *arg)
{
	usleep(50000);
	close(peer);
	return NULL;
}

START_TEST(test_peer_dies_while_waiting)
{
	pthread_t t;

	up();
	pthread_create(&t, NULL, close_later, NULL);
	ck_assert_int_eq(
		hv_client_ask(c, HVP_HELLO, 0, NULL, 0, NULL, 0, NULL), -EIO);
	pthread_join(t, NULL);
	hv_client_close(c);
}
END_TEST

struct heard {
	int nr;
	unsigned int what;
	size_t len;
	uint8_t data[HV_ASYNC_MAX];
};

static void on_async(void *arg, unsigned int what, const void *data, size_t len)
{
	struct heard *h = arg;

	h->nr++;
	h->what = what;
	h->len = len;
	memcpy(h->data, data, len);
}

/* Async messages come first, through buffers of any size. */
START_TEST(test_async)
{
	const struct line async = {.head = {.kind = HVP_ASYNC,
					   .async = HVP_ASYNC_SPLIT,
					   .len = 40},
		.len = 40};
	const struct line with_fd = {
		.head = {.kind = HVP_ASYNC, .nfds = 2}, .fds = 2};
	const struct line good = {.head = {.len = 4}, .len = 4};
	const struct line large = {.head = {.len = 400}, .len = 400};
	struct heard h = {0};
	int before;

	up();
	before = open_fds();
	/* nobody listens */
	say(&async);
	ck_assert_int_eq(ask(&good, 4, NULL), 0);
	hv_client_on_async(c, on_async, &h);
	say(&async);
	say(&with_fd);
	say(&async);
	ck_assert_int_eq(ask(&good, 4, NULL), 0);
	ck_assert_int_eq(h.nr, 3);
	ck_assert_uint_eq(h.what, HVP_ASYNC_SPLIT);
	ck_assert_uint_eq(h.len, 40);
	for (int i = 0; i < 40; i++)
		ck_assert_uint_eq(h.data[i], i);
	/* too long for anybody: dropped */
	say(&(struct line){
		.head = {.kind = HVP_ASYNC, .len = 300}, .len = 300});
	ck_assert_int_eq(ask(&large, 400, NULL), 0);
	ck_assert_int_eq(h.nr, 3);
	ck_assert_int_eq(hv_client_dispatch(c), 0);
	say(&async);
	say(&async);
	ck_assert_int_eq(hv_client_dispatch(c), 0);
	ck_assert_int_eq(h.nr, 5);
	/* a reply to nothing */
	say(&good);
	ck_assert_int_eq(hv_client_dispatch(c), -EIO);
	ck_assert_int_eq(open_fds(), before);
	down();
}
END_TEST

/* More descriptors than the process may have: the payload still tells. */
START_TEST(test_descriptors_run_out)
{
	const struct line l = {
		.head = {.len = 8, .nfds = 100}, .len = 8, .fds = 100};
	const struct line good = {.head = {.len = 4}, .len = 4};
	uint8_t rep[8] = {0};
	const struct iovec in = {rep, sizeof(rep)};
	struct hv_fds fds;
	struct hv_exchange x = {
		.op = HVP_GNT_MAP, .rep = &in, .rep_nr = 1, .fds = &fds};
	struct rlimit rl;
	int before;

	up();
	before = open_fds();
	getrlimit(RLIMIT_NOFILE, &rl);
	rl.rlim_cur = before + 50;
	setrlimit(RLIMIT_NOFILE, &rl);
	say(&l);
	ck_assert_int_eq(hv_client_exchange(c, &x), -EMFILE);
	ck_assert_uint_eq(x.rep_len, 8);
	ck_assert_uint_eq(rep[7], 7);
	ck_assert_uint_eq(fds.nr, 0);
	ck_assert_int_eq(open_fds(), before);
	ck_assert_int_eq(ask(&good, 4, NULL), 0);
	down();
}
END_TEST

START_TEST(test_requests_have_limits)
{
	static uint8_t much[HVP_MSG_MAX];
	struct iovec many[HV_REQ_IOV_MAX + 1] = {{0}};
	struct hv_exchange x = {
		.op = 1, .req = many, .req_nr = HV_REQ_IOV_MAX + 1};
	const struct line good = {.head = {.len = 0}};

	up();
	ck_assert_int_eq(
		hv_client_ask(c, 1, 0, much, sizeof(much), NULL, 0, NULL),
		-EMSGSIZE);
	ck_assert_int_eq(hv_client_exchange(c, &x), -EMSGSIZE);
	x.req_nr = 0;
	x.rep = many;
	x.rep_nr = HV_REQ_IOV_MAX + 1;
	ck_assert_int_eq(hv_client_exchange(c, &x), -EMSGSIZE);
	/* memory that is none is an error, not a signal */
	many[0] = (struct iovec){(void *)16, 100};
	x = (struct hv_exchange){.op = 1, .req = many, .req_nr = 1};
	ck_assert_int_eq(hv_client_exchange(c, &x), -EFAULT);
	say(&(struct line){.head = {.len = 50}, .len = 50});
	x = (struct hv_exchange){.op = 1, .rep = many, .rep_nr = 1};
	ck_assert_int_eq(hv_client_exchange(c, &x), -EFAULT);
	/* and the session is in step */
	ck_assert_int_eq(ask(&good, 0, NULL), 0);
	down();
}
END_TEST

static volatile int alarms;

static void on_alarm(int sig)
{
	alarms++;
}

static void *answer_later(void *arg)
{
	const struct line good = {.head = {.len = 4}, .len = 4};
	sigset_t all;

	sigfillset(&all);
	pthread_sigmask(SIG_BLOCK, &all, NULL);
	usleep(100000);
	say(&good);
	return NULL;
}

/* Signals and a non-blocking socket: it waits all the same. */
START_TEST(test_interrupted)
{
	const struct itimerval every = {{0, 5000}, {0, 5000}},
			       off = {{0, 0}, {0, 0}};
	struct sigaction sa = {.sa_handler = on_alarm};
	uint32_t rep;
	pthread_t t;

	up();
	sigaction(SIGALRM, &sa, NULL);
	pthread_create(&t, NULL, answer_later, NULL);
	setitimer(ITIMER_REAL, &every, NULL);
	if (_i)
		fcntl(hv_client_fd(c), F_SETFL, O_NONBLOCK);
	ck_assert_int_eq(hv_client_ask(c, HVP_HELLO, 0, NULL, 0, &rep,
				 sizeof(rep), NULL),
		0);
	setitimer(ITIMER_REAL, &off, NULL);
	ck_assert_int_gt(alarms, 3);
	pthread_join(t, NULL);
	down();
}
END_TEST

START_TEST(test_open_fails)
{
	struct hv_client *n = (void *)1;
	char path[300];

	ck_assert_int_eq(hv_client_open(&n, "/nonexistent", 0), -ENOENT);
	ck_assert_ptr_null(n);
	memset(path, 'x', sizeof(path));
	path[sizeof(path) - 1] = '\0';
	ck_assert_int_eq(hv_client_open(&n, path, 0), -ENAMETOOLONG);
	ck_assert_int_eq(hv_client_open(&n, "/dev/null", 0), -ECONNREFUSED);
	setenv("HV_SOCKET", "/nonexistent", 1);
	ck_assert_int_eq(hv_client_open(&n, NULL, 0), -ENOENT);
	hv_client_close(NULL);
}
END_TEST

#define NR(a) ((int)(sizeof(a) / sizeof((a)[0])))

BH_CHECK_MAIN("client", 10, BH_TEST(test_good),
	BH_LOOP(test_strange_replies, NR(strange)),
	BH_LOOP(test_broken_framing, NR(fatal)), BH_TEST(test_peer_gone),
	BH_TEST(test_peer_dies_while_waiting), BH_TEST(test_async),
	BH_TEST(test_descriptors_run_out), BH_TEST(test_requests_have_limits),
	BH_LOOP(test_interrupted, 2), BH_TEST(test_open_fails))
