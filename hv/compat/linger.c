/* SPDX-License-Identifier: MIT */
/*
 * linger.c: handles that were closed while their pages are mapped.
 *
 * DOC: after the close
 *
 * On Linux each mapping of a grant holds the open file: after the handle is
 * closed the grant stays in use until the last munmap(2), or until the
 * process ends.  Here the session plays the file.  It stays open while pages
 * of its windows are mapped; the kernel closes it with the process, or at
 * exec, which is when the pages go, too.
 *
 * Nobody tells us of a munmap(2) that comes after the close.  It is looked
 * for whenever a handle of this library is opened or closed, and the granter
 * hears of it then: late, but never early.  (Hvd itself looks when a domain
 * has died.)  What the pages are asked for is /proc; in a domain without it
 * all addresses that are mapped at all count as ours.
 *
 * The list needs no lock, so that it survives a fork in the middle: whoever
 * looks takes all of it, and puts back what stays.  A child leaves its
 * parent's sessions alone, but holds them open with its copies of the pages,
 * as it would hold the file.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "hv/compat/window.h"

static _Atomic(struct hv_windows *) closed;

/* The shared mappings of this process, in order. */
struct maps {
	size_t nr, cap;
	struct {
		uintptr_t from, to;
	} * v;
};

static int maps_add(struct maps *m, uintptr_t from, uintptr_t to)
{
	size_t cap = m->cap ? m->cap * 2 : 64;
	void *v;

	if (m->nr == m->cap) {
		v = realloc(m->v, cap * sizeof(*m->v));
		if (!v)
			return -ENOMEM;
		m->v = v;
		m->cap = cap;
	}
	m->v[m->nr].from = from;
	m->v[m->nr++].to = to;
	return 0;
}

/* The calling thread's: a main thread that has exited has none to show. */
static int maps_read(struct maps *m)
{
	FILE *f = fopen("/proc/thread-self/maps", "re");
	bool any = false;
	char *line = NULL;
	size_t cap = 0;
	int r = 0;

	if (!f)
		return -errno;
	while (r == 0 && getline(&line, &cap, f) > 0) {
		uintptr_t from, to;
		char share;

		if (sscanf(line, "%" SCNxPTR "-%" SCNxPTR " %*3c%c", &from, &to,
			    &share) != 3)
			r = -EPROTO;
		else if (share == 's')
			r = maps_add(m, from, to);
		any = true;
	}
	if (r == 0 && (ferror(f) || !any))
		r = -EIO;
	free(line);
	fclose(f);
	return r;
}

/* Whether any page of [addr, addr + pages) is a shared mapping. */
static bool maps_have(void *arg, const uint8_t *addr, size_t pages)
{
	const uintptr_t from = (uintptr_t)addr, to = from + pages * HVP_PAGE;
	const struct maps *m = arg;
	size_t lo = 0, hi = m->nr;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (m->v[mid].to <= from)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo < m->nr && m->v[lo].from < to;
}

/* Without /proc: whether any page is mapped. */
static bool is_mapped(void *arg, const uint8_t *addr, size_t pages)
{
	unsigned char core;

	(void)arg;
	for (size_t i = 0; i < pages; i++)
		if (mincore((void *)(uintptr_t)(addr + i * HVP_PAGE), HVP_PAGE,
			    &core) == 0 ||
			errno != ENOMEM)
			return true;
	return false;
}

/* Gives back what is unmapped; true if nothing is left, and frees then. */
static bool linger_end(struct hv_windows *ws)
{
	const int error = errno;
	struct maps m = {0};
	size_t left = 0;

	/* programs that close all descriptors have ended the session */
	if (hv_client_is_open(ws->client)) {
		if (ws->nr && maps_read(&m) == 0)
			left = hv_windows_prune(ws, maps_have, &m);
		else if (ws->nr)
			left = hv_windows_prune(ws, is_mapped, NULL);
		free(m.v);
		if (left == 0)
			hv_client_close(ws->client);
	} else {
		hv_client_forget(ws->client);
	}
	errno = error;
	if (left)
		return false;
	hv_windows_free(ws);
	return true;
}

static void linger_push(struct hv_windows *ws)
{
	ws->next = atomic_load(&closed);
	while (!atomic_compare_exchange_weak(&closed, &ws->next, ws))
		;
}

void hv_windows_sweep(void)
{
	struct hv_windows *ws = atomic_exchange(&closed, NULL), *next;
	const pid_t pid = getpid();

	for (; ws; ws = next) {
		next = ws->next;
		if (ws->pid != pid || !linger_end(ws))
			linger_push(ws);
	}
}

void hv_windows_close(struct hv_windows *ws)
{
	hv_windows_sweep();
	ws->pid = getpid();
	if (!linger_end(ws))
		linger_push(ws);
}
