/* SPDX-License-Identifier: MIT */
/*
 * hv_speed.c: what hv costs over the bare system calls
 *
 *	hv_speed [--rounds N]
 *
 * Each row is measured against the least that Linux needs for the same: both
 * in turns, N rounds (41), all processes on one processor.  Printed are the
 * medians, and the median of the ratios of neighbours, which stands still
 * when the machine does other work, with the limit that it shall not pass.
 * Exit 1 if one does.
 * A build with --enable-debug checks the engine after each operation and
 * measures that.
 */
#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <xenevtchn.h>
#include <xengnttab.h>

#include "tests/sys/stand.h"

#define PAGE       4096
#define ROUNDS_MAX 99

static struct stand s;
static int rounds = 41;

static void die(const char *what)
{
	fprintf(stderr, "hv_speed: %s: %s\n", what, strerror(errno));
	stand_kill(&s);
	exit(2);
}

static double now_us(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec * 1e6 + (double)ts.tv_nsec / 1e3;
}

static int by_value(const void *a, const void *b)
{
	const double *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

static double median(double *v)
{
	qsort(v, rounds, sizeof(*v), by_value);
	return v[rounds / 2];
}

/* A child that lives as long as this process. */
static pid_t spawn(void (*fn)(void *), void *arg)
{
	pid_t pid = fork();

	if (pid < 0)
		die("fork");
	if (pid > 0)
		return pid;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	fn(arg);
	_exit(0);
}

struct row {
	const char *what;
	double limit;
	int times; /* per round */
	void (*prepare)(void);
	void (*bare)(void);
	void (*hv)(void);
};

/* --- an event and its answer ------------------------------------------- */

static int ping, pong, ping_set, pong_set;
static xenevtchn_handle *evt;
static int evt_port;

static int set_with(int fd)
{
	struct epoll_event ev = {.events = EPOLLIN, .data.fd = fd};
	int set = epoll_create1(EPOLL_CLOEXEC);

	if (set < 0 || epoll_ctl(set, EPOLL_CTL_ADD, fd, &ev) < 0)
		die("epoll");
	return set;
}

static void eventfd_take(int set)
{
	struct epoll_event ev;
	uint64_t n;

	if (epoll_wait(set, &ev, 1, -1) != 1 ||
		read(ev.data.fd, &n, sizeof(n)) != sizeof(n))
		_exit(1);
}

static void eventfd_send(int fd)
{
	const uint64_t one = 1;

	if (write(fd, &one, sizeof(one)) != sizeof(one))
		_exit(1);
}

static void eventfd_peer(void *arg)
{
	for (;;) {
		eventfd_take(ping_set);
		eventfd_send(pong);
	}
}

static void evt_take(xenevtchn_handle *x, int port)
{
	if (xenevtchn_pending(x) != port || xenevtchn_unmask(x, port) < 0)
		_exit(1);
}

static void evt_peer(void *arg)
{
	const int *port = arg;
	xenevtchn_handle *x;
	int p;

	stand_as(&s, 1);
	x = xenevtchn_open(NULL, 0);
	p = x ? xenevtchn_bind_interdomain(x, 0, *port) : -1;
	if (p < 0)
		_exit(1);
	evt_take(x, p); /* the bind's own */
	for (;;) {
		xenevtchn_notify(x, p);
		evt_take(x, p);
	}
}

static void event_prepare(void)
{
	ping = eventfd(0, 0);
	pong = eventfd(0, 0);
	ping_set = set_with(ping);
	pong_set = set_with(pong);
	spawn(eventfd_peer, NULL);
	stand_as(&s, 0);
	evt = xenevtchn_open(NULL, 0);
	if (!evt)
		die("xenevtchn_open");
	evt_port = xenevtchn_bind_unbound_port(evt, 1);
	if (evt_port < 0)
		die("bind");
	spawn(evt_peer, &evt_port);
	evt_take(evt, evt_port); /* the peer is there */
}

static void event_bare(void)
{
	eventfd_send(ping);
	eventfd_take(pong_set);
}

static void event_hv(void)
{
	xenevtchn_notify(evt, evt_port);
	evt_take(evt, evt_port);
}

/* --- a run of 256 pages ------------------------------------------------- */

#define RUN 256

static int server; /* our end of a socket whose other end serves */
static int run_fd;
static uint32_t run_refs[RUN];
static uint8_t *run_pages;
static xengnttab_handle *gnt;

static void touch(const uint8_t *p)
{
	for (int i = 0; i < RUN; i++)
		(void)*(const volatile uint8_t *)(p + (size_t)i * PAGE);
}

static void run_server(void *arg)
{
	const int *sock = arg;
	union {
		char buf[CMSG_SPACE(sizeof(int))];
		struct cmsghdr align;
	} ctl = {{0}};
	char byte[64];
	struct iovec iov = {byte, sizeof(byte)};
	struct msghdr m = {.msg_iov = &iov, .msg_iovlen = 1};
	struct cmsghdr *c;

	while (recv(*sock, byte, sizeof(byte), 0) > 0) {
		m.msg_control = ctl.buf;
		m.msg_controllen = sizeof(ctl.buf);
		c = CMSG_FIRSTHDR(&m);
		c->cmsg_level = SOL_SOCKET;
		c->cmsg_type = SCM_RIGHTS;
		c->cmsg_len = CMSG_LEN(sizeof(int));
		memcpy(CMSG_DATA(c), &run_fd, sizeof(int));
		if (sendmsg(*sock, &m, 0) < 0)
			_exit(1);
	}
}

static void run_prepare(void)
{
	xengntshr_handle *shr;
	int sv[2];

	run_fd = memfd_create("run", MFD_CLOEXEC);
	if (run_fd < 0 || ftruncate(run_fd, RUN * PAGE) < 0 ||
		socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, sv) < 0)
		die("run");
	server = sv[0];
	spawn(run_server, &sv[1]);
	run_pages = mmap(NULL, RUN * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED,
		run_fd, 0);
	memset(run_pages, 1, RUN * PAGE);
	stand_as(&s, 1);
	shr = xengntshr_open(NULL, 0);
	run_pages =
		shr ? xengntshr_share_pages(shr, 0, RUN, run_refs, 1) : NULL;
	stand_as(&s, 0);
	gnt = xengnttab_open(NULL, 0);
	if (!run_pages || !gnt)
		die("share");
	memset(run_pages, 1, RUN * PAGE);
}

