/* SPDX-License-Identifier: MIT */
/*
 * test_pv_soak.c: calls of PV guests at random, on tables of 512 slots.
 *
 *	PV_SOAK_OPS=100000000 PV_SOAK_SEED=1 test_pv_soak
 *
 * After each call: its result is one that the call may have, what it says has
 * been done is done, the references of an entry that changed moved by exactly
 * what it named and names, and the words of every page fit together.  After
 * each STEP_EVERY calls S1-S8 are looked at, and after each FULL_EVERY calls
 * everything is recomputed from scratch (pv_check_idle(): S1-S10, Q1, Q2).
 * After each ERA calls both domains are killed, a few slots at a time, and no
 * page may be held by anybody; the next era has the model of TLBs and caches
 * or not, and explicit pins or not.
 *
 * With HV_FAULTS (test_pv_mutants) each rule is broken once, to see that all
 * this notices it; table unseen[] says which rules one thread cannot test.
 */
#include "tests/unit/pv_full.h"
#include "tests/soak.h"

#include <inttypes.h>

#ifdef HV_FAULTS
#include <sys/wait.h>
#include <unistd.h>

#include "hv/core/fault.h"
#endif

#ifdef HV_FAULTS
enum { STEP_EVERY = 16, FULL_EVERY = 1024, ERA = 50000 };
#else
enum { STEP_EVERY = 256, FULL_EVERY = 1024, ERA = 500000 };
#endif

static uint64_t rng, seed, made;
static uint64_t tally[NR_OPS][3]; /* done, to be made again, refused */

static _Noreturn void wrong(const struct full_call *c, int r, const char *what)
{
	fprintf(stderr, "test_pv_soak: seed %" PRIu64 ", call %" PRIu64 ": ",
		seed, made);
	if (c)
		fprintf(stderr,
			"%s(vCPU %u, %" PRIu64 ", %u, %" PRIx64 ") = %d: ",
			full_op_name[c->op], c->v->id, c->mfn, c->slot, c->e,
			r);
	fprintf(stderr, "%s\n", what);
	exit(1);
}

static void check_with(
	const char *(*check)(struct pv *pv, char *buf, size_t len),
	const struct full_call *c, int r)
{
	char buf[160] = "", text[200];
	const char *id = check(&full.pv, buf, sizeof(buf));

	if (!id)
		return;
	snprintf(text, sizeof(text), "%s: %s", id, buf);
	wrong(c, r, text);
}

static void check_all(const struct full_call *c, int r)
{
	check_with(pv_check_idle, c, r);
}

/* ---- what a call did ----------------------------------------------------- */

static bool word_ok(const struct hv_page *p)
{
	uint64_t x = p->type, n = PAGE_COUNT(p->count), t = PAGE_COUNT(x);
	bool part = x & PAGE_PARTIALLY, valid = x & PAGE_VALID;

	if (p->count & PAGE_CLAIMED || p->excl || x & PAGE_LOCKED)
		return false;
	if (n == 0)
		return !p->count && !t && !p->owner;
	if (!p->owner || t > n || (part && (valid || t != 1)))
		return false;
	if (part && (!type_is_partial(PAGE_TYPE(x)) || p->nrv > FULL_SLOTS))
		return false;
	if (t && !valid && !part)
		return false;
	return !(x & PAGE_PINNED) || (t && valid);
}

static void words_ok(const struct full_call *c, int r)
{
	const struct hv_page *p;

	for (p = full.pages; p < full.pages + FULL_PAGES; p++)
		if (!word_ok(p))
			wrong(c, r, "the words of a page do not fit");
}

/* The references of a page that entries of an L1 can hold. */
struct refs {
	uint64_t mfn, general, type;
};

static void refs_of(uint64_t e, struct refs *r)
{
	const struct hv_page *p = &full.pages[PTE_MFN(e) % FULL_PAGES];

	r->mfn = e & PTE_PRESENT && PTE_MFN(e) < FULL_PAGES ? PTE_MFN(e) : 0;
	r->general = PAGE_COUNT(p->count);
	r->type = PAGE_COUNT(p->type);
}

