/* SPDX-License-Identifier: MIT */
/* place.c - names: one object for each path that is in use */
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include <talloc.h>

#include "common/err.h"
#include "common/hash.h"
#include "common/macro.h"
#include "common/wr.h"
#include "wire/path.h"
#include "xenstored/place.h"

/*
 * The table is a linear hash: buckets come and go one at a time, at the end,
 * with each place that does.  A new one takes its places from the one half the
 * table before it, and the last one gives them back there.
 */
enum {
	BUCKETS_MIN = 256, /* a power of 2 */
	SPLITS = 2,        /* with each place, when there are too few buckets */
	MERGES = 4,        /* with each place that goes */
	SPARSE = 4,        /* buckets for each place from which on they go */
};

/* Owner: the server.  Freed by: talloc, when nobody holds a place. */
struct places {
	struct hash_key key;
	struct place **bucket;
	size_t buckets; /* in use; more than half of cap, or all of it */
	size_t cap;     /* a power of 2 */
	bool growing;   /* until there are buckets for more places */
	size_t nr;
	size_t versions;
	struct place *root, *special;
};

static struct place *place_new(
	struct place *parent, const char *name, size_t len)
{
	struct place *place = malloc(sizeof(*place) + len + 1);

	if (!place)
		return NULL;
	place->parent = parent;
	place->next = NULL;
	LIST_INIT(&place->watched);
	memset(&place->owned, 0, sizeof(place->owned));
	place->refs = 1;
	place->depth = parent ? (uint16_t)(parent->depth + 1) : 0;
	place->len = (uint16_t)len;
	memcpy(place->name, name, len);
	place->name[len] = '\0';
	return place;
}

static int places_destroy(struct places *places)
{
	CHECK(places->nr == 0);
	free(places->bucket);
	free(places->root);
	free(places->special);
	return 0;
}

struct places *places_new(const void *ctx)
{
	struct places *places = talloc_zero(ctx, struct places);

	if (!places)
		return NULL;
	talloc_set_destructor(places, places_destroy);
	hash_key_random(&places->key);
	places->buckets = places->cap = BUCKETS_MIN;
	places->bucket = calloc(BUCKETS_MIN, sizeof(*places->bucket));
	places->root = place_new(NULL, "", 0);
	places->special = place_new(NULL, "@", 1);
	if (!places->bucket || !places->root || !places->special) {
		talloc_free(places);
		return NULL;
	}
	return places;
}

struct place *places_root(struct places *places)
{
	return places->root;
}

size_t places_nr(const struct places *places)
{
	return places->nr;
}

size_t *places_versions(struct places *places)
{
	return &places->versions;
}

size_t places_buckets(const struct places *places)
{
	return places->buckets;
}

/*
 * Guests choose names, not addresses: only the name needs the keyed hash,
 * the parent is mixed in.
 */
static size_t hash_of(const struct places *places, const struct place *parent,
	const char *name, size_t len)
{
	uint64_t h = hash_bytes(&places->key, name, len);

	h ^= (uint64_t)(uintptr_t)parent * 0x9e3779b97f4a7c15ULL;
	return (size_t)(h ^ h >> 32);
}

static size_t slot_of(const struct places *places, const struct place *parent,
	const char *name, size_t len)
{
	size_t slot = hash_of(places, parent, name, len) & (places->cap - 1);

	return slot < places->buckets ? slot : slot - places->cap / 2;
}

/*
 * Without memory for more buckets the chains grow: slower, not wrong.  Less
 * always works: what is not given back is only not used.
 */
static bool table_resize(struct places *places, size_t cap)
{
	struct place **bucket =
		reallocarray(places->bucket, cap, sizeof(*places->bucket));

	if (!bucket && cap > places->cap)
		return false;
	if (bucket)
		places->bucket = bucket;
	places->cap = cap;
	return true;
}

static bool table_split(struct places *places)
{
	struct place **from, *place, **last;

	if (places->buckets == places->cap &&
		!table_resize(places, places->cap * 2))
		return false;
	last = &places->bucket[places->buckets];
	*last = NULL;
	from = last - places->cap / 2;
	places->buckets++;
	while ((place = *from)) {
		if (&places->bucket[slot_of(places, place->parent, place->name,
			    place->len)] != last) {
			from = &place->next;
			continue;
		}
		*from = place->next;
		place->next = *last;
		*last = place;
	}
	return true;
}

