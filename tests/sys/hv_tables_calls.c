/* SPDX-License-Identifier: MIT */
/* hv_tables_calls.c: calls about page tables that are long, or malformed */
#include <linux/sockios.h>
#include <pthread.h>
#include <signal.h>
#include <sys/ioctl.h>

#include "tests/sys/tables.h"

#include <xen/sched.h>

/* A call in a thread, on handles of its own. */
struct caller {
	struct pvmem m;
	pthread_t thread;
	int result;
};

static void *pin(void *arg)
{
	struct caller *c = arg;

	c->result = pvmem_ext(&c->m, MMUEXT_PIN_L4_TABLE, p.mfn[0]);
	return NULL;
}

/* In the table that is reached last: the L4, writable. */
static void *spoil(void *arg)
{
	struct caller *c = arg;

	c->result = pvmem_update(&c->m, p.mfn[pvmem_l1(PVMEM_L1S - 1)], 7,
		pvmem_entry(p.mfn[0], ALL));
	return NULL;
}

/* Starts the call, and waits until hvd, which is stopped, has it to read. */
static void queue(struct caller *c, void *(*fn)(void *))
{
	int fd = xencall_fd(c->m.x), bytes = 0;

	ck_assert_int_eq(pthread_create(&c->thread, NULL, fn, c), 0);
	while (ioctl(fd, SIOCOUTQ, &bytes) == 0 && bytes == 0)
		usleep(1000);
	ck_assert_int_gt(bytes, 0);
}

/*
 * A pin of a large tree takes turns with whoever else asks: what comes
 * behind it is answered before it is done, and spoils it.
 */
START_TEST(test_turns)
{
	struct caller a, b;

	up(PVMEM_L1S);
	ck_assert_int_eq(pvmem_tables(&p), 0);
	ck_assert_int_eq(pvmem_fill(&p), 0);
	ck_assert_int_eq(pvmem_open(&a.m, PVMEM_L1S, true), 0);
	ck_assert_int_eq(pvmem_open(&b.m, PVMEM_L1S, true), 0);
	for (int i = 0; i < 3; i++) {
		ck_assert_int_eq(kill(s.hvd, SIGSTOP), 0);
		queue(&a, pin);
		queue(&b, spoil);
		ck_assert_int_eq(kill(s.hvd, SIGCONT), 0);
		pthread_join(b.thread, NULL);
		pthread_join(a.thread, NULL);
		ck_assert_int_eq(b.result, 0);
		ck_assert_int_eq(a.result, -EINVAL);
		ck_assert_int_eq(
			pvmem_update(&p, p.mfn[pvmem_l1(PVMEM_L1S - 1)], 7, 0),
			0);
		ck_assert_int_eq(
			pvmem_ext(&p, MMUEXT_PIN_L4_TABLE, p.mfn[0]), 0);
		ck_assert_int_eq(
			pvmem_ext(&p, MMUEXT_UNPIN_TABLE, p.mfn[0]), 0);
	}
	pvmem_close(&a.m);
	pvmem_close(&b.m);
	down();
}
END_TEST

