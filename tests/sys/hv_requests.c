/* SPDX-License-Identifier: MIT */
/* hv_requests.c: requests to a real hvd that the libraries never make */
#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <time.h>

#include <xen/xen.h>
#include <xen/grant_table.h>
#include <xen/memory.h>

#include "hv/proto/proto.h"
#include "tests/sys/stand.h"
#include "tests/unit/bh_check.h"
#include "tests/unit/sendfds.h"

#define PAGE 4096

static struct stand s;

/* The last reply. */
static struct {
	struct hvp_rep hdr;
	uint8_t body[HVP_MSG_MAX];
	int fd[HVP_FDS_MAX];
	uint32_t nfds;
} rep;

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

static void take_fds(struct msghdr *m)
{
	struct cmsghdr *c = CMSG_FIRSTHDR(m);

	rep.nfds = 0;
	if (!c)
		return;
	rep.nfds = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);
	memcpy(rep.fd, CMSG_DATA(c), rep.nfds * sizeof(int));
}

/* A reply; its descriptors are closed but for the first, if @keep is set. */
static int receive(int fd, int *keep)
{
	union {
		char buf[CMSG_SPACE(HVP_FDS_MAX * sizeof(int))];
		struct cmsghdr align;
	} ctl;
	struct iovec iov = {&rep, sizeof(rep.hdr) + sizeof(rep.body)};
	struct msghdr m = {.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = ctl.buf,
		.msg_controllen = sizeof(ctl.buf)};
	ssize_t n = recvmsg(fd, &m, MSG_CMSG_CLOEXEC);

	ck_assert_msg(n >= (ssize_t)sizeof(rep.hdr), "no reply: %s",
		n < 0 ? strerror(errno) : "the session was closed");
	take_fds(&m);
	for (uint32_t i = 0; i < rep.nfds; i++) {
		if (keep && i == 0)
			*keep = rep.fd[0];
		else
			close(rep.fd[i]);
	}
	return rep.hdr.rc;
}

static void request(int fd, int op, uint32_t n, const void *a, size_t a_len,
	const void *b, size_t b_len)
{
	struct hvp_req h = {.op = op, .n = n, .len = a_len + b_len};
	union {
		const void *c;
		void *v;
	} ca = {.c = a}, cb = {.c = b};
	struct iovec iov[] = {{&h, sizeof(h)}, {ca.v, a_len}, {cb.v, b_len}};

	ck_assert_msg(
		writev(fd, iov, 3) == (ssize_t)(sizeof(h) + a_len + b_len),
		"op %d: %s", op, strerror(errno));
}

static int ask(int fd, int op, const void *a, size_t len)
{
	request(fd, op, 0, a, len, NULL, 0);
	return receive(fd, NULL);
}

static int ask_id(int fd, int op, uint32_t id)
{
	return ask(fd, op, &(struct hvp_id){id}, sizeof(struct hvp_id));
}

static int notify(int fd, uint32_t id, uint32_t offset)
{
	const struct hvp_notify n = {
		.id = id, .action = HVP_NOTIFY_CLEAR_BYTE, .offset = offset};

	return ask(fd, HVP_GNT_NOTIFY, &n, sizeof(n));
}

/* Pages for @peer: the reference of the first, the share in *sh. */
static uint32_t share(
	int fd, uint32_t peer, uint32_t nr, struct hvp_share *sh, int *keep)
{
	const struct hvp_gnt_share a = {.domid = peer, .count = nr, .write = 1};
	uint32_t ref;

	request(fd, HVP_GNT_SHARE, 0, &a, sizeof(a), NULL, 0);
	ck_assert_int_eq(receive(fd, keep), 0);
	memcpy(sh, rep.body, sizeof(*sh));
	memcpy(&ref, rep.body + sizeof(*sh), sizeof(ref));
	return ref;
}

