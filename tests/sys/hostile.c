// SPDX-License-Identifier: MIT
/*
 * hostile.c: a domain that does what it must not, on a real machine of hv
 *
 * Domain `foe` runs an agent that attacks; `friend` and `other` are those who
 * must not notice.  All of it is done twice where root runs it: with one user
 * for hvd and all domains, and with a user for each domain.
 */
#include "tests/sys/agent.h"
#include "tests/sys/hvd.h"
#include "tests/sys/machine.h"
#include "tests/sys/walls.h"
#include "tests/unit/bh_check.h"

#include <errno.h>
#include <poll.h>
#include <stdint.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>

#define LONG_SECONDS (BH_SANITIZED ? 80 : 20)

struct domain {
	uint32_t domid, id;
	int sock;
	int session;
};

static struct machine machine;
static struct domain friend, foe;
static struct hva_info before;

/* One call without waiting, and its answer. */
static void ask(struct domain *d, int op, int a, int b, int c, int e)
{
	const struct agent_call call = {op, {a, b, c, e}};

	ck_assert_int_eq(
		send(d->sock, &call, sizeof(call), MSG_NOSIGNAL), sizeof(call));
}

static struct agent_answer answer(struct domain *d)
{
	struct pollfd p = {.fd = d->sock, .events = POLLIN};
	struct agent_answer got = {.r = -EIO};

	ck_assert_msg(poll(&p, 1, LONG_SECONDS * 1000) == 1,
		"no answer of domain %u", d->domid);
	ck_assert_msg(
		recv(d->sock, &got, sizeof(got), 0) == (ssize_t)sizeof(got),
		"domain %u ended", d->domid);
	return got;
}

static struct agent_answer call(
	struct domain *d, int op, int a, int b, int c, int e)
{
	ask(d, op, a, b, c, e);
	return answer(d);
}

/* A call that has to succeed; its first value. */
static int need(struct domain *d, int op, int a, int b, int c, int e)
{
	const struct agent_answer got = call(d, op, a, b, c, e);

	ck_assert_msg(got.r == 0, "domain %u, op %d: %s", d->domid, op,
		strerror(-got.r));
	return got.v[0];
}

static void domain_begin(struct domain *d, const char *uid, const char *cpus)
{
	const char *conf[3], *argv[2] = {NULL, NULL};
	char path[4096];
	size_t n = 0;
	int sv[2], r;

	conf[n++] = "name=agent";
	if (uid)
		conf[n++] = uid;
	if (cpus)
		conf[n++] = cpus;
	r = machine_domain(&machine, conf, n, &d->domid);
	ck_assert_msg(r == 0, "%s: %s", strerror(-r), machine.text);
	ck_assert_int_eq(
		socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, sv), 0);
	snprintf(path, sizeof(path), "%s/tests/sys/agent", build_dir());
	argv[0] = path;
	r = machine_exec(
		&machine, d->domid, argv, (int[]){sv[1], 2, 2}, &d->id);
	ck_assert_int_eq(r, 0);
	close(sv[1]);
	d->sock = sv[0];
	d->session = need(d, AGENT_OPEN, 0, 0, 0, 0);
}

static void domain_end(struct domain *d)
{
	int status;

	close(d->sock);
	ck_assert_int_eq(machine_wait(&machine, d->id, 10, &status), 0);
	ck_assert_int_eq(machine_destroy(&machine, d->domid), 0);
}

/* _i & 1: a user for each domain. */
static bool begin_on(
	int i, int hvd_cpu, const char *foe_cpus, const char *friend_cpus)
{
	const bool users = i & 1;

	if (users && geteuid() != 0)
		return false;
	ck_assert_int_eq(machine_start(&machine, (uid_t)-1, hvd_cpu), 0);
	ck_assert_int_eq(machine_info(&machine, &before), 0);
	domain_begin(&friend, users ? "uid=65533" : NULL, friend_cpus);
	domain_begin(&foe, users ? "uid=65532" : NULL, foe_cpus);
	return true;
}

static bool begin(int i)
{
	return begin_on(i, -1, NULL, NULL);
}

