/* SPDX-License-Identifier: MIT */
/*
 * fuzz_core.c - domains that do anything, and a guest that writes at any time
 *
 * DOC: an input is a script: a byte picks an operation, the next ones its
 * arguments, from small sets that often fit together.  Raw hypercalls take
 * arbitrary bytes as guest memory; addresses wrap, so that pointers inside
 * structures mostly lead somewhere.  While the engine works, the hook before
 * each access to guest memory may rewrite a grant entry or a byte of the
 * shared page.  The invariants are checked after every operation, and at the
 * end everything is destroyed and counted.
 */
#include "tests/fuzz/fuzz.h"

#include "hv/core/hc.h"
#include "tests/unit/hv_host.h"

enum {
	DOMS = 5,
	OPS_MAX = 200,
	MEM = 1 << 14,
};

static struct {
	const uint8_t *p, *end;
	struct test_host h;
	struct hv_call call[DOMS];
	struct hv_gmem mem;
	uint8_t bytes[MEM];
	uint32_t noise; /* 0: guests write only between operations */
} f;

static uint8_t u8(void)
{
	return f.p < f.end ? *f.p++ : 0;
}

static uint32_t u16(void)
{
	uint32_t lo = u8();

	return lo | (uint32_t)u8() << 8;
}

static uint32_t domid(void)
{
	static const uint32_t odd[] = {DOMID_SELF, DOMID_IO, 0x7fef, 0xffff};
	uint32_t x = u8();

	return x < 250 ? x % DOMS : odd[x % 4];
}

static struct hv_dom *dom(void)
{
	return hv_dom_find(f.h.hv, u8() % DOMS);
}

static uint64_t gfn(void)
{
	static const uint64_t odd[] = {
		HV_INVALID_GFN, HV_GFN_MAX, 1ull << 32, 0x10000};
	uint32_t x = u8();

	return x < 250 ? x % 24 : odd[x % 4];
}

static uint32_t ref(void)
{
	uint32_t x = u8();

	return x < 250 ? x % 16 : x * 1000;
}

static uint32_t small(void)
{
	uint32_t x = u8();

	return x < 250 ? x % 12 : u16() << (x % 16);
}

/* ---- guests that write ---------------------------------------------------- */

static void entry_scribble(struct hv_dom *d, uint32_t a, uint32_t b)
{
	struct gnt_shared *e = gnt_entry(d, a % 16);
	static const uint16_t flags[] = {GTF_permit_access,
		GTF_permit_access | GTF_readonly, GTF_accept_transfer,
		GTF_invalid, GTF_permit_access | GTF_sub_page,
		GTF_permit_access | GTF_reading | GTF_writing,
		GTF_accept_transfer | GTF_transfer_committed, 0xffff};

	e->head = flags[b % 8] | (b >> 3) % DOMS << 16;
	e->frame = (a >> 4) % 24;
}

static void shared_scribble(struct hv_dom *d, uint32_t a, uint32_t b)
{
	if (d->shared_info)
		d->shared_info->va[a % HV_PAGE_SIZE] = (uint8_t)b;
}

/* A sequence that depends on the input alone. */
static void on_point(enum hv_point_id id, const volatile void *p)
{
	struct hv_dom *d;

	f.noise = f.noise * 1664525 + 1013904223;
	if (f.noise >> 28)
		return;
	d = hv_dom_find(f.h.hv, (f.noise >> 8) % DOMS);
	if (!d || d->gt.nr_frames == 0)
		return;
	if (f.noise & 1)
		entry_scribble(d, f.noise >> 12, f.noise >> 3);
	else
		shared_scribble(d, f.noise >> 4, f.noise >> 16);
}

/* ---- hypercalls ------------------------------------------------------------ */

static bool in_reach(uint64_t addr, size_t len)
{
	return addr >> 63 == 0 && len <= MEM;
}

static int mem_read(struct hv_gmem *m, void *dst, uint64_t addr, size_t len)
{
	size_t i;

	if (!in_reach(addr, len))
		return -EFAULT;
	for (i = 0; i < len; i++)
		((uint8_t *)dst)[i] = f.bytes[(addr + i) % MEM];
	return 0;
}

