/* SPDX-License-Identifier: MIT */
/*
 * test_hc_tools.c - domctl and sysctl: what tools see and change
 */
#include "tests/unit/hv_call.h"

START_TEST(test_getdomaininfo)
{
	struct env *e = env_new();
	struct xen_domctl op = {0};

	host_dom(&e->h, 5, 0);
	ck_assert_int_eq(
		domctl(e, &e->c0, &op, XEN_DOMCTL_getdomaininfo, 1), 0);
	ck_assert_uint_eq(op.domain, 1);
	ck_assert_uint_eq(op.u.getdomaininfo.tot_pages, 4);
	/* the next one answers for one that is missing, and says so */
	ck_assert_int_eq(
		domctl(e, &e->c0, &op, XEN_DOMCTL_getdomaininfo, 2), 0);
	ck_assert_uint_eq(op.domain, 5);
	ck_assert_uint_eq(op.u.getdomaininfo.domain, 5);
	ck_assert_int_eq(
		domctl(e, &e->c0, &op, XEN_DOMCTL_getdomaininfo, 6), -ESRCH);
	ck_assert_int_eq(domctl(e, &e->c0, &op, XEN_DOMCTL_getdomaininfo,
				 DOMID_FIRST_RESERVED),
		-EINVAL);
	/* a guest is told nothing */
	ck_assert_int_eq(
		domctl(e, &e->c1, &op, XEN_DOMCTL_getdomaininfo, 1), -EPERM);
	env_end(e);
}
END_TEST

/* ---- domctl ------------------------------------------------------------------- */

START_TEST(test_createdomain)
{
	struct env *e = env_new();
	struct xen_domctl op = {0}, ok;
	struct xen_domctl_createdomain *c = &op.u.createdomain;
	struct hv_dom *d;

	c->max_vcpus = 2;
	c->max_evtchn_port = 1023;
	c->max_grant_frames = 2;
	c->max_maptrack_frames = 1;
	c->grant_opts = XEN_DOMCTL_GRANT_version(1);
	c->flags = XEN_DOMCTL_CDF_hvm | XEN_DOMCTL_CDF_hap;
	c->arch.emulation_flags = XEN_X86_EMU_LAPIC;
	c->handle[0] = 0xab;
	ok = op;
	ck_assert_int_eq(domctl(e, &e->c0, &op, XEN_DOMCTL_createdomain, 0), 0);
	ck_assert_uint_eq(op.domain, 1 + (hv_dom_find(e->h.hv, 1) == e->d));
	d = hv_dom_find(e->h.hv, op.domain);
	ck_assert_ptr_nonnull(d);
	ck_assert_int_eq(
		domctl(e, &e->c0, &op, XEN_DOMCTL_getdomaininfo, op.domain), 0);
	ck_assert_uint_eq(op.u.getdomaininfo.flags,
		XEN_DOMINF_paused | XEN_DOMINF_hvm_guest | XEN_DOMINF_hap);
	ck_assert_uint_eq(op.u.getdomaininfo.handle[0], 0xab);
	ck_assert_uint_eq(op.u.getdomaininfo.max_vcpu_id, 1);
	ck_assert_uint_eq(op.u.getdomaininfo.shared_info_frame, ~0ull);
	op = ok;
	ck_assert_int_eq(domctl(e, &e->c0, &op, XEN_DOMCTL_createdomain, 9), 0);
	op = ok;
	ck_assert_int_eq(
		domctl(e, &e->c0, &op, XEN_DOMCTL_createdomain, 9), -EEXIST);
	op = ok;
	c->max_vcpus = 0;
	ck_assert_int_eq(
		domctl(e, &e->c0, &op, XEN_DOMCTL_createdomain, 0), -EINVAL);
	op = ok;
	c->flags |= 1u << 20;
	ck_assert_int_eq(
		domctl(e, &e->c0, &op, XEN_DOMCTL_createdomain, 0), -EINVAL);
	op = ok;
	c->grant_opts = XEN_DOMCTL_GRANT_version(2);
	ck_assert_int_eq(
		domctl(e, &e->c0, &op, XEN_DOMCTL_createdomain, 0), -EINVAL);
	op = ok;
	c->cpupool_id = 1;
	ck_assert_int_eq(
		domctl(e, &e->c0, &op, XEN_DOMCTL_createdomain, 0), -EINVAL);
	op = ok;
	c->max_maptrack_frames = INT32_MAX;
	ck_assert_int_eq(
		domctl(e, &e->c0, &op, XEN_DOMCTL_createdomain, 0), -EINVAL);
	op = ok;
	c->flags |= XEN_DOMCTL_CDF_nested_virt;
	ck_assert_int_eq(domctl(e, &e->c0, &op, XEN_DOMCTL_createdomain, 0),
		-EOPNOTSUPP);
	op = ok;
	ck_assert_int_eq(
		domctl(e, &e->c1, &op, XEN_DOMCTL_createdomain, 0), -EPERM);
	env_end(e);
}
END_TEST