/* @nr references of @domid, all of them @ref but the last: @last. */
static int map(int fd, uint32_t domid, uint32_t nr, uint32_t ref, uint32_t last,
	bool write, uint32_t *id)
{
	const struct hvp_gnt_map a = {.addr = 0x100000, .write = write};
	struct hvp_gref g[HVP_REFS_MAX];
	struct hvp_mapping m;

	for (uint32_t i = 0; i < nr; i++)
		g[i] = (struct hvp_gref){domid, i == nr - 1 ? last : ref};
	request(fd, HVP_GNT_MAP, nr, &a, sizeof(a), g, nr * sizeof(g[0]));
	if (receive(fd, NULL))
		return rep.hdr.rc;
	memcpy(&m, rep.body, sizeof(m));
	*id = m.id;
	return 0;
}

/* A hypercall with one argument structure and one array it points to. */
static int64_t hypercall(int fd, uint32_t op, uint64_t cmd, const void *arg,
	uint32_t len, const void *list, uint32_t list_len)
{
	struct {
		struct hvp_hypercall h;
		struct hvp_buf b[2];
	} a = {
		.h = {.op = op, .arg = {cmd, 0x10000, 1}},
		.b = {{0x10000, len, HVP_BUF_OUT}, {0x20000, list_len, 0}},
	};
	uint8_t rest[PAGE];
	struct hvp_result r;

	memcpy(rest, arg, len);
	if (list_len)
		memcpy(rest + len, list, list_len);
	request(fd, HVP_HYPERCALL, 2, &a, sizeof(a), rest, len + list_len);
	ck_assert_int_eq(receive(fd, NULL), 0);
	memcpy(&r, rep.body, sizeof(r));
	return r.ret;
}

static void decrease(int fd, uint64_t gfn, uint32_t nr)
{
	struct xen_memory_reservation r = {
		.nr_extents = 1, .domid = DOMID_SELF};
	uint64_t at;

	r.extent_start = (xen_pfn_t *)0x20000;
	for (uint32_t i = 0; i < nr; i++) {
		at = gfn + i;
		ck_assert_int_eq(hypercall(fd, __HYPERVISOR_memory_op,
					 XENMEM_decrease_reservation, &r,
					 sizeof(r), &at, sizeof(at)),
			1);
	}
}

static void up(void)
{
	ck_assert_int_eq(stand_start(&s), 0);
	ck_assert_int_eq(stand_domain(&s, 1, 65536), 0);
}

static void down(void)
{
	struct hva_info i;

	ck_assert_int_eq(stand_info(&s, &i), 0);
	ck_assert_int_eq(stand_stop(&s), 0);
}

/* The pages of a share go while it is held: by another session's hypercall,
 * and with their domain. */
START_TEST(test_share_is_gone)
{
	struct hvp_share sh;
	struct hva_info i;
	int a, b;

	up();
	a = session(1);
	b = session(1);
	share(a, 0, 3, &sh, NULL);
	ck_assert_int_eq(notify(a, sh.id, 2 * PAGE + 5), 0);
	decrease(b, sh.gfn, 3);
	ck_assert_int_eq(stand_info(&s, &i), 0);
	ck_assert_int_eq(ask_id(a, HVP_GNT_UNSHARE, sh.id), 0);
	share(a, 0, 1, &sh, NULL);
	ck_assert_int_eq(notify(a, sh.id, 7), 0);
	decrease(b, sh.gfn, 1);
	ck_assert_int_eq(stand_destroy(&s, 1), 0);
	for (int n = 0; n < 200; n++) {
		ck_assert_int_eq(stand_info(&s, &i), 0);
		if (i.domains == 1)
			break;
		usleep(10000);
	}
	ck_assert_uint_eq(i.domains, 1);
	ck_assert_uint_eq(i.zombies, 0);
	close(a);
	close(b);
	down();
}
END_TEST

/* What is at the gfn of a page of ours may be somebody else's by now. */
START_TEST(test_share_was_replaced)
{
	struct hvp_share sh, other;
	uint32_t ref, id;
	int a, b;

	up();
	a = session(1);
	b = session(1);
	share(a, 0, 1, &sh, NULL);
	decrease(b, sh.gfn, 1);
	ref = share(b, 0, 1, &other, NULL);
	ck_assert_uint_eq(other.gfn, sh.gfn);
	ck_assert_int_eq(ask_id(a, HVP_GNT_UNSHARE, sh.id), 0);
	close(a);
	a = session(0);
	ck_assert_int_eq(map(a, 1, 1, ref, ref, true, &id), 0);
	close(a);
	close(b);
	down();
}
END_TEST

