/* SPDX-License-Identifier: MIT */
/*
 * store.h: what the benchmark of the store is made of
 *
 * DOC: The stage
 *
 * Each server runs alone on an hvd of its own, in a mount namespace with the
 * few files of /proc and /run that a store daemon wants.  The driver is
 * everything else, in one process: the toolstack, the clients on sockets, and
 * the kernels of all guests.  So where a row has two clients, the second has
 * always done its part when the first asks, and what is measured is what the
 * server makes of it.
 *
 * The echo server is told by each request how long the answer is, in req_id,
 * which the others only give back.
 */
#ifndef TESTS_BENCH_STORE_H
#define TESTS_BENCH_STORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "tests/sys/stand.h"
#include "wire/ops.h"
#include "wire/xsmsg.h"
#include "wire/xsring.h"

struct xenevtchn_handle;

/* In the order of measuring: ours beside the closest, which is the echo. */
enum kind { C_XS, OCAML_XS, OURS, ECHO, KINDS };

extern const char *const kind_name[KINDS];

/* To the echo server: an event to every connection, then the answer. */
enum { ECHO_TO_ALL = 200 };

enum { METRICS = 5, CL_BUF = 1 << 17, STALL_MS = 2000 };

/* A client of a server, on a socket or on a ring. */
struct cl {
	int fd; /* -1: a ring */
	struct xsring ring;
	struct xenevtchn_handle *evtchn;
	int port;
	uint8_t *in;
	size_t in_len;
	uint8_t *out;
	size_t out_at, out_len;
	uint64_t replies, events, errors; /* so far */
	char last[64];                    /* the start of the last reply */
};

/* One server that runs. */
struct srv {
	enum kind kind;
	struct stand stand;
	pid_t pid;
	char socket[128];
	struct cl *admin; /* a socket, for set-up */
	void *row;        /* the row's own */
};

/* All of these end the program with a message when they fail. */
void die(const char *fmt, ...) __attribute__((format(printf, 1, 2), noreturn));

void srv_start(struct srv *s, enum kind kind);
void srv_stop(struct srv *s);
void srv_stop_all(void);

/* Bytes of memory that the server's process has in use. */
size_t srv_resident(const struct srv *s);

/* Create domain @domid and introduce it; its ring, if @cl is wanted. */
void srv_domain(struct srv *s, uint32_t domid, struct cl **cl);

/* A client on a new socket. */
struct cl *cl_open(struct srv *s);
void cl_close(struct cl *cl);
struct cl *cl_ring(void *page, struct xenevtchn_handle *evtchn, int port);

/* Another request to be sent, whose answer has @answer bytes. */
void cl_put(struct cl *cl, uint32_t type, uint32_t tx, const void *data,
	size_t len, size_t answer);

/* Room for another one in what is sent at once; rings have 1 KiB. */
bool cl_fits(const struct cl *cl, size_t len);

/* Send what can be sent without waiting for the server. */
void cl_flush(struct cl *cl);

/* Take what is there; @wait: until there is something. */
void cl_take(struct cl *cl, bool wait);

/* Until there were so many replies or events since the start. */
void cl_replies(struct cl *cl, uint64_t nr);
void cl_events(struct cl *cl, uint64_t nr);

/* The same, but false if nothing comes for so long that it is a stall. */
bool cl_replies_soon(struct cl *cl, uint64_t nr);

/* One request and its answer. */
void cl_ask(struct cl *cl, uint32_t type, uint32_t tx, const void *data,
	size_t len, size_t answer);

/* The usual ones, one at a time. */
void cl_write(struct cl *cl, uint32_t tx, const char *path, const char *value);
void cl_read(struct cl *cl, uint32_t tx, const char *path, size_t answer);
uint32_t cl_start(struct cl *cl);
bool cl_end(struct cl *cl, uint32_t tx);
void cl_watch(struct cl *cl, const char *path, const char *token);

/* @nr requests, up to @depth in flight; @put queues the i-th. */
void cl_run(struct cl *cl, unsigned nr, unsigned depth,
	void (*put)(struct cl *cl, unsigned i, void *arg), void *arg);

/* The child that is the echo server; does not return. */
void echo_main(const char *socket, uint32_t store_port)
	__attribute__((noreturn));

double now_us(void);
void sort_doubles(double *v, size_t nr);

/* How a row is judged, from its metric of each server. */
enum against {
	VS_ECHO,  /* over the echo server's, at most */
	VS_C,     /* times C's, at least */
	VS_OCAML, /* over OCaml's, at most */
	VS_SELF,  /* the second variant over the first, at most */
	VS_ALONE, /* itself, at most */
};

struct line {
	const char *text;
	enum against against;
	double limit;
	unsigned metric, over; /* over: VS_ALONE, divided by that; if not 0 */
	unsigned variant;
};

struct row {
	const char *name;
	unsigned kinds;    /* bits of enum kind */
	unsigned variants; /* servers of each kind: 1 or 2 */
	bool fresh;        /* new servers for each round */
	void (*set_up)(struct srv *s, unsigned variant);
	void (*measure)(struct srv *s, unsigned variant, double *metric);
	struct line line[7];
};

extern const struct row rows[];
extern const size_t rows_nr;

extern const struct row rows_guest[];
extern const size_t rows_guest_nr;

#endif
