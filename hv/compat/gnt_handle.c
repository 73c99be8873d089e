/* SPDX-License-Identifier: MIT */
/* gnt_handle.c: what mapping and sharing handles have in common. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>

#include "hv/compat/gnttab.h"

static int on_restrict(struct Xentoolcore__Active_Handle *active, domid_t domid)
{
	const struct xengntdev_handle *h = (struct xengntdev_handle *)active;
	int r = hv_client_ask(
		h->client, HVP_RESTRICT_ALL, 0, NULL, 0, NULL, 0, NULL);

	/*
	 * Grants have no restriction to one domain.  Upstream takes the
	 * descriptor away, behind which the driver keeps what is mapped; here
	 * the session must stay, or the granters would take back pages that
	 * are in use.
	 */
	(void)domid;
	if (r == 0)
		return 0;
	if (r == -EIO) /* hvd is gone, or mad: nothing to keep */
		return xentoolcore__restrict_by_dup2_null(
			hv_client_fd(h->client));
	errno = -r;
	return -1;
}

struct xengntdev_handle *gnt_open(struct xentoollog_logger *logger,
	unsigned int flags, unsigned int release, const char *what)
{
	struct xengntdev_handle *h;
	int r;

	(void)flags; /* none is defined; upstream takes any, too */
	h = calloc(1, sizeof(*h));
	r = h ? hv_windows_open(&h->windows, release) : -ENOMEM;
	if (r < 0) {
		hv_log_error(logger, what, -r, "cannot reach hvd");
		free(h);
		errno = -r;
		return NULL;
	}
	h->client = h->windows->client;
	h->logger = logger;
	h->max_grants = UINT32_MAX;
	pthread_mutex_init(&h->arena_lock, NULL);
	h->active.restrict_callback = on_restrict;
	xentoolcore__register_active_handle(&h->active);
	return h;
}

int gnt_close(struct xengntdev_handle *h)
{
	if (!h)
		return 0;
	xentoolcore__deregister_active_handle(&h->active);
	if (h->arena)
		munmap(h->arena, (size_t)h->arena_pages * HVP_PAGE);
	free(h->batch);
	pthread_mutex_destroy(&h->arena_lock);
	hv_windows_close(h->windows); /* and the session, now or later */
	free(h);
	return 0;
}

int gnt_set_notify(struct xengntdev_handle *h, const struct hv_window *w,
	const struct gnt_notify *notify)
{
	struct hvp_notify n = {0};

	if (notify->offset != (uint32_t)-1) {
		n.action |= HVP_NOTIFY_CLEAR_BYTE;
		n.offset = notify->offset;
	}
	if (notify->port != (evtchn_port_t)-1) {
		n.action |= HVP_NOTIFY_SEND_EVENT;
		n.port = notify->port;
	}
	if (!n.action)
		return 0;
	n.id = w->id[0];
	return hv_client_ask(
		h->client, HVP_GNT_NOTIFY, 0, &n, sizeof(n), NULL, 0, NULL);
}

bool gnt_retry(int r, unsigned int *delay)
{
	struct timespec ts = {0};

	if (r != -EAGAIN || *delay >= 512)
		return false;
	*delay = *delay ? *delay * 2 : 1;
	ts.tv_nsec = *delay * 1000000L;
	nanosleep(&ts, NULL);
	return true;
}

void gnt_fail(struct xengntdev_handle *h, int r, const char *what)
{
	hv_log_error(h->logger, "gnttab", -r, "%s", what);
	errno = -r;
}
