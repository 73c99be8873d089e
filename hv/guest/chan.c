/* SPDX-License-Identifier: MIT */
/* chan.c - an event channel of the kernel, in its loop */
#include <errno.h>
#include <string.h>

#include <event2/event.h>
#include <talloc.h>

#include "common/log.h"
#include "common/loop.h"
#include "hv/guest/chan.h"

/* Owner: main. */
struct chan {
	struct loop *loop;
	struct hv_port port;
	struct event *ev;
	void (*wake)(void *arg);
	void *arg;
};

static int chan_watch(struct chan *chan);

static void on_port(evutil_socket_t fd, short what, void *arg)
{
	struct chan *chan = arg;
	bool moved;
	int r = hv_port_clear(&chan->port, &moved);

	if (r == 0 && moved)
		r = chan_watch(chan);
	if (r < 0) {
		/* without its hypervisor a kernel has nothing to do */
		log_error(NULL, "chan_lost", "port %u: %s", chan->port.port,
			strerror(-r));
		loop_stop(chan->loop);
		return;
	}
	chan->wake(chan->arg);
}

static int chan_watch(struct chan *chan)
{
	if (chan->ev)
		event_free(chan->ev);
	chan->ev = event_new(loop_base(chan->loop), chan->port.rd,
		EV_READ | EV_PERSIST, on_port, chan);
	if (!chan->ev || event_add(chan->ev, NULL))
		return -ENOMEM;
	return 0;
}

static int chan_destroy(struct chan *chan)
{
	if (chan->ev)
		event_free(chan->ev);
	hv_port_fini(&chan->port);
	return 0;
}

int chan_new(struct chan **chanp, const void *ctx, const struct chan_params *p)
{
	struct chan *chan = talloc_zero(ctx, struct chan);
	int r;

	if (!chan)
		return -ENOMEM;
	chan->loop = p->loop;
	chan->wake = p->wake;
	chan->arg = p->arg;
	r = hv_port_open(&chan->port, p->events, p->op, &p->bind);
	talloc_set_destructor(chan, chan_destroy);
	if (r == 0)
		r = chan_watch(chan);
	if (r < 0) {
		talloc_free(chan);
		return r;
	}
	*chanp = chan;
	return 0;
}

uint32_t chan_port(const struct chan *chan)
{
	return chan->port.port;
}

void chan_kick(void *arg)
{
	struct chan *chan = arg;
	int r = hv_port_notify(&chan->port);

	if (r < 0) {
		log_error(NULL, "chan_lost", "port %u: %s", chan->port.port,
			strerror(-r));
		loop_stop(chan->loop);
		return;
	}
}