static int holds(uint64_t e, uint64_t mfn, uint64_t bits)
{
	return (e & bits) == bits && PTE_MFN(e) == mfn;
}

static bool moved(const struct refs *was, uint64_t old, uint64_t new)
{
	struct refs is;
	int g, t;

	if (!was->mfn)
		return true;
	refs_of(PTE_OF(was->mfn, PTE_PRESENT), &is);
	g = holds(new, was->mfn, PTE_PRESENT) -
	    holds(old, was->mfn, PTE_PRESENT);
	t = holds(new, was->mfn, PTE_PRESENT | PTE_RW) -
	    holds(old, was->mfn, PTE_PRESENT | PTE_RW);
	return is.general == was->general + (uint64_t)(int64_t)g &&
	       is.type == was->type + (uint64_t)(int64_t)t;
}

/* A change of an entry of an L1, with nothing pending: to the last count. */
static int mod_exact(const struct full_call *c)
{
	struct hv_page *pt = &full.pages[c->mfn];
	uint64_t old = pv_slot_read(&full.pv, pt, c->slot), now, want;
	struct refs a, b;
	int r;

	refs_of(old, &a);
	refs_of(c->e, &b);
	r = full_make(c, NULL);
	want = r == 0 ? c->e : old;
	now = pv_slot_read(&full.pv, pt, c->slot);
	if (now != want)
		wrong(c, r, "the entry is not what it should be");
	if (!moved(&a, old, now) || !moved(&b, old, now))
		wrong(c, r, "the entry's references have not moved with it");
	return r;
}

static bool is_exact(const struct full_call *c)
{
	const struct hv_page *p = &full.pages[c->mfn % FULL_PAGES];

	return c->op == OP_MOD && c->mfn < FULL_PAGES && !c->v->pending.page &&
	       PAGE_TYPE(p->type) == HV_TYPE_L1 && PAGE_COUNT(p->type);
}

static void done_ok(const struct full_call *c, int r)
{
	const struct hv_page *p = &full.pages[c->mfn % FULL_PAGES];
	const struct hv_page *root = c->flag ? c->v->uroot : c->v->kroot;
	bool ok = true;

	if (c->op == OP_PIN)
		ok = p->type & PAGE_PINNED && page_type(p) == c->level;
	else if (c->op == OP_UNPIN)
		ok = !(p->type & PAGE_PINNED);
	else if (c->op == OP_ROOT)
		ok = c->mfn ? root == p && page_type(p) == HV_TYPE_L4 : !root;
	else if (c->op == OP_GDT)
		ok = c->v->nr_gdt == c->flag &&
		     (!c->flag || page_type(p) == HV_TYPE_SEGDESC);
	else if (c->op == OP_TRANSFER)
		ok = p->owner != c->v->dom->id;
	else if (c->op == OP_DECREASE)
		ok = !(p->count & PAGE_ALLOCATED);
	if (!ok)
		wrong(c, r, "said to be done, and is not");
}

/* What was given up comes back, or in the end nobody would have a page. */
static void refill(void)
{
	struct hv_page *p = &full.pages[1 + soak_rnd(&rng, FULL_FREE - 1)];

	if (p->count || p->owner)
		return;
	p->count = PAGE_CLAIMED;
	if (page_assign(&full.cpu[0], p, &full.dom[1 + soak_rnd(&rng, 2)]))
		wrong(NULL, 0, "a free page cannot be had");
}

