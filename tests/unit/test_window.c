/* SPDX-License-Identifier: MIT */
/*
 * test_window.c: mappings from replies of a peer that invents them
 *
 * The peer answers requests in a thread: each with the next of the replies
 * that the test wrote down, and a descriptor of one page of 'A', 'B', ...
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "hv/compat/window.h"
#include "tests/unit/bh_check.h"
#include "tests/unit/sendfds.h"

#define PAGES 8

struct answer {
	int32_t rc;
	uint16_t n_seg; /* what it says */
	uint16_t sent;  /* what it sends */
	uint32_t n_errs;
	int32_t errs[PAGES];
	struct hvp_seg seg[PAGES];
	unsigned int fds;
};

static struct hv_client *c;
static struct hv_windows *ws;
static int peer, file;
static pthread_t thread;
static const struct answer *next;
static int released; /* HVP_GNT_UNMAPs seen */

static void reply(int32_t rc, const void *body, size_t len, unsigned int fds)
{
	const int with[4] = {file, file, file, file};
	struct hvp_rep head = {.rc = rc, .len = len, .nfds = fds};
	struct iovec iov[2] = {
		{&head, sizeof(head)}, {(void *)(uintptr_t)body, len}};

	sendfds(peer, iov, 2, with, fds, MSG_NOSIGNAL);
}

static void answer(const struct answer *a)
{
	struct {
		struct hvp_mapping map;
		uint8_t rest[PAGES * 4 + PAGES * sizeof(struct hvp_seg)];
	} body = {.map = {.id = 77, .n_seg = a->n_seg}};
	size_t errs = a->n_errs * sizeof(int32_t);
	size_t segs = a->sent * sizeof(struct hvp_seg);

	memcpy(body.rest, a->errs, errs);
	memcpy(body.rest + errs, a->seg, segs);
	reply(a->rc, &body, sizeof(body.map) + errs + segs, a->fds);
}

static void *serve(void *arg)
{
	static union {
		struct hvp_req head;
		uint8_t bytes[HVP_MSG_MAX];
	} in;

	while (recv(peer, &in, sizeof(in), 0) > 0) {
		if (in.head.op == HVP_GNT_UNMAP) {
			released++;
			reply(0, NULL, 0, 0);
		} else {
			answer(next);
		}
	}
	return NULL;
}

static void up(void)
{
	char page[HVP_PAGE];
	int sv[2];

	file = memfd_create("test", MFD_CLOEXEC);
	for (int i = 0; i < PAGES; i++) {
		memset(page, 'A' + i, sizeof(page));
		ck_assert_int_eq(write(file, page, sizeof(page)), HVP_PAGE);
	}
	ck_assert_int_eq(
		socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, sv), 0);
	peer = sv[1];
	ck_assert_int_eq(hv_client_adopt(&c, sv[0], 0), 0);
	ws = hv_windows_new(c, HVP_GNT_UNMAP);
	ck_assert_ptr_nonnull(ws);
	pthread_create(&thread, NULL, serve, NULL);
}

static void close_ours(void)
{
	close(peer);
	close(file);
}

/* Nothing is mapped any more: the session ends at once. */
static void down(void)
{
	for (size_t i = 0; i < ws->nr; i++)
		munmap(ws->sorted[i].addr, ws->sorted[i].pages * HVP_PAGE);
	hv_windows_close(ws);
	pthread_join(thread, NULL);
	close_ours();
}

/* Maps @pages as the peer's @a says. */
static int map(const struct answer *a, size_t pages, struct hv_window **w)
{
	static struct hv_map_reply rep;
	int32_t errs[PAGES];
	struct hv_map_request req = {
		.op = HVP_GNT_MAP,
		.n = pages,
		.errs = a->n_errs ? errs : NULL,
	};
	int r;

	next = a;
	r = hv_window_open(ws, NULL, 0, pages, w);
	if (r < 0)
		return r;
	r = hv_window_request(ws, *w, &req, &rep);
	if (r == 0)
		r = hv_window_show(*w, 0, pages, req.errs, &rep, PROT_READ, 0);
	if (r < 0)
		hv_window_undo(ws, *w);
	else
		ck_assert_ptr_nonnull(hv_window_done(ws, *w));
	return r;
}