START_TEST(test_arena_is_gone)
{
	struct hvp_arena arena;
	struct stat mine, other;
	int a, b, fd;

	up();
	a = session(1);
	b = session(1);
	request(a, HVP_GNT_ARENA, 0, NULL, 0, NULL, 0);
	ck_assert_int_eq(receive(a, &fd), 0);
	memcpy(&arena, rep.body, sizeof(arena));
	ck_assert_int_eq(fstat(fd, &mine), 0);
	close(fd);
	/* again: the same one */
	request(a, HVP_GNT_ARENA, 0, NULL, 0, NULL, 0);
	ck_assert_int_eq(receive(a, &fd), 0);
	ck_assert_int_eq(fstat(fd, &other), 0);
	ck_assert_uint_eq(mine.st_ino, other.st_ino);
	close(fd);
	decrease(b, arena.gfn, arena.pages);
	ck_assert_int_eq(ask(b, HVP_GNT_ARENA, NULL, 0), 0);
	ck_assert_int_eq(ask(a, HVP_GNT_ARENA, NULL, 0), -EIO);
	close(a);
	ck_assert_int_eq(ask(b, HVP_GNT_ARENA, NULL, 0), 0);
	close(b);
	down();
}
END_TEST

/* The pages of one mapping lie anywhere. */
START_TEST(test_notify_bounds)
{
	struct hvp_share one, two;
	uint32_t r1, r2, id;
	int a, b, fd;

	up();
	a = session(1);
	b = session(0);
	r1 = share(a, 0, 1, &one, NULL);
	r2 = share(a, 0, 1, &two, &fd);
	ck_assert_int_eq(map(b, 1, 2, r1, r2, true, &id), 0);
	ck_assert_int_eq(notify(b, id, PAGE), -EINVAL);
	ck_assert_int_eq(notify(b, id, PAGE - 1), 0);
	ck_assert_int_eq(notify(a, one.id, PAGE), -EINVAL);
	ck_assert_int_eq(notify(a, one.id, PAGE - 1), 0);
	ck_assert_int_eq(ask_id(b, HVP_GNT_UNMAP, id), 0);
	close(fd);
	close(a);
	close(b);
	down();
}
END_TEST

static int foreign(int fd, uint32_t domid, uint32_t nr, uint64_t gfn)
{
	const struct hvp_fm_map a = {.domid = domid};
	uint64_t g[HVP_REFS_MAX];

	for (uint32_t i = 0; i < nr; i++)
		g[i] = gfn + i;
	request(fd, HVP_FM_MAP, nr, &a, sizeof(a), g, nr * sizeof(g[0]));
	return receive(fd, NULL);
}

static long hvd_kb(void)
{
	char path[64], line[128];
	long kb = 0;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/status", (int)s.hvd);
	f = fopen(path, "re");
	while (f && fgets(line, sizeof(line), f))
		sscanf(line, "RssAnon: %ld", &kb);
	if (f)
		fclose(f);
	return kb;
}

/* A mapping of nothing is not kept: there is no end to them. */
START_TEST(test_map_nothing)
{
	struct hvp_mapping m;
	int a, b;
	long kb;

	up();
	a = session(1);
	b = session(0);
	ck_assert_int_eq(foreign(a, 0, 4, 0), -EPERM);
	ck_assert_int_eq(foreign(b, 77, 4, 0), -ESRCH);
	ck_assert_int_eq(foreign(b, 1, 1024, 0xfff00000u), 0);
	memcpy(&m, rep.body, sizeof(m));
	ck_assert_uint_eq(m.id, HVP_ID_NONE);
	ck_assert_int_eq(ask_id(b, HVP_FM_UNMAP, m.id), -EINVAL);
	kb = hvd_kb();
	for (int i = 0; i < 2000; i++) {
		ck_assert_int_eq(foreign(b, 1, 1024, 0xfff00000u), 0);
		ck_assert_int_lt(foreign(a, 0, 1024, 0), 0);
	}
	if (!BH_SANITIZED)
		ck_assert_int_lt(hvd_kb() - kb, 1024);
	close(a);
	close(b);
	down();
}
END_TEST