START_TEST(test_domctl_control)
{
	static const uint32_t cmds[] = {XEN_DOMCTL_pausedomain,
		XEN_DOMCTL_unpausedomain, XEN_DOMCTL_resumedomain,
		XEN_DOMCTL_max_mem, XEN_DOMCTL_setdomainhandle,
		XEN_DOMCTL_set_virq_handler, XEN_DOMCTL_getvcpuinfo};
	struct env *e = env_new();
	struct xen_domctl op = {0};

	op.u.set_virq_handler.virq = VIRQ_CON_RING;
	for (unsigned int i = 0; i < 6; i++) {
		op.u.set_virq_handler.virq = VIRQ_CON_RING;
		ck_assert_int_eq(domctl(e, &e->c0, &op, cmds[i], 1), 0);
		ck_assert_int_eq(domctl(e, &e->c0, &op, cmds[i], 44), -ESRCH);
		ck_assert_int_eq(domctl(e, &e->c1, &op, cmds[i], 1), -EPERM);
		ck_assert_int_eq(domctl(e, &e->c1, &op, cmds[i], 44), -EPERM);
	}
	ck_assert_int_eq(
		domctl(e, &e->c0, &op, XEN_DOMCTL_pausedomain, 0), -EINVAL);
	ck_assert_int_eq(
		domctl(e, &e->c0, &op, XEN_DOMCTL_resumedomain, 0), -EINVAL);
	ck_assert_int_eq(
		domctl(e, &e->c0, &op, XEN_DOMCTL_unpausedomain, 1), -EINVAL);
	op.u.max_mem.max_memkb = 4096;
	ck_assert_int_eq(domctl(e, &e->c0, &op, XEN_DOMCTL_max_mem, 1), 0);
	ck_assert_int_eq(
		domctl(e, &e->c0, &op, XEN_DOMCTL_getdomaininfo, 1), 0);
	ck_assert_uint_eq(op.u.getdomaininfo.max_pages, 1024);
	op.u.set_virq_handler.virq = VIRQ_TIMER;
	ck_assert_int_eq(domctl(e, &e->c0, &op, XEN_DOMCTL_set_virq_handler, 1),
		-EINVAL);
	op.u.max_vcpus.max = 1;
	ck_assert_int_eq(domctl(e, &e->c0, &op, XEN_DOMCTL_max_vcpus, 1), 0);
	op.u.max_vcpus.max = 2;
	ck_assert_int_eq(
		domctl(e, &e->c0, &op, XEN_DOMCTL_max_vcpus, 1), -EINVAL);
	op.u.set_target.target = 5;
	ck_assert_int_eq(
		domctl(e, &e->c0, &op, XEN_DOMCTL_set_target, 1), -ESRCH);
	op.u.set_target.target = 0;
	ck_assert_int_eq(domctl(e, &e->c0, &op, XEN_DOMCTL_set_target, 1), 0);
	ck_assert_int_eq(
		domctl(e, &e->c0, &op, XEN_DOMCTL_get_address_size, 1), 0);
	ck_assert_uint_eq(op.u.address_size.size, 64);
	ck_assert_int_eq(domctl(e, &e->c0, &op, 9999, 1), -ENOSYS);
	ck_assert_int_eq(domctl(e, &e->c1, &op, 9999, 1), -EPERM);
	env_end(e);
}
END_TEST

