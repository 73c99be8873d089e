/* SPDX-License-Identifier: MIT */
/* op_gnt.c: a session's grant mappings, copies and shared pages. */
#include <errno.h>
#include <stdlib.h>

#include "hv/core/grant.h"
#include "hv/hvd/notify.h"
#include "hv/hvd/session.h"
#include "hv/hvd/vdom.h"

/* --- held objects ------------------------------------------------------
 *
 * Each is backed by something of the engine that is limited per domain (a
 * mapping, a foreign reference, a run), so their number is: what holds
 * nothing is not kept.
 */

int held_new(struct session *s, enum held_kind kind, uint32_t n, uint32_t *id)
{
	uint32_t i, max;
	struct held *p;

	for (i = s->free_held; i < s->n_held; i++)
		if (s->held[i].kind == HELD_NONE)
			break;
	if (i == s->n_held) {
		max = s->n_held ? s->n_held * 2 : 8;
		p = realloc(s->held, max * sizeof(*p));
		if (!p)
			return -ENOMEM;
		for (uint32_t k = s->n_held; k < max; k++)
			p[k] = (struct held){.kind = HELD_NONE};
		s->held = p;
		s->n_held = max;
	}
	s->held[i] = (struct held){.kind = kind, .n = n};
	s->held[i].ids = calloc(n ? n : 1, sizeof(uint32_t));
	if (!s->held[i].ids) {
		s->held[i].kind = HELD_NONE;
		return -ENOMEM;
	}
	s->free_held = i + 1;
	*id = i;
	return 0;
}

struct held *held_get(struct session *s, uint32_t id, enum held_kind kind)
{
	if (id >= s->n_held || s->held[id].kind != kind)
		return NULL;
	return &s->held[id];
}

/* Any session of the owner may take the page away by hypercall: what the
 * farewell writes to must stay. */
static void held_first(struct held *m, struct hv_page_ref page)
{
	hv_run_hold(page.run);
	m->first = page;
}

static void held_let_go(struct held *m)
{
	struct hv_run *run = m->first.run;

	m->first.run = NULL;
	if (run)
		hv_run_put(run);
}

static void held_free(struct session *s, uint32_t id)
{
	held_let_go(&s->held[id]);
	free(s->held[id].ids);
	free(s->held[id].runs);
	s->held[id] = (struct held){.kind = HELD_NONE};
	if (id < s->free_held)
		s->free_held = id;
}

/* The farewell that the holder asked for: gntdev.h, gntalloc.h. */
static void notify_end(struct session *s, struct held *m)
{
	const struct hvp_notify *n = &m->notify;

	if ((n->action & HVP_NOTIFY_CLEAR_BYTE) && m->first.run)
		__atomic_store_n(m->first.run->va +
					 (size_t)m->first.page * HV_PAGE_SIZE +
					 n->offset,
			0, __ATOMIC_SEQ_CST);
	if (n->action & HVP_NOTIFY_SEND_EVENT) {
		struct vport *vp = vport_find(s->vd, n->port);

		/* the port may be another handle's and closed by now: as on
		 * Linux, nobody is told then */
		if (vp && vp->out)
			notify_peer(vp);
	}
	m->notify.action = 0;
}

static void drop_grants(struct session *s, struct held *m)
{
	for (uint32_t i = 0; i < m->n; i++) {
		struct hv_gnt_unmap op = {
			.handle = m->ids[i],
			.addr = m->addr + (uint64_t)i * HV_PAGE_SIZE,
		};

		hv_gnt_unmap(s->vd->d, &op);
	}
}

/*
 * A shared page that its peer still has mapped stays granted: the entry is
 * busy.  Its frame leaves the domain all the same, so that it is freed with
 * the peer's last mapping; the entry itself is swept later, by whoever
 * allocates next, and at the domain's end.
 */