/* Everything that was given out has come back. */
static void nothing_left(void)
{
	struct hva_info now;

	for (int i = 0; i < 400; i++) {
		ck_assert_int_eq(machine_info(&machine, &now), 0);
		if (now.domains == before.domains && now.zombies == 0 &&
			now.processes == before.processes &&
			now.descriptors <= before.descriptors)
			break;
		usleep(10000);
	}
	ck_assert_uint_eq(now.domains, before.domains);
	ck_assert_uint_eq(now.zombies, 0);
	ck_assert_uint_eq(now.runs, before.runs);
	ck_assert_uint_eq(now.maps, before.maps);
	ck_assert_uint_eq(now.ports, before.ports);
	ck_assert_uint_eq(now.frames, before.frames);
	ck_assert_uint_eq(now.sessions, before.sessions);
	ck_assert_uint_eq(now.processes, before.processes);
	ck_assert_uint_eq(now.descriptors, before.descriptors);
}

static void end(void)
{
	int status;

	domain_end(&foe);
	domain_end(&friend);
	nothing_left();
	status = machine_stop(&machine);
	ck_assert_msg(WIFEXITED(status) && WEXITSTATUS(status) == 0,
		"hvd ended with %#x", (unsigned)status);
}

/* The other domain gets from hvd whatever it needs. */
static void friend_is_served(void)
{
	struct agent_answer got;
	int s, k, p;

	ck_assert(machine_alive(&machine));
	s = need(&friend, AGENT_OPEN, 0, 0, 0, 0);
	p = need(&friend, AGENT_ALLOC, s, 0, 0, 0);
	need(&friend, AGENT_UNBIND, s, p, 0, 0);
	got = call(&friend, AGENT_SHARE, s, 0, 4, 1);
	ck_assert_int_eq(got.r, 0);
	k = got.v[0];
	need(&friend, AGENT_FILL, k, 'f', 0, 0);
	ck_assert_int_eq(need(&friend, AGENT_CHECK, k, 'f', 0, 0), 0);
	need(&friend, AGENT_UNSHARE, k, 0, 0, 0);
}

/* A grantee that may only read. */
START_TEST(test_read_only)
{
	struct agent_answer got;
	int k, m, ref;

	if (!begin(_i))
		return;
	got = call(&friend, AGENT_SHARE, friend.session, (int)foe.domid, 1, 0);
	ck_assert_int_eq(got.r, 0);
	k = got.v[0];
	ref = got.v[1];
	need(&friend, AGENT_FILL, k, 'a', 0, 0);
	got = call(&foe, AGENT_MAP, foe.session, (int)friend.domid, ref, 1);
	ck_assert_int_lt(got.r, 0);
	m = need(&foe, AGENT_MAP, foe.session, (int)friend.domid, ref, 0);
	ck_assert_int_eq(need(&foe, AGENT_LOOK, m, 'a', 0, 0), 4096);
	ck_assert_int_eq(need(&foe, AGENT_ATTACK_RO, m, 0, 0, 0), 0);
	ck_assert_int_eq(need(&friend, AGENT_CHECK, k, 'a', 0, 0), 0);
	/* and the owner still writes, and is seen */
	need(&friend, AGENT_FILL, k, 'b', 0, 0);
	ck_assert_int_eq(need(&foe, AGENT_LOOK, m, 'b', 0, 0), 4096);
	friend_is_served();
	end();
}
END_TEST

/* One that may write: its peer sees other bytes, and nothing worse. */
START_TEST(test_writable)
{
	struct agent_answer got;
	int k, m;

	if (!begin(_i))
		return;
	got = call(&friend, AGENT_SHARE, friend.session, (int)foe.domid, 1, 1);
	ck_assert_int_eq(got.r, 0);
	k = got.v[0];
	m = need(&foe, AGENT_MAP, foe.session, (int)friend.domid, got.v[1], 1);
	ask(&friend, AGENT_TOUCH, k, 600, 0, 0);
	ck_assert_int_eq(need(&foe, AGENT_ATTACK_RW, m, 400, 0, 0), 0);
	ck_assert_int_eq(answer(&friend).r, 0);
	friend_is_served();
	end();
}
END_TEST

