/* SPDX-License-Identifier: MIT */
/* store_rows.c: what dom0's clients do, over sockets */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/bench/store.h"

enum {
	BIT_OURS = 1 << OURS,
	BIT_C = 1 << C_XS,
	BIT_OCAML = 1 << OCAML_XS,
	BIT_ECHO = 1 << ECHO,
	DAEMONS = BIT_OURS | BIT_C | BIT_OCAML,
	ALL = DAEMONS | BIT_ECHO,
	DEPTH = 16,
};

/* A path, and a value as long as many are. */
#define NODE  "/bench/node"
#define VALUE "0123456789"

static void put_path(struct cl *cl, uint32_t type, const char *path,
	const char *value, size_t answer)
{
	char buf[256];
	int n = snprintf(buf, sizeof(buf), "%s%c%s", path, 0, value);

	cl_put(cl, type, 0, buf, (size_t)n, answer);
}

static double median(double *v, size_t nr)
{
	sort_doubles(v, nr);
	return v[nr / 2];
}

/* --- one client --------------------------------------------------------- */

static void node_set_up(struct srv *s, unsigned variant)
{
	cl_write(s->admin, 0, NODE, VALUE);
}

/* p50 of reads and writes, one at a time */
static double depth_1(struct cl *cl, unsigned nr)
{
	double v[4000];

	for (unsigned i = 0; i < nr; i++) {
		double start = now_us();

		if (i % 2)
			cl_write(cl, 0, NODE, VALUE);
		else
			cl_read(cl, 0, NODE, strlen(VALUE));
		v[i] = now_us() - start;
	}
	return median(v, nr);
}

static void one_measure(struct srv *s, unsigned variant, double *metric)
{
	depth_1(s->admin, 200);
	metric[0] = depth_1(s->admin, 4000);
}

static void put_rw(struct cl *cl, unsigned i, void *arg)
{
	const char *path = arg;

	if (i % 2)
		put_path(cl, XS_OP_WRITE, path, VALUE, 3);
	else
		cl_put(cl, XS_OP_READ, 0, path, strlen(path) + 1,
			strlen(VALUE));
}

/* requests per second with 16 in flight */
static double depth_16(struct cl *cl, const char *path, unsigned nr)
{
	double start = now_us();

	cl_run(cl, nr, DEPTH, put_rw, (void *)(uintptr_t)path);
	return nr / (now_us() - start) * 1e6;
}

static void deep_measure(struct srv *s, unsigned variant, double *metric)
{
	unsigned nr = s->kind == OURS || s->kind == ECHO ? 60000 : 10000;

	metric[0] = depth_16(s->admin, NODE, nr);
}

static void ring_set_up(struct srv *s, unsigned variant)
{
	struct cl *cl;

	srv_domain(s, 1, &cl);
	s->row = cl;
	cl_write(cl, 0, "data", VALUE);
}

static void ring_measure(struct srv *s, unsigned variant, double *metric)
{
	unsigned nr = s->kind == OURS || s->kind == ECHO ? 40000 : 4000;

	metric[0] = depth_16(s->row, "data", nr);
}

/* --- others who do nothing ---------------------------------------------- */

static void idle_set_up(struct srv *s, unsigned variant)
{
	node_set_up(s, variant);
	for (unsigned i = 0; variant && i < 500; i++)
		cl_read(cl_open(s), 0, NODE, strlen(VALUE));
}

static void domains_set_up(struct srv *s, unsigned variant)
{
	node_set_up(s, variant);
	for (uint32_t i = 1; i <= (variant ? 500 : 1); i++)
		srv_domain(s, i, NULL);
}

static void read_measure(struct srv *s, unsigned variant, double *metric)
{
	double v[3000];

	for (unsigned i = 0; i < 3000; i++) {
		double start = now_us();

		cl_read(s->admin, 0, NODE, strlen(VALUE));
		v[i] = now_us() - start;
	}
	metric[0] = median(v, 3000);
}

static void put_foreign(struct cl *cl, unsigned i, void *arg)
{
	char buf[64];
	int n = snprintf(buf, sizeof(buf), "/foreign/%u/node%c%u", i, 0, i);

	cl_put(cl, XS_OP_WATCH, 0, buf, (size_t)n + 1, 3);
}

static void foreign_set_up(struct srv *s, unsigned variant)
{
	struct cl *cl = cl_open(s);

	node_set_up(s, variant);
	/* in parts: nobody reads the events of registration meanwhile */
	if (variant)
		cl_run(cl, 10000, DEPTH, put_foreign, NULL);
	while (cl->events < (variant ? 10000 : 0))
		cl_take(cl, true);
}

