/* SPDX-License-Identifier: MIT */
/* watch.c - watches, and who hears of a change */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/wr.h"
#include "xenstored/acl.h"
#include "xenstored/conn.h"
#include "xenstored/domain.h"
#include "xenstored/place.h"
#include "xenstored/server.h"
#include "xenstored/watch.h"

const char *const watch_special_name[WATCH_SPECIALS] = {
	[WATCH_INTRODUCE] = "@introduceDomain",
	[WATCH_RELEASE] = "@releaseDomain",
};

/* Firing collects matches in server->hits: every watch has its seat. */
static int hits_reserve(struct server *server)
{
	size_t cap = server->hits_cap ? server->hits_cap * 2 : 64;
	struct watch **hits;

	if (server->watches_nr < server->hits_cap)
		return 0;
	hits = reallocarray(server->hits, cap, sizeof(struct watch *));
	if (!hits)
		return ENOMEM;
	server->hits = hits;
	server->hits_cap = cap;
	return 0;
}

/* A watch keeps places alive that nobody else needs: they are paid for. */
static int watch_charge(struct watch *watch, const struct path *path)
{
	struct domain *domain = watch->conn->domain;
	struct account *account = domain->account;
	size_t cost = sizeof(*watch) + watch->token_len + path->len +
		      watch->place->depth * sizeof(struct place);

	if (charge_take(&watch->nr, &account[DOMAIN_WATCHES], 1))
		return quota_refused(domain, QUOTA_WATCHES);
	if (charge_take(&watch->memory, &account[DOMAIN_MEMORY], cost))
		return quota_refused(domain, QUOTA_MEMORY);
	quota_soft_check(domain);
	return 0;
}

int watch_new(struct conn *conn, const struct path *path, const char *token,
	size_t token_len, int depth, struct watch **watch)
{
	struct server *server = conn->server;
	struct watch *w;
	int r;

	if (watch_find(conn, path, token))
		return EEXIST;
	w = calloc(1, sizeof(*w) + token_len + 1);
	if (!w)
		return ENOMEM;
	w->place = places_get_path(server->places, path->buf);
	if (!w->place) {
		free(w);
		return ENOMEM;
	}
	w->conn = conn;
	w->depth = depth;
	w->base = (uint16_t)path->base;
	w->token_len = (uint16_t)token_len;
	memcpy(w->token, token, token_len);
	server->watches_nr++;
	r = hits_reserve(server);
	if (!r)
		r = watch_charge(w, path);
	if (r) {
		watch_free(w);
		return r;
	}
	*watch = w;
	return 0;
}

void watch_set(struct watch *watch)
{
	struct server *server = watch->conn->server;

	watch->seq = ++server->watch_seq;
	LIST_INSERT_HEAD(&watch->place->watches, watch, at_place);
	TAILQ_INSERT_TAIL(&watch->conn->watches, watch, at_conn);
}

void watch_free(struct watch *watch)
{
	struct server *server = watch->conn->server;

	if (watch->seq) {
		LIST_REMOVE(watch, at_place);
		TAILQ_REMOVE(&watch->conn->watches, watch, at_conn);
		outq_forget(&watch->conn->out, watch);
	}
	charge_give(&watch->nr);
	charge_give(&watch->memory);
	server->watches_nr--;
	places_unref(server->places, watch->place);
	free(watch);
}

struct watch *watch_find(
	struct conn *conn, const struct path *path, const char *token)
{
	struct place *place = places_find_path(conn->server->places, path->buf);
	struct watch *watch;

	if (!place)
		return NULL;
	LIST_FOREACH (watch, &place->watches, at_place)
		if (watch->conn == conn && !strcmp(watch->token, token))
			return watch;
	return NULL;
}

size_t watch_path(const struct watch *watch, char *buf, size_t cap)
{
	struct wr wr;

	wr_init(&wr, buf, cap);
	place_emit(watch->place, &wr);
	CHECK(wr_ok(&wr));
	memmove(buf, buf + watch->base, wr.len - watch->base);
	return wr.len - watch->base;
}