/* The owner tries first, before anybody else has the page. */
START_TEST(test_hostile_owner)
{
	static const int seals[] = {
		0x1 /* SEAL */, 0x8 /* WRITE */, 0x10 /* FUTURE_WRITE */};
	struct agent_answer got;

	if (!begin(_i))
		return;
	for (size_t i = 0; i < 3; i++) {
		for (int write = 0; write < 2; write++) {
			got = call(&foe, AGENT_SHARE, foe.session,
				(int)friend.domid, 1, write);
			ck_assert_int_eq(got.r, 0);
			call(&foe, AGENT_SEAL_OWN, got.v[0], seals[i], 0, 0);
			/* it may be refused; it must be answered */
			got = call(&friend, AGENT_MAP, friend.session,
				(int)foe.domid, got.v[1], write);
			if (got.r == 0 && !write)
				ck_assert_int_eq(need(&friend, AGENT_ATTACK_RO,
							 got.v[0], 0, 0, 0),
					0);
		}
	}
	friend_is_served();
	end();
}
END_TEST

/* It says that it has unmapped, and keeps page and descriptor. */
START_TEST(test_lying)
{
	struct agent_answer got;
	int k, m[16], s;

	if (!begin(_i))
		return;
	s = need(&friend, AGENT_OPEN, 0, 0, 0, 0);
	for (int i = 0; i < 16; i++) {
		got = call(&friend, AGENT_SHARE, s, (int)foe.domid, 1, 1);
		ck_assert_int_eq(got.r, 0);
		k = got.v[0];
		m[i] = need(&foe, AGENT_MAP, foe.session, (int)friend.domid,
			got.v[1], 1);
		need(&foe, AGENT_UNMAP, m[i], 0, 0, 0);
		need(&friend, AGENT_UNSHARE, k, 0, 0, 0);
	}
	/* what its owner writes from now on is not for it */
	for (int i = 0; i < 64; i++) {
		got = call(&friend, AGENT_SHARE, s, 0, 4, 1);
		ck_assert_int_eq(got.r, 0);
		need(&friend, AGENT_FILL, got.v[0], 's', 0, 0);
	}
	for (int i = 0; i < 16; i++)
		ck_assert_int_eq(need(&foe, AGENT_LOOK, m[i], 's', 0, 0), 0);
	/* nor what another domain, made later, does */
	domain_end(&friend);
	domain_begin(&friend, _i & 1 ? "uid=65531" : NULL, NULL);
	for (int i = 0; i < 64; i++) {
		got = call(&friend, AGENT_SHARE, friend.session, 0, 4, 1);
		ck_assert_int_eq(got.r, 0);
		need(&friend, AGENT_FILL, got.v[0], 's', 0, 0);
	}
	for (int i = 0; i < 16; i++)
		ck_assert_int_eq(need(&foe, AGENT_LOOK, m[i], 's', 0, 0), 0);
	end();
}
END_TEST

/* The peer filled what it rings us with, and made it one that waits. */
START_TEST(test_clogged)
{
	int p, q, s;

	if (!begin(_i))
		return;
	p = need(&friend, AGENT_ALLOC, friend.session, (int)foe.domid, 0, 0);
	q = need(&foe, AGENT_BIND, foe.session, (int)friend.domid, p, 0);
	need(&foe, AGENT_CLOG, q, 0, 0, 0);
	/* by hypercall, */
	call(&foe, AGENT_SEND, foe.session, q, 0, 0);
	ck_assert(machine_alive(&machine));
	/* by binding anew, which wakes who has the old descriptors, */
	need(&foe, AGENT_UNBIND, foe.session, q, 0, 0);
	s = need(&foe, AGENT_OPEN, 0, 0, 0, 0);
	q = need(&foe, AGENT_BIND, s, (int)friend.domid, p, 0);
	ck_assert(machine_alive(&machine));
	/* and the other end: what the one that allocated can write to */
	need(&friend, AGENT_CLOG, p, 0, 0, 0);
	call(&friend, AGENT_SEND, friend.session, p, 0, 0);
	friend_is_served();
	end();
}
END_TEST

/*
 * Whoever rings us can take back what it rang itself, and no more than that,
 * of whichever user it is.
 */