static void expect(const struct hv_window *w, const char *letters)
{
	for (size_t i = 0; letters[i]; i++)
		if (letters[i] != '-')
			ck_assert_int_eq(w->addr[i * HVP_PAGE], letters[i]);
}

START_TEST(test_segments)
{
	const struct answer a = {.n_seg = 3,
		.sent = 3,
		.fds = 2,
		.seg = {{0, 2, 2}, {1, 0, 1}, {0, 7, 1}}};
	struct hv_window *w;
	uint8_t *addr;

	up();
	ck_assert_int_eq(map(&a, 4, &w), 0);
	expect(w, "CDAH");
	addr = w->addr;
	ck_assert_uint_eq(hv_windows_pages(ws), 4);
	ck_assert_int_eq(hv_window_close(ws, addr, 3), -EINVAL);
	ck_assert_int_eq(hv_window_close(ws, addr + HVP_PAGE, 4), -EINVAL);
	ck_assert_int_eq(hv_window_close(ws, addr, 4), 0);
	ck_assert_int_eq(hv_window_close(ws, addr, 4), -EINVAL);
	ck_assert_int_eq(released, 1);
	ck_assert_uint_eq(hv_windows_pages(ws), 0);
	down();
}
END_TEST

/* Failed pages are left out, also in the middle of a segment. */
START_TEST(test_holes)
{
	const struct answer a = {.n_seg = 2,
		.sent = 2,
		.fds = 1,
		.n_errs = 7,
		.errs = {-ENOENT, 0, 0, -ENOENT, 0, 0, -EPERM},
		.seg = {{0, 0, 3}, {0, 7, 1}}};
	struct hv_window *w;

	up();
	ck_assert_int_eq(map(&a, 7, &w), 0);
	expect(w, "-AB-CH-");
	ck_assert_int_eq(hv_window_close(ws, w->addr, 7), 0);
	down();
}
END_TEST

/* None of these is shown; each is given back. */
static const struct answer wrong[] = {
	/* too few, too many pages; none */
	{.n_seg = 1, .sent = 1, .fds = 1, .seg = {{0, 0, 3}}},
	{.n_seg = 1, .sent = 1, .fds = 1, .seg = {{0, 0, 5}}},
	{.n_seg = 1, .sent = 1, .fds = 1, .seg = {{0, 0, UINT32_MAX}}},
	{.n_seg = 2, .sent = 2, .fds = 1, .seg = {{0, 0, 4}, {0, 0, 1}}},
	{.n_seg = 0, .sent = 0, .fds = 1},
	/* descriptors that are not there */
	{.n_seg = 1, .sent = 1, .fds = 1, .seg = {{1, 0, 4}}},
	{.n_seg = 1, .sent = 1, .fds = 1, .seg = {{UINT32_MAX, 0, 4}}},
	{.n_seg = 1, .sent = 1, .fds = 0, .seg = {{0, 0, 4}}},
	/* a length that is not the number's */
	{.n_seg = 2, .sent = 1, .fds = 1, .seg = {{0, 0, 4}}},
	{.n_seg = 1, .sent = 2, .fds = 1, .seg = {{0, 0, 4}, {0, 0, 4}}},
	{.n_seg = 0xffff, .sent = 1, .fds = 1, .seg = {{0, 0, 4}}},
};

START_TEST(test_wrong_segments)
{
	struct hv_window *w;

	up();
	ck_assert_int_eq(map(&wrong[_i], 4, &w), -EPROTO);
	ck_assert_int_eq(released, 1);
	ck_assert_uint_eq(hv_windows_pages(ws), 0);
	down();
}
END_TEST

START_TEST(test_refused)
{
	const struct answer a = {.rc = -ENOSPC};
	struct hv_window *w;

	up();
	ck_assert_int_eq(map(&a, 4, &w), -ENOSPC);
	ck_assert_int_eq(released, 0);
	ck_assert_int_eq(hv_window_open(ws, NULL, 0, 0, &w), -EINVAL);
	ck_assert_int_eq(hv_window_open(ws, NULL, 0, SIZE_MAX, &w), -EINVAL);
	ck_assert_int_eq(
		hv_window_open(ws, NULL, 0, SIZE_MAX / 8192, &w), -ENOMEM);
	down();
}
END_TEST