static void table_merge(struct places *places)
{
	struct place **last = &places->bucket[--places->buckets], **end;

	for (end = last - places->cap / 2; *end; end = &(*end)->next)
		;
	*end = *last;
	if (places->buckets == places->cap / 2)
		(void)table_resize(places, places->cap / 2);
}

/*
 * A place has come: the buckets keep up, also with what could not be had.  Not
 * with each place, half of them come at no cost: a split looks at places that
 * nobody has asked for, which are in no cache.  Nor is a place of a chain that
 * is passed on the way: there are as many buckets as places, or a few more.
 */
static void table_grow(struct places *places)
{
	if (places->nr > places->buckets)
		places->growing = true;
	for (int i = 0; i < SPLITS && places->growing; i++) {
		places->growing = places->buckets < places->nr + places->nr / 4;
		if (places->growing && !table_split(places))
			return;
	}
}

/* A place has gone. */
static void table_shrink(struct places *places)
{
	for (int i = 0; i < MERGES && places->buckets > BUCKETS_MIN &&
			places->buckets / SPARSE > places->nr;
		i++)
		table_merge(places);
}

struct place *places_find(struct places *places, struct place *parent,
	const char *name, size_t len)
{
	struct place *place;

	place = places->bucket[slot_of(places, parent, name, len)];
	while (place && (place->parent != parent || place->len != len ||
				memcmp(place->name, name, len) != 0))
		place = place->next;
	return place;
}

struct place *places_get(struct places *places, struct place *parent,
	const char *name, size_t len)
{
	struct place *place = places_find(places, parent, name, len);
	size_t to;

	if (place)
		return place_ref(place);
	place = place_new(parent, name, len);
	if (!place)
		return NULL;
	place_ref(parent);
	to = slot_of(places, parent, name, len);
	place->next = places->bucket[to];
	places->bucket[to] = place;
	places->nr++;
	table_grow(places);
	return place;
}

static struct place *root_of(struct places *places, const char *path)
{
	return *path == '@' ? places->special : places->root;
}

struct place *places_get_path(struct places *places, const char *path)
{
	struct place *place = place_ref(root_of(places, path));
	const char *at = path, *comp;
	size_t len;

	while (path_next(&at, &comp, &len)) {
		struct place *below = places_get(places, place, comp, len);

		places_unref(places, place);
		if (!below)
			return NULL;
		place = below;
	}
	return place;
}

struct place *places_find_path(struct places *places, const char *path)
{
	struct place *place = root_of(places, path);
	const char *at = path, *comp;
	size_t len;

	while (place && path_next(&at, &comp, &len))
		place = places_find(places, place, comp, len);
	return place;
}

struct place *place_ref(struct place *place)
{
	CHECK(place->refs < UINT32_MAX);
	place->refs++;
	return place;
}

static void table_remove(struct places *places, struct place *place)
{
	struct place **p = &places->bucket[slot_of(
		places, place->parent, place->name, place->len)];

	while (*p != place)
		p = &(*p)->next;
	*p = place->next;
	places->nr--;
	table_shrink(places);
}

/* A loop, not a recursion: paths are as deep as guests like (XSA-418). */
void places_unref(struct places *places, struct place *place)
{
	while (--place->refs == 0) {
		struct place *parent = place->parent;

		/* The table's own references keep the roots. */
		CHECK(parent && LIST_EMPTY(&place->watched));
		table_remove(places, place);
		free(place);
		place = parent;
	}
}

void place_emit(const struct place *place, struct wr *wr)
{
	/* One character and one '/' is the least a component takes. */
	const struct place *up[PATH_ABS_MAX / 2 + 1];
	unsigned nr = 0;

	for (; place->parent; place = place->parent) {
		CHECK(nr < ARRAY_LEN(up));
		up[nr++] = place;
	}
	if (!nr)
		wr_bytes(wr, "/", 1);
	for (unsigned i = nr; i-- > 0;) {
		/* Special names start without a '/'. */
		if (!place->len || i != nr - 1)
			wr_bytes(wr, "/", 1);
		wr_bytes(wr, up[i]->name, up[i]->len);
	}
}