static void write_measure(struct srv *s, unsigned variant, double *metric)
{
	double v[2000];

	for (unsigned i = 0; i < 2000; i++) {
		double start = now_us();

		cl_write(s->admin, 0, NODE, VALUE);
		v[i] = now_us() - start;
	}
	metric[0] = median(v, 2000);
}

/* --- watches ------------------------------------------------------------- */

enum { WATCHES = 1000, CONNS = 1000 };

static void watches_set_up(struct srv *s, unsigned variant)
{
	struct cl *cl = cl_open(s);
	char token[16];

	node_set_up(s, variant);
	for (unsigned i = 0; i < WATCHES; i++) {
		snprintf(token, sizeof(token), "t%03u", i);
		cl_watch(cl, NODE, token);
	}
	cl_events(cl, WATCHES);
	s->row = cl;
}

static void watches_measure(struct srv *s, unsigned variant, double *metric)
{
	unsigned times = s->kind == OURS ? 200 : 20;
	struct cl *cl = s->row;
	double start = now_us();

	for (unsigned i = 0; i < times; i++) {
		cl_write(s->admin, 0, NODE, VALUE);
		cl_events(cl, cl->events + WATCHES);
	}
	metric[0] = times * WATCHES / (now_us() - start) * 1e6;
}

static void conns_set_up(struct srv *s, unsigned variant)
{
	struct cl **all = calloc(CONNS, sizeof(struct cl *));

	node_set_up(s, variant);
	for (unsigned i = 0; i < CONNS; i++) {
		all[i] = cl_open(s);
		if (s->kind == ECHO)
			cl_read(all[i], 0, NODE, 1);
		else
			cl_watch(all[i], NODE, "token");
		if (s->kind != ECHO)
			cl_events(all[i], 1);
		/* little is read at once, and there are many */
		free(all[i]->out);
		all[i]->out = NULL;
	}
	s->row = all;
}

static void conns_measure(struct srv *s, unsigned variant, double *metric)
{
	static const char body[] = NODE "\0" VALUE;
	struct cl **all = s->row;
	double v[30];

	for (unsigned k = 0; k < 30; k++) {
		double start = now_us();

		if (s->kind == ECHO) {
			cl_ask(s->admin, ECHO_TO_ALL, 0, body, sizeof(body) - 1,
				sizeof(NODE) + sizeof("token"));
			/* the admin's own, too */
			cl_events(s->admin, s->admin->events);
		} else {
			cl_write(s->admin, 0, NODE, VALUE);
		}
		for (unsigned i = 0; i < CONNS; i++)
			cl_events(all[i], all[i]->events + 1);
		v[k] = now_us() - start;
	}
	metric[0] = median(v, 30);
}

enum { BLIND = 100, BLIND_WATCHES = 128 };

/* Guests who watch everything, and may see nothing of it. */
static void blind_set_up(struct srv *s, unsigned variant)
{
	char token[16];

	node_set_up(s, variant);
	for (uint32_t i = 1; i <= BLIND; i++) {
		struct cl *cl;

		srv_domain(s, i, &cl);
		for (unsigned k = 0; variant && k < BLIND_WATCHES; k++) {
			snprintf(token, sizeof(token), "t%03u", k);
			cl_watch(cl, "/", token);
			cl_events(cl, k + 1);
		}
		free(cl->out);
		cl->out = NULL;
	}
}

/* --- transactions --------------------------------------------------------- */

enum { CLIENTS = 8, TURNS = 16 };

static void children_set_up(struct srv *s, unsigned variant)
{
	struct cl **all = calloc(CLIENTS, sizeof(struct cl *));

	for (unsigned i = 0; i < CLIENTS; i++)
		all[i] = cl_open(s);
	s->row = all;
}

