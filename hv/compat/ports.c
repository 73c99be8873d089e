/* SPDX-License-Identifier: MIT */
/* ports.c: the ports of an event channel handle, for many threads. */
#include <errno.h>
#include <sched.h>
#include <stdlib.h>
#include <time.h>

#include "hv/compat/ports.h"

void ports_fini(struct ports *t)
{
	for (int i = 0; i < PORT_CHUNKS; i++)
		free(atomic_load(&t->chunk[i]));
}

struct port *port_get(struct ports *t, uint32_t port)
{
	struct port *chunk;

	if (port >= HVP_EV_PORTS)
		return NULL;
	chunk = atomic_load(&t->chunk[port / PORT_CHUNK]);
	if (!chunk) {
		chunk = calloc(PORT_CHUNK, sizeof(*chunk));
		if (!chunk)
			return NULL;
		atomic_store(&t->chunk[port / PORT_CHUNK], chunk);
	}
	return &chunk[port % PORT_CHUNK];
}

struct port *port_find(struct ports *t, uint32_t port)
{
	struct port *chunk, *p;

	if (port >= HVP_EV_PORTS)
		return NULL;
	chunk = atomic_load_explicit(
		&t->chunk[port / PORT_CHUNK], memory_order_acquire);
	if (!chunk)
		return NULL;
	p = &chunk[port % PORT_CHUNK];
	return atomic_load(&p->state) & PORT_LIVE ? p : NULL;
}

int port_enter(struct port *p)
{
	uint32_t state = atomic_fetch_add(&p->state, 1);

	if ((state & (PORT_LIVE | PORT_FROZEN)) == PORT_LIVE)
		return 0;
	port_leave(p);
	return state & PORT_LIVE ? -EBUSY : -ENOENT;
}

void port_leave(struct port *p)
{
	atomic_fetch_sub(&p->state, 1);
}

/*
 * A user is inside for one system call that does not wait.  Sleep after a
 * while: a thread of higher priority must not keep it from leaving.
 */
static void port_drain(struct port *p)
{
	static const struct timespec moment = {.tv_nsec = 50000};

	for (int i = 0; atomic_load(&p->state) & PORT_USERS; i++) {
		if (i < 100)
			sched_yield();
		else
			nanosleep(&moment, NULL);
	}
}

void port_publish(struct port *p)
{
	atomic_fetch_or(&p->state, PORT_LIVE);
}

void port_retire(struct port *p)
{
	atomic_fetch_and(&p->state, ~PORT_LIVE);
	port_drain(p);
}

void port_freeze(struct port *p)
{
	atomic_fetch_or(&p->state, PORT_FROZEN);
	port_drain(p);
}

void port_thaw(struct port *p)
{
	atomic_fetch_and(&p->state, ~PORT_FROZEN);
}
