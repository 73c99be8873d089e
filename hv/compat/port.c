/* SPDX-License-Identifier: MIT */
/*
 * port.c: one event channel of a session, without a library in between
 *
 * Nothing is lost when the peer binds again: hvd changes the port's word,
 * then rings the old doorbell.  Whoever wakes up finds the new word and takes
 * the new doorbell, which may have rung already.
 */
#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "hv/compat/bell.h"
#include "hv/compat/port.h"

#define EVENTS_LEN (HVP_EV_PORTS * sizeof(uint32_t))

int hv_events_init(struct hv_events *e, struct hv_client *client)
{
	struct hv_fds fds = {0};
	void *page;
	int r;

	*e = (struct hv_events){.client = client};
	r = hv_client_ask(client, HVP_EV_OPEN, 0, NULL, 0, NULL, 0, &fds);
	if (r == 0 && fds.nr != 1)
		r = -EPROTO;
	if (r == 0) {
		page = mmap(
			NULL, EVENTS_LEN, PROT_READ, MAP_SHARED, fds.fd[0], 0);
		if (page == MAP_FAILED)
			r = -errno;
		else
			e->page = page;
	}
	hv_fds_close(&fds);
	return r;
}

void hv_events_fini(struct hv_events *e)
{
	if (e->page)
		munmap((void *)(uintptr_t)e->page, EVENTS_LEN);
	e->page = NULL;
}

static uint32_t port_word(const struct hv_port *p)
{
	return __atomic_load_n(&p->events->page[p->port], __ATOMIC_ACQUIRE);
}

void hv_port_fini(struct hv_port *p)
{
	if (p->rd >= 0)
		close(p->rd);
	if (p->wr >= 0)
		close(p->wr);
	p->rd = p->wr = -1;
}

/*
 * Asks for descriptors; those of before are closed when there are new ones.
 * With HVP_EV_RING_ONLY what we wait on stays as it is.
 */
static int port_ask(
	struct hv_port *p, unsigned int op, const struct hvp_ev_bind *bind)
{
	const bool ring_only =
		op == HVP_EV_REFRESH && (bind->domid & HVP_EV_RING_ONLY);
	struct hv_fds fds = {0};
	struct hvp_ev_port got;
	int r;

	r = hv_client_ask(p->events->client, op, 0, bind, sizeof(*bind), &got,
		sizeof(got), &fds);
	if (r == 0 && (got.port >= HVP_EV_PORTS || fds.nr < 1 || fds.nr > 2))
		r = -EPROTO;
	if (r < 0) {
		hv_fds_close(&fds);
		return r;
	}
	if (p->wr >= 0)
		close(p->wr);
	p->wr = fds.nr > 1 ? fds.fd[1] : -1;
	p->wr_stamp = got.stamp;
	if (ring_only) {
		close(fds.fd[0]);
		return 0;
	}
	if (p->rd >= 0)
		close(p->rd);
	p->port = got.port;
	p->rd = fds.fd[0];
	p->stamp = got.stamp;
	return 0;
}

int hv_port_open(struct hv_port *p, struct hv_events *e, unsigned int op,
	const struct hvp_ev_bind *bind)
{
	*p = (struct hv_port){.events = e, .rd = -1, .wr = -1};
	return port_ask(p, op, bind);
}

static int port_refresh(struct hv_port *p, uint32_t flags)
{
	const struct hvp_ev_bind bind = {.domid = flags, .port = p->port};

	return port_ask(p, HVP_EV_REFRESH, &bind);
}

int hv_port_notify(struct hv_port *p)
{
	int r;

	if (port_word(p) != p->wr_stamp) {
		r = port_refresh(p, HVP_EV_RING_ONLY);
		if (r < 0)
			return r;
	}
	return p->wr < 0 || bell_ring(p->wr) ? 0 : -errno;
}

int hv_port_clear(struct hv_port *p, bool *moved)
{
	*moved = false;
	bell_take(p->rd);
	if (port_word(p) == p->stamp)
		return 0;
	*moved = true;
	return port_refresh(p, 0);
}
