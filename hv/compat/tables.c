/* SPDX-License-Identifier: MIT */
/* tables.c: pages for page tables, from inside a PV domain */
#include <errno.h>
#include <sys/mman.h>

#include "hv/compat/tables.h"

int hv_mfns(struct hv_client *c, const uint64_t *gfn, uint64_t *mfn,
	unsigned int nr)
{
	if (nr > HVP_REFS_MAX)
		return -E2BIG;
	return hv_client_ask(c, HVP_MEM_MFN, nr, gfn, nr * sizeof(*gfn), mfn,
		nr * sizeof(*mfn), NULL);
}

int hv_table_get(
	struct hv_client *c, uint64_t gfn, uint64_t *mfn, const uint64_t **va)
{
	const struct hvp_gfn ask = {.gfn = gfn, .count = 1};
	struct hvp_table got;
	struct hv_fds fds = {0};
	void *p = NULL;
	int r = hv_client_ask(c, HVP_MEM_TABLE, 0, &ask, sizeof(ask), &got,
		sizeof(got), &fds);

	if (r == 0 && fds.nr != 1)
		r = -EPROTO;
	if (r == 0 && va) {
		p = mmap(NULL, HVP_PAGE, PROT_READ, MAP_SHARED, fds.fd[0],
			(off_t)got.page * HVP_PAGE);
		if (p == MAP_FAILED)
			r = -errno;
	}
	hv_fds_close(&fds);
	if (r)
		return r;
	*mfn = got.mfn;
	if (va)
		*va = p;
	return 0;
}

int hv_va_read(
	struct hv_client *c, uint64_t va, void *buf, uint32_t len, bool user)
{
	const struct hvp_va ask = {.va = va, .len = len, .user = user};

	return hv_client_ask(
		c, HVP_MEM_READ, 0, &ask, sizeof(ask), buf, len, NULL);
}

int hv_va_write(struct hv_client *c, uint64_t va, const void *buf, uint32_t len,
	bool user)
{
	struct hvp_va ask = {.va = va, .len = len, .user = user};
	const struct iovec req[] = {
		{&ask, sizeof(ask)},
		{(void *)(uintptr_t)buf, len},
	};
	struct hv_exchange x = {.op = HVP_MEM_WRITE, .req = req, .req_nr = 2};

	return hv_client_exchange(c, &x);
}
