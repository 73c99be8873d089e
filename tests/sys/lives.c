/* SPDX-License-Identifier: MIT */
/*
 * lives.c: many domains live and die on one hvd, and nothing stays
 *
 * DOC: one life
 *
 *   none -> created -> connected -> (unmapped) -> destroyed -> none
 *
 * A domain is created with all its walls, runs a program that shares pages
 * with dom0 and allocates a port for it; dom0 (the test) maps and binds, both
 * sides see what the other says; then the domain is destroyed, before dom0
 * lets go of the pages (a zombie until then) or after.  The order in which
 * domains take their steps is random, and the same each time.
 *
 * HV_LIVES and HV_ROUNDS in the environment make it larger than `make check`
 * has time for.
 */
#include "tests/unit/bh_check.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>

#include "hv/compat/port.h"
#include "tests/soak.h"
#include "tests/sys/agent.h"
#include "tests/sys/hvd.h"
#include "tests/sys/machine.h"

enum { PAGES = 3, LIVES_MAX = 1024 };

enum stage { NONE, CREATED, CONNECTED, ENDED };

struct life {
	enum stage stage;
	uint32_t domid, exec;
	int sock; /* to its agent */
	uint32_t mapping;
	uint8_t *va;
	struct hv_port port;
	bool mapped;
};

static struct machine machine;
static struct hv_events events;
static struct life lives[LIVES_MAX];
static unsigned int n_lives = 64, n_rounds = 4;
static uint64_t seed = 20170502;

static struct agent_answer call(
	struct life *l, int op, int a, int b, int c, int d)
{
	const struct agent_call ask = {op, {a, b, c, d}};
	struct pollfd p = {.fd = l->sock, .events = POLLIN};
	struct agent_answer got = {.r = -EIO};

	ck_assert_int_eq(
		send(l->sock, &ask, sizeof(ask), MSG_NOSIGNAL), sizeof(ask));
	ck_assert_int_eq(poll(&p, 1, 10000), 1);
	ck_assert_int_eq(recv(l->sock, &got, sizeof(got), 0), sizeof(got));
	ck_assert_msg(got.r == 0, "domain %u, op %d: %s", l->domid, op,
		strerror(-got.r));
	return got;
}

static void create(struct life *l)
{
	static const char *const conf[] = {"name=life"};
	const char *argv[2] = {NULL, NULL};
	char path[4096];
	int sv[2], r;

	r = machine_domain(&machine, conf, 1, &l->domid);
	ck_assert_msg(r == 0, "%s: %s", strerror(-r), machine.text);
	ck_assert_int_eq(
		socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, sv), 0);
	snprintf(path, sizeof(path), "%s/tests/sys/agent", build_dir());
	argv[0] = path;
	r = machine_exec(
		&machine, l->domid, argv, (int[]){sv[1], 2, 2}, &l->exec);
	ck_assert_int_eq(r, 0);
	close(sv[1]);
	l->sock = sv[0];
	l->stage = CREATED;
}

static void map(struct life *l, uint32_t ref)
{
	struct {
		struct hvp_gnt_map m;
		struct hvp_gref g[PAGES];
	} ask = {.m = {.addr = 0x10000, .write = 1}};
	struct {
		struct hvp_mapping m;
		struct hvp_seg seg;
	} got;
	struct hv_fds fds;
	int r;

	/* the references of a fresh domain follow each other */
	for (uint32_t i = 0; i < PAGES; i++)
		ask.g[i] = (struct hvp_gref){l->domid, ref + i};
	r = hv_client_ask(machine.dom0, HVP_GNT_MAP, PAGES, &ask, sizeof(ask),
		&got, sizeof(got), &fds);
	ck_assert_msg(r == 0, "map of domain %u: %s", l->domid, strerror(-r));
	ck_assert_int_eq(got.m.n_seg, 1);
	l->mapping = got.m.id;
	l->va = mmap(NULL, PAGES * HVP_PAGE, PROT_READ | PROT_WRITE, MAP_SHARED,
		fds.fd[0], got.seg.page * HVP_PAGE);
	ck_assert_ptr_ne(l->va, MAP_FAILED);
	hv_fds_close(&fds);
	l->mapped = true;
}

