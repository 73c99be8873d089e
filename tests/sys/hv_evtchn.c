/* SPDX-License-Identifier: MIT */
/* hv_evtchn.c: libxenevtchn.so.1 of hv against a real hvd */
#include <errno.h>
#include <poll.h>
#include <sched.h>
#include <stdbool.h>
#include <stdint.h>
#include <pthread.h>
#include <stdatomic.h>
#include <seccomp.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>

#define __XEN_TOOLS__ 1
#include <xen/xen.h>
#include <xencall.h>
#include <xenevtchn.h>
#include <xentoolcore.h>

#include "tests/sys/stand.h"
#include "tests/unit/bh_check.h"

static struct stand s;
static const char *self;

/* Domains 0 and 1, a channel between them, the first event taken. */
static xenevtchn_handle *a, *b;
static int pa, pb;

static xenevtchn_handle *open_as(uint32_t domid)
{
	xenevtchn_handle *x;

	stand_as(&s, domid);
	x = xenevtchn_open(NULL, 0);
	ck_assert_ptr_nonnull(x);
	return x;
}

static bool readable(xenevtchn_handle *x, int ms)
{
	struct pollfd p = {.fd = xenevtchn_fd(x), .events = POLLIN};

	return poll(&p, 1, ms) == 1;
}

static void expect(xenevtchn_handle *x, int port)
{
	ck_assert(readable(x, 2000));
	ck_assert_int_eq(xenevtchn_pending(x), port);
}

static void settle(xenevtchn_handle *x)
{
	while (readable(x, 20))
		ck_assert_int_eq(xenevtchn_unmask(x, xenevtchn_pending(x)), 0);
}

static void up(void)
{
	ck_assert_int_eq(stand_start(&s), 0);
	ck_assert_int_eq(stand_domain(&s, 1, 16384), 0);
	a = open_as(0);
	b = open_as(1);
	pa = xenevtchn_bind_unbound_port(a, 1);
	ck_assert_int_gt(pa, 0);
	pb = xenevtchn_bind_interdomain(b, 0, pa);
	ck_assert_int_gt(pb, 0);
	settle(a);
	settle(b);
}

static void down(void)
{
	struct hva_info i;

	ck_assert_int_eq(xenevtchn_close(a), 0);
	ck_assert_int_eq(xenevtchn_close(b), 0);
	for (int n = 0; n < 100; n++) {
		ck_assert_int_eq(stand_info(&s, &i), 0);
		if (i.ports == 0)
			break;
		usleep(10000);
	}
	ck_assert_uint_eq(i.ports, 0);
	ck_assert_int_eq(stand_stop(&s), 0);
}

START_TEST(test_both_ways)
{
	up();
	for (int i = 0; i < 3; i++) {
		ck_assert_int_eq(xenevtchn_notify(a, pa), 0);
		expect(b, pb);
		ck_assert_int_eq(xenevtchn_unmask(b, pb), 0);
		ck_assert_int_eq(xenevtchn_notify(b, pb), 0);
		expect(a, pa);
		ck_assert_int_eq(xenevtchn_unmask(a, pa), 0);
	}
	ck_assert(!readable(a, 0));
	ck_assert(!readable(b, 0));
	down();
}
END_TEST

/* A bind makes the new end pending: what was sent before it is not lost. */
START_TEST(test_bind_is_an_event)
{
	int p, q;

	up();
	p = xenevtchn_bind_unbound_port(a, 1);
	q = xenevtchn_bind_interdomain(b, 0, p);
	expect(b, q);
	down();
}
END_TEST

START_TEST(test_masked_until_unmask)
{
	up();
	ck_assert_int_eq(xenevtchn_notify(a, pa), 0);
	expect(b, pb);
	ck_assert_int_eq(xenevtchn_notify(a, pa), 0);
	ck_assert(!readable(b, 50));
	ck_assert_int_eq(xenevtchn_unmask(b, pb), 0);
	expect(b, pb);
	ck_assert_int_eq(xenevtchn_unmask(b, pb), 0);
	ck_assert(!readable(b, 50));
	down();
}
END_TEST

/* Any number of events before the first look is one, and no write waits. */
START_TEST(test_flood_is_one_event)
{
	up();
	for (int i = 0; i < 20000; i++)
		ck_assert_int_eq(xenevtchn_notify(a, pa), 0);
	expect(b, pb);
	ck_assert_int_eq(xenevtchn_unmask(b, pb), 0);
	ck_assert(!readable(b, 50));
	down();
}
END_TEST