/* All start, all add their child, all commit. */
static unsigned children_turn(struct cl **all, unsigned turn)
{
	uint64_t errors[CLIENTS];
	uint32_t tx[CLIENTS];
	unsigned done = 0;
	char path[64];

	for (unsigned i = 0; i < CLIENTS; i++)
		cl_put(all[i], XS_OP_TRANSACTION_START, 0, "", 1, 1);
	for (unsigned i = 0; i < CLIENTS; i++)
		cl_flush(all[i]);
	for (unsigned i = 0; i < CLIENTS; i++) {
		cl_replies(all[i], all[i]->replies + 1);
		tx[i] = (uint32_t)strtoul(all[i]->last, NULL, 10);
	}
	for (unsigned i = 0; i < CLIENTS; i++) {
		int n = snprintf(path, sizeof(path), "/bench/dir/c%u-%u%c%s", i,
			turn, 0, VALUE);

		cl_put(all[i], XS_OP_WRITE, tx[i], path, (size_t)n, 3);
		cl_flush(all[i]);
	}
	for (unsigned i = 0; i < CLIENTS; i++)
		cl_replies(all[i], all[i]->replies + 1);
	for (unsigned i = 0; i < CLIENTS; i++) {
		errors[i] = all[i]->errors;
		cl_put(all[i], XS_OP_TRANSACTION_END, tx[i], "T", 2, 3);
		cl_flush(all[i]);
	}
	for (unsigned i = 0; i < CLIENTS; i++) {
		cl_replies(all[i], all[i]->replies + 1);
		done += all[i]->errors == errors[i];
	}
	return done;
}

static void children_measure(struct srv *s, unsigned variant, double *metric)
{
	unsigned done = 0, times = 0;
	double took = 0;

	for (unsigned k = 0; k < 12; k++) {
		double start;

		cl_write(s->admin, 0, "/bench/dir", "");
		start = now_us();
		for (unsigned i = 0; i < TURNS; i++) {
			done += children_turn(s->row, i);
			times += CLIENTS;
		}
		took += now_us() - start;
		cl_ask(s->admin, XS_OP_RM, 0, "/bench/dir",
			sizeof("/bench/dir"), 3);
	}
	metric[0] = done / took * 1e6;
	metric[1] = 100.0 * (times - done) / times;
}

enum { READS = 5000 };

static void put_many(struct cl *cl, unsigned i, void *arg)
{
	char path[64];

	snprintf(path, sizeof(path), "/bench/%u/%u", i / 100, i % 100);
	put_path(cl, XS_OP_WRITE, path, VALUE, 3);
}

static void many_set_up(struct srv *s, unsigned variant)
{
	cl_run(s->admin, READS, DEPTH, put_many, NULL);
}

static void put_read(struct cl *cl, unsigned i, void *arg)
{
	const uint32_t *tx = arg;
	char path[64];
	int n = snprintf(path, sizeof(path), "/bench/%u/%u", i / 100, i % 100);

	cl_put(cl, XS_OP_READ, *tx, path, (size_t)n + 1, strlen(VALUE));
}

/* In turns: what else the machine does is in both. */
static void many_measure(struct srv *s, unsigned variant, double *metric)
{
	double in[5], out[5];

	for (unsigned k = 0; k < 5; k++) {
		double start = now_us();
		uint32_t tx = 0;

		cl_run(s->admin, READS, DEPTH, put_read, &tx);
		out[k] = now_us() - start;
		start = now_us();
		tx = cl_start(s->admin);
		cl_run(s->admin, READS, DEPTH, put_read, &tx);
		if (!cl_end(s->admin, tx))
			die("a transaction alone is in conflict");
		in[k] = now_us() - start;
	}
	metric[0] = median(in, 5);
	metric[1] = median(out, 5);
}

/* --- a tree of 100 nodes and of 100,000 ----------------------------------- */

enum { TREE_DIR = 100, TREE_BATCHES = 5, TREE_NEW = 200, TREE_TX = 300 };

static void put_tree(struct cl *cl, unsigned i, void *arg)
{
	char path[64];

	snprintf(path, sizeof(path), "/bench/tree/d%u/n%u", i / TREE_DIR,
		i % TREE_DIR);
	put_path(cl, XS_OP_WRITE, path, VALUE, 3);
}

static void put_new(struct cl *cl, unsigned i, void *arg)
{
	const unsigned *base = arg;

	put_tree(cl, *base + i, NULL);
}

/* microseconds for one more node after @nodes */
static double creation(struct cl *cl, unsigned nodes)
{
	double v[TREE_BATCHES];

	for (unsigned k = 0; k < TREE_BATCHES; k++) {
		double start = now_us();

		cl_run(cl, TREE_NEW, DEPTH, put_new, &nodes);
		v[k] = (now_us() - start) / TREE_NEW;
		nodes += TREE_NEW;
	}
	return median(v, TREE_BATCHES);
}

