/* SPDX-License-Identifier: MIT */
/*
 * guest.c - the demonstration's frontend: find the driver, grant, talk
 *
 * usage: hv-demo-guest MESSAGES
 */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <xenctrl.h>
#include <xenevtchn.h>
#include <xengnttab.h>
#include <xen/io/xenbus.h>

#include "hv/demo/demo.h"

#define DEVICE "device/vif/0"

struct line {
	xenevtchn_handle *ev;
	evtchn_port_t port;
	struct demo_page_shm *page;
};

/* Until the driver has put message @number into its box. */
static void await(struct line *l, uint32_t number)
{
	struct pollfd p = {.fd = xenevtchn_fd(l->ev), .events = POLLIN};

	while (box_number(&l->page->to_guest) != number) {
		int port;

		if (poll(&p, 1, 5000) != 1) {
			errno = ETIMEDOUT;
			die("no answer to message %u", number);
		}
		port = xenevtchn_pending(l->ev);
		if (port >= 0 && xenevtchn_unmask(l->ev, port))
			die("unmask");
	}
}

/* One message and its answer, which must be about this message. */
static void exchange(struct line *l, uint32_t i)
{
	struct box_shm *out = &l->page->to_driver;
	char want[DEMO_TEXT], got[DEMO_TEXT];

	snprintf(out->text, sizeof(out->text), "message %u", i);
	__atomic_store_n(&out->number, i, __ATOMIC_RELEASE);
	if (xenevtchn_notify(l->ev, l->port))
		die("notify");
	await(l, i);
	memcpy(got, l->page->to_guest.text, sizeof(got));
	got[sizeof(got) - 1] = '\0';
	snprintf(want, sizeof(want), "answer to message %u", i);
	if (strcmp(got, want)) {
		errno = EPROTO;
		die("\"%s\" instead of \"%s\"", got, want);
	}
}

static double seconds(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

int main(int argc, char **argv)
{
	uint32_t nr = argc > 1 ? (uint32_t)atoi(argv[1]) : 10000, ref;
	struct xs_handle *xs = xs_open(0);
	xengntshr_handle *share = xengntshr_open(NULL, 0);
	struct line l = {.ev = xenevtchn_open(NULL, 0)};
	unsigned int driver;
	double t;
	char *back;
	int port;

	if (!xs || !share || !l.ev)
		die("no %s", !xs ? "store" : !share ? "grants" : "events");
	driver = node_number(xs, DEVICE, "backend-id");
	back = node_read(xs, DEVICE, "backend");
	if (!back)
		die(DEVICE "/backend");
	say("  guest: I am domain %u; the store says that domain %u drives "
	    "my device",
		node_number(xs, "", "domid"), driver);
	l.page = xengntshr_share_pages(share, driver, 1, &ref, 1);
	port = xenevtchn_bind_unbound_port(l.ev, driver);
	if (!l.page || port < 0)
		die("%s", l.page ? "event channel" : "grant");
	l.port = (evtchn_port_t)port;
	say("  guest: I granted it one page (reference %u) and a port (%d)",
		ref, port);
	node_write(xs, DEVICE, "ring-ref", "%u", ref);
	node_write(xs, DEVICE, "event-channel", "%d", port);
	node_write(xs, DEVICE, "state", "%d", XenbusStateInitialised);
	if (!state_await(xs, back, XenbusStateConnected))
		die("the driver has gone");
	node_write(xs, DEVICE, "state", "%d", XenbusStateConnected);
	t = seconds();
	for (uint32_t i = 1; i <= nr; i++)
		exchange(&l, i);
	t = seconds() - t;
	say("  guest: %u messages there and %u back, each one checked, "
	    "%.1f us a round trip",
		nr, nr, t / nr * 1e6);
	free(back);
	xengntshr_unshare(share, l.page, 1);
	xengntshr_close(share);
	xenevtchn_close(l.ev);
	xs_close(xs);
	return 0;
}