/* Many windows, closed in an order of their own. */
START_TEST(test_many)
{
	const struct answer a = {
		.n_seg = 1, .sent = 1, .fds = 1, .seg = {{0, 3, 2}}};
	struct hv_window *w[200];
	uint8_t *addr[200];

	up();
	for (int i = 0; i < 200; i++) {
		ck_assert_int_eq(map(&a, 2, &w[i]), 0);
		addr[i] = w[i]->addr;
		expect(w[i], "DE");
	}
	for (int i = 0; i < 200; i++) {
		int k = (i * 77) % 200;

		ck_assert_int_eq(hv_window_close(ws, addr[k], 2), 0);
	}
	ck_assert_int_eq(released, 200);
	ck_assert_uint_eq(ws->nr, 0);
	down();
}
END_TEST

/* A hole of @pages at page @at of @old is given out again. */
static void reuse(uint8_t *old, size_t at, size_t pages)
{
	struct hv_window *x;
	uint8_t *p = old + at * HVP_PAGE;

	ck_assert_int_eq(munmap(p, pages * HVP_PAGE), 0);
	ck_assert_int_eq(hv_window_open(ws, p, MAP_FIXED, pages, &x), 0);
	ck_assert_ptr_eq(hv_window_done(ws, x), p);
}

/* The whole range is given out again: the old window must be gone. */
START_TEST(test_stale)
{
	const struct answer a = {
		.n_seg = 1, .sent = 1, .fds = 1, .seg = {{0, 0, 4}}};
	struct hv_window *w;
	uint8_t *addr;

	up();
	ck_assert_int_eq(map(&a, 4, &w), 0);
	addr = w->addr;
	reuse(addr, 0, 4);
	ck_assert_int_eq(released, 1);
	ck_assert_uint_eq(ws->nr, 1);
	ck_assert_uint_eq(hv_windows_pages(ws), 4);
	ck_assert_int_eq(hv_window_close(ws, addr, 4), 0);
	ck_assert_int_eq(hv_window_close(ws, addr, 4), -EINVAL);
	down();
}
END_TEST

/* A hole in the middle: the other pages are still in use. */
START_TEST(test_hole_taken)
{
	const struct answer a = {
		.n_seg = 1, .sent = 1, .fds = 1, .seg = {{0, 0, 6}}};
	struct hv_window *w;
	uint8_t *addr;

	up();
	ck_assert_int_eq(map(&a, 6, &w), 0);
	addr = w->addr;
	reuse(addr, 3, 1);
	ck_assert_int_eq(released, 0);
	expect(w, "ABC-EF");
	ck_assert_uint_eq(hv_windows_pages(ws), 7);
	/* both neighbours of the hole shrink, from either side */
	reuse(addr, 2, 1);
	reuse(addr, 4, 1);
	ck_assert_int_eq(released, 0);
	expect(w, "AB---F");
	ck_assert_uint_eq(ws->nr, 5);
	/* its unmap does not touch what is the others' */
	ck_assert_int_eq(hv_window_close(ws, addr, 6), 0);
	ck_assert_int_eq(released, 1);
	for (size_t i = 2; i < 5; i++) {
		ck_assert_int_eq(
			mprotect(addr + i * HVP_PAGE, HVP_PAGE, PROT_READ), 0);
		ck_assert_int_eq(
			hv_window_close(ws, addr + i * HVP_PAGE, 1), 0);
	}
	ck_assert_int_eq(mprotect(addr, HVP_PAGE, PROT_READ), -1);
	ck_assert_uint_eq(hv_windows_pages(ws), 0);
	down();
}
END_TEST

