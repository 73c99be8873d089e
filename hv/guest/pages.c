/* SPDX-License-Identifier: MIT */
/* pages.c - the pages of the domain that its kernel uses itself */
#include <assert.h>
#include <errno.h>
#include <stddef.h>
#include <sys/mman.h>

#include "hv/guest/pages.h"

/* One page from hvd, mapped at @at, or anywhere. */
static int page_get(
	struct pages *p, unsigned int op, uint64_t gfn, void *at, void **va)
{
	const struct hvp_gfn req = {.gfn = gfn, .count = 1};
	struct {
		struct hvp_mapping m;
		struct hvp_seg seg;
	} rep;
	struct hv_fds fds = {0};
	int r;

	static_assert(sizeof(rep) == sizeof(rep.m) + sizeof(rep.seg), "wire");
	r = hv_client_ask(p->client, op, op == HVP_MEM_MAP_OWN, &req,
		sizeof(req), &rep, sizeof(rep), &fds);
	if (r == 0 && (rep.m.n_seg != 1 || fds.nr != 1 || rep.seg.fd))
		r = -EPROTO;
	if (r == 0) {
		*va = mmap(at, HVP_PAGE, PROT_READ | PROT_WRITE,
			MAP_SHARED | (at ? MAP_FIXED : 0), fds.fd[0],
			(off_t)rep.seg.page * HVP_PAGE);
		if (*va == MAP_FAILED)
			r = -errno;
	}
	hv_fds_close(&fds);
	return r;
}

int pages_map(struct pages *p, uint64_t gfn, void **va)
{
	int r;

	if (p->nr == PAGES_MAX)
		return -ENOSPC;
	r = page_get(p, HVP_MEM_MAP_OWN, gfn, NULL, va);
	if (r < 0)
		return r;
	p->page[p->nr].gfn = gfn;
	p->page[p->nr++].va = *va;
	return 0;
}

int pages_split(struct pages *p, uint64_t gfn)
{
	void *at = NULL, *va;
	int r;

	for (unsigned int i = 0; i < p->nr; i++)
		if (p->page[i].gfn == gfn)
			at = p->page[i].va;
	r = page_get(p, HVP_MEM_SPLIT, gfn, at, &va);
	if (r == 0 && !at)
		munmap(va, HVP_PAGE);
	return r;
}
