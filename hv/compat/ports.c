/* SPDX-License-Identifier: MIT */
/* ports.c: the ports of an event channel handle, for many threads. */
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
