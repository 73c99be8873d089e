/* SPDX-License-Identifier: MIT */
/* unmapped.c: mappings that ended without a word. */
#include "hv/hvd/unmapped.h"

#include <ctype.h>
#include <dirent.h>
#include <event2/event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "hv/hvd/session.h"
#include "hv/hvd/vdom.h"

/*
 * The first look waits long enough for a client to map what it has just been
 * given; a zombie that stays is looked at ever less often.
 */
#define FIRST_MS 300
#define LAST_MS  10000

/* A look takes no longer: whoever has thousands of processes, each with
 * thousands of mappings, keeps its zombies, and hvd goes on. */
#define LOOK_MS 50

struct inodes {
	uint64_t *v;
	size_t n, max;
	uint64_t end_ms;
};

static uint64_t now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000 + (uint64_t)ts.tv_nsec / 1000000;
}

static bool inodes_add(struct inodes *s, uint64_t ino)
{
	uint64_t *v;

	if (s->n == s->max) {
		s->max = s->max ? s->max * 2 : 256;
		v = realloc(s->v, s->max * sizeof(*v));
		if (!v)
			return false;
		s->v = v;
	}
	s->v[s->n++] = ino;
	return true;
}

static int compare(const void *a, const void *b)
{
	const uint64_t *x = a, *y = b;

	return *x < *y ? -1 : *x > *y;
}

static bool inodes_have(const struct inodes *s, uint64_t ino)
{
	return s->v && bsearch(&ino, s->v, s->n, sizeof(ino), compare);
}

/* The memfds of runs that one process maps.  A process that is gone maps
 * none; one whose maps are not ours to read is not in a domain of ours. */
static bool maps_read(const char *pid, struct inodes *s)
{
	char path[300], *line = NULL;
	unsigned int lines = 0;
	unsigned long ino;
	size_t max = 0;
	bool ok = true;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%s/maps", pid);
	f = fopen(path, "re");
	if (!f)
		return true;
	ok = now_ms() < s->end_ms;
	while (ok && getline(&line, &max, f) > 0) {
		if (++lines % 256 == 0)
			ok = now_ms() < s->end_ms;
		if (!strstr(line, "/memfd:" WINDOW_NAME " "))
			continue;
		/* addresses perms offset device inode name */
		if (sscanf(line, "%*s %*s %*s %*s %lu", &ino) == 1)
			ok = inodes_add(s, ino);
	}
	free(line);
	fclose(f);
	return ok;
}

static bool inodes_read(struct inodes *s)
{
	DIR *d = opendir("/proc");
	struct dirent *e;
	bool ok = d;

	while (ok && (e = readdir(d)))
		if (isdigit((unsigned char)e->d_name[0]) &&
			atoi(e->d_name) != getpid())
			ok = maps_read(e->d_name, s);
	if (d)
		closedir(d);
	if (s->n)
		qsort(s->v, s->n, sizeof(*s->v), compare);
	return ok;
}

static bool is_dead(const struct hvd *h, uint64_t gen)
{
	const struct vdom *vd;

	TAILQ_FOREACH (vd, &h->vdoms, entry)
		if (vd->gen == gen)
			return vd->ended && !vd->freed;
	return false;
}

/* All of what the mapping showed is unmapped, and some of it is a zombie's. */
static bool is_over(
	const struct hvd *h, const struct held *m, const struct inodes *mapped)
{
	bool dead = false;

	for (uint32_t i = 0; i < m->n_runs; i++) {
		if (inodes_have(mapped, m->runs[i].ino))
			return false;
		dead = dead || is_dead(h, m->runs[i].gen);
	}
	return dead;
}

static void give_back(struct hvd *h, const struct inodes *mapped)
{
	struct session *s;
	struct vdom *vd;

	TAILQ_FOREACH (vd, &h->vdoms, entry)
		TAILQ_FOREACH (s, &vd->sessions, entry)
			for (uint32_t id = 0; !s->detached && id < s->n_held;
				id++)
				if (is_over(h, &s->held[id], mapped))
					held_release(s, id);
}

static bool any_zombie(const struct hvd *h)
{
	const struct vdom *vd;

	TAILQ_FOREACH (vd, &h->vdoms, entry)
		if (vd->ended && !vd->freed)
			return true;
	return false;
}

static void look_again(struct hvd *h)
{
	struct timeval tv = {
		h->unmapped_ms / 1000, h->unmapped_ms % 1000 * 1000};

	event_add(h->ev_unmapped, &tv);
}

static void on_look(int fd, short what, void *arg)
{
	struct inodes mapped = {.end_ms = now_ms() + LOOK_MS};
	struct hvd *h = arg;

	if (inodes_read(&mapped))
		give_back(h, &mapped);
	free(mapped.v);
	h->unmapped_ms =
		h->unmapped_ms * 2 < LAST_MS ? h->unmapped_ms * 2 : LAST_MS;
	if (any_zombie(h))
		look_again(h);
}

void unmapped_watch(struct hvd *h)
{
	if (!h->ev_unmapped)
		h->ev_unmapped = event_new(h->base, -1, 0, on_look, h);
	h->unmapped_ms = FIRST_MS;
	if (h->ev_unmapped)
		look_again(h);
}

void unmapped_fini(struct hvd *h)
{
	if (h->ev_unmapped)
		event_free(h->ev_unmapped);
}