static void connect_life(struct life *l)
{
	struct hvp_ev_bind bind = {.domid = l->domid};
	struct agent_answer got;
	int session = call(l, AGENT_OPEN, 0, 0, 0, 0).v[0], share;
	uint8_t mark = (uint8_t)(l->domid | 1);
	bool moved;

	got = call(l, AGENT_SHARE, session, 0, PAGES, 1);
	share = got.v[0];
	map(l, (uint32_t)got.v[1]);
	call(l, AGENT_FILL, share, mark, 0, 0);
	for (size_t i = 0; i < PAGES * HVP_PAGE; i++)
		ck_assert_int_eq(l->va[i], mark);
	got = call(l, AGENT_ALLOC, session, 0, 0, 0);
	bind.port = (uint32_t)got.v[0];
	ck_assert_int_eq(
		hv_port_open(&l->port, &events, HVP_EV_BIND_INTERDOMAIN, &bind),
		0);
	ck_assert_int_eq(hv_port_notify(&l->port), 0);
	ck_assert_int_eq(hv_port_clear(&l->port, &moved), 0);
	l->stage = CONNECTED;
}

static void unmap(struct life *l)
{
	struct hvp_id id = {l->mapping};

	if (!l->mapped)
		return;
	/* whatever became of the other side, our access is ours */
	memset(l->va, 0xee, PAGES * HVP_PAGE);
	munmap(l->va, PAGES * HVP_PAGE);
	ck_assert_int_eq(hv_client_ask(machine.dom0, HVP_GNT_UNMAP, 0, &id,
				 sizeof(id), NULL, 0, NULL),
		0);
	l->mapped = false;
}

static void close_port(struct life *l)
{
	struct hvp_ev_bind bind = {.port = l->port.port};

	ck_assert_int_eq(hv_client_ask(machine.dom0, HVP_EV_UNBIND, 0, &bind,
				 sizeof(bind), NULL, 0, NULL),
		0);
	hv_port_fini(&l->port);
}

static void destroy(struct life *l)
{
	bool connected = l->stage == CONNECTED;
	int status;

	if (soak_rnd(&seed, 2))
		unmap(l);
	ck_assert_int_eq(machine_destroy(&machine, l->domid), 0);
	ck_assert_int_eq(machine_wait(&machine, l->exec, 10, &status), 0);
	close(l->sock);
	if (connected)
		close_port(l);
	l->stage = ENDED;
}

/* One step of one life; false when it has none left. */
static bool step(struct life *l)
{
	switch (l->stage) {
	case NONE: create(l); return true;
	case CREATED:
		if (soak_rnd(&seed, 8))
			connect_life(l);
		else
			destroy(l); /* dies young */
		return true;
	case CONNECTED: destroy(l); return true;
	case ENDED:
		if (!l->mapped)
			return false;
		unmap(l);
		return true;
	}
	return false;
}

static void must_be_as(const struct hva_info *before)
{
	ck_assert_msg(machine_is_as(&machine, before), "%s", machine.text);
}

/* Resident memory of hvd, in KiB. */
static long resident(void)
{
	char path[64];
	long size, pages;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/statm", (int)machine.pid);
	f = fopen(path, "re");
	ck_assert_ptr_nonnull(f);
	ck_assert_int_eq(fscanf(f, "%ld %ld", &size, &pages), 2);
	fclose(f);
	return pages * 4;
}

static void one_round(void)
{
	unsigned int left = n_lives;

	memset(lives, 0, sizeof(lives));
	while (left) {
		struct life *l = &lives[soak_rnd(&seed, n_lives)];
		bool over = l->stage == ENDED && !l->mapped;

		if (!over && step(l) && l->stage == ENDED && !l->mapped)
			left--;
	}
}

static void raise_limit(void)
{
	struct rlimit r;

	ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &r), 0);
	r.rlim_cur = r.rlim_max;
	ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &r), 0);
}

START_TEST(test_lives)
{
	struct hva_info before;
	long middle = 0, last = 0;

	n_lives = (unsigned int)soak_number("HV_LIVES", n_lives);
	n_rounds = (unsigned int)soak_number("HV_ROUNDS", n_rounds);
	ck_assert_uint_le(n_lives, LIVES_MAX);
	raise_limit();
	ck_assert_int_eq(machine_start(&machine, (uid_t)-1, -1), 0);
	ck_assert_int_eq(hv_events_init(&events, machine.dom0), 0);
	ck_assert_int_eq(machine_info(&machine, &before), 0);
	for (unsigned int i = 0; i < n_rounds; i++) {
		one_round();
		must_be_as(&before);
		last = resident();
		if (i < (n_rounds + 1) / 2)
			middle = last;
		printf("round %u of %u: %u domains came and went; "
		       "hvd has %u descriptors, %ld KiB\n",
			i + 1, n_rounds, n_lives, before.descriptors, last);
		fflush(stdout);
	}
	/* the log and the allocator's own fill up first, and then no more */
	ck_assert_msg(BH_SANITIZED || last <= middle + 128,
		"memory %ld -> %ld KiB", middle, last);
	hv_events_fini(&events);
	ck_assert_int_eq(machine_stop(&machine), 0);
}
END_TEST

static bool zombies(unsigned int n)
{
	struct hva_info now;

	ck_assert_int_eq(machine_info(&machine, &now), 0);
	return now.zombies == n;
}

