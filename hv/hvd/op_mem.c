/* SPDX-License-Identifier: MIT */
/* op_mem.c: a domain's own memory: pages, page tables, what they map. */
#include <errno.h>

#include "hv/hvd/session.h"
#include "hv/hvd/vdom.h"

static int add_own(struct segs *segs, const struct hv_page_ref *p)
{
	int rc = segs_add(segs, p);

	if (!rc)
		window_to_owner(p->run);
	return rc;
}

/* A domain's own pages, for its kernel: what a real kernel has by birth. */
int op_mem_map_own(struct request *r)
{
	static struct segs segs;
	const struct hvp_gfn *g = r->items;
	struct hv_page_ref p;
	uint64_t total = 0;
	int rc;

	segs_init(&segs);
	for (uint32_t i = 0; i < r->hdr.n; i++) {
		/* one segment per run needs no page by page answer, but each
		 * page must be there: bound the work of one request */
		if (g[i].count > HVP_OWN_MAX ||
			(total += g[i].count) > HVP_OWN_MAX)
			return -E2BIG;
		for (uint64_t k = 0; k < g[i].count; k++) {
			rc = hv_mem_lookup(r->s->vd->d, g[i].gfn + k, &p);
			if (!rc)
				rc = add_own(&segs, &p);
			if (rc)
				return rc;
		}
	}
	reply_mapping(&segs, 0, 0, NULL, 0);
	return 0;
}

int op_mem_split(struct request *r)
{
	static struct segs segs;
	const struct hvp_gfn *a = r->args;
	struct hv_page_ref p;
	int rc = hv_mem_split(r->s->vd->d, a->gfn, &p);

	vdom_split_done(r->s->vd, a->gfn);
	if (rc && rc != -EALREADY)
		return rc;
	segs_init(&segs);
	rc = add_own(&segs, &p);
	if (rc)
		return rc;
	reply_mapping(&segs, 0, 0, NULL, 0);
	return 0;
}

/* The page that is there now, which its owner can map for reading. */
int op_mem_table(struct request *r)
{
	const struct hvp_gfn *a = r->args;
	struct hv_page_ref p;
	struct hvp_table *o;
	uint64_t mfn;
	int rc;

	if (a->count != 1)
		return -EINVAL;
	rc = hv_mem_table(r->s->vd->d, a->gfn, &mfn);
	if (!rc)
		rc = hv_mem_lookup(r->s->vd->d, a->gfn, &p);
	if (rc)
		return rc;
	o = reply_put(sizeof(*o));
	o->mfn = mfn;
	o->page = p.page;
	reply_fd(window_to_owner(p.run));
	return 0;
}

int op_mem_mfn(struct request *r)
{
	uint64_t *mfn = reply_put(r->hdr.n * sizeof(*mfn));
	const uint64_t *gfn = r->items;

	for (uint32_t i = 0; i < r->hdr.n; i++)
		if (hv_mem_mfn(r->s->vd->d, gfn[i], &mfn[i]))
			mfn[i] = HVP_MFN_NONE;
	reply_items(r->hdr.n);
	return 0;
}

static int va_how(const struct hvp_va *a, unsigned int *how)
{
	if (a->user > 1 || a->len > HVP_VA_MAX)
		return -EINVAL;
	*how = a->user ? HV_ACCESS_USER : 0;
	return 0;
}

int op_mem_read(struct request *r)
{
	const struct hvp_va *a = r->args;
	unsigned int how;
	int rc = va_how(a, &how);

	if (rc)
		return rc;
	return hv_mem_access(
		r->s->vd->d, a->va, reply_put(a->len), a->len, how);
}

int op_mem_write(struct request *r)
{
	const struct hvp_va *a = r->args;
	unsigned int how;
	int rc = va_how(a, &how);

	if (rc)
		return rc;
	if (r->rest_len != a->len)
		return -EINVAL;
	return hv_mem_access(r->s->vd->d, a->va, (void *)(uintptr_t)r->rest,
		a->len, how | HV_ACCESS_WRITE);
}