static void drop_share(struct session *s, struct held *m)
{
	struct hv_run *run = m->first.run;

	/* a run goes with its last page; with a hold on it the page would be
	 * wiped first, and a program may have it mapped for longer than the
	 * session lasts (a closed handle).  Below, @run is a name only. */
	held_let_go(m);
	session_leave_run(s, m->n ? run : NULL, m->n, m->gfn);
	for (uint32_t i = 0; i < m->n; i++) {
		if (hv_gnt_end(s->vd->d, m->ids[i]) == -EBUSY)
			vdom_defer_end(s->vd, m->ids[i]);
		session_remove_page(s, run, i, m->gfn + i);
	}
}

void held_release(struct session *s, uint32_t id)
{
	struct held *m = &s->held[id];

	notify_end(s, m);
	switch (m->kind) {
	case HELD_NONE: break;
	case HELD_GRANTS: drop_grants(s, m); break;
	case HELD_SHARE: drop_share(s, m); break;
	case HELD_FOREIGN:
		for (uint32_t i = 0; i < m->n; i++)
			if (hv_mem_foreign_put(s->vd->d, m->ids[i]) < 0)
				vdom_log(s->vd, "foreign map is gone");
		break;
	}
	m->n = 0;
	m->n_runs = 0;
	held_let_go(m);
}

void held_drop(struct session *s, uint32_t id)
{
	if (s->held[id].kind == HELD_NONE)
		return;
	held_release(s, id);
	held_free(s, id);
}

void held_forget(struct session *s, uint32_t id)
{
	if (s->held[id].kind == HELD_NONE)
		return;
	notify_end(s, &s->held[id]);
	held_free(s, id);
}

int held_note_runs(struct held *m, const struct segs *segs)
{
	m->runs = calloc(segs->n_fd ? segs->n_fd : 1, sizeof(*m->runs));
	if (!m->runs)
		return -ENOMEM;
	m->n_runs = segs->n_fd;
	for (uint32_t i = 0; i < segs->n_fd; i++) {
		m->runs[i].ino = window_inode(segs->run[i]);
		m->runs[i].gen = segs->run[i]->gen;
	}
	return 0;
}

void reply_mapping(const struct segs *segs, uint32_t id, int16_t status,
	const int32_t *errs, uint32_t n_errs)
{
	struct hvp_mapping *o = reply_put(sizeof(*o));
	int32_t *e = reply_put(n_errs * sizeof(*e));
	struct hvp_seg *g = reply_put(segs->n_seg * sizeof(*g));

	o->id = id;
	o->status = status;
	o->n_seg = segs->n_seg;
	for (uint32_t i = 0; i < n_errs; i++)
		e[i] = errs[i];
	for (uint32_t i = 0; i < segs->n_seg; i++)
		g[i] = segs->seg[i];
	for (uint32_t i = 0; i < segs->n_fd; i++)
		reply_fd(segs->fd[i]);
	reply_items(n_errs);
}

/* --- mapping ----------------------------------------------------------- */

/* What gntdev makes of a status. */
static int status_errno(int16_t status)
{
	switch (status) {
	case GNTST_okay: return 0;
	case GNTST_eagain: return -EAGAIN;
	case GNTST_no_space: return -ENOSPC;
	case GNTST_permission_denied: return -EPERM;
	default: return -EINVAL;
	}
}

static int16_t map_one(struct session *s, const struct hvp_gref *g,
	uint64_t addr, bool write, uint32_t *handle, struct segs *segs,
	int *err, struct hv_page_ref *page)
{
	struct hv_gnt_map op = {
		.domid = g->domid,
		.ref = g->ref,
		.flags = GNTMAP_host_map | (write ? 0 : GNTMAP_readonly),
		.addr = addr,
	};
	struct hv_gnt_unmap undo = {.addr = addr};

	hv_gnt_map(s->vd->d, &op);
	if (op.status != GNTST_okay)
		return op.status;
	*err = window_to_grantee(op.page.run, op.ro_entry);
	if (!*err)
		*err = segs_add(segs, &op.page);
	if (!*err) {
		*handle = op.handle;
		*page = op.page;
		return GNTST_okay;
	}
	undo.handle = op.handle;
	hv_gnt_unmap(s->vd->d, &undo);
	return GNTST_general_error;
}

