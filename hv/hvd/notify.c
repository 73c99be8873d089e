/* SPDX-License-Identifier: MIT */
/* notify.c: ports as doorbells, and the event page. */
#include "hv/hvd/notify.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <unistd.h>

#include "hv/hvd/later.h"
#include "hv/hvd/session.h"
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

static void bell_close(struct bell *b)
{
	if (b->set >= 0)
		close(b->set);
	if (b->peer >= 0)
		close(b->peer);
	if (b->own >= 0)
		close(b->own);
	free(b);
}

/*
 * Edge-triggered: an event is that somebody rang, not what is in the counter,
 * which nobody ever reads and which only its one writer could fill.
 */
static bool bell_add(struct bell *b, int fd)
{
	struct epoll_event ev = {.events = EPOLLIN | EPOLLET, .data.fd = fd};

	return fd >= 0 && epoll_ctl(b->set, EPOLL_CTL_ADD, fd, &ev) == 0;
}

static struct bell *bell_new(void)
{
	struct bell *b = calloc(1, sizeof(*b));

	if (!b)
		return NULL;
	b->refs = 1;
	b->set = epoll_create1(EPOLL_CLOEXEC);
	b->peer = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	b->own = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (b->set >= 0 && bell_add(b, b->peer) && bell_add(b, b->own))
		return b;
	bell_close(b);
	return NULL;
}

static struct bell *bell_ref(struct bell *b)
{
	if (b)
		b->refs++;
	return b;
}

static void bell_unref(struct bell **bp)
{
	struct bell *b = *bp;

	*bp = NULL;
	if (b && --b->refs == 0)
		bell_close(b);
}

static void bell_ring(struct bell *b)
{
	if (eventfd_write(b->own, 1) < 0)
		hvd_log("ring: %s", strerror(errno));
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
		vp->in = bell_new();
	if (two && !vp->out)
		vp->out = bell_new();
	return vp->in && (!two || vp->out) ? vp : NULL;
}

void vport_free(struct vdom *vd, uint32_t port)
{
	struct vport *vp = vport_find(vd, port);

	if (!vp)
		return;
	hypercall_spend(COST_PORT);
	bell_unref(&vp->in);
	bell_unref(&vp->out);
	bell_unref(&vp->given_in);
	bell_unref(&vp->given_out);
	if (vp->owner)
		session_forget_port(vp->owner, port);
	free(vp);
	share_put(vd, SHARE_PORT);
	vd->ports[port / VDOM_PORT_CHUNK][port % VDOM_PORT_CHUNK] = NULL;
	/* whoever still has descriptors must not believe in them */
	stamp(vd, port);
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
		bell_ring(vp->given_in);
}

int notify_bind(
	struct vdom *vd, uint32_t port, struct vdom *rvd, uint32_t rport)
{
	struct vport *a = vport_get(vd, port, false), *b;
	struct bell *pa, *pb;

	if (!a)
		return -ENOMEM;
	if (!rvd)
		return 0;
	b = vport_get(rvd, rport, false);
	if (!b)
		return -ENOMEM;
	/* the first bind of an unbound port whose holder has both:
	 * the new end adopts them */
	if (!a->used && !b->used && (!a->out || !b->out) &&
		(a->out || b->out)) {
		struct vport *old = a->out ? a : b, *new = a->out ? b : a;

		bell_unref(&new->in);
		new->in = bell_ref(old->out);
		new->out = bell_ref(old->in);
		goto bound;
	}
	pa = bell_new();
	pb = bell_new();
	if (!pa || !pb) {
		bell_unref(&pa);
		bell_unref(&pb);
		return -ENOMEM;
	}
	bell_unref(&a->in);
	bell_unref(&a->out);
	bell_unref(&b->in);
	bell_unref(&b->out);
	a->in = pa;
	a->out = bell_ref(pb);
	b->in = pb;
	b->out = bell_ref(pa);
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
	bell_ring(vp->in);
	return true;
}

void notify_peer(struct vport *vp)
{
	bell_ring(vp->out);
}

int notify_give(struct vdom *vd, uint32_t port, uint32_t flags, int fds[2],
	struct hvp_ev_port *out)
{
	struct vport *vp = vport_find(vd, port);
	int n = 0;

	bell_unref(&vp->given_out);
	if (!(flags & HVP_EV_RING_ONLY)) {
		if ((flags & HVP_EV_WAKE) && vp->given_in != vp->in)
			bell_ring(vp->in);
		bell_unref(&vp->given_in);
		vp->given_in = bell_ref(vp->in);
	}
	vp->given_out = bell_ref(vp->out);
	fds[n++] = vp->in->set;
	if (vp->out)
		fds[n++] = vp->out->peer;
	out->port = port;
	out->stamp = __atomic_load_n(&vd->events.word[port], __ATOMIC_SEQ_CST);
	return n;
}