static void *notify_later(void *arg)
{
	usleep(100000);
	ck_assert_int_eq(xenevtchn_notify(a, pa), 0);
	return NULL;
}

START_TEST(test_pending_blocks_or_not)
{
	pthread_t t;
	int fd;

	up();
	pthread_create(&t, NULL, notify_later, NULL);
	ck_assert_int_eq(xenevtchn_pending(b), pb);
	pthread_join(t, NULL);
	xenevtchn_unmask(b, pb);
	fd = xenevtchn_fd(b);
	fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK);
	ck_assert_int_eq(xenevtchn_pending(b), -1);
	ck_assert_int_eq(errno, EAGAIN);
	ck_assert_int_eq(xenevtchn_notify(a, pa), 0);
	ck_assert_int_eq(xenevtchn_pending(b), pb);
	down();
}
END_TEST

START_TEST(test_errors)
{
	up();
	ck_assert_int_eq(xenevtchn_notify(a, 77), -1);
	ck_assert_int_eq(errno, ENOTCONN);
	ck_assert_int_eq(xenevtchn_notify(a, 1u << 30), -1);
	ck_assert_int_eq(errno, ENOTCONN);
	ck_assert_int_eq(xenevtchn_unbind(a, 77), -1);
	ck_assert_int_eq(errno, ENOTCONN);
	ck_assert_int_eq(xenevtchn_unbind(a, 1u << 30), -1);
	ck_assert_int_eq(errno, EINVAL);
	ck_assert_int_eq(xenevtchn_unmask(a, 77), 0);
	ck_assert_int_eq(xenevtchn_bind_interdomain(a, 1, 999), -1);
	ck_assert_int_eq(errno, EINVAL);
	ck_assert_int_eq(xenevtchn_bind_interdomain(a, 4711, 1), -1);
	ck_assert_int_eq(errno, ESRCH);
	ck_assert_int_eq(xenevtchn_bind_virq(a, 1000), -1);
	ck_assert_int_eq(errno, EINVAL);
	ck_assert_ptr_null(xenevtchn_open(NULL, 1u << 7));
	ck_assert_int_eq(errno, EINVAL);
	ck_assert_ptr_null(xenevtchn_fdopen(NULL, xenevtchn_fd(a), 1));
	ck_assert_int_eq(errno, EINVAL);
	ck_assert_ptr_null(xenevtchn_fdopen(NULL, 999, 0));
	ck_assert_int_eq(errno, EBADF);
	ck_assert_int_eq(xenevtchn_unbind(a, pa), 0);
	ck_assert_int_eq(xenevtchn_notify(a, pa), -1);
	ck_assert_int_eq(errno, ENOTCONN);
	/* sending to a peer that has gone is no error */
	ck_assert_int_eq(xenevtchn_notify(b, pb), 0);
	setenv("HV_SOCKET", "/nonexistent", 1);
	ck_assert_ptr_null(xenevtchn_open(NULL, 0));
	ck_assert_int_eq(errno, ENOENT);
	down();
}
END_TEST

START_TEST(test_virq)
{
	int v;

	up();
	v = xenevtchn_bind_virq(a, VIRQ_DOM_EXC);
	ck_assert_int_gt(v, 0);
	ck_assert_int_eq(xenevtchn_bind_virq(a, VIRQ_DOM_EXC), -1);
	ck_assert_int_eq(errno, EEXIST);
	ck_assert_int_eq(xenevtchn_notify(a, v), 0);
	ck_assert_int_eq(stand_domain(&s, 2, 4096), 0);
	settle(a);
	ck_assert_int_eq(stand_destroy(&s, 2), 0);
	expect(a, v);
	ck_assert_int_eq(xenevtchn_unbind(a, v), 0);
	v = xenevtchn_bind_virq(a, VIRQ_DOM_EXC);
	ck_assert_int_gt(v, 0);
	down();
}
END_TEST

/* Closes the port of domain 0 behind the back of the handle that has it. */
static void close_by_hypercall(int port)
{
	xencall_handle *x;
	struct evtchn_close *op;

	stand_as(&s, 0);
	x = xencall_open(NULL, 0);
	ck_assert_ptr_nonnull(x);
	op = xencall_alloc_buffer(x, sizeof(*op));
	op->port = (evtchn_port_t)port;
	ck_assert_int_eq(xencall2(x, __HYPERVISOR_event_channel_op,
				 EVTCHNOP_close, (uintptr_t)op),
		0);
	xencall_free_buffer(x, op);
	xencall_close(x);
}