static void run_bare(void)
{
	union {
		char buf[CMSG_SPACE(sizeof(int))];
		struct cmsghdr align;
	} ctl;
	char byte[64] = "";
	struct iovec iov = {byte, sizeof(byte)};
	struct msghdr m = {.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = ctl.buf,
		.msg_controllen = sizeof(ctl.buf)};
	void *p;
	int fd;

	if (send(server, byte, sizeof(byte), 0) < 0 ||
		recvmsg(server, &m, MSG_CMSG_CLOEXEC) < 0 || !CMSG_FIRSTHDR(&m))
		die("bare run");
	memcpy(&fd, CMSG_DATA(CMSG_FIRSTHDR(&m)), sizeof(int));
	p = mmap(NULL, RUN * PAGE, PROT_READ | PROT_WRITE,
		MAP_SHARED | MAP_POPULATE, fd, 0);
	close(fd);
	touch(p);
	munmap(p, RUN * PAGE);
}

static void run_hv(void)
{
	void *p = xengnttab_map_domain_grant_refs(
		gnt, RUN, 1, run_refs, PROT_READ | PROT_WRITE);

	if (!p)
		die("map");
	touch(p);
	xengnttab_unmap(gnt, p, RUN);
}

/* --- a copy of 32 pages ------------------------------------------------- */

#define COPY 32

static uint8_t copy_local[COPY * PAGE], copy_far[COPY * PAGE];
static int echo;

static void echo_server(void *arg)
{
	const int *sock = arg;
	char buf[2048];
	ssize_t n;

	while ((n = recv(*sock, buf, sizeof(buf), 0)) > 0)
		if (send(*sock, buf, 80, 0) < 0)
			_exit(1);
}

static void copy_prepare(void)
{
	int sv[2];

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, sv) < 0)
		die("socketpair");
	echo = sv[0];
	spawn(echo_server, &sv[1]);
	memset(copy_local, 1, sizeof(copy_local));
	memset(copy_far, 2, sizeof(copy_far));
}