static int mem_write(
	struct hv_gmem *m, uint64_t addr, const void *src, size_t len)
{
	size_t i;

	if (!in_reach(addr, len))
		return -EFAULT;
	for (i = 0; i < len; i++)
		f.bytes[(addr + i) % MEM] = ((const uint8_t *)src)[i];
	return 0;
}

/* Fill an argument: bytes of the input, each at a place of its own. */
static void arg_fill(size_t len)
{
	uint32_t n = u8() % 24;

	memset(f.bytes, 0, 256);
	while (n-- > 0) {
		size_t at = u8() % len;

		f.bytes[at] = u8();
	}
}

static void arg_tools(unsigned int op)
{
	struct xen_domctl *d = (void *)f.bytes;
	struct xen_sysctl *s = (void *)f.bytes;

	arg_fill(128);
	if (op == __HYPERVISOR_domctl) {
		d->cmd = u8() % 90;
		if (u8() < 250)
			d->interface_version = XEN_DOMCTL_INTERFACE_VERSION;
		d->domain = (domid_t)domid();
		if (d->cmd == XEN_DOMCTL_createdomain) {
			d->u.createdomain.max_vcpus %= 4;
			d->u.createdomain.max_grant_frames %= 4;
			d->u.createdomain.cpupool_id = 0;
			d->u.createdomain.grant_opts = 1;
		}
	} else {
		s->cmd = u8() % 30;
		if (u8() < 250)
			s->interface_version = XEN_SYSCTL_INTERFACE_VERSION;
	}
}

static uint64_t call_addr(void)
{
	uint32_t x = u8();

	return x < 200 ? 0 : x < 250 ? u16() : ~(uint64_t)u16();
}

static void list_fill(void)
{
	uint64_t *list = (void *)(f.bytes + 0x1000);
	uint32_t i;

	for (i = 0; i < 8; i++)
		list[i] = gfn();
}

static void op_call(void)
{
	static const uint8_t ops[] = {__HYPERVISOR_memory_op,
		__HYPERVISOR_multicall, __HYPERVISOR_xen_version,
		__HYPERVISOR_grant_table_op, __HYPERVISOR_sched_op,
		__HYPERVISOR_event_channel_op, __HYPERVISOR_hvm_op,
		__HYPERVISOR_sysctl, __HYPERVISOR_domctl, __HYPERVISOR_vcpu_op};
	uint32_t id = u8() % DOMS, x = u8();
	unsigned int op = x < 250 ? ops[x % sizeof(ops)] : x * 3;
	struct hv_call *c = &f.call[id];
	uint64_t arg[6] = {u8() % 32, call_addr(), u8() % 9};

	c->dom = hv_dom_find(f.h.hv, id);
	c->budget = 1 + u8() % 16;
	if (!c->dom || c->pending)
		return;
	if (op == __HYPERVISOR_domctl || op == __HYPERVISOR_sysctl) {
		arg[0] = arg[1];
		arg_tools(op);
	} else if (op == __HYPERVISOR_multicall) {
		/* entries out of what the last calls left there */
		arg[0] = u16();
	} else {
		arg_fill(48);
		list_fill();
	}
	if (op == __HYPERVISOR_memory_op && u8() % 2) {
		struct xen_memory_reservation *r = (void *)f.bytes;

		r->extent_start.p = (void *)0x1000;
		r->nr_extents %= 9;
		r->extent_order %= 4;
		r->domid = (domid_t)domid();
	}
	(void)hv_hypercall(c, op, arg);
}

static void op_continue(void)
{
	struct hv_call *c = &f.call[u8() % DOMS];

	c->budget = 1 + u8() % 16;
	if (u8() % 8 == 0)
		hv_hypercall_abort(c);
	else
		(void)hv_hypercall_continue(c);
}

/* A call does not outlive its domain. */
static void on_event(struct hv_dom *d, enum hv_dom_event ev)
{
	int i;

	if (ev != HV_DOM_DYING)
		return;
	for (i = 0; i < DOMS; i++)
		if (f.call[i].dom == d)
			hv_hypercall_abort(&f.call[i]);
}

/* ---- operations ---------------------------------------------------------------- */