/* The number is free again, and nobody's: not the handle's that had it. */
START_TEST(test_closed_behind_its_back)
{
	struct hva_info info;
	xenevtchn_handle *c;
	int v;

	up();
	for (int i = 0; i < 3; i++) {
		v = xenevtchn_bind_virq(b, VIRQ_DEBUG);
		ck_assert_int_gt(v, 0);
		ck_assert_int_eq(xenevtchn_unbind(b, v), 0);
	}
	c = open_as(0);
	for (int i = 0; i < 3; i++) {
		v = xenevtchn_bind_virq(c, VIRQ_DOM_EXC);
		ck_assert_int_gt(v, 0);
		close_by_hypercall(v);
		/* of the handle's own descriptors nothing was said */
		ck_assert_int_eq(xenevtchn_unbind(c, v), 0);
	}
	v = xenevtchn_bind_virq(c, VIRQ_DOM_EXC);
	ck_assert_int_gt(v, 0);
	close_by_hypercall(v);
	ck_assert_int_eq(xenevtchn_bind_virq(a, VIRQ_DOM_EXC), v);
	/* its end does not touch what is another handle's now */
	xenevtchn_close(c);
	ck_assert_int_eq(stand_info(&s, &info), 0);
	ck_assert_int_eq(stand_domain(&s, 2, 4096), 0);
	settle(a);
	ck_assert_int_eq(stand_destroy(&s, 2), 0);
	expect(a, v);
	down();
}
END_TEST

/* The peer's process goes, another one comes: same port, new doorbells. */
START_TEST(test_rebind)
{
	up();
	/* an event that nobody looked at before the peer went */
	ck_assert_int_eq(xenevtchn_notify(b, pb), 0);
	xenevtchn_close(b);
	b = open_as(1);
	pb = xenevtchn_bind_interdomain(b, 0, pa);
	ck_assert_int_gt(pb, 0);
	expect(b, pb);
	xenevtchn_unmask(b, pb);
	/* our first notify finds out that the channel is another one */
	ck_assert_int_eq(xenevtchn_notify(a, pa), 0);
	expect(b, pb);
	expect(a, pa);
	xenevtchn_unmask(a, pa);
	settle(a);
	ck_assert_int_eq(xenevtchn_notify(b, pb), 0);
	expect(a, pa);
	/* and once more, masked all the time */
	xenevtchn_close(b);
	b = open_as(1);
	pb = xenevtchn_bind_interdomain(b, 0, pa);
	ck_assert_int_eq(xenevtchn_notify(b, pb), 0);
	ck_assert(!readable(a, 50));
	xenevtchn_unmask(a, pa);
	expect(a, pa);
	down();
}
END_TEST

/* What the two sides of a rebinding channel share. */
static _Atomic int sent, seen;

static void *rebinding_peer(void *arg)
{
	for (int i = 1; i <= 300; i++) {
		xenevtchn_handle *x = open_as(1);
		int p = xenevtchn_bind_interdomain(x, 0, pa);

		ck_assert_int_gt(p, 0);
		atomic_store(&sent, i);
		ck_assert_int_eq(xenevtchn_notify(x, p), 0);
		/* answered through the new doorbell, or the bind's own event */
		while (atomic_load(&seen) < i) {
			struct pollfd f = {
				.fd = xenevtchn_fd(x), .events = POLLIN};

			if (poll(&f, 1, 5000) != 1)
				break;
			ck_assert_int_eq(xenevtchn_pending(x), p);
			xenevtchn_unmask(x, p);
		}
		xenevtchn_close(x);
		if (atomic_load(&seen) < i)
			break;
	}
	return NULL;
}

static atomic_bool stop;

/* The port is always there, whatever is being replaced below it. */
static void *hammer(void *arg)
{
	while (!atomic_load(&stop))
		ck_assert_int_eq(xenevtchn_notify(a, pa), 0);
	return NULL;
}