int op_gnt_map(struct request *r)
{
	static struct segs segs;
	const struct hvp_gnt_map *a = r->args;
	const struct hvp_gref *g = r->items;
	struct hv_page_ref page;
	int16_t st = GNTST_okay;
	struct held *m;
	uint32_t id;
	int err;

	if (r->hdr.n == 0)
		return -EINVAL;
	err = held_new(r->s, HELD_GRANTS, r->hdr.n, &id);
	if (err)
		return err;
	m = &r->s->held[id];
	m->addr = a->addr;
	m->writable = a->write;
	segs_init(&segs);
	for (m->n = 0; m->n < r->hdr.n; m->n++) {
		st = map_one(r->s, &g[m->n],
			a->addr + (uint64_t)m->n * HV_PAGE_SIZE, a->write,
			&m->ids[m->n], &segs, &err, &page);
		if (st != GNTST_okay)
			break;
		if (m->n == 0)
			held_first(m, page);
	}
	if (st == GNTST_okay)
		err = held_note_runs(m, &segs);
	if (st != GNTST_okay || err) {
		held_drop(r->s, id);
		return err ? err : status_errno(st);
	}
	reply_mapping(&segs, id, GNTST_okay, NULL, 0);
	return 0;
}

int op_gnt_unmap(struct request *r)
{
	const struct hvp_id *a = r->args;

	if (!held_get(r->s, a->id, HELD_GRANTS))
		return -EINVAL;
	held_drop(r->s, a->id);
	return 0;
}

/* --- copying ----------------------------------------------------------- */

/* All of its pages are where they were: a program may have removed them by
 * hypercall, and then other memory can be there. */
static bool arena_is_whole(const struct session *s)
{
	struct hv_page_ref p;

	for (uint32_t i = 0; i < HVP_ARENA_PAGES; i++)
		if (hv_mem_lookup(s->vd->d, s->arena_gfn + i, &p) ||
			p.run != s->arena || p.page != i)
			return false;
	return true;
}

int op_gnt_arena(struct request *r)
{
	struct session *s = r->s;
	struct hvp_arena *o;
	uint64_t gfn = HV_INVALID_GFN;
	int rc;

	if (s->arena_gfn == HV_INVALID_GFN) {
		rc = hv_mem_populate(s->vd->d, HV_RUN_SHARE, HVP_ARENA_PAGES,
			&gfn, &s->arena);
		if (rc)
			return rc;
		s->arena_gfn = gfn;
		hv_run_hold(s->arena);
	}
	if (!arena_is_whole(s))
		return -EIO;
	o = reply_put(sizeof(*o));
	o->gfn = s->arena_gfn;
	o->pages = HVP_ARENA_PAGES;
	reply_fd(window_to_owner(s->arena));
	return 0;
}

static bool copy_ptr(const struct session *s, const struct hvp_copy_ptr *p,
	struct hv_gnt_copy_ptr *o)
{
	o->is_ref = p->is_ref;
	o->offset = p->offset;
	if (p->is_ref) {
		o->domid = p->domid;
		o->ref = p->ref;
		return true;
	}
	if (s->arena_gfn == HV_INVALID_GFN || p->ref >= HVP_ARENA_PAGES)
		return false;
	o->domid = DOMID_SELF;
	o->gfn = s->arena_gfn + p->ref;
	return true;
}

int op_gnt_copy(struct request *r)
{
	const struct hvp_copy *c = r->items;
	int16_t *st = reply_put(r->hdr.n * sizeof(*st));

	for (uint32_t i = 0; i < r->hdr.n; i++) {
		struct hv_gnt_copy op = {.len = c[i].len};

		if (copy_ptr(r->s, &c[i].source, &op.source) &&
			copy_ptr(r->s, &c[i].dest, &op.dest))
			hv_gnt_copy(r->s->vd->d, &op);
		else
			op.status = GNTST_bad_page;
		st[i] = op.status;
	}
	reply_items(r->hdr.n);
	return 0;
}