/* Lists that no message holds: how much is done is told, whatever the end. */
START_TEST(test_long_lists)
{
	enum { NR = 10000 };
	static struct mmu_update u[NR];
	static struct mmuext_op op[NR];
	uint32_t done = 5;

	up(1);
	tree();
	for (int i = 0; i < NR; i++) {
		u[i].ptr = p.mfn[3] << 12 | (i % 256) * 8;
		u[i].val = i == 7000
				   ? pvmem_entry(p.mfn[3], ALL)
				   : pvmem_entry(p.mfn[pvmem_data(&p, i)], ALL);
		op[i].cmd = i == 9000 ? 99 : MMUEXT_TLB_FLUSH_LOCAL;
	}
	ck_assert_int_eq(xencall4(p.x, __HYPERVISOR_mmu_update, (uintptr_t)u,
				 NR, (uintptr_t)&done, DOMID_SELF),
		-1);
	ck_assert_int_eq(errno, EINVAL);
	ck_assert_uint_eq(done, 7000);
	u[7000].val = 0;
	ck_assert_int_eq(xencall4(p.x, __HYPERVISOR_mmu_update, (uintptr_t)u,
				 NR, (uintptr_t)&done, DOMID_SELF),
		0);
	ck_assert_uint_eq(done, NR);
	ck_assert_int_eq(xencall4(p.x, __HYPERVISOR_mmuext_op, (uintptr_t)op,
				 NR, (uintptr_t)&done, DOMID_SELF),
		-1);
	ck_assert_int_eq(errno, ENOSYS);
	ck_assert_uint_eq(done, 9000);
	/* nobody asks how many; and nothing is told when nothing was begun */
	ck_assert_int_eq(xencall4(p.x, __HYPERVISOR_mmuext_op, (uintptr_t)op,
				 9000, 0, DOMID_SELF),
		0);
	done = 5;
	ck_assert_int_eq(xencall4(p.x, __HYPERVISOR_mmuext_op, (uintptr_t)op,
				 9000, (uintptr_t)&done, 2),
		-1);
	ck_assert_int_eq(errno, EPERM);
	ck_assert_uint_eq(done, 5);
	/* more masks than a message has buffers */
	for (int i = 0; i < 200; i++) {
		op[i].cmd = MMUEXT_TLB_FLUSH_MULTI;
		op[i].arg2.vcpumask.p = &u[i];
	}
	ck_assert_int_eq(xencall4(p.x, __HYPERVISOR_mmuext_op, (uintptr_t)op,
				 200, (uintptr_t)&done, DOMID_SELF),
		0);
	ck_assert_uint_eq(done, 200);
	down();
}
END_TEST

/* A batch of lists, too long for a message as a whole and in one entry. */
START_TEST(test_long_batch)
{
	enum { NR = 300, LONG = 5000 };
	static struct multicall_entry m[NR];
	static struct mmu_update u[LONG];
	static uint32_t done[NR];
	struct iret_context f = {.cs = 0};

	up(1);
	tree();
	for (int i = 0; i < LONG; i++) {
		u[i].ptr = p.mfn[3] << 12 | (i % 256) * 8;
		u[i].val = pvmem_entry(p.mfn[pvmem_data(&p, i)], ALL);
	}
	for (int i = 0; i < NR; i++) {
		m[i].op = __HYPERVISOR_mmu_update;
		m[i].result = 12345;
		m[i].args[0] = (uintptr_t)&u[i % 7];
		m[i].args[1] = i == 150 ? LONG - 7 : 1;
		m[i].args[2] = (uintptr_t)&done[i];
		m[i].args[3] = i == 33 ? 77 : DOMID_SELF;
	}
	m[44].op = __HYPERVISOR_multicall;
	/* no such call, and a list that would have to be made alone */
	m[45].op = 1ull << 32 | __HYPERVISOR_mmu_update;
	m[45].args[1] = LONG - 7;
	m[46].op = __HYPERVISOR_update_va_mapping;
	m[46].args[0] = 0;
	m[46].args[1] = 0;
	m[46].args[2] = UVMF_TLB_FLUSH | (uintptr_t)&done[0];
	/* a shutdown that cannot be read is none, and ends nothing */
	m[60].op = __HYPERVISOR_sched_op;
	m[60].args[0] = SCHEDOP_shutdown;
	m[60].args[1] = 0;
	m[200].op = __HYPERVISOR_iret;
	m[200].args[0] = (uintptr_t)&f;
	ck_assert_int_eq(
		xencall2(p.x, __HYPERVISOR_multicall, (uintptr_t)m, NR), 0);
	for (int i = 0; i < NR; i++) {
		int64_t want = i == 33   ? -ESRCH
			       : i == 44 ? -EINVAL
			       : i == 45 ? -ENOSYS
			       : i == 60 ? -EFAULT
			       : i > 200 ? 12345
					 : 0;

		ck_assert_msg((int64_t)m[i].result == want, "entry %d: %jd", i,
			(intmax_t)m[i].result);
		if (i != 33 && (i < 44 || i > 46) && i != 60 && i != 200)
			ck_assert_uint_eq(done[i], i > 200    ? 0
						   : i == 150 ? LONG - 7
							      : 1);
	}
	down();
}
END_TEST