START_TEST(test_stolen)
{
	int p, q;

	if (!begin(_i))
		return;
	p = need(&friend, AGENT_ALLOC, friend.session, (int)foe.domid, 0, 0);
	q = need(&foe, AGENT_BIND, foe.session, (int)friend.domid, p, 0);
	need(&foe, AGENT_CLOG, q, 0, 0, 0);
	ck_assert_int_eq(need(&foe, AGENT_STEAL, q, 0, 0, 0), 0);
	friend_is_served();
	end();
}
END_TEST

START_TEST(test_other_processes)
{
	if (!begin(_i))
		return;
	ck_assert_int_eq(need(&foe, AGENT_SPY, (int)getpid(), 0, 0, 0), 0);
	ck_assert_int_eq(need(&foe, AGENT_SPY, machine.pid, 0, 0, 0), 0);
	need(&friend, AGENT_LISTEN, 0, 0, 0, 0);
	ck_assert_int_eq(need(&foe, AGENT_CONNECT, 0, 0, 0, 0), ECONNREFUSED);
	ck_assert_int_eq(need(&friend, AGENT_CONNECT, 0, 0, 0, 0), 0);
	end();
}
END_TEST

START_TEST(test_foreign_descriptors)
{
	struct hva_info a, b;

	if (!begin(_i))
		return;
	friend_is_served();
	ck_assert_int_eq(machine_info(&machine, &a), 0);
	ck_assert_int_eq(need(&foe, AGENT_FOREIGN, 300, 0, 0, 0), 300);
	friend_is_served();
	ck_assert_int_eq(machine_info(&machine, &b), 0);
	/* what serving the friend costs: a session */
	ck_assert_uint_le(b.descriptors, a.descriptors + 1);
	end();
}
END_TEST

START_TEST(test_malformed)
{
	if (!begin(_i))
		return;
	for (int seed = 0; seed < 8; seed++) {
		need(&foe, AGENT_MALFORMED, seed, 4000, 0, 0);
		ck_assert(machine_alive(&machine));
	}
	friend_is_served();
	end();
}
END_TEST

/* Not only one thing of each kind: hundreds, for its own work. */
static void friend_has_its_share(void)
{
	for (int i = 0; i < 400; i++) {
		need(&friend, AGENT_ALLOC, friend.session, 0, 0, 0);
		ck_assert_int_eq(
			call(&friend, AGENT_SHARE, friend.session, 0, 1, 1).r,
			0);
	}
}

/*
 * It takes all that it is given: of one kind, of all (8, 9), or answers that
 * it never reads (10, 11).
 */
START_TEST(test_greedy)
{
	static const int ops[] = {
		AGENT_PORTS, AGENT_SHARES, AGENT_SESSIONS, AGENT_IN_FLIGHT};
	struct agent_answer got;
	const int what = _i / 2;

	if (!begin(_i))
		return;
	for (int i = 0; i < 4; i++) {
		if (what != i && what != 4)
			continue;
		got = call(&foe, ops[i], foe.session, (int)friend.domid, 0, 0);
		ck_assert_int_eq(got.r, 0);
		fprintf(stderr, "%s: got %d, then %s\n",
			(const char *[]){
				"ports", "shares", "sessions", "in flight"}[i],
			got.v[0], strerror(-got.v[1]));
		friend_is_served();
	}
	if (what == 4)
		friend_has_its_share();
	if (what == 5) {
		need(&foe, AGENT_DEAF, 100, 0, 0, 0);
		friend_is_served();
	}
	end();
}
END_TEST

/* Two domains that exchange events; the foe does what it likes beside them. */
static struct domain other;
static int ping_port;

static int rate(int ms)
{
	return need(&friend, AGENT_PING, ping_port, ms, 0, 0) * 1000 / ms;
}

#define ROUNDS 7

enum { NR_FLOODS = 5 };

static int int_compare(const void *a, const void *b)
{
	return *(const int *)a - *(const int *)b;
}

static const char *const floods[] = {
	"events", "requests", "hypercalls", "sessions", "pages"};

