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

static int watch_charge(struct watch *watch)
{
	struct domain *domain = watch->conn->domain;
	struct account *account = domain->account;
	size_t cost = sizeof(*watch) + watch->token_len;

	if (charge_take(&watch->nr, &account[DOMAIN_WATCHES], 1))
		return quota_refused(domain, QUOTA_WATCHES);
	if (charge_take(&watch->memory, &account[DOMAIN_MEMORY], cost))
		return quota_refused(domain, QUOTA_MEMORY);
	return 0;
}

/*
 * The two lists it is on are walked side by side: it costs what the shorter
 * one does, be it a path that all watch or a client that watches all paths.
 */
static struct watch_group *group_find(
	const struct conn *conn, const struct place *place)
{
	struct watch_group *here = LIST_FIRST(&place->watched);
	struct watch_group *mine = LIST_FIRST(&conn->groups);

	while (here && mine) {
		if (here->conn == conn)
			return here;
		if (mine->place == place)
			return mine;
		here = LIST_NEXT(here, at_place);
		mine = LIST_NEXT(mine, at_conn);
	}
	return NULL;
}

static struct watch_group *group_find_path(
	const struct conn *conn, const struct path *path)
{
	struct place *place = places_find_path(conn->server->places, path->buf);

	return place ? group_find(conn, place) : NULL;
}

static struct watch *group_watch(
	const struct watch_group *group, const char *token)
{
	struct watch *watch;

	LIST_FOREACH (watch, &group->watches, at_group)
		if (!strcmp(watch->token, token))
			return watch;
	return NULL;
}

/*
 * A group keeps places alive that nobody else needs: they are paid for.  NULL:
 * no memory, or no more of it for the domain.
 */
static struct watch_group *group_new(struct conn *conn, const struct path *path)
{
	struct places *places = conn->server->places;
	struct domain *domain = conn->domain;
	struct watch_group *g = calloc(1, sizeof(*g));
	size_t cost;

	if (!g)
		return NULL;
	g->place = places_get_path(places, path->buf);
	if (!g->place) {
		free(g);
		return NULL;
	}
	cost = sizeof(*g) + path->len + g->place->depth * sizeof(struct place);
	if (charge_take(&g->memory, &domain->account[DOMAIN_MEMORY], cost)) {
		places_unref(places, g->place);
		free(g);
		(void)quota_refused(domain, QUOTA_MEMORY);
		return NULL;
	}
	g->conn = conn;
	LIST_INSERT_HEAD(&g->place->watched, g, at_place);
	LIST_INSERT_HEAD(&conn->groups, g, at_conn);
	return g;
}

static void group_unref(struct watch_group *group)
{
	if (--group->nr)
		return;
	CHECK(LIST_EMPTY(&group->watches));
	LIST_REMOVE(group, at_place);
	LIST_REMOVE(group, at_conn);
	charge_give(&group->memory);
	places_unref(group->conn->server->places, group->place);
	free(group);
}

int watch_new(struct conn *conn, const struct path *path, const char *token,
	size_t token_len, int depth, struct watch **watch)
{
	struct watch_group *group = group_find_path(conn, path);
	struct server *server = conn->server;
	struct watch *w;
	int r;

	if (group && group_watch(group, token))
		return EEXIST;
	w = calloc(1, sizeof(*w) + token_len + 1);
	if (!w)
		return ENOMEM;
	w->conn = conn;
	w->depth = depth;
	w->base = (uint16_t)path->base;
	w->token_len = (uint16_t)token_len;
	memcpy(w->token, token, token_len);
	server->watches_nr++;
	r = hits_reserve(server);
	if (!r)
		r = watch_charge(w);
	if (!r && !group) {
		group = group_new(conn, path);
		r = group ? 0 : ENOMEM;
	}
	if (r) {
		watch_free(w);
		return r;
	}
	group->nr++;
	w->group = group;
	quota_soft_check(conn->domain);
	*watch = w;
	return 0;
}

void watch_set(struct watch *watch)
{
	struct server *server = watch->conn->server;

	watch->seq = ++server->watch_seq;
	LIST_INSERT_HEAD(&watch->group->watches, watch, at_group);
	TAILQ_INSERT_TAIL(&watch->conn->watches, watch, at_conn);
}

void watch_free(struct watch *watch)
{
	if (watch->seq) {
		LIST_REMOVE(watch, at_group);
		TAILQ_REMOVE(&watch->conn->watches, watch, at_conn);
		outq_forget(&watch->conn->out, watch);
	}
	charge_give(&watch->nr);
	charge_give(&watch->memory);
	watch->conn->server->watches_nr--;
	if (watch->group)
		group_unref(watch->group);
	free(watch);
}

struct watch *watch_find(
	struct conn *conn, const struct path *path, const char *token)
{
	struct watch_group *group = group_find_path(conn, path);

	return group ? group_watch(group, token) : NULL;
}

size_t watch_path(const struct watch *watch, char *buf, size_t cap)
{
	struct wr wr;

	wr_init(&wr, buf, cap);
	place_emit(watch->group->place, &wr);
	CHECK(wr_ok(&wr));
	memmove(buf, buf + watch->base, wr.len - watch->base);
	return wr.len - watch->base;
}

static bool may_read(const struct conn *conn, const struct acl *acl)
{
	return acl && conn_access(conn, acl) & PERM_READ;
}

