// SPDX-License-Identifier: MIT
/*
 * pvlives.c: PV domains with page tables, on a real machine of hv
 *
 * The test is dom0; tests/sys/pvguest.c is what runs in the domains.  When
 * they are gone nothing of them is left, however they ended.
 */
#include "tests/sys/hvd.h"
#include "tests/sys/machine.h"
#include "tests/sys/pvguest.h"
#include "tests/unit/bh_check.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <time.h>

struct guest {
	uint32_t domid, exec;
	int sock;
	uint32_t mapping;
	uint64_t *va;
	uint64_t mfn;
};

static struct machine machine;
static struct hva_info before;

static void begin(void)
{
	ck_assert_int_eq(machine_start(&machine, (uid_t)-1, -1), 0);
	machine.pv = true;
	ck_assert_int_eq(machine_info(&machine, &before), 0);
}

static void end(void)
{
	ck_assert_int_eq(machine_stop(&machine), 0);
}

static void must_be_as_before(void)
{
	ck_assert_msg(machine_is_as(&machine, &before), "%s", machine.text);
}

static void create(struct guest *g)
{
	static const char *const conf[] = {"name=pv"};
	int r = machine_domain(&machine, conf, 1, &g->domid);

	ck_assert_msg(r == 0, "%s: %s", strerror(-r), machine.text);
}

static void start(struct guest *g, const char *mode)
{
	const char *argv[3] = {NULL, mode, NULL};
	char path[4096];
	int sv[2];

	ck_assert_int_eq(
		socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, sv), 0);
	snprintf(path, sizeof(path), "%s/tests/sys/pvguest", build_dir());
	argv[0] = path;
	ck_assert_int_eq(machine_exec(&machine, g->domid, argv,
				 (int[]){sv[1], 2, 2}, &g->exec),
		0);
	close(sv[1]);
	g->sock = sv[0];
}

static int wait_end(struct guest *g)
{
	int status;

	ck_assert_int_eq(machine_wait(&machine, g->exec, 20, &status), 0);
	close(g->sock);
	return status;
}

/* What the guest says next, which must be @what. */
static struct pv_say listen_to(struct guest *g, uint32_t what)
{
	struct pollfd p = {.fd = g->sock, .events = POLLIN};
	struct pv_say s;

	ck_assert_int_eq(poll(&p, 1, 20000), 1);
	ck_assert_msg(recv(g->sock, &s, sizeof(s), 0) == sizeof(s),
		"domain %u has ended", g->domid);
	ck_assert_uint_eq(s.what, what);
	return s;
}

static void reply(struct guest *g, uint32_t what, uint64_t a)
{
	const struct pv_say s = {.what = what, .a = a};

	ck_assert_int_eq(send(g->sock, &s, sizeof(s), MSG_NOSIGNAL), sizeof(s));
}

static void look_and_write(struct guest *g, int fd, uint32_t page)
{
	g->va = mmap(NULL, HVP_PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd,
		(off_t)page * HVP_PAGE);
	ck_assert_ptr_ne(g->va, MAP_FAILED);
	ck_assert_uint_eq(g->va[0], GUEST_WORD);
	g->va[1] = DOM0_WORD;
}

static void map_grant(struct guest *g, uint32_t ref)
{
	const struct {
		struct hvp_gnt_map m;
		struct hvp_gref g;
	} ask = {{.addr = 0x10000, .write = 1}, {g->domid, ref}};
	struct {
		struct hvp_mapping m;
		struct hvp_seg seg;
	} got;
	struct hv_fds fds;

	ck_assert_int_eq(hv_client_ask(machine.dom0, HVP_GNT_MAP, 1, &ask,
				 sizeof(ask), &got, sizeof(got), &fds),
		0);
	g->mapping = got.m.id;
	look_and_write(g, fds.fd[0], got.seg.page);
	hv_fds_close(&fds);
}

/* 0 or what hvd says of the page. */
static int map_foreign(struct guest *g, uint64_t gfn)
{
	const struct {
		struct hvp_fm_map m;
		uint64_t gfn;
	} ask = {{.domid = g->domid, .write = 1}, gfn};
	struct {
		struct hvp_mapping m;
		int32_t err;
		struct hvp_seg seg;
	} __attribute__((packed)) got;
	const struct iovec req = {(void *)(uintptr_t)&ask, sizeof(ask)};
	const struct iovec rep = {&got, sizeof(got)};
	struct hv_fds fds = {0};
	struct hv_exchange x = {.op = HVP_FM_MAP,
		.n = 1,
		.req = &req,
		.req_nr = 1,
		.rep = &rep,
		.rep_nr = 1,
		.fds = &fds};

	ck_assert_int_eq(hv_client_exchange(machine.dom0, &x), 0);
	if (got.err == 0) {
		g->mapping = got.m.id;
		look_and_write(g, fds.fd[0], got.seg.page);
	}
	hv_fds_close(&fds);
	return got.err;
}

