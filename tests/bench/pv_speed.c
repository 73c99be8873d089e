/* SPDX-License-Identifier: MIT */
/*
 * pv_speed.c: what the promotion of page tables costs over reading them
 *
 *	pv_speed [--rounds N]
 *
 * A guest of 512 MiB pins its tree: 4 levels of tables of 512 slots, 256 of
 * them L1s, which map all its pages once.  The page tables are mapped
 * read-only, as they must be, so is one page in 16 of the others, and the rest
 * is writable.  Each L1 maps consecutive pages, the L1s are in no order.
 *
 * Measured against a walk of the same tree that reads each entry, finds the
 * tables below, and adds up what it has read.  Both in turns, N rounds (21), on
 * one processor; the medians, and the median of the ratios of neighbours.
 * "fresh": the pages have never been anything; "again": after an unpin.
 * Exit 1 if one passes its limit.
 */
#include <sched.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "hv/core/pv.h"

enum {
	SLOTS = 512,
	L1S = 256,
	PAGES = L1S * SLOTS,
	ROUNDS_MAX = 99,
	ROOT = 1, /* then 2 L3s, 4 L2s, the L1s */
	L3 = 2,
	L2 = 4,
	L1 = 8,
	FREE = L1 + L1S,
};

#define LIMIT 6.0
#define RO    (PTE_PRESENT | PTE_USER)
#define RW    (RO | PTE_RW)

static struct hv_page pages[PAGES];
static uint64_t mem[(size_t)PAGES * SLOTS]; /* only the tables' is touched */
static struct pv pv = {.slots = SLOTS,
	.levels = 4,
	.pages = pages,
	.mem = mem,
	.nr_pages = PAGES};
static struct pv_dom dom = {.id = PAGE_OWNER(1, 1), .bits = 64};
static struct pv_vcpu cpu;
static int rounds = 21;
static uint64_t read_sum;

static void die(const char *what)
{
	fprintf(stderr, "pv_speed: %s\n", what);
	exit(2);
}

static double now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec * 1e9 + (double)ts.tv_nsec;
}

