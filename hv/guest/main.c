/* SPDX-License-Identifier: MIT */
/*
 * main.c - hv-kernel, the kernel process of a domain on hv
 *
 * DOC: The kernel process
 *
 * What a domain's kernel does on Xen and its processes cannot: it owns the
 * rings which the toolstack made for the domain, of the store and of the
 * console, and it hears when the domain is to shut down.  It serves its
 * domain only; what it trusts is hvd and dom0.
 *
 * The control domain is started by nobody's toolstack: its kernel makes the
 * store's page and port itself and says where they are in /proc/xen, as the
 * first domain of a Xen host does.
 *
 * hv-init starts it (hv/proto/birth.h), and hvd ends it.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

/* the current interface, not the one of Xen 3.0 */
#ifndef __XEN_TOOLS__
#define __XEN_TOOLS__ 1
#endif
#include <xen/xen.h>
#include <xen/hvm/hvm_op.h>
#include <xen/hvm/params.h>
#include <xen/sched.h>

#include <event2/event.h>
#include <talloc.h>

#include "common/log.h"
#include "common/loop.h"
#include "hv/compat/hcall.h"
#include "hv/guest/chan.h"
#include "hv/guest/console.h"
#include "hv/guest/pages.h"
#include "hv/guest/power.h"
#include "hv/guest/xenbus.h"
#include "hv/init/confine.h"
#include "hv/proto/birth.h"

#define XENBUS_PATH "/dev/xen/xenbus"
#define XENBUS_ENV  "HV_XENBUS" /* instead, where there is no own /dev */
#define XSD_KVA     "/proc/xen/xsd_kva"
#define XSD_PORT    "/proc/xen/xsd_port"

enum {
	SPLITS_MAX = 64,
	END_SECONDS = 5, /* the command has to end by itself */
	NO_RING = 1,     /* the toolstack made none: not an error */
};

/* Owner: main(). */
struct kernel {
	struct loop *loop;
	struct hv_client *client;
	struct hv_events events;
	struct hvp_hello hello;
	struct pages pages;
	struct event *ev_session;
	struct loop_work split;
	unsigned int splits_nr;
	uint64_t splits[SPLITS_MAX];
	struct chan *store_chan, *console_chan;
	struct xenbus *xenbus;
	struct console *console;
	struct power *power;
	int state_fd; /* -1: nobody to tell */
	bool ending;
	unsigned int reason;
	struct event *ev_state, *ev_late;
};

/* Only a note: the client is locked. */
static void on_async(
	void *arg, unsigned int async, const void *data, size_t len)
{
	struct kernel *k = arg;
	struct hvp_gfn gfn;

	if (async != HVP_ASYNC_SPLIT || len != sizeof(gfn) ||
		k->splits_nr == SPLITS_MAX)
		return;
	memcpy(&gfn, data, sizeof(gfn));
	k->splits[k->splits_nr++] = gfn.gfn;
	loop_work_queue(k->loop, &k->split);
}

static void kernel_split(struct loop_work *work)
{
	struct kernel *k =
		(void *)((char *)work - offsetof(struct kernel, split));

	while (k->splits_nr) {
		uint64_t gfn = k->splits[--k->splits_nr];
		int r = pages_split(&k->pages, gfn);

		if (r < 0)
			log_warn(NULL, "split_failed", "frame %llx: %s",
				(unsigned long long)gfn, strerror(-r));
	}
}

static void on_session(evutil_socket_t fd, short what, void *arg)
{
	struct kernel *k = arg;

	/* hvd has gone, and with it the machine */
	if (hv_client_dispatch(k->client) < 0)
		loop_stop(k->loop);
}

static int param_get(struct kernel *k, uint32_t index, uint64_t *value)
{
	struct xen_hvm_param param = {.domid = DOMID_SELF, .index = index};
	const struct hv_hcall_buf buf = {&param, sizeof(param), HVP_BUF_OUT};
	const uint64_t arg[5] = {HVMOP_get_param, (uintptr_t)&param};
	int64_t r = hv_hcall(k->client, __HYPERVISOR_hvm_op, arg, &buf, 1);

	*value = param.value;
	return r < 0 ? (int)r : 0;
}

