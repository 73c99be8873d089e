/* SPDX-License-Identifier: MIT */
/*
 * port.c: one event channel of a session, without a library in between
 *
 * Nothing is lost when the peer binds again: hvd changes the port's word,
 * then makes the old read end readable.  Whoever wakes up finds the new word
 * and takes the new pipe, with all that was written to it.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

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

/* Asks for descriptors; those of before are closed when there are new ones. */
static int port_ask(
	struct hv_port *p, unsigned int op, const struct hvp_ev_bind *bind)
{
	struct hv_fds fds = {0};
	struct hvp_ev_port got;
	int r, flags;

	r = hv_client_ask(p->events->client, op, 0, bind, sizeof(*bind), &got,
		sizeof(got), &fds);
	if (r == 0 && (got.port >= HVP_EV_PORTS || fds.nr < 1 || fds.nr > 2))
		r = -EPROTO;
	if (r == 0) {
		flags = fcntl(fds.fd[0], F_GETFL);
		if (flags < 0 ||
			fcntl(fds.fd[0], F_SETFL, flags | O_NONBLOCK) < 0)
			r = -errno;
	}
	if (r < 0) {
		hv_fds_close(&fds);
		return r;
	}
	hv_port_fini(p);
	p->port = got.port;
	p->stamp = got.stamp;
	p->rd = fds.fd[0];
	p->wr = fds.nr > 1 ? fds.fd[1] : -1;
	return 0;
}

int hv_port_open(struct hv_port *p, struct hv_events *e, unsigned int op,
	const struct hvp_ev_bind *bind)
{
	*p = (struct hv_port){.events = e, .rd = -1, .wr = -1};
	return port_ask(p, op, bind);
}

static int port_refresh(struct hv_port *p)
{
	const struct hvp_ev_bind bind = {.port = p->port};

	return port_ask(p, HVP_EV_REFRESH, &bind);
}

int hv_port_notify(struct hv_port *p)
{
	const char byte = 1;
	int r;

	if (port_word(p) != p->stamp) {
		r = port_refresh(p);
		if (r < 0)
			return r;
	}
	if (p->wr < 0)
		return 0;
	while (write(p->wr, &byte, 1) < 0)
		if (errno != EINTR)
			return errno == EAGAIN ? 0 : -errno;
	return 0;
}

int hv_port_clear(struct hv_port *p, bool *moved)
{
	char bytes[4096];
	ssize_t n;

	*moved = false;
	do
		n = read(p->rd, bytes, sizeof(bytes));
	while (n < 0 && errno == EINTR);
	if (port_word(p) == p->stamp)
		return 0;
	*moved = true;
	return port_refresh(p);
}