START_TEST(test_no_wakeup_is_lost_over_rebinds)
{
	pthread_t t, h;

	up();
	xenevtchn_close(b);
	if (_i)
		pthread_create(&h, NULL, hammer, NULL);
	pthread_create(&t, NULL, rebinding_peer, NULL);
	while (atomic_load(&seen) < 300) {
		if (!readable(a, 5000))
			break;
		ck_assert_int_eq(xenevtchn_pending(a), pa);
		xenevtchn_unmask(a, pa);
		if (atomic_load(&seen) == atomic_load(&sent))
			continue;
		atomic_store(&seen, atomic_load(&sent));
		ck_assert_int_eq(xenevtchn_notify(a, pa), 0);
	}
	pthread_join(t, NULL);
	atomic_store(&stop, true);
	if (_i)
		pthread_join(h, NULL);
	ck_assert_int_eq(atomic_load(&seen), 300);
	b = open_as(1);
	down();
}
END_TEST

static void *notifier(void *arg)
{
	while (!atomic_load(&stop)) {
		for (int p = 0; p < 8; p++)
			if (xenevtchn_notify(a, p) < 0)
				ck_assert_int_eq(errno, ENOTCONN);
		for (int p = 0; p < 8; p++)
			ck_assert_int_eq(xenevtchn_unmask(a, p), 0);
	}
	return NULL;
}

static void *taker(void *arg)
{
	while (!atomic_load(&stop)) {
		int p = xenevtchn_pending(a);

		if (p < 0)
			ck_assert_int_eq(errno, EAGAIN);
		else
			xenevtchn_unmask(a, p);
	}
	return NULL;
}

/* A descriptor number that was reused would be hit: count what arrives. */
START_TEST(test_threads)
{
	pthread_t t[3];
	int trap[2], n = 0;
	struct timespec end, now;
	char byte;

	up();
	ck_assert_int_eq(pipe2(trap, O_NONBLOCK), 0);
	fcntl(xenevtchn_fd(a), F_SETFL, O_NONBLOCK);
	pthread_create(&t[0], NULL, notifier, NULL);
	pthread_create(&t[1], NULL, notifier, NULL);
	pthread_create(&t[2], NULL, taker, NULL);
	clock_gettime(CLOCK_MONOTONIC, &end);
	do {
		int p = xenevtchn_bind_unbound_port(a, 1);
		int q = xenevtchn_bind_interdomain(b, 0, p);
		int d[2];

		ck_assert_int_gt(p, 0);
		ck_assert_int_gt(q, 0);
		ck_assert_int_eq(xenevtchn_unbind(b, q), 0);
		ck_assert_int_eq(xenevtchn_unbind(a, p), 0);
		/* take the numbers that were just closed */
		d[0] = dup(trap[1]);
		d[1] = dup(trap[1]);
		sched_yield();
		close(d[0]);
		close(d[1]);
		n++;
		clock_gettime(CLOCK_MONOTONIC, &now);
	} while (now.tv_sec - end.tv_sec < 2);
	atomic_store(&stop, true);
	for (int i = 0; i < 3; i++)
		pthread_join(t[i], NULL);
	ck_assert_int_gt(n, BH_SANITIZED ? 1 : 10);
	ck_assert_int_eq(read(trap[0], &byte, 1), -1);
	close(trap[0]);
	close(trap[1]);
	down();
}
END_TEST

START_TEST(test_restrict)
{
	int p;

	up();
	ck_assert_int_eq(xentoolcore_restrict_all(1), 0);
	p = xenevtchn_bind_unbound_port(a, 1);
	ck_assert_int_gt(p, 0);
	ck_assert_int_eq(xenevtchn_bind_unbound_port(a, 0), -1);
	ck_assert(errno == EACCES || errno == EPERM);
	ck_assert_int_eq(xenevtchn_restrict(a, 0), -1);
	ck_assert_int_eq(errno, EACCES);
	down();
}
END_TEST

/* hvd dies: the handle says so, and nothing kills the program. */
START_TEST(test_hvd_is_killed)
{
	up();
	stand_kill(&s);
	ck_assert(readable(a, 2000));
	ck_assert_int_eq(xenevtchn_pending(a), -1);
	ck_assert_int_eq(errno, EIO);
	/* it has not looked yet; nobody hears it */
	ck_assert_int_eq(xenevtchn_notify(b, pb), 0);
	xenevtchn_close(a);
	ck_assert_int_eq(xenevtchn_pending(b), -1);
	ck_assert_int_eq(errno, EIO);
	ck_assert_int_eq(xenevtchn_notify(b, pb), -1);
	ck_assert_int_eq(errno, EIO);
	ck_assert_int_eq(xenevtchn_bind_unbound_port(b, 1), -1);
	ck_assert_int_eq(errno, EIO);
	xenevtchn_close(b);
}
END_TEST