/* A restriction holds for all that a session could ask. */
START_TEST(test_restricted)
{
	const struct hvp_ev_bind one = {.domid = 1};
	static const int ops[] = {HVP_EV_RESTRICT, HVP_FM_RESTRICT};
	struct {
		struct hvp_hypercall h;
	} call = {.h = {.op = __HYPERVISOR_xen_version}};
	int a;

	up();
	for (int i = 0; i < 2; i++) {
		a = session(0);
		ck_assert_int_eq(ask(a, HVP_HYPERCALL, &call, sizeof(call)), 0);
		ck_assert_int_eq(ask(a, ops[i], &one, sizeof(one)), 0);
		ck_assert_int_eq(ask(a, HVP_HELLO, NULL, 0), 0);
		ck_assert_int_eq(
			ask(a, HVP_HYPERCALL, &call, sizeof(call)), -EPERM);
		ck_assert_int_eq(ask(a, HVP_GNT_ARENA, NULL, 0), -EPERM);
		ck_assert_int_eq(ask(a, HVP_EV_LIST, NULL, 0), i ? -EPERM : 0);
		ck_assert_int_eq(foreign(a, 1, 1, 0xfff00000u), i ? 0 : -EPERM);
		ck_assert_int_eq(ask(a, ops[i], &one, sizeof(one)), 0);
		close(a);
	}
	down();
}
END_TEST

static int admin(void)
{
	struct sockaddr_un sa = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);

	snprintf(sa.sun_path, sizeof(sa.sun_path), "%s/%s", s.dir,
		HVA_SOCKET_NAME);
	ck_assert_int_eq(connect(fd, (struct sockaddr *)&sa, sizeof(sa)), 0);
	return fd;
}

/* More descriptors than hvd takes, as many as its buffer does by chance. */
START_TEST(test_admin_descriptors)
{
	struct hva_msg m = {.type = HVA_EXEC};
	struct hva_msg got;
	struct iovec iov = {&m, sizeof(m)};
	struct hva_info before, after;
	int fd, fds[5] = {0, 1, 2, 0, 1};

	up();
	ck_assert_int_eq(stand_info(&s, &before), 0);
	for (int n = 3; n <= 5; n++) {
		fd = admin();
		ck_assert_int_gt(sendfds(fd, &iov, 1, fds, (size_t)n, 0), 0);
		ck_assert_int_eq(recv(fd, &got, sizeof(got), 0),
			n == 3 ? (ssize_t)sizeof(m) : 0);
		close(fd);
	}
	usleep(50000);
	ck_assert_int_eq(stand_info(&s, &after), 0);
	ck_assert_uint_le(after.descriptors, before.descriptors);
	down();
}
END_TEST

static long hvd_ticks(void)
{
	char path[64], line[512] = "", *p;
	long user = 0, sys = 0;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/stat", (int)s.hvd);
	f = fopen(path, "re");
	ck_assert_ptr_nonnull(f);
	ck_assert_ptr_nonnull(fgets(line, sizeof(line), f));
	fclose(f);
	p = strrchr(line, ')');
	ck_assert_int_eq(sscanf(p,
				 ") %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u "
				 "%*u %ld %ld",
				 &user, &sys),
		2);
	return user + sys;
}

/* Without descriptors left, who connects waits; hvd does not spin. */
START_TEST(test_no_descriptors)
{
	struct rlimit few = {3, 0}, was;
	long ticks;
	int a, b;

	up();
	b = session(1);
	ck_assert_int_eq(ask(b, HVP_HELLO, NULL, 0), 0);
	ck_assert_int_eq(prlimit(s.hvd, RLIMIT_NOFILE, NULL, &was), 0);
	few.rlim_max = was.rlim_max;
	ck_assert_int_eq(prlimit(s.hvd, RLIMIT_NOFILE, &few, NULL), 0);
	a = session(1);
	ticks = hvd_ticks();
	usleep(500000);
	ck_assert_int_lt(hvd_ticks() - ticks, 10);
	ck_assert_int_eq(ask(b, HVP_HELLO, NULL, 0), 0);
	ck_assert_int_eq(prlimit(s.hvd, RLIMIT_NOFILE, &was, NULL), 0);
	ck_assert_int_eq(ask(a, HVP_HELLO, NULL, 0), 0);
	close(a);
	close(b);
	down();
}
END_TEST