static void op_create(void)
{
	struct hv_dom_config cfg = {.bits = u8() % 2 ? 64 : 32,
		.max_vcpus = u8() % 3,
		.max_grant_frames = u8() % 4,
		.max_maptrack = u8() % 64,
		.max_ports = u8()};
	uint32_t id = u8() % DOMS;
	struct hv_dom *d;

	cfg.control = id == 0;
	(void)u8(); /* the seeds have a byte here */
	if (hv_dom_create(f.h.hv, id, &cfg, &d))
		return;
	FUZZ_CHECK(hv_dom_id(d) < DOMS || id == 0);
	(void)hv_mem_set_max(d, 40);
	if (u8() % 4)
		(void)hv_dom_unpause(d);
}

static void op_destroy(struct hv_dom *d)
{
	uint32_t budget = u8() % 8;

	(void)hv_dom_destroy(d, &budget);
}

/* What dies does not run; it is shown as dying once nothing is left. */
static void see_info(struct hv_dom *d)
{
	struct xen_domctl_getdomaininfo i;

	hv_dom_info(d, &i);
	FUZZ_CHECK(!(i.flags & XEN_DOMINF_dying) || hv_dom_is_dying(d));
	FUZZ_CHECK(!(i.flags & XEN_DOMINF_running) || !hv_dom_is_dying(d));
}

static void op_dom(struct hv_dom *d)
{
	switch (u8() % 8) {
	case 0: (void)hv_dom_pause(d); break;
	case 1: (void)hv_dom_unpause(d); break;
	case 2: (void)hv_dom_shutdown(d, u8() % 8); break;
	case 3: (void)hv_dom_resume(d); break;
	case 4: (void)hv_dom_set_target(d, domid()); break;
	case 5: (void)hv_set_virq_handler(f.h.hv, u8() % 32, d); break;
	case 6: see_info(d); break;
	default: op_destroy(d); break;
	}
}

static void op_mem(struct hv_dom *d)
{
	struct hv_page_ref p[4];
	uint32_t ids[4], size;
	uint64_t g = gfn();

	switch (u8() % 8) {
	case 0:
	case 1: (void)hv_mem_populate(d, u8() % 3, u8() % 5, &g, NULL); break;
	case 2: (void)hv_mem_remove(d, g); break;
	case 3: (void)hv_mem_split(d, g, p); break;
	case 4: (void)hv_mem_foreign(d, domid(), g, u8() % 2, p, ids); break;
	case 5: (void)hv_mem_foreign_put(d, u8() % 8); break;
	case 6:
		(void)hv_mem_resource(
			d, domid(), 1, 0, u8() % 4, u8() % 4, p, ids, &size);
		break;
	default: (void)hv_mem_set_max(d, u8() % 64); break;
	}
}

static void op_copy(struct hv_dom *d)
{
	struct hv_gnt_copy c = {.len = (uint16_t)u16()};

	c.source.is_ref = u8() % 2;
	c.source.domid = domid();
	c.source.ref = ref();
	c.source.gfn = gfn();
	c.source.offset = u8();
	c.dest.is_ref = u8() % 2;
	c.dest.domid = domid();
	c.dest.ref = ref();
	c.dest.gfn = gfn();
	c.dest.offset = u8();
	hv_gnt_copy(d, &c);
	FUZZ_CHECK(c.status <= 0);
}

static void op_grant(struct hv_dom *d)
{
	struct hv_gnt_map m = {.addr = 0x1000};
	struct hv_gnt_unmap u = {0};
	uint32_t r = ref(), out;

	switch (u8() % 10) {
	case 0:
	case 1:
		m.domid = domid();
		m.ref = r;
		m.flags = u8() % 8;
		hv_gnt_map(d, &m);
		FUZZ_CHECK(m.status <= 0);
		break;
	case 2:
	case 3:
		u.handle = small();
		u.addr = u8() % 4 ? 0x1000 : 0;
		u.dev_addr = u8() % 4 ? (uint64_t)(u.handle + 1) << 12 : 0;
		hv_gnt_unmap(d, &u);
		FUZZ_CHECK(u.status <= 0);
		break;
	case 4: op_copy(d); break;
	case 5: (void)hv_gnt_transfer(d, gfn(), domid(), r); break;
	case 6: (void)hv_gnt_alloc(d, domid(), gfn(), u8() % 2, &out); break;
	case 7:
	case 8: (void)hv_gnt_end(d, r); break;
	default: (void)hv_gnt_swap(d, r, ref()); break;
	}
}