START_TEST(test_vcpus)
{
	struct env *e = env_new();
	struct xen_domctl op = {0};

	op.u.getvcpuinfo.vcpu = 0;
	ck_assert_int_eq(domctl(e, &e->c0, &op, XEN_DOMCTL_getvcpuinfo, 1), 0);
	ck_assert_uint_eq(op.u.getvcpuinfo.online, 1);
	op.u.getvcpuinfo.vcpu = 1;
	ck_assert_int_eq(
		domctl(e, &e->c0, &op, XEN_DOMCTL_getvcpuinfo, 1), -EINVAL);
	memset(&op, 0, sizeof(op));
	memset(at(e, ARGS), 0xff, 8);
	op.u.vcpuaffinity.flags = XEN_VCPUAFFINITY_HARD;
	op.u.vcpuaffinity.cpumap_hard.bitmap.p = (uint8_t *)ARGS;
	op.u.vcpuaffinity.cpumap_hard.nr_bits = 20;
	ck_assert_int_eq(
		domctl(e, &e->c0, &op, XEN_DOMCTL_getvcpuaffinity, 1), 0);
	ck_assert_mem_eq(at(e, ARGS), "\x01\0\0\xff", 4);
	op.u.vcpuaffinity.cpumap_hard.nr_bits = UINT32_MAX;
	ck_assert_int_eq(
		domctl(e, &e->c0, &op, XEN_DOMCTL_getvcpuaffinity, 1), -EINVAL);
	op.u.vcpuaffinity.flags = 0;
	ck_assert_int_eq(
		domctl(e, &e->c0, &op, XEN_DOMCTL_getvcpuaffinity, 1), -EINVAL);
	env_end(e);
}
END_TEST

/* ---- sysctl -------------------------------------------------------------------- */

START_TEST(test_list)
{
	struct env *e = env_new();
	struct xen_domctl_getdomaininfo *i = at(e, ARGS);
	struct xen_sysctl op = {0};

	host_dom(&e->h, 7, 0);
	for (uint32_t budget = 1; budget < 5; budget++) {
		e->c0.budget = budget;
		memset(&op, 0, sizeof(op));
		memset(i, 0xee, 4 * sizeof(*i));
		op.u.getdomaininfolist.max_domains = 9;
		op.u.getdomaininfolist.buffer.p = (void *)ARGS;
		ck_assert_int_eq(
			sysctl(e, &e->c0, &op, XEN_SYSCTL_getdomaininfolist),
			0);
		ck_assert_uint_eq(op.u.getdomaininfolist.num_domains, 3);
		ck_assert_uint_eq(i[0].domain, 0);
		ck_assert_uint_eq(i[1].domain, 1);
		ck_assert_uint_eq(i[2].domain, 7);
		ck_assert_uint_eq(i[3].domain, 0xeeee);
	}
	op.u.getdomaininfolist.first_domain = 1;
	op.u.getdomaininfolist.max_domains = 1;
	ck_assert_int_eq(
		sysctl(e, &e->c0, &op, XEN_SYSCTL_getdomaininfolist), 0);
	ck_assert_uint_eq(op.u.getdomaininfolist.num_domains, 1);
	ck_assert_uint_eq(i[0].domain, 1);
	op.u.getdomaininfolist.buffer.p = (void *)sizeof(e->g.bytes);
	ck_assert_int_eq(
		sysctl(e, &e->c0, &op, XEN_SYSCTL_getdomaininfolist), -EFAULT);
	ck_assert_int_eq(
		sysctl(e, &e->c1, &op, XEN_SYSCTL_getdomaininfolist), -EPERM);
	env_end(e);
}
END_TEST