static void kernel_shutdown(struct kernel *k)
{
	struct sched_shutdown s = {.reason = k->reason};
	const struct hv_hcall_buf buf = {&s, sizeof(s), 0};
	const uint64_t arg[5] = {SCHEDOP_shutdown, (uintptr_t)&s};
	int64_t r = hv_hcall(k->client, __HYPERVISOR_sched_op, arg, &buf, 1);

	if (r < 0)
		log_error(NULL, "shutdown_failed", "%s", strerror((int)-r));
}

/* The command has ended, or its time is over. */
static void on_ended(evutil_socket_t fd, short what, void *arg)
{
	struct kernel *k = arg;

	event_del(k->ev_state);
	event_del(k->ev_late);
	kernel_shutdown(k);
}

static void kernel_end(void *arg, unsigned int reason)
{
	const struct timeval late = {.tv_sec = END_SECONDS};
	const char byte = HVB_STATE_ENDING;
	struct kernel *k = arg;

	if (k->ending)
		return;
	k->ending = true;
	k->reason = reason;
	/* a pipe nobody reads from is readable for poll: an error is there */
	if (k->state_fd < 0 || write(k->state_fd, &byte, 1) != 1 ||
		event_add(k->ev_state, NULL) || event_add(k->ev_late, &late))
		kernel_shutdown(k);
}

static void on_store(void *arg)
{
	struct kernel *k = arg;

	xenbus_wake(k->xenbus);
}

static void on_console(void *arg)
{
	struct kernel *k = arg;

	console_wake(k->console);
}

