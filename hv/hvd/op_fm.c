/* SPDX-License-Identifier: MIT */
/* op_fm.c: foreign memory and resources. */
#include <errno.h>

#include "hv/hvd/session.h"
#include "hv/hvd/vdom.h"

static bool may_map(const struct session *s, uint32_t domid)
{
	return s->only_fm < 0 || s->only_fm == domid;
}

/* Whether a mapping of @domid can succeed at all, before anything is made. */
static int check_target(const struct session *s, uint32_t domid)
{
	struct hv_dom *d = s->vd->d;

	if (!may_map(s, domid))
		return -EPERM;
	if (domid != DOMID_SELF)
		d = hv_dom_find(s->vd->h->hv, domid);
	return d ? hv_may(s->vd->d, HV_OP_MEM_FOREIGN, d) : -ESRCH;
}

int op_fm_map(struct request *r)
{
	static struct segs segs;
	static int32_t errs[HVP_REFS_MAX];
	const struct hvp_fm_map *a = r->args;
	const uint64_t *gfn = r->items;
	struct hv_page_ref p;
	struct session *s = r->s;
	struct held *m;
	uint32_t id, fid;
	int rc;

	if (r->hdr.n == 0)
		return -EINVAL;
	rc = check_target(s, a->domid);
	if (rc)
		return rc;
	rc = held_new(s, HELD_FOREIGN, r->hdr.n, &id);
	if (rc)
		return rc;
	m = &s->held[id];
	m->n = 0;
	segs_init(&segs);
	for (uint32_t i = 0; i < r->hdr.n; i++) {
		errs[i] = hv_mem_foreign(
			s->vd->d, a->domid, gfn[i], a->write, &p, &fid);
		if (errs[i])
			continue;
		m->ids[m->n++] = fid;
		rc = segs_add(&segs, &p);
		if (rc) {
			held_drop(s, id);
			return rc;
		}
	}
	rc = held_note_runs(m, &segs);
	if (rc || !m->n) {
		held_drop(s, id);
		id = HVP_ID_NONE;
	}
	if (rc)
		return rc;
	reply_mapping(&segs, id, 0, errs, r->hdr.n);
	return 0;
}

int op_fm_unmap(struct request *r)
{
	const struct hvp_id *a = r->args;

	if (!held_get(r->s, a->id, HELD_FOREIGN))
		return -EINVAL;
	held_drop(r->s, a->id);
	return 0;
}

int op_fm_resource(struct request *r)
{
	static struct segs segs;
	static struct hv_page_ref pages[HVP_REFS_MAX];
	const struct hvp_fm_resource *a = r->args;
	struct session *s = r->s;
	uint32_t id = 0, size = 0;
	struct held *m;
	int rc;

	if (a->n_frames > HVP_REFS_MAX)
		return -E2BIG;
	if (!may_map(s, a->domid))
		return -EPERM;
	segs_init(&segs);
	if (a->n_frames == 0) {
		rc = hv_mem_resource(s->vd->d, a->domid, a->type, a->id, 0, 0,
			NULL, NULL, &size);
		if (!rc)
			reply_mapping(&segs, size, 0, NULL, 0);
		return rc;
	}
	rc = held_new(s, HELD_FOREIGN, a->n_frames, &id);
	if (rc)
		return rc;
	m = &s->held[id];
	m->n = 0;
	rc = hv_mem_resource(s->vd->d, a->domid, a->type, a->id, a->frame,
		a->n_frames, pages, m->ids, &size);
	if (!rc)
		m->n = a->n_frames;
	for (uint32_t i = 0; i < m->n && !rc; i++)
		rc = segs_add(&segs, &pages[i]);
	if (!rc)
		rc = held_note_runs(m, &segs);
	if (rc) {
		held_drop(s, id);
		return rc;
	}
	reply_mapping(&segs, id, 0, NULL, 0);
	return 0;
}