/* The friends' rate while the foe floods, in percent of that without. */
static int beside(int foe_port, int kind)
{
	int percent[ROUNDS];

	/* in turns, and the middle one of them: other load hits both */
	for (int i = 0; i < ROUNDS; i++) {
		const int alone = rate(120);

		ask(&foe, AGENT_FLOOD, foe.session, foe_port, 200, kind);
		usleep(40000);
		percent[i] = rate(120) * 100 / (alone ? alone : 1);
		ck_assert_int_eq(answer(&foe).r, 0);
	}
	qsort(percent, ROUNDS, sizeof(percent[0]), int_compare);
	return percent[ROUNDS / 2];
}

/* How long hvd takes to do some work for a friend meanwhile, in ms. */
static int delay(int foe_port, int kind)
{
	struct timespec a, b;

	ask(&foe, AGENT_FLOOD, foe.session, foe_port, 300, kind);
	usleep(40000);
	clock_gettime(CLOCK_MONOTONIC, &a);
	friend_is_served();
	clock_gettime(CLOCK_MONOTONIC, &b);
	ck_assert_int_eq(answer(&foe).r, 0);
	return (int)((b.tv_sec - a.tv_sec) * 1000 +
		     (b.tv_nsec - a.tv_nsec) / 1000000);
}

/*
 * The bar is for a machine that has nothing else to do.  A busy one, such as
 * one that builds beside, takes turns away from whom it likes.
 */
static int bar(void)
{
	double load;

	return getloadavg(&load, 1) == 1 && load > 1.5 ? 40 : 80;
}

/*
 * _i / 2: placed as an administrator would, who has two processors: the foe,
 * hvd and the rest on the second one.  Without that the number is only told:
 * the foe then has its share of the processors, as any process.
 */
START_TEST(test_flood)
{
	const bool placed = _i / 2 == 0;
	int q, echo, limit = bar();

	if (placed && sysconf(_SC_NPROCESSORS_ONLN) < 2)
		return;
	if (!begin_on(_i, placed ? 1 : -1, placed ? "cpus=1" : NULL,
		    placed ? "cpus=0" : NULL))
		return;
	domain_begin(
		&other, _i & 1 ? "uid=65530" : NULL, placed ? "cpus=0" : NULL);
	echo = need(
		&other, AGENT_ALLOC, other.session, (int)friend.domid, 0, 0);
	ping_port = need(
		&friend, AGENT_BIND, friend.session, (int)other.domid, echo, 0);
	/* the foe's own channel, to itself */
	q = need(&foe, AGENT_ALLOC, foe.session, (int)foe.domid, 0, 0);
	q = need(&foe, AGENT_BIND, foe.session, (int)foe.domid, q, 0);
	ask(&other, AGENT_ECHO, echo, 0, 0, 0);
	rate(100);
	for (int kind = 0; kind < NR_FLOODS; kind++) {
		int best = 0;

		/* a machine that is busy with other things gets more tries */
		for (int i = 0; i < 3 && best <= 80; i++) {
			const int got = beside(q, kind);

			best = got > best ? got : best;
		}
		const int ms = delay(q, kind);

		fprintf(stderr,
			"flood of %-10s %s: %3d %% of the rate without "
			"(bar: %d), served by hvd in %d ms\n",
			floods[kind], placed ? "placed    " : "not placed",
			best, limit, ms);
		/* seven requests: each may wait for those in the queue */
		ck_assert_int_lt(ms, 2000);
		if (placed)
			ck_assert_int_gt(best, limit);
	}
	ck_assert_int_eq(send(other.sock, &(struct agent_call){0},
				 sizeof(struct agent_call), 0),
		sizeof(struct agent_call));
	close(other.sock);
	ck_assert_int_eq(machine_wait(&machine, other.id, 10, &(int){0}), 0);
	ck_assert_int_eq(machine_destroy(&machine, other.domid), 0);
	end();
}
END_TEST

BH_CHECK_MAIN("hostile", 120, BH_LOOP(test_read_only, 2),
	BH_LOOP(test_writable, 2), BH_LOOP(test_hostile_owner, 2),
	BH_LOOP(test_lying, 2), BH_LOOP(test_clogged, 2),
	BH_LOOP(test_stolen, 2), BH_LOOP(test_other_processes, 2),
	BH_LOOP(test_foreign_descriptors, 2), BH_LOOP(test_malformed, 2),
	BH_LOOP(test_greedy, 12), BH_LOOP(test_flood, 4))