/* The control domain's: page and port are made here, and announced. */
static int store_make(struct kernel *k, void **page)
{
	struct chan_params cp = {
		.loop = k->loop,
		.events = &k->events,
		.op = HVP_EV_ALLOC_UNBOUND,
		.bind = {.domid = k->hello.domid},
		.wake = on_store,
		.arg = k,
	};
	int fd, r;

	fd = open(XSD_KVA, O_RDWR | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	*page = mmap(NULL, HVP_PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	r = *page == MAP_FAILED ? -errno : 0;
	close(fd);
	if (r == 0)
		r = chan_new(&k->store_chan, k, &cp);
	if (r < 0)
		return r;
	fd = open(XSD_PORT, O_WRONLY | O_TRUNC | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	if (dprintf(fd, "%u", chan_port(k->store_chan)) < 0)
		r = -errno;
	close(fd);
	return r;
}

/*
 * A ring the toolstack made: page and port from the domain's parameters.
 * 0, NO_RING when there are none, or a negative errno.
 */
static int ring_find(struct kernel *k, uint32_t pfn_param, uint32_t port_param,
	void (*wake)(void *arg), void **page, struct chan **chan)
{
	struct chan_params cp = {
		.loop = k->loop,
		.events = &k->events,
		.op = HVP_EV_ATTACH,
		.wake = wake,
		.arg = k,
	};
	uint64_t pfn, port;
	int r = param_get(k, pfn_param, &pfn);

	if (r == 0)
		r = param_get(k, port_param, &port);
	if (r < 0)
		return r;
	if (!pfn || !port)
		return NO_RING;
	if (port >= HVP_EV_PORTS)
		return -EINVAL;
	r = pages_map(&k->pages, pfn, page);
	if (r < 0)
		return r;
	cp.bind.port = (uint32_t)port;
	return chan_new(chan, k, &cp);
}

static int store_start(struct kernel *k)
{
	struct xenbus_params p = {
		.loop = k->loop,
		.domid = (uint16_t)k->hello.domid,
		.kick = chan_kick,
	};
	const char *path = getenv(XENBUS_ENV);
	int r = ring_find(k, HVM_PARAM_STORE_PFN, HVM_PARAM_STORE_EVTCHN,
		on_store, &p.page, &k->store_chan);

	if (r == NO_RING && k->hello.control)
		r = store_make(k, &p.page);
	if (r)
		return r;
	path = path ? path : XENBUS_PATH;
	p.listen_fd = xenbus_listen(path);
	if (p.listen_fd < 0) {
		log_error(NULL, "xenbus_failed", "%s: %s", path,
			strerror(-p.listen_fd));
		return p.listen_fd;
	}
	p.arg = k->store_chan;
	k->xenbus = xenbus_new(k, &p);
	if (!k->xenbus) {
		close(p.listen_fd);
		return -ENOMEM;
	}
	/* what came before we looked */
	xenbus_wake(k->xenbus);
	return 0;
}

static int console_start(struct kernel *k)
{
	struct console_params p = {
		.loop = k->loop,
		.tty_fd = HVB_CONSOLE_FD,
		.kick = chan_kick,
	};
	int flags = fcntl(p.tty_fd, F_GETFL);
	int r;

	if (flags < 0)
		return NO_RING; /* not wanted */
	if (fcntl(p.tty_fd, F_SETFL, flags | O_NONBLOCK) < 0)
		return -errno;
	r = ring_find(k, HVM_PARAM_CONSOLE_PFN, HVM_PARAM_CONSOLE_EVTCHN,
		on_console, &p.page, &k->console_chan);
	if (r)
		return r;
	p.arg = k->console_chan;
	k->console = console_new(k, &p);
	return k->console ? 0 : -ENOMEM;
}

static void power_wake(void *arg)
{
	struct kernel *k = arg;

	xenbus_wake(k->xenbus);
}

static int power_start(struct kernel *k)
{
	struct power_params p = {
		.mux = xenbus_mux(k->xenbus),
		.wake = power_wake,
		.end = kernel_end,
		.arg = k,
	};

	/* nobody shuts down the control domain through its own store */
	if (k->hello.control)
		return 0;
	k->power = power_new(k, &p);
	return k->power ? 0 : -ENOMEM;
}

static int kernel_events(struct kernel *k)
{
	struct event_base *base = loop_base(k->loop);

	k->ev_session = event_new(base, hv_client_fd(k->client),
		EV_READ | EV_PERSIST, on_session, k);
	k->ev_late = event_new(base, -1, 0, on_ended, k);
	if (!k->ev_session || !k->ev_late || event_add(k->ev_session, NULL))
		return -ENOMEM;
	k->state_fd = -1;
	if (fcntl(HVB_STATE_FD, F_GETFL) < 0)
		return 0;
	k->state_fd = HVB_STATE_FD;
	k->ev_state = event_new(base, k->state_fd, EV_READ, on_ended, k);
	return k->ev_state ? 0 : -ENOMEM;
}

static int kernel_start(struct kernel *k)
{
	int r;

	r = hv_client_ask(k->client, HVP_HELLO, 0, NULL, 0, &k->hello,
		sizeof(k->hello), NULL);
	if (r == 0 && (k->hello.version != HVP_VERSION || !k->hello.kernel))
		r = -EPROTO;
	if (r == 0)
		r = hv_events_init(&k->events, k->client);
	if (r == 0)
		r = kernel_events(k);
	if (r == 0)
		r = store_start(k);
	/* a domain without a store has neither power requests nor devices */
	if (r == 0)
		r = power_start(k);
	if (r == 0 || r == NO_RING)
		r = console_start(k);
	return r == NO_RING ? 0 : r;
}

/*
 * The command starts on this word: by then there is nothing about the kernel
 * that a process of its domain could still get at.
 */
static int kernel_serves(struct kernel *k)
{
	const char byte = HVB_STATE_SERVING;

	if (k->state_fd >= 0 && write(k->state_fd, &byte, 1) != 1)
		return -errno;
	return 0;
}

int main(void)
{
	struct kernel *k = talloc_zero(NULL, struct kernel);
	int r;

	log_init("hv-kernel");
	if (!k || !(k->loop = loop_new(k)))
		return 1;
	loop_work_init(&k->split, kernel_split);
	r = hv_client_adopt(&k->client, HVB_KERNEL_FD, 0);
	if (r == 0) {
		hv_client_on_async(k->client, on_async, k);
		k->pages.client = k->client;
		r = kernel_start(k);
	}
	/* all is open and mapped: from now on only what a kernel needs */
	if (r == 0)
		r = confine_kernel();
	if (r == 0)
		r = kernel_serves(k);
	if (r < 0) {
		log_error(NULL, "start_failed", "%s", strerror(-r));
		return 1;
	}
	r = loop_run(k->loop);
	/* the process is the domain's kernel: its end frees everything */
	return r < 0 ? 1 : 0;
}