static int by_value(const void *a, const void *b)
{
	const double *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

static double median(double *v)
{
	qsort(v, (size_t)rounds, sizeof(*v), by_value);
	return v[rounds / 2];
}

static uint64_t *slot(unsigned int mfn, unsigned int i)
{
	return &mem[(size_t)mfn * SLOTS + i];
}

static void l1_fill(unsigned int l1, unsigned int first)
{
	unsigned int i, mfn;

	for (i = 0; i < SLOTS; i++) {
		mfn = first + i;
		*slot(l1, i) =
			PTE_OF(mfn, mfn < FREE || mfn % 16 == 5 ? RO : RW);
	}
}

static void tree_build(void)
{
	unsigned int i;

	for (i = 0; i < 2; i++)
		*slot(ROOT, i) = PTE_OF(L3 + i, RW);
	for (i = 0; i < 4; i++)
		*slot(L3 + i / 2, i % 2) = PTE_OF(L2 + i, RW);
	for (i = 0; i < L1S; i++) {
		*slot(L2 + i / 64, i % 64) = PTE_OF(L1 + i, RW);
		/* 97 and 256 have no common factor: each once */
		l1_fill(L1 + i, i * 97 % L1S * SLOTS);
	}
}

static void pages_reset(void)
{
	unsigned int i;

	memset(pages, 0, sizeof(pages));
	dom.pages = 0;
	for (i = 0; i < PAGES; i++) {
		pages[i].count = PAGE_CLAIMED;
		if (page_assign(&cpu, &pages[i], &dom))
			die("no page");
	}
}

/* ---- what is measured ---------------------------------------------------- */

static uint64_t walk(unsigned int mfn, unsigned int level)
{
	const uint64_t *w = slot(mfn, 0);
	uint64_t e, sum = 0;
	unsigned int i;

	for (i = 0; i < SLOTS; i++) {
		e = __atomic_load_n(&w[i], __ATOMIC_RELAXED);
		if (!(e & PTE_PRESENT))
			continue;
		sum += level > 1 ? walk((unsigned int)PTE_MFN(e), level - 1)
				 : e;
	}
	return sum;
}

static double walk_time(void)
{
	double start = now_ns();

	read_sum += walk(ROOT, 4);
	return now_ns() - start;
}

static double pin_time(void)
{
	double start = now_ns();

	cpu.budget = UINT32_MAX;
	if (pv_pin(&cpu, ROOT, 4))
		die("the tree is not promoted");
	return now_ns() - start;
}

static double unpin_time(void)
{
	double start = now_ns();

	cpu.budget = UINT32_MAX;
	if (pv_unpin(&cpu, ROOT) || cpu.pending.page)
		die("the tree is not demoted");
	return now_ns() - start;
}

enum { FRESH, AGAIN, DEMOTION, NR_ROWS };

static const struct row {
	const char *what;
	double limit;
} rows[NR_ROWS] = {
	[FRESH] = {"promotion, fresh", LIMIT},
	[AGAIN] = {"promotion, again", LIMIT},
	[DEMOTION] = {"demotion", 0},
};

static double ns[NR_ROWS][ROUNDS_MAX], ratio[NR_ROWS][ROUNDS_MAX];
static double walked[ROUNDS_MAX];

static void one_round(int i)
{
	double w;
	int k;

	pages_reset();
	(void)walk_time();
	w = walk_time();
	ns[FRESH][i] = pin_time();
	ratio[FRESH][i] = ns[FRESH][i] / w;
	(void)unpin_time();
	w = walk_time();
	ns[AGAIN][i] = pin_time();
	ratio[AGAIN][i] = ns[AGAIN][i] / w;
	w = walk_time();
	ns[DEMOTION][i] = unpin_time();
	ratio[DEMOTION][i] = ns[DEMOTION][i] / w;
	walked[i] = w;
	for (k = 1; k < PAGES; k += PAGES / 7)
		if (PAGE_COUNT(pages[k].type) ||
			PAGE_COUNT(pages[k].count) != 1)
			die("a reference is left");
}

static bool report(void)
{
	double mid = median(walked), r;
	bool ok = true;
	int k;

	printf("%-24s %8s %10s %7s %7s\n", "a tree of 131,334 entries",
		"ns/entry", "entries/s", "ratio", "limit");
	printf("%-24s %8.2f %10.3g\n", "walk that only reads", mid / PAGES,
		1e9 * PAGES / mid);
	for (k = 0; k < NR_ROWS; k++) {
		mid = median(ns[k]);
		r = median(ratio[k]);
		printf("%-24s %8.2f %10.3g %7.2f", rows[k].what, mid / PAGES,
			1e9 * PAGES / mid, r);
		if (rows[k].limit > 0) {
			printf(" %7.2f  %s", rows[k].limit,
				r <= rows[k].limit ? "ok" : "PAST THE LIMIT");
			ok = ok && r <= rows[k].limit;
		}
		putchar('\n');
	}
	return ok;
}

int main(int argc, char **argv)
{
	cpu_set_t one;
	int i;

	if (argc == 3 && strcmp(argv[1], "--rounds") == 0)
		rounds = atoi(argv[2]);
	if (argc % 2 == 0 || rounds < 5 || rounds > ROUNDS_MAX) {
		fprintf(stderr, "usage: pv_speed [--rounds 5..%d]\n",
			ROUNDS_MAX);
		return 2;
	}
	CPU_ZERO(&one);
	CPU_SET(sched_getcpu(), &one);
	sched_setaffinity(0, sizeof(one), &one);
	pv_init(&pv);
	pv_add_dom(&pv, &dom);
	pv_add_vcpu(&pv, &dom, &cpu);
	tree_build();
	for (i = 0; i < rounds; i++)
		one_round(i);
	return !report() || !read_sum;
}