/* Begun here, gone on with or given up by op_continue(). */
static void op_reset(struct hv_dom *d)
{
	uint64_t arg[6] = {EVTCHNOP_reset, 0};
	struct evtchn_reset *r = (void *)f.bytes;
	struct hv_call *c;

	if (hv_dom_id(d) >= DOMS)
		return;
	c = &f.call[hv_dom_id(d)];
	if (c->pending)
		return;
	c->dom = d;
	c->budget = 1 + u8() % 4;
	r->dom = (domid_t)domid();
	(void)hv_hypercall(c, __HYPERVISOR_event_channel_op, arg);
}

static void op_evtchn(struct hv_dom *d)
{
	uint32_t port = small(), out;
	struct evtchn_status st;

	switch (u8() % 12) {
	case 0: (void)hv_evtchn_alloc_unbound(d, domid(), domid(), &out); break;
	case 1:
	case 2: (void)hv_evtchn_bind_interdomain(d, domid(), port, &out); break;
	case 3: (void)hv_evtchn_bind_virq(d, port, u8() % 3, &out); break;
	case 4: (void)hv_evtchn_bind_ipi(d, u8() % 3, &out); break;
	case 5: (void)hv_evtchn_close(d, port); break;
	case 6: (void)hv_evtchn_send(d, port); break;
	case 7: host_mask(d, port); break;
	case 8: (void)hv_evtchn_unmask(d, port); break;
	case 9: (void)hv_evtchn_status(d, domid(), port, &st); break;
	case 10: op_reset(d); break;
	default: hv_evtchn_consume(d, port); break;
	}
}

static void op_host(void)
{
	switch (u8() % 4) {
	case 0: f.h.take_events = u8() % 2; break;
	case 1: f.h.split_result = u8() % 2 ? 0 : -EAGAIN; break;
	case 2: f.h.bind_result = u8() % 4 ? 0 : -EMFILE; break;
	default:
		/* the next few allocations, and one of them fails */
		f.h.calls = 0;
		f.h.fail_at = u8() % 8;
		break;
	}
}

static void op_one(void)
{
	uint8_t what = u8() % 16;
	struct hv_dom *d;

	switch (what) {
	case 0: op_create(); return;
	case 1: op_host(); return;
	case 2:
	case 3:
	case 4: op_call(); return;
	case 5: op_continue(); return;
	default: break;
	}
	d = dom();
	if (!d)
		return;
	switch (what) {
	case 6: op_dom(d); break;
	case 7:
	case 8: op_mem(d); break;
	case 9: entry_scribble(d, u16(), u8()); break;
	case 10: shared_scribble(d, u16(), u8()); break;
	case 11:
	case 12: op_evtchn(d); break;
	default: op_grant(d); break;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	static const struct hv_limits limits = {.max_domains = 8,
		.max_pages = 120,
		.max_grant_frames = 2,
		.max_maptrack = 40,
		.nr_cpus = 2};
	unsigned int i;

	memset(&f, 0, sizeof(f));
	f.p = data;
	f.end = data + len;
	f.mem.read = mem_read;
	f.mem.write = mem_write;
	f.h.console = "the log of the machine\n";
	f.h.on_event = on_event;
	for (i = 0; i < DOMS; i++)
		f.call[i].mem = &f.mem;
	FUZZ_CHECK(host_init(&f.h, &limits));
	for (i = 0; i < 3; i++)
		(void)host_dom(&f.h, i, 6);
	f.noise = u8();
	hv_point_hook = f.noise ? on_point : NULL;
	/* the engine checks itself after each that changed something */
	for (i = 0; i < OPS_MAX && f.p < f.end; i++)
		op_one();
	hv_point_hook = NULL;
	f.h.fail_at = 0;
	host_end(&f.h);
	return 0;
}