START_TEST(test_machine)
{
	struct env *e = env_new();
	struct xen_sysctl op = {0};
	struct hv_counts c;

	hv_counts(e->h.hv, &c);
	ck_assert_int_eq(sysctl(e, &e->c0, &op, XEN_SYSCTL_physinfo), 0);
	ck_assert_uint_eq(op.u.physinfo.nr_cpus, 1);
	ck_assert_uint_eq(
		op.u.physinfo.total_pages - op.u.physinfo.free_pages, c.frames);
	ck_assert_int_eq(sysctl(e, &e->c0, &op, XEN_SYSCTL_sched_id), 0);
	ck_assert_uint_eq(op.u.sched_id.sched_id, XEN_SCHEDULER_NULL);
	memset(&op, 0, sizeof(op));
	ck_assert_int_eq(sysctl(e, &e->c0, &op, XEN_SYSCTL_cputopoinfo), 0);
	ck_assert_uint_eq(op.u.cputopoinfo.num_cpus, 1);
	op.u.cputopoinfo.num_cpus = 0;
	op.u.cputopoinfo.cputopo.p = (void *)ARGS;
	ck_assert_int_eq(
		sysctl(e, &e->c0, &op, XEN_SYSCTL_cputopoinfo), -ENOBUFS);
	ck_assert_uint_eq(op.u.cputopoinfo.num_cpus, 1);
	ck_assert_int_eq(sysctl(e, &e->c0, &op, XEN_SYSCTL_cputopoinfo), 0);
	memset(&op, 0, sizeof(op));
	op.u.numainfo.num_nodes = 1;
	op.u.numainfo.meminfo.p = (void *)ARGS;
	op.u.numainfo.distance.p = (void *)(ARGS + 64);
	ck_assert_int_eq(sysctl(e, &e->c0, &op, XEN_SYSCTL_numainfo), 0);
	ck_assert_uint_eq(*(uint32_t *)at(e, ARGS + 64), 10);
	op.u.numainfo.num_nodes = 0;
	ck_assert_int_eq(sysctl(e, &e->c0, &op, XEN_SYSCTL_numainfo), -ENOBUFS);
	memset(&op, 0, sizeof(op));
	op.u.cpupool_op.op = XEN_SYSCTL_CPUPOOL_OP_INFO;
	op.u.cpupool_op.cpumap.nr_bits = 8;
	op.u.cpupool_op.cpumap.bitmap.p = (void *)ARGS;
	ck_assert_int_eq(sysctl(e, &e->c0, &op, XEN_SYSCTL_cpupool_op), 0);
	ck_assert_uint_eq(op.u.cpupool_op.n_dom, 2);
	ck_assert_uint_eq(*(uint8_t *)at(e, ARGS), 1);
	op.u.cpupool_op.cpupool_id = 1;
	ck_assert_int_eq(
		sysctl(e, &e->c0, &op, XEN_SYSCTL_cpupool_op), -ENOENT);
	op.u.cpupool_op.op = XEN_SYSCTL_CPUPOOL_OP_CREATE;
	ck_assert_int_eq(
		sysctl(e, &e->c0, &op, XEN_SYSCTL_cpupool_op), -EOPNOTSUPP);
	memset(&op, 0, sizeof(op));
	op.u.getcpuinfo.max_cpus = 4;
	op.u.getcpuinfo.info.p = (void *)ARGS;
	ck_assert_int_eq(sysctl(e, &e->c0, &op, XEN_SYSCTL_getcpuinfo), 0);
	ck_assert_uint_eq(op.u.getcpuinfo.nr_cpus, 1);
	ck_assert_int_eq(sysctl(e, &e->c0, &op, XEN_SYSCTL_availheap), 0);
	for (uint32_t cmd = 0; cmd < 40; cmd++)
		ck_assert_int_eq(sysctl(e, &e->c1, &op, cmd), -EPERM);
	ck_assert_int_eq(sysctl(e, &e->c0, &op, 99), -ENOSYS);
	env_end(e);
}
END_TEST

START_TEST(test_console)
{
	struct env *e = env_new();
	struct xen_sysctl op = {0};
	char log[3000];

	memset(log, 'x', sizeof(log) - 1);
	log[sizeof(log) - 1] = '\0';
	e->h.console = log;
	for (uint32_t budget = 1; budget < 6; budget++) {
		e->c0.budget = budget;
		memset(&op, 0, sizeof(op));
		op.u.readconsole.buffer.p = (void *)ARGS;
		op.u.readconsole.count = 5000;
		ck_assert_int_eq(
			sysctl(e, &e->c0, &op, XEN_SYSCTL_readconsole), 0);
		ck_assert_uint_eq(op.u.readconsole.count, sizeof(log) - 1);
		ck_assert_uint_eq(op.u.readconsole.index, sizeof(log) - 1);
		ck_assert_mem_eq(at(e, ARGS), log, sizeof(log) - 1);
	}
	op.u.readconsole.incremental = 1;
	op.u.readconsole.index = 2990;
	op.u.readconsole.count = 4;
	ck_assert_int_eq(sysctl(e, &e->c0, &op, XEN_SYSCTL_readconsole), 0);
	ck_assert_uint_eq(op.u.readconsole.count, 4);
	ck_assert_uint_eq(op.u.readconsole.index, 2994);
	op.u.readconsole.buffer.p = (void *)~0ull;
	ck_assert_int_eq(
		sysctl(e, &e->c0, &op, XEN_SYSCTL_readconsole), -EFAULT);
	env_end(e);
}
END_TEST

BH_CHECK_MAIN("hc_tools", 60, BH_TEST(test_getdomaininfo),
	BH_TEST(test_createdomain), BH_TEST(test_domctl_control),
	BH_TEST(test_vcpus), BH_TEST(test_list), BH_TEST(test_machine),
	BH_TEST(test_console))