/* One hole over the ends of two; then nothing of them is left. */
START_TEST(test_taken_bit_by_bit)
{
	const struct answer a = {
		.n_seg = 1, .sent = 1, .fds = 1, .seg = {{0, 0, 3}}};
	struct hv_window *w[2];
	uint8_t *at;

	up();
	at = mmap(NULL, 6 * HVP_PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS,
		-1, 0);
	munmap(at, 6 * HVP_PAGE);
	for (int i = 0; i < 2; i++) {
		static struct hv_map_reply rep;
		struct hv_map_request req = {.op = HVP_GNT_MAP, .n = 3};

		next = &a;
		ck_assert_int_eq(hv_window_open(ws, at + i * 3 * HVP_PAGE,
					 MAP_FIXED, 3, &w[i]),
			0);
		ck_assert_int_eq(hv_window_request(ws, w[i], &req, &rep), 0);
		ck_assert_int_eq(
			hv_window_show(w[i], 0, 3, NULL, &rep, PROT_READ, 0),
			0);
		hv_window_done(ws, w[i]);
	}
	reuse(at, 2, 2);
	ck_assert_int_eq(released, 0);
	expect(w[0], "AB");
	expect(w[1], "-BC");
	/* without its first page it has no name to be unmapped by */
	ck_assert_int_eq(hv_window_close(ws, at + 3 * HVP_PAGE, 3), -EINVAL);
	reuse(at, 4, 2);
	ck_assert_int_eq(released, 1);
	reuse(at, 0, 2);
	ck_assert_int_eq(released, 2);
	ck_assert_uint_eq(hv_windows_pages(ws), 6);
	down();
}
END_TEST

/* Addresses that somebody takes while they are being filled. */
START_TEST(test_taken_early)
{
	struct hv_window *w, *x;
	uint8_t *addr;

	up();
	for (int i = 0; i < 2; i++) {
		ck_assert_int_eq(hv_window_open(ws, NULL, 0, 2, &w), 0);
		addr = w->addr;
		ck_assert_int_eq(hv_window_close(ws, addr, 2), -EINVAL);
		ck_assert_int_eq(hv_window_open(ws, addr, MAP_FIXED, 2, &x), 0);
		hv_window_done(ws, x);
		if (i == 0)
			ck_assert_ptr_eq(hv_window_done(ws, w), addr);
		else
			hv_window_undo(ws, w);
		ck_assert_uint_eq(hv_windows_pages(ws), 2);
		ck_assert_int_eq(hv_window_close(ws, addr, 2), 0);
	}
	down();
}
END_TEST

static bool session_ends(unsigned int seconds, long nanoseconds)
{
	struct timespec ts;

	clock_gettime(CLOCK_REALTIME, &ts);
	ts.tv_nsec += nanoseconds;
	ts.tv_sec += seconds + ts.tv_nsec / 1000000000;
	ts.tv_nsec %= 1000000000;
	return pthread_timedjoin_np(thread, NULL, &ts) == 0;
}

static const struct answer six = {
	.n_seg = 1, .sent = 1, .fds = 1, .seg = {{0, 0, 6}}};

/* The session stays for the pages that are mapped, and no longer. */
START_TEST(test_close_while_mapped)
{
	struct hv_window *w[2];
	uint8_t *addr[2];

	up();
	for (int i = 0; i < 2; i++) {
		ck_assert_int_eq(map(&six, 6, &w[i]), 0);
		addr[i] = w[i]->addr;
	}
	ck_assert_int_eq(munmap(addr[0] + HVP_PAGE, HVP_PAGE), 0);
	hv_windows_close(ws);
	hv_windows_sweep();
	ck_assert(!session_ends(0, 50000000));
	ck_assert_int_eq(released, 0);
	ck_assert_int_eq(addr[0][0], 'A');
	/* one of them, bit by bit; private memory in its place is not it */
	ck_assert_int_eq(munmap(addr[0] + 2 * HVP_PAGE, 4 * HVP_PAGE), 0);
	hv_windows_sweep();
	ck_assert_int_eq(released, 0);
	ck_assert_ptr_eq(
		mmap(addr[0], 6 * HVP_PAGE, PROT_READ,
			MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0),
		addr[0]);
	hv_windows_sweep();
	ck_assert_int_eq(released, 1);
	ck_assert(!session_ends(0, 50000000));
	ck_assert_int_eq(munmap(addr[1], 6 * HVP_PAGE), 0);
	hv_windows_sweep();
	ck_assert(session_ends(5, 0));
	ck_assert_int_eq(released, 2);
	close_ours();
}
END_TEST