static void populate(int fd, uint64_t gfn)
{
	struct xen_memory_reservation r = {
		.nr_extents = 1, .domid = DOMID_SELF};

	r.extent_start = (xen_pfn_t *)0x20000;
	ck_assert_int_eq(
		hypercall(fd, __HYPERVISOR_memory_op, XENMEM_populate_physmap,
			&r, sizeof(r), &gfn, sizeof(gfn)),
		1);
}

/* The first page of domain 1's grant table, by dom0's right. */
static struct grant_entry_v1 *grant_table(int fd)
{
	const struct hvp_fm_resource a = {.domid = 1,
		.type = XENMEM_resource_grant_table,
		.write = 1,
		.n_frames = 1};
	void *p;
	int mem = -1;

	request(fd, HVP_FM_RESOURCE, 0, &a, sizeof(a), NULL, 0);
	ck_assert_int_eq(receive(fd, &mem), 0);
	p = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, mem, 0);
	ck_assert_ptr_ne(p, MAP_FAILED);
	close(mem);
	return p;
}

static void grant(struct grant_entry_v1 *t, uint32_t ref, uint32_t gfn, bool ro)
{
	t[ref].domid = 0;
	t[ref].frame = gfn;
	__sync_synchronize();
	t[ref].flags = GTF_permit_access | (ro ? GTF_readonly : 0);
}

static int uptime(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int)t.tv_sec;
}

/* Private pages that are granted: their kernel has to move first. */
START_TEST(test_split)
{
	struct hvp_gfn own[] = {{0x100, 1}, {0x101, 1}};
	struct grant_entry_v1 *t;
	struct hvp_gfn asked;
	uint32_t id, fid;
	int a, b, k, r, seconds;

	ck_assert_int_eq(stand_start(&s), 0);
	k = stand_kernel(&s, 1, 65536, false);
	ck_assert_int_ge(k, 0);
	a = session(1);
	b = session(0);
	populate(a, 0x100);
	populate(a, 0x101);
	request(k, HVP_MEM_MAP_OWN, 2, NULL, 0, own, sizeof(own));
	ck_assert_int_eq(receive(k, NULL), 0);
	/* the work of one request has a bound */
	own[0].count = own[1].count = HVP_OWN_MAX / 2 + 1;
	request(k, HVP_MEM_MAP_OWN, 2, NULL, 0, own, sizeof(own));
	ck_assert_int_eq(receive(k, NULL), -ENOENT);
	own[0].count = HVP_OWN_MAX + 1;
	request(k, HVP_MEM_MAP_OWN, 2, NULL, 0, own, sizeof(own));
	ck_assert_int_eq(receive(k, NULL), -E2BIG);
	t = grant_table(b);
	grant(t, 10, 0x100, false);
	/* an impatient grantee does not fill the kernel's socket */
	seconds = uptime();
	for (int i = 0; i < 1000; i++)
		ck_assert_int_eq(map(b, 1, 1, 10, 10, true, &id), -EAGAIN);
	seconds = uptime() - seconds;
	receive(k, NULL);
	ck_assert_uint_eq(rep.hdr.kind, HVP_ASYNC);
	ck_assert_uint_eq(rep.hdr.async, HVP_ASYNC_SPLIT);
	memcpy(&asked, rep.body, sizeof(asked));
	ck_assert_uint_eq(asked.gfn, 0x100);
	request(k, HVP_MEM_SPLIT, 0, &asked, sizeof(asked), NULL, 0);
	r = receive(k, NULL);
	/* where all is slow, it was asked again, once a second */
	for (; seconds > 0 && rep.hdr.kind == HVP_ASYNC; seconds--)
		r = receive(k, NULL);
	ck_assert_int_eq(r, 0);
	ck_assert_uint_eq(rep.hdr.kind, HVP_REPLY);
	ck_assert_int_eq(map(b, 1, 1, 10, 10, true, &id), 0);
	/* a former mapping is of another page than the next one, in any mode */
	for (int i = 0; i < 2; i++) {
		ck_assert_int_eq(ask_id(b, HVP_GNT_UNMAP, id), 0);
		grant(t, 10, 0x100, i == 0);
		ck_assert_int_eq(map(b, 1, 1, 10, 10, i, &id), -EAGAIN);
		receive(k, NULL);
		ck_assert_uint_eq(rep.hdr.kind, HVP_ASYNC);
		ck_assert_int_eq(
			ask(k, HVP_MEM_SPLIT, &asked, sizeof(asked)), 0);
		ck_assert_int_eq(map(b, 1, 1, 10, 10, i, &id), 0);
	}
	/* and one that cannot be split is no reason to wait for ever */
	ck_assert_int_eq(foreign(b, 1, 1, 0x101), 0);
	memcpy(&fid, rep.body, sizeof(fid));
	grant(t, 11, 0x101, false);
	ck_assert_int_eq(map(b, 1, 1, 11, 11, true, &id), -EINVAL);
	ck_assert_int_eq(ask_id(b, HVP_FM_UNMAP, fid), 0);
	ck_assert_int_eq(map(b, 1, 1, 11, 11, true, &id), -EAGAIN);
	close(a);
	close(b);
	close(k);
	down();
}
END_TEST