/* --- sharing ----------------------------------------------------------- */

static int grant_pages(struct session *s, struct held *m, bool ro)
{
	int rc = 0;
	uint32_t i;

	for (i = 0; i < m->n && !rc; i++)
		rc = hv_gnt_alloc(
			s->vd->d, m->peer, m->gfn + i, ro, &m->ids[i]);
	if (!rc)
		return 0;
	for (i--; i-- > 0;)
		if (hv_gnt_end(s->vd->d, m->ids[i]) < 0)
			vdom_defer_end(s->vd, m->ids[i]);
	return rc;
}

int op_gnt_share(struct request *r)
{
	const struct hvp_gnt_share *a = r->args;
	struct session *s = r->s;
	uint64_t gfn = HV_INVALID_GFN;
	struct hvp_share *o;
	struct hv_run *run;
	struct held *m;
	uint32_t id, *refs;
	int rc;

	if (a->count == 0 || a->count > HVP_SHARE_MAX)
		return -EINVAL;
	vdom_end_deferred(s->vd);
	rc = held_new(s, HELD_SHARE, a->count, &id);
	if (rc)
		return rc;
	m = &s->held[id];
	rc = hv_mem_populate(s->vd->d, HV_RUN_SHARE, a->count, &gfn, &run);
	if (rc) {
		held_free(s, id);
		return rc;
	}
	m->gfn = gfn;
	m->peer = a->domid;
	m->writable = true;
	held_first(m, (struct hv_page_ref){run, 0});
	window_hold(run, !a->write);
	rc = grant_pages(s, m, !a->write);
	if (rc) {
		for (uint32_t i = 0; i < a->count; i++)
			session_remove_page(s, run, i, gfn + i);
		m->n = 0;
		held_drop(s, id);
		return rc;
	}
	o = reply_put(sizeof(*o));
	o->id = id;
	o->count = a->count;
	o->gfn = gfn;
	refs = reply_put(a->count * sizeof(*refs));
	for (uint32_t i = 0; i < a->count; i++)
		refs[i] = m->ids[i];
	reply_items(a->count);
	reply_fd(window_to_owner(run));
	return 0;
}

/* The owner of a read-only share has its mapping: others may come now. */
int op_gnt_share_ready(struct request *r)
{
	const struct hvp_id *a = r->args;
	struct held *m = held_get(r->s, a->id, HELD_SHARE);

	if (!m)
		return -EINVAL;
	window_hold(m->first.run, false);
	return 0;
}

int op_gnt_unshare(struct request *r)
{
	const struct hvp_id *a = r->args;

	if (!held_get(r->s, a->id, HELD_SHARE))
		return -EINVAL;
	held_drop(r->s, a->id);
	return 0;
}

int op_gnt_notify(struct request *r)
{
	const struct hvp_notify *a = r->args;
	struct held *m = held_get(r->s, a->id, HELD_GRANTS);
	struct vport *vp;
	uint32_t size;

	if (!m)
		m = held_get(r->s, a->id, HELD_SHARE);
	if (!m ||
		(a->action & ~(HVP_NOTIFY_CLEAR_BYTE | HVP_NOTIFY_SEND_EVENT)))
		return -EINVAL;
	/* only a share is one run from end to end: the second page of a
	 * mapping may lie anywhere */
	size = m->kind == HELD_SHARE ? m->n * HV_PAGE_SIZE : HV_PAGE_SIZE;
	if ((a->action & HVP_NOTIFY_CLEAR_BYTE) &&
		(a->offset >= size || !m->n || !m->writable))
		return -EINVAL;
	vp = vport_find(r->s->vd, a->port);
	if ((a->action & HVP_NOTIFY_SEND_EVENT) && (!vp || !vp->owner))
		return -EINVAL;
	m->notify = *a;
	return 0;
}