static void copy_bare(void)
{
	char buf[8 + COPY * 32] = "";

	if (send(echo, buf, sizeof(buf), 0) < 0 ||
		recv(echo, buf, sizeof(buf), 0) < 0)
		die("echo");
	for (size_t i = 0; i < COPY; i++)
		memcpy(copy_local + i * PAGE, copy_far + i * PAGE, PAGE);
}

static void copy_hv(void)
{
	xengnttab_grant_copy_segment_t c[COPY];

	for (size_t i = 0; i < COPY; i++) {
		c[i] = (xengnttab_grant_copy_segment_t){
			.flags = GNTCOPY_source_gref, .len = PAGE};
		c[i].source.foreign.ref = run_refs[i];
		c[i].source.foreign.domid = 1;
		c[i].dest.virt = copy_local + i * PAGE;
	}
	if (xengnttab_grant_copy(gnt, COPY, c) < 0 || c[COPY - 1].status)
		die("copy");
}

/* ------------------------------------------------------------------------ */

static const struct row rows[] = {
	{"event and answer / eventfd, epoll", 1.3, 500, event_prepare,
		event_bare, event_hv},
	{"map 256 pages / memfd, SCM_RIGHTS, mmap", 2.0, 30, run_prepare,
		run_bare, run_hv},
	{"copy 32 pages / message, 32 memcpy", 2.5, 200, copy_prepare,
		copy_bare, copy_hv},
};

static double time_of(void (*fn)(void), int times)
{
	double start = now_us();

	for (int i = 0; i < times; i++)
		fn();
	return (now_us() - start) / times;
}

static bool run_row(const struct row *r)
{
	double bare[ROUNDS_MAX], hv[ROUNDS_MAX], ratio[ROUNDS_MAX], r_mid;

	r->prepare();
	time_of(r->bare, r->times / 10);
	time_of(r->hv, r->times / 10);
	for (int i = 0; i < rounds; i++) {
		bare[i] = time_of(r->bare, r->times);
		hv[i] = time_of(r->hv, r->times);
		ratio[i] = hv[i] / bare[i];
	}
	r_mid = median(ratio);
	printf("%-42s %9.2f %9.2f %7.2f %7.2f  %s\n", r->what, median(bare),
		median(hv), r_mid, r->limit,
		r_mid <= r->limit ? "ok" : "PAST THE LIMIT");
	return r_mid <= r->limit;
}

static long hvd_ticks(void)
{
	char path[64], text[1024], *p;
	unsigned long user = 0, sys = 0;
	FILE *f;
	size_t n;

	snprintf(path, sizeof(path), "/proc/%d/stat", s.hvd);
	f = fopen(path, "re");
	if (!f)
		die(path);
	n = fread(text, 1, sizeof(text) - 1, f);
	fclose(f);
	text[n] = '\0';
	p = strrchr(text, ')');
	if (!p || sscanf(p + 2,
			  "%*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u"
			  " %lu %lu",
			  &user, &sys) != 2)
		die("stat");
	return user + sys;
}

static bool run_idle(void)
{
	long before = hvd_ticks(), used;

	sleep(3);
	used = hvd_ticks() - before;
	printf("%-42s %9s %6ld ticks %10s  %s\n", "hvd idle for 3 s", "", used,
		"0", used == 0 ? "ok" : "PAST THE LIMIT");
	return used == 0;
}

int main(int argc, char **argv)
{
	cpu_set_t one;
	bool ok = true;

	stand_libs(argv);
	if (argc == 3 && strcmp(argv[1], "--rounds") == 0)
		rounds = atoi(argv[2]);
	if (argc % 2 == 0 || rounds < 5 || rounds > ROUNDS_MAX) {
		fprintf(stderr, "usage: hv_speed [--rounds 5..%d]\n",
			ROUNDS_MAX);
		return 2;
	}
	CPU_ZERO(&one);
	CPU_SET(sched_getcpu(), &one);
	sched_setaffinity(0, sizeof(one), &one);
	if (stand_start(&s) < 0 || stand_domain(&s, 1, 65536) < 0)
		die("no hvd");
	printf("%-42s %9s %9s %7s %7s\n", "us, medians", "bare", "hv", "ratio",
		"limit");
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		ok = run_row(&rows[i]) && ok;
	ok = run_idle() && ok;
	xenevtchn_close(evt);
	stand_stop(&s);
	return !ok;
}