/* A restricted session gives back, and that is all. */
START_TEST(test_gives_back_only)
{
	struct hvp_share sh;
	int fd;

	up();
	fd = session(1);
	share(fd, 0, 1, &sh, NULL);
	ck_assert_int_eq(ask(fd, HVP_RESTRICT_ALL, "", 1), -EINVAL);
	ck_assert_int_eq(ask(fd, HVP_HELLO, NULL, 0), 0);
	ck_assert_int_eq(ask(fd, HVP_RESTRICT_ALL, NULL, 0), 0);
	for (int op = 0; op < 256; op++) {
		int rc = ask(fd, op, NULL, 0);

		switch (op) {
		case HVP_RESTRICT_ALL: ck_assert_int_eq(rc, 0); break;
		case HVP_GNT_UNMAP:
		case HVP_GNT_UNSHARE:
		case HVP_FM_UNMAP:
		case HVP_EV_UNBIND: ck_assert_int_eq(rc, -EINVAL); break;
		default:
			ck_assert_msg(rc == -EPERM || rc == -ENOSYS,
				"op %d is answered %d", op, rc);
		}
	}
	ck_assert_int_eq(ask_id(fd, HVP_GNT_UNSHARE, sh.id), 0);
	ck_assert_int_eq(ask_id(fd, HVP_GNT_UNSHARE, sh.id), -EINVAL);
	close(fd);
	down();
}
END_TEST

/* One answer with descriptors is in flight per session, and waiting for it
 * to be read costs hvd nothing. */
START_TEST(test_unread)
{
	const struct hvp_req open = {.op = HVP_EV_OPEN};
	long ticks;
	int a, n;

	up();
	a = session(1);
	for (int i = 0; i < 8; i++)
		ck_assert_int_eq(send(a, &open, sizeof(open), 0), sizeof(open));
	usleep(100000);
	ticks = hvd_ticks();
	usleep(300000);
	ck_assert_int_lt(hvd_ticks() - ticks, 10);
	/* only the first was answered: what is there is one message */
	ck_assert_int_eq(ioctl(a, FIONREAD, &n), 0);
	ck_assert_int_eq(n, sizeof(struct hvp_rep));
	ck_assert_int_eq(receive(a, NULL), 0);
	ck_assert_int_eq(recv(a, &rep, 1, MSG_DONTWAIT | MSG_PEEK), -1);
	ck_assert_int_eq(errno, EAGAIN);
	for (int i = 1; i < 8; i++)
		ck_assert_int_eq(receive(a, NULL), 0);
	close(a);
	down();
}
END_TEST

BH_CHECK_MAIN("hv_requests", 60, BH_TEST(test_share_is_gone),
	BH_TEST(test_share_was_replaced), BH_TEST(test_arena_is_gone),
	BH_TEST(test_notify_bounds), BH_TEST(test_map_nothing),
	BH_TEST(test_restricted), BH_TEST(test_admin_descriptors),
	BH_TEST(test_no_descriptors), BH_TEST(test_split),
	BH_TEST(test_gives_back_only), BH_TEST(test_unread))