/* A kernel that cannot suppress SIGPIPE: plain writes. */
START_TEST(test_old_kernel)
{
	scmp_filter_ctx f = seccomp_init(SCMP_ACT_ALLOW);

	up();
	ck_assert_int_eq(seccomp_rule_add(f, SCMP_ACT_ERRNO(EOPNOTSUPP),
				 SCMP_SYS(pwritev2), 0),
		0);
	ck_assert_int_eq(seccomp_load(f), 0);
	seccomp_release(f);
	for (int i = 0; i < 3; i++) {
		ck_assert_int_eq(xenevtchn_notify(a, pa), 0);
		expect(b, pb);
		ck_assert_int_eq(xenevtchn_unmask(b, pb), 0);
	}
	for (int i = 0; i < 10000; i++)
		ck_assert_int_eq(xenevtchn_notify(a, pa), 0);
	stand_kill(&s);
	ck_assert_int_eq(xenevtchn_pending(a), -1);
	xenevtchn_close(b);
	ck_assert_int_eq(xenevtchn_notify(a, pa), -1);
	ck_assert_int_eq(errno, EIO);
	xenevtchn_close(a);
}
END_TEST

/* A hypercall closes the port that a handle holds: silence, no storm. */
START_TEST(test_closed_by_hypercall)
{
	struct evtchn_close c;
	xencall_handle *x;
	int events = 0;

	up();
	stand_as(&s, 0);
	x = xencall_open(NULL, 0);
	c.port = pa;
	ck_assert_int_eq(xencall2(x, __HYPERVISOR_event_channel_op,
				 EVTCHNOP_close, (uintptr_t)&c),
		0);
	xencall_close(x);
	while (readable(a, 50) && events++ < 5)
		xenevtchn_unmask(a, xenevtchn_pending(a));
	ck_assert_int_le(events, 1);
	ck_assert_int_eq(xenevtchn_unbind(a, pa), 0);
	down();
}
END_TEST

/* No room for the descriptors of a port: it is given back. */
START_TEST(test_descriptors_run_out)
{
	struct rlimit old, few;
	struct hva_info i;
	int fd;

	up();
	fd = dup(0);
	close(fd);
	getrlimit(RLIMIT_NOFILE, &old);
	few = old;
	for (int n = 0; n < 2; n++) {
		few.rlim_cur = fd + n;
		setrlimit(RLIMIT_NOFILE, &few);
		ck_assert_int_eq(xenevtchn_bind_unbound_port(a, 1), -1);
		ck_assert_int_eq(errno, EMFILE);
	}
	setrlimit(RLIMIT_NOFILE, &old);
	ck_assert_int_eq(stand_info(&s, &i), 0);
	ck_assert_uint_eq(i.ports, 2);
	ck_assert_int_gt(xenevtchn_bind_unbound_port(a, 1), 0);
	down();
}
END_TEST

static void run_again(int fd, int port, bool blind)
{
	char fd_arg[16], port_arg[16];

	snprintf(fd_arg, sizeof(fd_arg), "%d", fd);
	snprintf(port_arg, sizeof(port_arg), "%d", port);
	stand_as(&s, 1);
	execl(self, self, "after-exec", fd_arg, port_arg,
		blind ? "blind" : "seeing", (char *)NULL);
	_exit(126);
}

/* Live update: the process replaces itself, its channels go on. */
START_TEST(test_fdopen_after_exec)
{
	int status;
	pid_t pid;

	up();
	xenevtchn_close(a);
	pid = fork();
	if (pid == 0) {
		xenevtchn_handle *x;
		int q;

		xenevtchn_close(b);
		stand_as(&s, 0);
		x = xenevtchn_open(NULL, XENEVTCHN_NO_CLOEXEC);
		pa = xenevtchn_bind_unbound_port(x, 1);
		/* connected, with an event under way */
		b = open_as(1);
		q = xenevtchn_bind_interdomain(b, 0, pa);
		/* it comes again: descriptors that were replaced */
		xenevtchn_close(b);
		b = open_as(1);
		q = xenevtchn_bind_interdomain(b, 0, pa);
		if (!x || xenevtchn_pending(x) != pa ||
			xenevtchn_notify(x, pa) < 0 || q <= 0)
			_exit(124);
		xenevtchn_unmask(x, pa);
		settle(x);
		/* and a third that nothing ever happened to */
		if (xenevtchn_bind_unbound_port(x, 1) < 0 ||
			xenevtchn_notify(b, q) < 0)
			_exit(125);
		run_again(xenevtchn_fd(x), pa, _i);
	}
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert_int_eq(status, 0);
	a = open_as(0);
	down();
}
END_TEST

