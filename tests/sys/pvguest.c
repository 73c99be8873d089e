// SPDX-License-Identifier: MIT
/* pvguest.c: the program of a PV domain: builds page tables, runs through them
 */
#include "tests/sys/pvguest.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#define __XEN_TOOLS__ 1
#include <xen/xen.h>

#include "tests/sys/attack.h"
#include "tests/sys/pvmem.h"

enum { ALL = PVMEM_P | PVMEM_RW | PVMEM_US };

static struct pvmem p;

static void fail(int line, const char *what, int64_t got)
{
	fprintf(stderr, "pvguest:%d: %s is %jd\n", line, what, (intmax_t)got);
	exit(1);
}

#define MUST_BE(x, want)                          \
	do {                                      \
		int64_t got_ = (int64_t)(x);      \
                                                  \
		if (got_ != (int64_t)(want))      \
			fail(__LINE__, #x, got_); \
	} while (0)

static uint64_t va_of(uint32_t vpn)
{
	return (uint64_t)vpn * HVP_PAGE;
}

static uint64_t word(uint64_t va)
{
	uint64_t x = 0;

	MUST_BE(hv_va_read(p.c, va, &x, sizeof(x), false), 0);
	return x;
}

static int put(uint64_t va, uint64_t x)
{
	return hv_va_write(p.c, va, &x, sizeof(x), false);
}

/* What the test says back in a. */
static uint64_t say(uint32_t what, uint64_t a, uint64_t b)
{
	struct pv_say s = {.what = what, .a = a, .b = b};

	MUST_BE(send(0, &s, sizeof(s), MSG_NOSIGNAL), sizeof(s));
	MUST_BE(recv(0, &s, sizeof(s), 0), sizeof(s));
	MUST_BE(s.what, what);
	return s.a;
}

static void tree(uint32_t l1s)
{
	MUST_BE(pvmem_open(&p, l1s, false), 0);
	MUST_BE(pvmem_tables(&p), 0);
	MUST_BE(pvmem_fill(&p), 0);
}

static void run_through(void)
{
	MUST_BE(pvmem_ext(&p, MMUEXT_PIN_L4_TABLE, p.mfn[0]), 0);
	MUST_BE(pvmem_ext(&p, MMUEXT_NEW_BASEPTR, p.mfn[0]), 0);
	MUST_BE(put(va_of(3) + 8, 1234), 0);
	MUST_BE(word(va_of(3 + PVMEM_DATA) + 8), 1234);
	/* an entry goes, and another one comes */
	MUST_BE(pvmem_update_va(&p, va_of(3), 0), 0);
	MUST_BE(put(va_of(3), 1), -EFAULT);
	MUST_BE(pvmem_update(&p, p.mfn[pvmem_l1(0)], 3,
			pvmem_entry(p.mfn[pvmem_data(&p, 4)], ALL)),
		0);
	MUST_BE(put(va_of(3) + 16, 5678), 0);
	MUST_BE(word(va_of(4) + 16), 5678);
}

static void be_refused(uint64_t foreign)
{
	const uint64_t l1 = p.mfn[pvmem_l1(0)];

	/* a table, for writing */
	MUST_BE(pvmem_update(&p, l1, 5, pvmem_entry(l1, ALL)), -EINVAL);
	MUST_BE(pvmem_update_va(&p, va_of(5), pvmem_entry(p.mfn[0], ALL)),
		-EINVAL);
	/* a page of another domain, in any way */
	MUST_BE(pvmem_update(&p, l1, 5, pvmem_entry(foreign, ALL)), -EINVAL);
	MUST_BE(pvmem_update(&p, l1, 5, pvmem_entry(foreign, PVMEM_P)),
		-EINVAL);
	MUST_BE(pvmem_ext(&p, MMUEXT_PIN_L1_TABLE, foreign), -EINVAL);
	/* memory that is mapped for writing, as a table */
	MUST_BE(pvmem_ext(&p, MMUEXT_PIN_L1_TABLE, p.mfn[pvmem_data(&p, 5)]),
		-EINVAL);
	/* and nothing has changed */
	MUST_BE(put(va_of(5), 5), 0);
}

/* With what Linux offers. */
static void attack(void)
{
	const struct hvp_gfn ask = {pvmem_l1(0), 1};
	uint64_t was[PVMEM_SLOTS];
	struct hvp_table got;
	struct hv_fds fds;
	void *va;

	memcpy(was, p.table[3], sizeof(was));
	MUST_BE(hv_client_ask(p.c, HVP_MEM_TABLE, 0, &ask, sizeof(ask), &got,
			sizeof(got), &fds),
		0);
	MUST_BE(got.mfn, p.mfn[3]);
	va = mmap(NULL, HVP_PAGE, PROT_READ, MAP_SHARED, fds.fd[0], 0);
	MUST_BE(va == MAP_FAILED, 0);
	MUST_BE(attack_ro(fds.fd[0], va), 0);
	MUST_BE(memcmp(va, was, sizeof(was)), 0);
	munmap(va, HVP_PAGE);
	hv_fds_close(&fds);
}

/* A page made to be granted, mapped by our tables and by dom0. */
static void grant(void)
{
	const struct hvp_gnt_share ask = {.domid = 0, .count = 1, .write = 1};
	const uint64_t va = va_of(100);
	struct {
		struct hvp_share sh;
		uint32_t ref;
	} got;
	struct hv_fds fds;
	struct hvp_id id;
	uint64_t mfn;

	MUST_BE(hv_client_ask(p.c, HVP_GNT_SHARE, 0, &ask, sizeof(ask), &got,
			sizeof(got.sh) + sizeof(got.ref), &fds),
		0);
	hv_fds_close(&fds);
	MUST_BE(hv_mfns(p.c, &got.sh.gfn, &mfn, 1), 0);
	MUST_BE(pvmem_update_va(&p, va, pvmem_entry(mfn, ALL)), 0);
	MUST_BE(put(va, GUEST_WORD), 0);
	say(PV_GRANTED, got.ref, 0);
	MUST_BE(word(va + 8), DOM0_WORD);
	MUST_BE(pvmem_ext(&p, MMUEXT_PIN_L1_TABLE, mfn), -EINVAL);
	/* our entry goes: dom0's mapping is as good a reason */
	MUST_BE(pvmem_update_va(&p, va, 0), 0);
	MUST_BE(pvmem_ext(&p, MMUEXT_PIN_L1_TABLE, mfn), -EINVAL);
	say(PV_UNMAP, 0, 0);
	MUST_BE(pvmem_ext(&p, MMUEXT_PIN_L1_TABLE, mfn), -EBUSY);
	id.id = got.sh.id;
	MUST_BE(hv_client_ask(p.c, HVP_GNT_UNSHARE, 0, &id, sizeof(id), NULL, 0,
			NULL),
		0);
}

static void be_mapped(void)
{
	const uint32_t gfn = pvmem_data(&p, 7);

	MUST_BE(put(va_of(7), GUEST_WORD), 0);
	say(PV_FOREIGN, gfn, pvmem_l1(0));
	MUST_BE(word(va_of(7) + 8), DOM0_WORD);
	MUST_BE(pvmem_ext(&p, MMUEXT_PIN_L1_TABLE, p.mfn[gfn]), -EINVAL);
	say(PV_UNMAP_FOREIGN, 0, 0);
	MUST_BE(word(va_of(7) + 8), DOM0_WORD);
}

static void run(void)
{
	tree(2);
	run_through();
	be_refused(say(PV_TREE, p.mfn[pvmem_data(&p, 0)], 0));
	attack();
	grant();
	be_mapped();
	/* the root still holds what the pin held */
	MUST_BE(pvmem_ext(&p, MMUEXT_UNPIN_TABLE, p.mfn[0]), 0);
	MUST_BE(word(va_of(7)), GUEST_WORD);
	pvmem_close(&p);
}

static void pin(void)
{
	int r;

	tree(PVMEM_L1S);
	say(PV_READY, 0, 0);
	do {
		r = pvmem_ext(&p, MMUEXT_PIN_L4_TABLE, p.mfn[0]);
		if (r == 0)
			r = pvmem_ext(&p, MMUEXT_UNPIN_TABLE, p.mfn[0]);
	} while (r == 0);
	/* our domain is being destroyed, and we with it */
	MUST_BE(r, -EIO);
}

/* Wherever the other one was: it is gone on with. */
static void again(void)
{
	int r;

	MUST_BE(pvmem_open(&p, PVMEM_L1S, true), 0);
	r = pvmem_ext(&p, MMUEXT_PIN_L4_TABLE, p.mfn[0]);
	if (r == -EINVAL) {
		/* it was pinned */
		MUST_BE(pvmem_ext(&p, MMUEXT_UNPIN_TABLE, p.mfn[0]), 0);
		r = pvmem_ext(&p, MMUEXT_PIN_L4_TABLE, p.mfn[0]);
	}
	MUST_BE(r, 0);
	MUST_BE(pvmem_ext(&p, MMUEXT_NEW_BASEPTR, p.mfn[0]), 0);
	MUST_BE(put(va_of(1), 1), 0);
	MUST_BE(word(va_of(1 + PVMEM_DATA)), 1);
	MUST_BE(pvmem_ext(&p, MMUEXT_UNPIN_TABLE, p.mfn[0]), 0);
	pvmem_close(&p);
}

int main(int argc, char **argv)
{
	static const struct {
		const char *name;
		void (*fn)(void);
	} modes[] = {{"run", run}, {"pin", pin}, {"again", again}};

	for (size_t i = 0; argc == 2 && i < 3; i++) {
		if (strcmp(argv[1], modes[i].name) == 0) {
			modes[i].fn();
			/* a leak check at exit would want ptrace, which is not
			 * to be had here */
			_exit(0);
		}
	}
	return 2;
}
