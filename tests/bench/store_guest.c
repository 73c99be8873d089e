/* SPDX-License-Identifier: MIT */
/*
 * store_guest.c: a guest that asks, while another one does its worst
 *
 * Before each request of the victim the other guest's kernel has its turn:
 * what it can do without waiting, it has done.  So the server always has all
 * the work that a guest can give it when the victim asks.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/bench/store.h"

enum {
	DAEMONS = 1 << OURS | 1 << C_XS | 1 << OCAML_XS,
	ASKS = 6000,
	PARTS = 20
};

#define VALUE "0123456789"

struct pair {
	struct cl *victim, *other;
	bool (*turn)(struct srv *s, struct cl *other); /* false: stalls */
	uint64_t waits; /* of the other: for so many replies */
};

static void pair_set_up(struct srv *s, unsigned variant)
{
	struct pair *p = calloc(1, sizeof(*p));
	char big[1501];

	srv_domain(s, 1, &p->victim);
	srv_domain(s, 2, &p->other);
	cl_write(p->victim, 0, "data", VALUE);
	memset(big, 'x', sizeof(big) - 1);
	big[sizeof(big) - 1] = '\0';
	cl_write(p->other, 0, "data", VALUE);
	cl_write(p->other, 0, "big", big);
	s->row = p;
}

/* Reads as many as fit into the ring, and takes what came. */
static bool flood(struct srv *s, struct cl *other)
{
	cl_take(other, false);
	while (cl_fits(other, 5))
		cl_put(other, XS_OP_READ, 0, "data", 5, strlen(VALUE));
	cl_flush(other);
	return true;
}

/* Asks for much, and has a watch that fires; reads nothing. */
static bool deaf(struct srv *s, struct cl *other)
{
	static const char path[] = "/local/domain/2/watched\0" VALUE;

	while (cl_fits(other, 4))
		cl_put(other, XS_OP_READ, 0, "big", 4, 1500);
	cl_flush(other);
	cl_put(s->admin, XS_OP_WRITE, 0, path, sizeof(path) - 1, 3);
	return cl_replies_soon(s->admin, s->admin->replies + 1);
}

static void deaf_set_up(struct srv *s, unsigned variant)
{
	struct pair *p;

	pair_set_up(s, variant);
	p = s->row;
	p->turn = deaf;
	cl_watch(p->other, "watched", "token");
}

static void flood_set_up(struct srv *s, unsigned variant)
{
	pair_set_up(s, variant);
	((struct pair *)s->row)->turn = flood;
}

/* START, then what goes in it, END and the next START. */
static bool loop(struct srv *s, struct cl *other)
{
	struct pair *p = s->row;

	cl_take(other, false);
	if (other->replies < p->waits)
		return true;
	if (p->waits) {
		uint32_t tx = (uint32_t)strtoul(other->last, NULL, 10);

		for (int i = 0; i < 6; i++)
			cl_put(other, XS_OP_WRITE, tx, "data\0" VALUE,
				5 + strlen(VALUE), 3);
		cl_put(other, XS_OP_TRANSACTION_END, tx, "T", 2, 3);
		p->waits += 7;
	}
	cl_put(other, XS_OP_TRANSACTION_START, 0, "", 1, 1);
	p->waits = p->waits ? p->waits + 1 : other->replies + 1;
	cl_flush(other);
	return true;
}

static void loop_set_up(struct srv *s, unsigned variant)
{
	pair_set_up(s, variant);
	((struct pair *)s->row)->turn = loop;
}

/* Ask so often, with the other one's turn before each; false: a stall. */
static bool ask(struct srv *s, double *v, unsigned nr,
	bool (*turn)(struct srv *s, struct cl *other))
{
	struct pair *p = s->row;

	for (unsigned i = 0; i < nr; i++) {
		double start;

		if (turn && !turn(s, p->other))
			return false;
		start = now_us();
		cl_put(p->victim, XS_OP_READ, 0, "data", 5, strlen(VALUE));
		if (!cl_replies_soon(p->victim, p->victim->replies + 1))
			return false;
		v[i] = now_us() - start;
	}
	return true;
}

/* Until the other one has its answers. */
static void calm(struct srv *s)
{
	struct pair *p = s->row;

	p->other->out_at = p->other->out_len = 0;
	for (int i = 0; i < 200; i++) {
		cl_take(p->other, false);
		cl_read(p->victim, 0, "data", strlen(VALUE));
	}
}

static double p99(double *v)
{
	sort_doubles(v, ASKS);
	return v[ASKS * 99 / 100];
}

/* Quiet and not in turns: what else the machine does then is in both. */
static void pair_measure(struct srv *s, unsigned variant, double *metric)
{
	static double quiet[ASKS], loud[ASKS];
	struct pair *p = s->row;

	for (unsigned i = 0; i < ASKS; i += ASKS / PARTS) {
		if (!ask(s, quiet + i, ASKS / PARTS, NULL) ||
			!ask(s, loud + i, ASKS / PARTS, p->turn)) {
			metric[0] = HUGE_VAL;
			metric[1] = 1;
			return;
		}
		calm(s);
	}
	metric[0] = p99(loud);
	metric[1] = p99(quiet);
}

const struct row rows_guest[] = {
	{"flood", DAEMONS, 1, false, flood_set_up, pair_measure,
		{{"p99 beside a flood / quiet", VS_ALONE, 2, 0, 1, 0}}},
	{"deaf", DAEMONS, 1, true, deaf_set_up, pair_measure,
		{{"p99 beside one who never reads", VS_ALONE, 2, 0, 1, 0}}},
	{"loop", DAEMONS, 1, true, loop_set_up, pair_measure,
		{{"p99 beside transactions", VS_ALONE, 2, 0, 1, 0}}},
};
const size_t rows_guest_nr = sizeof(rows_guest) / sizeof(rows_guest[0]);
