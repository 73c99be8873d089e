/* SPDX-License-Identifier: MIT */
/*
 * driver.c - the demonstration's backend: serves one guest until it is gone
 *
 * usage: hv-demo-driver
 */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include <xenctrl.h>
#include <xenevtchn.h>
#include <xengnttab.h>
#include <xen/io/xenbus.h>

#include "hv/demo/demo.h"

enum { PATH_LEN = 256 };

struct link {
	struct xs_handle *xs;
	xenevtchn_handle *ev;
	xengnttab_handle *gnt;
	struct demo_page_shm *page;
	uint32_t guest;
	int port;
	char dir[PATH_LEN + 32]; /* ours, in the store */
	char *front;             /* the guest's */
};

/* The first device below our backend folder, when there is one. */
static bool device_find(struct link *l)
{
	char path[PATH_LEN];
	unsigned int nr = 0;
	char **guests;
	bool found;

	snprintf(path, sizeof(path), "/local/domain/%u/backend/vif",
		node_number(l->xs, "", "domid"));
	guests = xs_directory(l->xs, XBT_NULL, path, &nr);
	found = guests && nr;
	if (found) {
		l->guest = (uint32_t)atoi(guests[0]);
		snprintf(l->dir, sizeof(l->dir), "%s/%u/0", path, l->guest);
		l->front = node_read(l->xs, l->dir, "frontend");
		found = l->front;
	}
	free(guests);
	return found;
}

static void device_await(struct link *l)
{
	unsigned int n;

	if (!xs_watch(l->xs, "backend", "backend"))
		die("watch backend");
	say("  driver: I wait for a guest");
	do {
		char **event = xs_read_watch(l->xs, &n);

		if (!event)
			die("the store is gone");
		free(event);
	} while (!device_find(l));
}

static void device_connect(struct link *l)
{
	uint32_t ref, port;

	if (!state_await(l->xs, l->front, XenbusStateInitialised))
		die("the guest has gone");
	ref = node_number(l->xs, l->front, "ring-ref");
	port = node_number(l->xs, l->front, "event-channel");
	l->page = xengnttab_map_grant_ref(
		l->gnt, l->guest, ref, PROT_READ | PROT_WRITE);
	l->port = xenevtchn_bind_interdomain(l->ev, l->guest, port);
	if (!l->page || l->port < 0)
		die("%s", l->page ? "port" : "grant");
	say("  driver: I mapped the page of domain %u, and no other", l->guest);
	node_write(l->xs, l->dir, "state", "%d", XenbusStateConnected);
}

/* Answer what is in the box, if it is new. */
static void answer(struct link *l, uint32_t *last)
{
	uint32_t number = box_number(&l->page->to_driver);
	char text[DEMO_TEXT];

	if (number == *last)
		return;
	*last = number;
	/* copied once: the guest may change it at any time */
	memcpy(text, l->page->to_driver.text, sizeof(text));
	text[sizeof(text) - 1] = '\0';
	snprintf(l->page->to_guest.text, DEMO_TEXT, "answer to %.50s", text);
	__atomic_store_n(&l->page->to_guest.number, number, __ATOMIC_RELEASE);
	if (xenevtchn_notify(l->ev, (evtchn_port_t)l->port) && errno != EINVAL)
		die("notify");
}

/* Until the toolstack has removed the device. */
static void serve(struct link *l)
{
	struct pollfd p[2] = {
		{.fd = xenevtchn_fd(l->ev), .events = POLLIN},
		{.fd = xs_fileno(l->xs), .events = POLLIN},
	};
	uint32_t last = 0;

	for (;;) {
		if (poll(p, 2, -1) < 0)
			die("poll");
		if (p[0].revents) {
			int port = xenevtchn_pending(l->ev);

			if (port >= 0)
				xenevtchn_unmask(l->ev, (evtchn_port_t)port);
			answer(l, &last);
		}
		if (p[1].revents) {
			char **event = xs_check_watch(l->xs);
			char *state = node_read(l->xs, l->dir, "state");

			free(event);
			if (!state)
				return;
			free(state);
		}
	}
}

int main(void)
{
	struct link l = {
		.xs = xs_open(0),
		.ev = xenevtchn_open(NULL, 0),
		.gnt = xengnttab_open(NULL, 0),
	};

	if (!l.xs || !l.ev || !l.gnt)
		die("no %s", !l.xs ? "store" : !l.ev ? "events" : "grants");
	device_await(&l);
	device_connect(&l);
	serve(&l);
	say("  driver: domain %u is gone, I let go of its page", l.guest);
	xengnttab_unmap(l.gnt, l.page, 1);
	xenevtchn_unbind(l.ev, (evtchn_port_t)l.port);
	free(l.front);
	xengnttab_close(l.gnt);
	xenevtchn_close(l.ev);
	xs_close(l.xs);
	return 0;
}