static void one_call(bool model)
{
	struct full_call c;
	struct pv_grant *g = &full.grants[soak_rnd(&rng, FULL_GRANTS)];
	int r;

	full_choose(
		&rng, &full.cpu[1 + soak_rnd(&rng, FULL_CPUS - 1)], model, &c);
	c.v->budget = c.budget;
	r = is_exact(&c) ? mod_exact(&c) : full_make(&c, &g);
	switch (r) {
	case 0:
		tally[c.op][0]++;
		done_ok(&c, r);
		break;
	case -ERESTART: tally[c.op][1]++; break;
	case -EINVAL:
	case -EBUSY:
	case -ENOSPC:
	case -ENOMEM:
	case -EFAULT: tally[c.op][2]++; break;
	default: wrong(&c, r, "no result of a call");
	}
	words_ok(&c, r);
	if (++made % FULL_EVERY == 0)
		check_all(&c, r);
	else if (made % STEP_EVERY == 0)
		check_with(pv_check_step, &c, r);
}

/* ---- the whole ----------------------------------------------------------- */

static void era_end(void)
{
	struct pv_vcpu *v = &full.cpu[0];
	unsigned int i, n = 0;
	int r;

	check_all(NULL, 0);
	for (i = 1; i < FULL_DOMS; i++) {
		do {
			v->budget = (uint32_t)soak_rnd(&rng, 300);
			r = pv_kill(v, &full.dom[i]);
			words_ok(NULL, r);
			if (n++ % 64 == 0)
				check_all(NULL, r);
		} while (r == -ERESTART);
		if (r)
			wrong(NULL, r, "the kill fails");
	}
	check_all(NULL, 0);
	for (i = 0; i < FULL_PAGES; i++)
		if (full.pages[i].count)
			wrong(NULL, (int)i, "a page is held after the end");
}

static void report(uint64_t ops)
{
	unsigned int op;

	printf("%-12s %12s %12s %12s\n", "call", "done", "again", "refused");
	for (op = 0; op < NR_OPS; op++) {
		printf("%-12s %12" PRIu64 " %12" PRIu64 " %12" PRIu64 "\n",
			full_op_name[op], tally[op][0], tally[op][1],
			tally[op][2]);
		if (!tally[op][0] && ops >= 100000)
			wrong(NULL, 0, "a kind of call was never done");
	}
}

static void soak(uint64_t ops)
{
	uint64_t era = 0, next = 1;
	int64_t start = soak_ms();
	bool model;

	while (made < ops) {
		uint64_t end = made + (ops < ERA ? ops / 4 + 1 : ERA);

		model = !(era & 1);
		full_init(model, era % 4 == 3);
		era++;
		while (made < end && made < ops) {
			if (made % 512 == 0)
				refill();
			one_call(model);
			if (ops > 1000000 && made == ops / 100 * next) {
				printf("%3" PRIu64 "%%: %" PRIu64
				       " calls, %ld s\n",
					next++, made,
					(long)(soak_ms() - start) / 1000);
				fflush(stdout);
			}
		}
		era_end();
	}
	printf("%" PRIu64 " calls, seed %" PRIu64 ", %" PRIu64
	       " eras, all recomputed after each %d calls: ok\n",
		made, seed, era, FULL_EVERY);
	report(ops);
}

#ifndef HV_FAULTS

int main(void)
{
	seed = soak_number("PV_SOAK_SEED", 1);
	rng = seed;
	soak(soak_number("PV_SOAK_OPS", 200000));
	return 0;
}

#else

/* ---- every rule broken once ---------------------------------------------- */

/* Behind it come rules of grants and events. */
enum { NR_PV_FAULTS = HV_FAULT_BOUNCE_SLACK + 1 };

/* What random calls, one after the other, cannot notice: all of it is the
 * explorer's (hv-explore faults). */
static const char *const race = "needs a second vCPU inside a call";
static const char *const other_call = "of a call that is not made here";
static const char *const rare = "needs a chain of calls about one page";