/* p50 of 10 reads and 10 writes, and what goes around them */
static double transactions(struct cl *cl)
{
	double v[TREE_TX];
	char path[64];

	for (unsigned k = 0; k < TREE_TX; k++) {
		double start = now_us();
		uint32_t tx = cl_start(cl);

		for (unsigned i = 0; i < 10; i++) {
			snprintf(path, sizeof(path), "/bench/tree/d0/n%u", i);
			cl_read(cl, tx, path, strlen(VALUE));
			cl_write(cl, tx, path, VALUE);
		}
		if (!cl_end(cl, tx))
			die("a transaction alone is in conflict");
		v[k] = now_us() - start;
	}
	return median(v, TREE_TX);
}

static void tree_measure(struct srv *s, unsigned variant, double *metric)
{
	unsigned nodes = variant ? 100000 : 100, dirs = nodes / TREE_DIR;
	struct cl *cl = s->admin;
	size_t resident;
	double start;

	cl_read(cl, 0, "/", 0);
	resident = srv_resident(s);
	start = now_us();
	/* each directory is a node, too */
	cl_run(cl, nodes - dirs, DEPTH, put_tree, NULL);
	metric[4] = (now_us() - start) / nodes;
	metric[3] = (double)(srv_resident(s) - resident) / nodes;
	metric[0] = creation(cl, nodes);
	metric[1] = transactions(cl);
	start = now_us();
	cl_ask(cl, XS_OP_RM, 0, "/bench/tree", sizeof("/bench/tree"), 3);
	metric[2] = (now_us() - start) / 1e3;
}

/* -------------------------------------------------------------------------- */

const struct row rows[] = {
	{"socket-1", ALL, 1, true, node_set_up, one_measure,
		{{"socket, depth 1: p50, us / echo", VS_ECHO, 1.25, 0, 0, 0}}},
	{"socket-16", ALL, 1, false, node_set_up, deep_measure,
		{{"socket, depth 16: ops/s / C", VS_C, 6, 0, 0, 0}}},
	{"ring-16", ALL, 1, false, ring_set_up, ring_measure,
		{{"ring, depth 16: ops/s / C", VS_C, 4, 0, 0, 0}}},
	{"idle-500", DAEMONS, 2, false, idle_set_up, read_measure,
		{{"500 idle connections / none", VS_SELF, 1.15, 0, 0, 1}}},
	{"domains-500", DAEMONS, 2, false, domains_set_up, read_measure,
		{{"500 ring domains / 1", VS_SELF, 1.1, 0, 0, 1}}},
	{"children", DAEMONS, 1, false, children_set_up, children_measure,
		{{"8 add children: commits/s / C", VS_C, 7, 0, 0, 0},
			{"8 add children: conflicts, %", VS_ALONE, 0, 1, 0,
				0}}},
	{"watches-1000", DAEMONS, 1, false, watches_set_up, watches_measure,
		{{"1,000 watches: events/s / C", VS_C, 20, 0, 0, 0}}},
	{"conns-1000", ALL, 1, false, conns_set_up, conns_measure,
		{{"1,000 conns watch: p50, us / echo", VS_ECHO, 1.4, 0, 0, 0}}},
	{"foreign-10000", DAEMONS, 2, false, foreign_set_up, write_measure,
		{{"10,000 foreign watches / none", VS_SELF, 1.1, 0, 0, 1}}},
	{"blind-100", BIT_OURS | BIT_C, 2, false, blind_set_up, write_measure,
		{{"12,800 blind watches / none", VS_SELF, 1.3, 0, 0, 1}}},
	{"tree", ALL, 2, true, node_set_up, tree_measure,
		{{"create: 100,000 nodes / 100", VS_SELF, 1.3, 0, 0, 1},
			{"create at 100,000: us / OCaml", VS_OCAML, 0.25, 0, 0,
				1},
			{"create up to 100,000: us / OCaml", VS_OCAML, 0.25, 4,
				0, 1},
			{"tx of 20: p50, us / echo", VS_ECHO, 1.5, 1, 0, 0},
			{"tx of 20: 100,000 nodes / 100", VS_SELF, 1.1, 1, 0,
				1},
			{"remove 100,000: ms / OCaml", VS_OCAML, 1, 2, 0, 1},
			{"resident bytes per node", VS_ALONE, 160, 3, 0, 1}}},
	{"reads-5000", DAEMONS, 1, false, many_set_up, many_measure,
		{{"5,000 reads: in one tx / outside", VS_ALONE, 1.3, 0, 1, 0}}},
};
const size_t rows_nr = sizeof(rows) / sizeof(rows[0]);