/* Mostly, they are one list: nodes share theirs with their parents. */
static bool may_see(const struct conn *conn, const struct watch_view *view)
{
	const struct acl *after = view->after, *before = view->before;
	const struct acl *parent = view->parent;

	return may_read(conn, after) ||
	       (before != after && may_read(conn, before)) ||
	       (parent != after && parent != before && may_read(conn, parent));
}

/*
 * The number in a connection says of which change its answer is: views_next()
 * makes all of them old.
 */
static void views_next(struct server *server)
{
	server->view_nr++;
}

static bool conn_sees(struct conn *conn, const struct watch_view *view)
{
	struct server *server = conn->server;

	if (conn->sees_nr != server->view_nr) {
		conn->sees_nr = server->view_nr;
		conn->sees = may_see(conn, view);
		server->view_checks++;
	}
	return conn->sees;
}

static int by_seq(const void *a, const void *b)
{
	const struct watch *const *x = a, *const *y = b;

	return (*x)->seq < (*y)->seq ? -1 : 1;
}

/*
 * Queue one event of @watch; say so if it is marked instead.  One that is
 * marked already costs who caused the event next to nothing (B6).
 */
static void hit_send(
	struct watch *watch, const char *path, size_t len, bool once)
{
	struct outq *q = &watch->conn->out;
	bool marked = watch->marked;
	enum quota quota;

	watch->hits++;
	if (outq_event(q, watch, path, len, once))
		conn_wake(watch->conn);
	if (__builtin_expect(!watch->marked, 1))
		return;
	quota = q->events < q->events_max ? QUOTA_MEMORY : QUOTA_EVENTS;
	if (marked)
		quota_refused_again(watch->conn->domain, quota);
	else
		(void)quota_refused(watch->conn->domain, quota);
}

/* Lists are newest first: turned round, those of one place often are sorted. */
static void hits_sort(struct server *server, size_t nr)
{
	bool sorted = true;

	for (size_t i = 0, j = nr; i + 1 < j; i++) {
		struct watch *swap = server->hits[i];

		server->hits[i] = server->hits[--j];
		server->hits[j] = swap;
	}
	for (size_t i = 1; sorted && i < nr; i++)
		sorted = server->hits[i - 1]->seq < server->hits[i]->seq;
	if (!sorted)
		qsort(server->hits, nr, sizeof(struct watch *), by_seq);
}

/* Send what was collected. */
static void hits_send(struct server *server, size_t nr, const char *path,
	size_t len, bool once)
{
	hits_sort(server, nr);
	for (size_t i = 0; i < nr; i++) {
		struct watch *watch = server->hits[i];

		hit_send(watch, path + watch->base, len - watch->base, once);
	}
}

/* Those at @place who want to hear of what is @below levels below it. */
static size_t place_hits(struct server *server, const struct place *place,
	const struct watch_view *view, int below, size_t nr)
{
	struct watch_group *group;
	struct watch *watch;

	LIST_FOREACH (group, &place->watched, at_place) {
		if (!conn_sees(group->conn, view))
			continue;
		LIST_FOREACH (watch, &group->watches, at_group)
			if (watch->depth == WATCH_ANY_DEPTH ||
				below <= watch->depth)
				server->hits[nr++] = watch;
	}
	return nr;
}

void watch_fire(struct server *server, const struct place *place,
	const struct watch_view *view, bool exact)
{
	char path[PATH_ABS_MAX + 1];
	const struct place *up;
	size_t nr = 0;
	struct wr wr;

	views_next(server);
	for (up = place; up; up = exact ? NULL : up->parent)
		nr = place_hits(server, up, view, place->depth - up->depth, nr);
	if (!nr)
		return;
	wr_init(&wr, path, sizeof(path));
	place_emit(place, &wr);
	CHECK(wr_ok(&wr));
	hits_send(server, nr, path, wr.len, true);
}

/* Watches at @place that may see @view, and want a domid or not. */
static size_t special_hits(struct server *server, const struct place *place,
	const struct watch_view *view, size_t nr, bool all, bool with_domid)
{
	struct watch_group *group;
	struct watch *watch;

	LIST_FOREACH (group, &place->watched, at_place) {
		if (!conn_sees(group->conn, view))
			continue;
		LIST_FOREACH (watch, &group->watches, at_group)
			if (all || (watch->depth > 0) == with_domid)
				server->hits[nr++] = watch;
	}
	return nr;
}

void watch_fire_special(struct server *server, enum watch_special what)
{
	const char *name = watch_special_name[what];
	const struct place *place = places_find_path(server->places, name);
	struct watch_view view = {.after = server->special[what]};
	size_t nr;

	if (!place)
		return;
	views_next(server);
	nr = special_hits(server, place, &view, 0, false, false);
	hits_send(server, nr, name, strlen(name), false);
}

void watch_fire_special_domain(
	struct server *server, enum watch_special what, uint16_t domid)
{
	const char *name = watch_special_name[what];
	struct watch_view view = {.after = server->special[what]};
	const struct place *place;
	char path[64];
	size_t nr = 0;
	int len;

	views_next(server);
	len = snprintf(path, sizeof(path), "%s/%u", name, domid);
	place = places_find_path(server->places, name);
	if (place)
		nr = special_hits(server, place, &view, nr, false, true);
	place = places_find_path(server->places, path);
	if (place)
		nr = special_hits(server, place, &view, nr, true, false);
	hits_send(server, nr, path, (size_t)len, false);
}

void watch_fire_first(struct watch *watch)
{
	char path[PATH_ABS_MAX + 1];
	size_t len = watch_path(watch, path, sizeof(path));

	if (outq_event(&watch->conn->out, watch, path, len, true))
		conn_wake(watch->conn);
}
