/* SPDX-License-Identifier: MIT */
/* notify.c: ports as pipes, and the event page. */
#include "hv/hvd/notify.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/uio.h>
#include <unistd.h>

#include "hv/hvd/share.h"
#include "hv/hvd/vdom.h"

#ifndef F_SEAL_FUTURE_WRITE
#define F_SEAL_FUTURE_WRITE 0x0010
#endif

#define PAGE_BYTES (HVP_EV_PORTS * sizeof(uint32_t))

int event_page_init(struct event_page *p)
{
	void *va;

	p->word = NULL;
	p->fd = memfd_create("hv-events", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	if (p->fd < 0)
		return -ENOMEM;
	if (ftruncate(p->fd, PAGE_BYTES) < 0)
		goto fail;
	va = mmap(
		NULL, PAGE_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED, p->fd, 0);
	if (va == MAP_FAILED)
		goto fail;
	p->word = va;
	if (fcntl(p->fd, F_ADD_SEALS,
		    F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_FUTURE_WRITE |
			    F_SEAL_SEAL) < 0)
		goto fail;
	return 0;
fail:
	event_page_fini(p);
	return -ENOMEM;
}

void event_page_fini(struct event_page *p)
{
	if (p->word)
		munmap(p->word, PAGE_BYTES);
	if (p->fd >= 0)
		close(p->fd);
	p->word = NULL;
	p->fd = -1;
}

static void stamp(struct vdom *vd, uint32_t port)
{
	__atomic_add_fetch(&vd->events.word[port], 1, __ATOMIC_SEQ_CST);
}

static struct vpipe *vpipe_new(void)
{
	struct vpipe *p = calloc(1, sizeof(*p));
	int fd[2];

	if (!p)
		return NULL;
	if (pipe2(fd, O_CLOEXEC | O_NONBLOCK) < 0) {
		free(p);
		return NULL;
	}
	/* one page is 4096 notifications; the rest would be pinned memory */
	fcntl(fd[0], F_SETPIPE_SZ, HVP_PAGE);
	p->rd = fd[0];
	p->wr = fd[1];
	p->refs = 1;
	return p;
}

static struct vpipe *vpipe_ref(struct vpipe *p)
{
	if (p)
		p->refs++;
	return p;
}

static void vpipe_unref(struct vpipe **pp)
{
	struct vpipe *p = *pp;

	*pp = NULL;
	if (!p || --p->refs)
		return;
	close(p->rd);
	close(p->wr);
	free(p);
}

/*
 * The peer writes to the same open file and can clear its O_NONBLOCK, so that
 * write(2) would wait for ever on a full pipe.  This call has the flag in its
 * arguments.  The pipe then refers to the page itself: nothing else is in it.
 */
static void vpipe_fire(struct vpipe *p)
{
	static uint8_t page[HVP_PAGE] __attribute__((aligned(HVP_PAGE)));
	const struct iovec byte = {page, 1};

	/* full means that it is pending already */
	if (vmsplice(p->wr, &byte, 1, SPLICE_F_NONBLOCK) < 0)
		return;
}

struct vport *vport_find(struct vdom *vd, uint32_t port)
{
	if (port >= HVP_EV_PORTS || !vd->ports[port / VDOM_PORT_CHUNK])
		return NULL;
	return vd->ports[port / VDOM_PORT_CHUNK][port % VDOM_PORT_CHUNK];
}

static struct vport **vport_slot(struct vdom *vd, uint32_t port)
{
	struct vport ***chunk = &vd->ports[port / VDOM_PORT_CHUNK];

	if (!*chunk)
		*chunk = calloc(VDOM_PORT_CHUNK, sizeof(**chunk));
	return *chunk ? &(*chunk)[port % VDOM_PORT_CHUNK] : NULL;
}

struct vport *vport_get(struct vdom *vd, uint32_t port, bool two)
{
	struct vport *vp = vport_find(vd, port), **slot;

	if (port >= HVP_EV_PORTS)
		return NULL;
	if (!vd->events.word && event_page_init(&vd->events) < 0)
		return NULL;
	if (!vp) {
		slot = vport_slot(vd, port);
		if (!slot || !share_take(vd, SHARE_PORT))
			return NULL;
		vp = *slot = calloc(1, sizeof(*vp));
		if (!vp) {
			share_put(vd, SHARE_PORT);
			return NULL;
		}
	}
	if (!vp->in)
		vp->in = vpipe_new();
	if (two && !vp->out)
		vp->out = vpipe_new();
	return vp->in && (!two || vp->out) ? vp : NULL;
}

void vport_free(struct vdom *vd, uint32_t port)
{
	struct vport *vp = vport_find(vd, port);

	if (!vp)
		return;
	vpipe_unref(&vp->in);
	vpipe_unref(&vp->out);
	vpipe_unref(&vp->given_in);
	vpipe_unref(&vp->given_out);
	if (vp->owner)
		session_forget_port(vp->owner, port);
	free(vp);
	share_put(vd, SHARE_PORT);
	vd->ports[port / VDOM_PORT_CHUNK][port % VDOM_PORT_CHUNK] = NULL;
	/* whoever still has descriptors must not believe in them */
	stamp(vd, port);
}

void vport_reset(struct vdom *vd, uint32_t port)
{
	vport_free(vd, port);
}

void vports_fini(struct vdom *vd)
{
	for (uint32_t c = 0; c < VDOM_PORT_CHUNKS; c++) {
		if (!vd->ports[c])
			continue;
		for (uint32_t i = 0; i < VDOM_PORT_CHUNK; i++)
			vport_free(vd, c * VDOM_PORT_CHUNK + i);
		free(vd->ports[c]);
		vd->ports[c] = NULL;
	}
}

/* The holder of @vp has descriptors that are no longer the port's. */
static void make_stale(struct vdom *vd, uint32_t port, struct vport *vp)
{
	if (!vp->given_in && !vp->given_out)
		return;
	if (vp->given_in == vp->in && vp->given_out == vp->out)
		return;
	stamp(vd, port);
	if (vp->given_in && vp->given_in != vp->in)
		vpipe_fire(vp->given_in);
}

int notify_bind(
	struct vdom *vd, uint32_t port, struct vdom *rvd, uint32_t rport)
{
	struct vport *a = vport_get(vd, port, false), *b;
	struct vpipe *pa, *pb;

	if (!a)
		return -ENOMEM;
	if (!rvd)
		return 0;
	b = vport_get(rvd, rport, false);
	if (!b)
		return -ENOMEM;
	/* the first bind of an unbound port whose holder has both pipes:
	 * the new end adopts them */
	if (!a->used && !b->used && (!a->out || !b->out) &&
		(a->out || b->out)) {
		struct vport *old = a->out ? a : b, *new = a->out ? b : a;

		vpipe_unref(&new->in);
		new->in = vpipe_ref(old->out);
		new->out = vpipe_ref(old->in);
		goto bound;
	}
	pa = vpipe_new();
	pb = vpipe_new();
	if (!pa || !pb) {
		vpipe_unref(&pa);
		vpipe_unref(&pb);
		return -ENOMEM;
	}
	vpipe_unref(&a->in);
	vpipe_unref(&a->out);
	vpipe_unref(&b->in);
	vpipe_unref(&b->out);
	a->in = pa;
	a->out = vpipe_ref(pb);
	b->in = pb;
	b->out = vpipe_ref(pa);
bound:
	a->used = b->used = true;
	make_stale(vd, port, a);
	make_stale(rvd, rport, b);
	return 0;
}

bool notify_raise(struct vdom *vd, uint32_t port)
{
	struct vport *vp = vport_find(vd, port);

	if (!vp || !vp->in)
		return false;
	vpipe_fire(vp->in);
	return true;
}

void notify_peer(struct vport *vp)
{
	vpipe_fire(vp->out);
}

int notify_give(
	struct vdom *vd, uint32_t port, int fds[2], struct hvp_ev_port *out)
{
	struct vport *vp = vport_find(vd, port);
	int n = 0;

	vpipe_unref(&vp->given_in);
	vpipe_unref(&vp->given_out);
	vp->given_in = vpipe_ref(vp->in);
	vp->given_out = vpipe_ref(vp->out);
	fds[n++] = vp->in->rd;
	if (vp->out)
		fds[n++] = vp->out->wr;
	out->port = port;
	out->stamp = __atomic_load_n(&vd->events.word[port], __ATOMIC_SEQ_CST);
	return n;
}