/*
 * A mapping keeps a dead domain as a zombie; a plain munmap is enough to let
 * it go, and whoever says so afterwards is not told that it is wrong.
 */
START_TEST(test_unmapped_without_a_word)
{
	const struct timespec nap = {.tv_nsec = 50000000};
	struct life *l = &lives[0];
	struct hvp_id id;
	int i, status;

	ck_assert_int_eq(machine_start(&machine, (uid_t)-1, -1), 0);
	ck_assert_int_eq(hv_events_init(&events, machine.dom0), 0);
	create(l);
	connect_life(l);
	ck_assert_int_eq(machine_destroy(&machine, l->domid), 0);
	ck_assert_int_eq(machine_wait(&machine, l->exec, 10, &status), 0);
	close(l->sock);
	/* longer than hvd waits before it looks */
	for (i = 0; i < 20; i++) {
		ck_assert(zombies(1));
		nanosleep(&nap, NULL);
	}
	munmap(l->va, PAGES * HVP_PAGE);
	for (i = 0; i < 200 && !zombies(0); i++)
		nanosleep(&nap, NULL);
	ck_assert(zombies(0));
	id.id = l->mapping;
	ck_assert_int_eq(hv_client_ask(machine.dom0, HVP_GNT_UNMAP, 0, &id,
				 sizeof(id), NULL, 0, NULL),
		0);
	ck_assert_int_eq(hv_client_ask(machine.dom0, HVP_GNT_UNMAP, 0, &id,
				 sizeof(id), NULL, 0, NULL),
		-EINVAL);
	close_port(l);
	hv_events_fini(&events);
	ck_assert_int_eq(machine_stop(&machine), 0);
}
END_TEST

/* A page of dom0's, granted to @domid. */
static uint8_t *share(uint32_t domid, uint32_t *id, uint32_t *ref)
{
	const struct hvp_gnt_share ask = {
		.domid = domid, .count = 1, .write = 1};
	struct {
		struct hvp_share s;
		uint32_t ref;
	} got;
	struct hv_fds fds;
	uint8_t *va;

	ck_assert_int_eq(
		hv_client_ask(machine.dom0, HVP_GNT_SHARE, 0, &ask, sizeof(ask),
			&got, sizeof(got.s) + sizeof(got.ref), &fds),
		0);
	va = mmap(NULL, HVP_PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fds.fd[0],
		0);
	ck_assert_ptr_ne(va, MAP_FAILED);
	hv_fds_close(&fds);
	*id = got.s.id;
	*ref = got.ref;
	return va;
}

/*
 * A program is killed anywhere in a map, from before its request to after
 * the mapping is made: the granter's page is as it was, and is its own again.
 */
START_TEST(test_killed_in_a_map)
{
	struct hva_info before;
	struct life *l = &lives[0];
	uint32_t id, ref;
	int status, session;
	uint8_t *va;

	ck_assert_int_eq(machine_start(&machine, (uid_t)-1, -1), 0);
	ck_assert_int_eq(machine_info(&machine, &before), 0);
	for (int i = 0; i < 60; i++) {
		const struct timespec nap = {.tv_nsec = i * 4000};
		struct hvp_id end;
		struct agent_call ask;

		create(l);
		session = call(l, AGENT_OPEN, 0, 0, 0, 0).v[0];
		va = share(l->domid, &id, &ref);
		memset(va, 0x5a, HVP_PAGE);
		ask = (struct agent_call){AGENT_MAP, {session, 0, (int)ref, 1}};
		ck_assert_int_eq(
			send(l->sock, &ask, sizeof(ask), 0), sizeof(ask));
		nanosleep(&nap, NULL);
		ck_assert_int_eq(machine_signal(&machine, l->exec, SIGKILL), 0);
		ck_assert_int_eq(
			machine_wait(&machine, l->exec, 10, &status), 0);
		ck_assert_int_eq(status, SIGKILL);
		for (int k = 0; k < HVP_PAGE; k++)
			ck_assert_int_eq(va[k], 0x5a);
		munmap(va, HVP_PAGE);
		end.id = id;
		ck_assert_int_eq(hv_client_ask(machine.dom0, HVP_GNT_UNSHARE, 0,
					 &end, sizeof(end), NULL, 0, NULL),
			0);
		close(l->sock);
		ck_assert_int_eq(machine_destroy(&machine, l->domid), 0);
		must_be_as(&before);
	}
	ck_assert_int_eq(machine_stop(&machine), 0);
}
END_TEST

BH_CHECK_MAIN("lives", 900, BH_TEST(test_lives),
	BH_TEST(test_unmapped_without_a_word), BH_TEST(test_killed_in_a_map))