/* Requests that the library never makes. */
START_TEST(test_requests)
{
	struct {
		struct hvp_va va;
		uint8_t bytes[64];
	} ask = {.va = {.len = 8, .user = 2}};
	struct hvp_gfn two = {3, 2};
	static uint8_t big[HVP_VA_MAX + 8];
	uint64_t mfn[2];

	up(1);
	tree();
	ck_assert_int_eq(hv_client_ask(p.c, HVP_MEM_READ, 0, &ask.va,
				 sizeof(ask.va), big, 8, NULL),
		-EINVAL);
	ask.va.user = 0;
	ck_assert_int_eq(hv_client_ask(p.c, HVP_MEM_READ, 0, &ask,
				 sizeof(ask.va) + 8, big, 8, NULL),
		-EINVAL);
	ck_assert_int_eq(hv_client_ask(p.c, HVP_MEM_WRITE, 0, &ask,
				 sizeof(ask.va) + 7, NULL, 0, NULL),
		-EINVAL);
	ck_assert_int_eq(hv_client_ask(p.c, HVP_MEM_WRITE, 0, &ask,
				 sizeof(ask.va) + 9, NULL, 0, NULL),
		-EINVAL);
	ck_assert_int_eq(hv_client_ask(p.c, HVP_MEM_WRITE, 0, &ask,
				 sizeof(ask.va) + 8, NULL, 0, NULL),
		0);
	ck_assert_int_eq(
		hv_va_read(p.c, 0, big, HVP_VA_MAX + 1, false), -EINVAL);
	/* more than any answer has room for */
	ask.va.len = HVP_MSG_MAX;
	ck_assert_int_eq(hv_client_ask(p.c, HVP_MEM_READ, 0, &ask.va,
				 sizeof(ask.va), big, 8, NULL),
		-EINVAL);
	ask.va.len = UINT32_MAX;
	ck_assert_int_eq(hv_client_ask(p.c, HVP_MEM_READ, 0, &ask.va,
				 sizeof(ask.va), big, 8, NULL),
		-EINVAL);
	ck_assert_int_eq(
		hv_va_write(p.c, 0, big, HVP_VA_MAX + 1, false), -EINVAL);
	ck_assert_int_eq(hv_va_read(p.c, 1, big, HVP_VA_MAX, false), 0);
	ck_assert_int_eq(hv_va_write(p.c, 1, big, HVP_VA_MAX, false), 0);
	ck_assert_int_eq(hv_client_ask(p.c, HVP_MEM_TABLE, 0, &two, sizeof(two),
				 NULL, 0, NULL),
		-EINVAL);
	ck_assert_int_eq(hv_client_ask(p.c, HVP_MEM_MFN, 2, &two, sizeof(two),
				 mfn, sizeof(mfn), NULL),
		0);
	ck_assert_uint_eq(mfn[0], p.mfn[3]);
	ck_assert_uint_eq(mfn[1], p.mfn[2]);
	ck_assert_int_eq(hv_client_ask(p.c, HVP_MEM_MFN, HVP_REFS_MAX + 1, big,
				 (HVP_REFS_MAX + 1) * 8, NULL, 0, NULL),
		-EINVAL);
	ck_assert_int_eq(hv_mfns(p.c, NULL, NULL, HVP_REFS_MAX + 1), -E2BIG);
	down();
}
END_TEST

BH_CHECK_MAIN("hv_tables_calls", 60, BH_TEST(test_turns),
	BH_TEST(test_long_lists), BH_TEST(test_long_batch),
	BH_TEST(test_requests))