/* Open descriptors of this kind, but for the handle's own. */
static int ends(const char *kind, int handle)
{
	char path[32], to[64];
	int n = 0;

	for (int i = 3; i < 64; i++) {
		ssize_t len;

		snprintf(path, sizeof(path), "/proc/self/fd/%d", i);
		len = readlink(path, to, sizeof(to) - 1);
		to[len < 0 ? 0 : len] = '\0';
		n += i != handle && strstr(to, kind);
	}
	return n;
}

static int waits(int handle)
{
	return ends("[eventpoll]", handle);
}

static int rings(void)
{
	return ends("[eventfd]", -1);
}

/* A domain need not have /proc: no file can be opened any more. */
static int lose_proc(void)
{
	scmp_filter_ctx f = seccomp_init(SCMP_ACT_ALLOW);
	int r = seccomp_rule_add(
		f, SCMP_ACT_ERRNO(ENOENT), SCMP_SYS(openat), 0);

	if (r == 0)
		r = seccomp_load(f);
	seccomp_release(f);
	return r;
}

/* The second half of test_fdopen_after_exec: exit codes say what failed. */
static int after_exec(int fd, int port, bool blind)
{
	xenevtchn_handle *x, *y;
	int q;

	/* no more came over than has to */
	if (waits(fd) != 2 || rings() != 0)
		return 9;
	if (blind && lose_proc() < 0)
		return 8;
	x = xenevtchn_fdopen(NULL, fd, 0);
	if (!x)
		return 10;
	if (xenevtchn_fd(x) != fd)
		return 11;
	if (!readable(x, 2000) || xenevtchn_pending(x) != port)
		return 12;
	if (xenevtchn_unmask(x, port) < 0)
		return 13;
	q = xenevtchn_bind_unbound_port(x, 1);
	if (q <= 0 || q == port)
		return 14;
	/* the peer ended with the exec: it may come again */
	y = xenevtchn_open(NULL, 0);
	if (!y || xenevtchn_bind_interdomain(y, 0, port) < 0)
		return 15;
	for (int i = 0; i < 3; i++) {
		if (xenevtchn_notify(x, port) < 0 || !readable(y, 2000))
			return 16;
		xenevtchn_unmask(y, xenevtchn_pending(y));
	}
	xenevtchn_close(y);
	if (waits(fd) != 3 || rings() != 3)
		return 17;
	xenevtchn_close(x);
	return waits(-1) + rings() == 0 ? 0 : 18;
}

int main(int argc, char **argv)
{
	const struct bh_test tests[] = {
		BH_TEST(test_both_ways),
		BH_TEST(test_bind_is_an_event),
		BH_TEST(test_masked_until_unmask),
		BH_TEST(test_flood_is_one_event),
		BH_TEST(test_pending_blocks_or_not),
		BH_TEST(test_errors),
		BH_TEST(test_virq),
		BH_TEST(test_closed_behind_its_back),
		BH_TEST(test_rebind),
		BH_LOOP(test_no_wakeup_is_lost_over_rebinds, 2),
		BH_TEST(test_threads),
		BH_TEST(test_restrict),
		BH_TEST(test_hvd_is_killed),
		BH_TEST(test_old_kernel),
		BH_TEST(test_closed_by_hypercall),
		BH_TEST(test_descriptors_run_out),
		BH_LOOP(test_fdopen_after_exec, 2),
	};

	self = argv[0];
	if (argc == 5 && strcmp(argv[1], "after-exec") == 0)
		return after_exec(atoi(argv[2]), atoi(argv[3]),
			strcmp(argv[4], "blind") == 0);
	return bh_check_run("hv_evtchn", 30, tests,
		       sizeof(tests) / sizeof(tests[0])) != 0;
}