/* A program that closes all descriptors, and opens one of its own. */
START_TEST(test_descriptor_taken)
{
	struct hv_window *w;
	uint8_t *addr;
	int fd, own;

	up();
	ck_assert_int_eq(map(&six, 6, &w), 0);
	addr = w->addr;
	fd = hv_client_fd(c);
	hv_windows_close(ws);
	ck_assert_int_eq(close(fd), 0);
	ck_assert(session_ends(5, 0));
	own = memfd_create("own", MFD_CLOEXEC);
	ck_assert_int_eq(own, fd);
	ck_assert_int_eq(munmap(addr, 6 * HVP_PAGE), 0);
	hv_windows_sweep();
	ck_assert_int_ge(fcntl(own, F_GETFD), 0);
	close(own);
	close_ours();
}
END_TEST

/* Without /proc, here for lack of a descriptor: what is mapped stays. */
START_TEST(test_no_proc)
{
	struct rlimit old, none;
	struct hv_window *w;
	uint8_t *addr;

	up();
	ck_assert_int_eq(map(&six, 6, &w), 0);
	addr = w->addr;
	getrlimit(RLIMIT_NOFILE, &old);
	none = (struct rlimit){0, old.rlim_max};
	setrlimit(RLIMIT_NOFILE, &none);
	ck_assert_int_eq(open("/proc/thread-self/maps", O_RDONLY), -1);
	hv_windows_close(ws);
	ck_assert_int_eq(munmap(addr, 5 * HVP_PAGE), 0);
	hv_windows_sweep();
	ck_assert(!session_ends(0, 50000000));
	ck_assert_int_eq(released, 0);
	ck_assert_int_eq(munmap(addr + 5 * HVP_PAGE, HVP_PAGE), 0);
	hv_windows_sweep();
	ck_assert(session_ends(5, 0));
	ck_assert_int_eq(released, 1);
	setrlimit(RLIMIT_NOFILE, &old);
	close_ours();
}
END_TEST

/* A child has the pages as well; its sweep is not about the parent's. */
START_TEST(test_fork)
{
	struct hv_window *w;
	uint8_t *addr;
	int status;
	pid_t pid;

	up();
	ck_assert_int_eq(map(&six, 6, &w), 0);
	addr = w->addr;
	hv_windows_close(ws);
	pid = fork();
	if (pid == 0) {
		munmap(addr, 6 * HVP_PAGE);
		hv_windows_sweep();
		_exit(0);
	}
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert_int_eq(status, 0);
	ck_assert(!session_ends(0, 50000000));
	ck_assert_int_eq(released, 0);
	ck_assert_int_eq(addr[0], 'A');
	ck_assert_int_eq(munmap(addr, 6 * HVP_PAGE), 0);
	hv_windows_sweep();
	ck_assert(session_ends(5, 0));
	close_ours();
}
END_TEST

/* Without hvd there is no handle, and nothing that would have to go. */
START_TEST(test_open_refused)
{
	struct hv_windows *none = (void *)&none;

	ck_assert_int_eq(setenv("HV_SOCKET", "/nonexistent/hv", 1), 0);
	ck_assert_int_eq(hv_windows_open(&none, HVP_GNT_UNMAP), -ENOENT);
	ck_assert_ptr_null(none);
	ck_assert_int_eq(unsetenv("HV_SOCKET"), 0);
}
END_TEST

BH_CHECK_MAIN("window", 10, BH_TEST(test_segments), BH_TEST(test_holes),
	BH_LOOP(test_wrong_segments, (int)(sizeof(wrong) / sizeof(wrong[0]))),
	BH_TEST(test_refused), BH_TEST(test_open_refused), BH_TEST(test_many),
	BH_TEST(test_stale), BH_TEST(test_hole_taken),
	BH_TEST(test_taken_bit_by_bit), BH_TEST(test_taken_early),
	BH_TEST(test_close_while_mapped), BH_TEST(test_descriptor_taken),
	BH_TEST(test_fork), BH_TEST(test_no_proc))