static const struct {
	enum hv_fault fault;
	const char *const *why;
} unseen[] = {
	{HV_FAULT_STICKY_PENDING, &race},
	{HV_FAULT_STICKY_PROMOTE, &race},
	{HV_FAULT_STICKY_PROMOTE_0, &race},
	{HV_FAULT_STICKY_DEMOTE, &race},
	{HV_FAULT_STICKY_DEMOTE_LAST, &race},
	{HV_FAULT_PARTIAL_ANY_TYPE, &rare},
	{HV_FAULT_FLUSH_FIRST, &race},
	{HV_FAULT_FLUSH_TABLE, &race},
	{HV_FAULT_FAILED_FORGETS, &race},
	{HV_FAULT_EARLY_VALID, &race},
	{HV_FAULT_OWNER_FIRST, &race},
	{HV_FAULT_ASSIGN_LATE, &race},
	{HV_FAULT_LOST_SWAP, &race},
	{HV_FAULT_LOCK_NO_RECHECK, &race},
	{HV_FAULT_LOCK_LAST, &race},
	{HV_FAULT_LINEAR_LATE, &race},
	{HV_FAULT_STEAL_NO_REF, &race},
	{HV_FAULT_KILL_NO_WAIT, &race},
	{HV_FAULT_GRANT_NO_FLUSH, &race},
	{HV_FAULT_GRANT_WHO_FIRST, &race},
	{HV_FAULT_PREEMPT_SETS_PF, &rare},
	{HV_FAULT_FLUSH_NEW, &rare},
	{HV_FAULT_NC_NO_FLUSH, &rare},
	{HV_FAULT_NC_NO_FREE_FLUSH, &rare},
	{HV_FAULT_FREE_NO_FLUSH, &rare},
	{HV_FAULT_EXCHANGE_RANGE, &other_call},
	{HV_FAULT_MULTI_MODE, &other_call},
	{HV_FAULT_MULTI_RESULT, &other_call},
	{HV_FAULT_MULTI_NESTED, &other_call},
	{HV_FAULT_MULTI_REFETCH, &other_call},
	{HV_FAULT_MULTI_REWIND, &other_call},
	{HV_FAULT_BOUNCE_SLACK, &other_call},
};

static const char *why_unseen(enum hv_fault f)
{
	size_t i;

	for (i = 0; i < sizeof(unseen) / sizeof(unseen[0]); i++)
		if (unseen[i].fault == f)
			return *unseen[i].why;
	return f == HV_FAULT_NONE ? "nothing is broken" : NULL;
}

/* Ends by itself, by abort() or with 1 if something is wrong. */
static bool is_noticed(enum hv_fault f, uint64_t ops)
{
	pid_t pid;
	int status;

	fflush(NULL);
	pid = fork();
	if (pid < 0) {
		perror("fork");
		exit(99);
	}
	if (pid == 0) {
		if (!freopen("/dev/null", "w", stdout) ||
			!freopen("/dev/null", "w", stderr))
			_exit(99);
		hv_fault_on = f;
		soak(ops);
		exit(0);
	}
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	if (WIFEXITED(status) && WEXITSTATUS(status) == 99)
		exit(99);
	return status != 0;
}

/* Is it as said?  What is unseen is not made likelier by more calls. */
static bool broken_ok(enum hv_fault f, uint64_t ops, bool *noticed)
{
	const char *why = why_unseen(f);
	bool ok;

	*noticed = is_noticed(f, why ? ops / 8 : ops);
	ok = *noticed == !why || why == rare;
	printf("%-20s %s%s%s%s\n", hv_fault_table[f].name,
		*noticed ? "noticed" : "not noticed", why ? ": " : "",
		why ? why : "", ok ? "" : "  WRONG");
	return ok;
}

int main(void)
{
	uint64_t ops = soak_number("PV_SOAK_OPS", 1200000);
	unsigned int f, bad = 0, seen = 0;

	seed = soak_number("PV_SOAK_SEED", 1);
	rng = seed;
	for (f = 0; f < NR_PV_FAULTS; f++) {
		bool noticed;

		bad += !broken_ok((enum hv_fault)f, ops, &noticed);
		seen += noticed;
	}
	printf("%u rules: %u noticed when broken, %u not as said\n",
		NR_PV_FAULTS - 1, seen, bad);
	return !!bad;
}

#endif
