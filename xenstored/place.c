/* SPDX-License-Identifier: MIT */
/* place.c - names: one object for each path that is in use */
#include <stdlib.h>
#include <string.h>

#include <talloc.h>

#include "common/err.h"
#include "common/hash.h"
#include "common/macro.h"
#include "common/wr.h"
#include "wire/path.h"
#include "xenstored/place.h"

enum { BUCKETS_MIN = 256 };

/* Owner: the server.  Freed by: talloc, when nobody holds a place. */
struct places {
	struct hash_key key;
	struct place **bucket;
	size_t mask; /* buckets - 1 */
	size_t nr;
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
	LIST_INIT(&place->watches);
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
	places->mask = BUCKETS_MIN - 1;
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

struct place *places_special(struct places *places)
{
	return places->special;
}

size_t places_nr(const struct places *places)
{
	return places->nr;
}

/*
 * Guests choose names, not addresses: only the name needs the keyed hash,
 * the parent is mixed in.
 */
static size_t slot_of(const struct places *places, const struct place *parent,
	const char *name, size_t len)
{
	uint64_t h = hash_bytes(&places->key, name, len);

	h ^= (uint64_t)(uintptr_t)parent * 0x9e3779b97f4a7c15ULL;
	return (size_t)(h ^ h >> 32) & places->mask;
}

/* Without memory for more buckets the chains grow: slower, not wrong. */
static void table_grow(struct places *places)
{
	size_t nr = (places->mask + 1) * 2;
	struct place **old = places->bucket;
	size_t old_nr = places->mask + 1;

	places->bucket = calloc(nr, sizeof(*places->bucket));
	if (!places->bucket) {
		places->bucket = old;
		return;
	}
	places->mask = nr - 1;
	for (size_t i = 0; i < old_nr; i++) {
		struct place *place, *next;

		for (place = old[i]; place; place = next) {
			size_t to = slot_of(
				places, place->parent, place->name, place->len);

			next = place->next;
			place->next = places->bucket[to];
			places->bucket[to] = place;
		}
	}
	free(old);
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
	if (places->nr > places->mask)
		table_grow(places);
	to = slot_of(places, parent, name, len);
	place->next = places->bucket[to];
	places->bucket[to] = place;
	places->nr++;
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
}

/* A loop, not a recursion: paths are as deep as guests like (XSA-418). */
void places_unref(struct places *places, struct place *place)
{
	while (--place->refs == 0) {
		struct place *parent = place->parent;

		/* The table's own references keep the roots. */
		CHECK(parent && LIST_EMPTY(&place->watches));
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