static bool may_see(const struct conn *conn, const struct watch_view *view)
{
	return (view->after && conn_access(conn, view->after) & PERM_READ) ||
	       (view->before && conn_access(conn, view->before) & PERM_READ) ||
	       (view->parent && conn_access(conn, view->parent) & PERM_READ);
}

static int by_seq(const void *a, const void *b)
{
	const struct watch *const *x = a, *const *y = b;

	return (*x)->seq < (*y)->seq ? -1 : 1;
}

/* Queue one event of @watch; say so if it is marked instead. */
static void hit_send(
	struct watch *watch, const char *path, size_t len, bool once)
{
	struct outq *q = &watch->conn->out;
	uint64_t missed = q->missed;

	watch->hits++;
	outq_event(q, watch, path, len, once);
	if (__builtin_expect(q->missed != missed, 0))
		(void)quota_refused(watch->conn->domain,
			q->events < q->events_max ? QUOTA_MEMORY
						  : QUOTA_EVENTS);
	conn_wake(watch->conn);
}

/*
 * Send what was collected.  The lists of places are newest first, so a single
 * place with many watches sorts best when turned round.
 */
static void hits_send(struct server *server, size_t nr, const char *path,
	size_t len, bool once)
{
	for (size_t i = 0, j = nr; i + 1 < j; i++) {
		struct watch *swap = server->hits[i];

		server->hits[i] = server->hits[--j];
		server->hits[j] = swap;
	}
	if (nr > 1)
		qsort(server->hits, nr, sizeof(struct watch *), by_seq);
	for (size_t i = 0; i < nr; i++) {
		struct watch *watch = server->hits[i];

		hit_send(watch, path + watch->base, len - watch->base, once);
	}
}

void watch_fire(struct server *server, const struct place *place,
	const struct watch_view *view, bool exact)
{
	char path[PATH_ABS_MAX + 1];
	const struct place *up;
	size_t nr = 0;
	struct wr wr;

	for (up = place; up; up = exact ? NULL : up->parent) {
		int below = place->depth - up->depth;
		struct watch *watch;

		LIST_FOREACH (watch, &up->watches, at_place)
			if ((watch->depth == WATCH_ANY_DEPTH ||
				    below <= watch->depth) &&
				may_see(watch->conn, view))
				server->hits[nr++] = watch;
	}
	if (!nr)
		return;
	wr_init(&wr, path, sizeof(path));
	place_emit(place, &wr);
	CHECK(wr_ok(&wr));
	hits_send(server, nr, path, wr.len, true);
}

/* Watches at @place that may see @acl, and want a domid or not. */
static size_t special_hits(struct server *server, const struct place *place,
	const struct acl *acl, size_t nr, bool all, bool with_domid)
{
	struct watch *watch;

	LIST_FOREACH (watch, &place->watches, at_place)
		if ((all || (watch->depth > 0) == with_domid) &&
			conn_access(watch->conn, acl) & PERM_READ)
			server->hits[nr++] = watch;
	return nr;
}

void watch_fire_special(struct server *server, enum watch_special what)
{
	const char *name = watch_special_name[what];
	const struct place *place = places_find_path(server->places, name);
	size_t nr;

	if (!place)
		return;
	nr = special_hits(
		server, place, server->special[what], 0, false, false);
	hits_send(server, nr, name, strlen(name), false);
}

void watch_fire_special_domain(
	struct server *server, enum watch_special what, uint16_t domid)
{
	const char *name = watch_special_name[what];
	const struct acl *acl = server->special[what];
	const struct place *place;
	char path[64];
	size_t nr = 0;
	int len;

	len = snprintf(path, sizeof(path), "%s/%u", name, domid);
	place = places_find_path(server->places, name);
	if (place)
		nr = special_hits(server, place, acl, nr, false, true);
	place = places_find_path(server->places, path);
	if (place)
		nr = special_hits(server, place, acl, nr, true, false);
	hits_send(server, nr, path, (size_t)len, false);
}

void watch_fire_first(struct watch *watch)
{
	char path[PATH_ABS_MAX + 1];
	size_t len = watch_path(watch, path, sizeof(path));

	outq_event(&watch->conn->out, watch, path, len, true);
	conn_wake(watch->conn);
}