static void unmap(struct guest *g, unsigned int op)
{
	const struct hvp_id id = {g->mapping};

	munmap(g->va, HVP_PAGE);
	ck_assert_int_eq(hv_client_ask(machine.dom0, op, 0, &id, sizeof(id),
				 NULL, 0, NULL),
		0);
}

/* One thing that the guest says is done. */
static void serve(struct guest *g, uint32_t what)
{
	const struct pv_say s = listen_to(g, what);

	switch (what) {
	case PV_GRANTED: map_grant(g, (uint32_t)s.a); break;
	case PV_UNMAP: unmap(g, HVP_GNT_UNMAP); break;
	case PV_FOREIGN:
		ck_assert_int_eq(map_foreign(g, s.a), 0);
		ck_assert_int_eq(map_foreign(g, s.b), -EPERM);
		break;
	case PV_UNMAP_FOREIGN: unmap(g, HVP_FM_UNMAP); break;
	}
	reply(g, what, 0);
}

/* Two guests run through tables of their own, and through grants and foreign
 * maps that their tables map as well. */
START_TEST(test_two_guests)
{
	static const uint32_t says[] = {
		PV_GRANTED, PV_UNMAP, PV_FOREIGN, PV_UNMAP_FOREIGN};
	struct guest g[2] = {0};

	begin();
	for (int i = 0; i < 2; i++) {
		create(&g[i]);
		start(&g[i], "run");
	}
	for (int i = 0; i < 2; i++)
		g[i].mfn = listen_to(&g[i], PV_TREE).a;
	ck_assert_uint_ne(g[0].mfn, g[1].mfn);
	for (int i = 0; i < 2; i++)
		reply(&g[i], PV_TREE, g[!i].mfn);
	for (size_t k = 0; k < sizeof(says) / sizeof(says[0]); k++)
		for (int i = 0; i < 2; i++)
			serve(&g[i], says[k]);
	for (int i = 0; i < 2; i++)
		ck_assert_int_eq(wait_end(&g[i]), 0);
	/* their programs are gone; their tables go with them */
	for (int i = 0; i < 2; i++)
		ck_assert_int_eq(machine_destroy(&machine, g[i].domid), 0);
	must_be_as_before();
	end();
}
END_TEST

/* dom0 keeps a page of a domain that dies: it is a zombie, without tables. */
START_TEST(test_zombie)
{
	struct guest g = {0};
	struct hva_info now;
	struct pv_say s;

	begin();
	create(&g);
	start(&g, "run");
	s = listen_to(&g, PV_TREE);
	reply(&g, PV_TREE, 1);
	serve(&g, PV_GRANTED);
	serve(&g, PV_UNMAP);
	s = listen_to(&g, PV_FOREIGN);
	ck_assert_int_eq(map_foreign(&g, s.a), 0);
	ck_assert_int_eq(machine_destroy(&machine, g.domid), 0);
	(void)wait_end(&g);
	ck_assert_int_eq(machine_info(&machine, &now), 0);
	ck_assert_uint_eq(now.zombies, 1);
	/* that page, and the grant table, which goes with the zombie */
	ck_assert_uint_eq(now.frames, before.frames + 2);
	g.va[2] = 1;
	unmap(&g, HVP_FM_UNMAP);
	must_be_as_before();
	end();
}
END_TEST

/*
 * The guest is killed anywhere in a pin or an unpin; another one goes on in
 * its place, or the domain is destroyed as it is, with the program dead or
 * with a call under way.
 */
START_TEST(test_killed_in_a_pin)
{
	begin();
	for (int i = 0; i < 12; i++) {
		const struct timespec nap = {
			.tv_nsec = 500000L + (i * 5 % 12) * 400000L};
		struct guest g = {0};

		create(&g);
		start(&g, "pin");
		(void)listen_to(&g, PV_READY);
		reply(&g, PV_READY, 0);
		nanosleep(&nap, NULL);
		if (i % 3) {
			ck_assert_int_eq(
				machine_signal(&machine, g.exec, SIGKILL), 0);
			ck_assert_int_eq(wait_end(&g), SIGKILL);
		}
		if (i % 3 == 1) {
			start(&g, "again");
			ck_assert_int_eq(wait_end(&g), 0);
		}
		ck_assert_int_eq(machine_destroy(&machine, g.domid), 0);
		if (i % 3 == 0)
			(void)wait_end(&g);
		must_be_as_before();
	}
	end();
}
END_TEST

BH_CHECK_MAIN("pvlives", 120, BH_TEST(test_two_guests), BH_TEST(test_zombie),
	BH_TEST(test_killed_in_a_pin))
