/* SPDX-License-Identifier: MIT */
/*
 * side.h: one of the two store daemons that are compared, and its machine
 *
 * DOC: A side is an hvd of its own with a daemon in dom0 and three guests,
 * whose kernels are played by this process.  Everything that a client can do
 * goes through a chan, by number: the same number is the same client on
 * both sides.  A domain lives on when its connection goes; only KILL ends it.
 *
 * Functions that return int return 0, or -1 after a line on stderr: then the
 * machine has failed, not the daemon, and the program ends.
 */
#ifndef TESTS_DIFF_SIDE_H
#define TESTS_DIFF_SIDE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "tests/sys/stand.h"
#include "wire/xsring.h"

struct xenevtchn_handle;
struct xengntdev_handle;

enum {
	GUESTS = 3,
	CHAN_DOM0 = 0, /* and the next: sockets */
	SOCKETS = 2,
	CHAN_GUEST = SOCKETS,           /* of domain 1, and the next */
	CHAN_CTL = CHAN_GUEST + GUESTS, /* a socket that is not compared */
	CHANS,
	LINES_MAX = 512,
	CHAN_BUF = 1 << 16,
};

/* What came on a connection in one step, in order, as text. */
struct said {
	unsigned nr;
	int reply; /* which of them is the reply; -1: none */
	char *line[LINES_MAX];
};

struct chan {
	int fd;    /* of a socket */
	bool live; /* there is somebody who will answer */
	bool closed;
	bool ignored; /* its client broke the protocol */
	struct xsring ring;
	uint8_t *in, *out;
	size_t in_len, out_at, out_len;
	bool wait_reply, wait_sync;
	uint32_t type, tx; /* of the request that waits */
	uint32_t tx_given; /* by the last reply */
	struct said said;
	unsigned releases; /* @releaseDomain events on CHAN_CTL */
};

struct dom {
	bool alive, introduced, shutdown;
	void *page;
	struct xenevtchn_handle *evtchn;
	struct xengntdev_handle *grants;
	int port;
};

struct side {
	const char *name;
	const char *xen; /* the folder of Debian's programs; NULL: ours */
	struct stand stand;
	pid_t pid;
	struct xenevtchn_handle *kernel; /* of dom0: says nothing */
	char socket[128];
	struct chan chan[CHANS];
	struct dom dom[GUESTS + 1];
	bool silent; /* somebody did not answer in time */
};

int side_start(struct side *s);
void side_stop(struct side *s);

/* The daemon is still the process that was started. */
bool side_alive(const struct side *s);

int side_create(struct side *s, unsigned domid);
int side_kill(struct side *s, unsigned domid);
int side_shutdown(struct side *s, unsigned domid);
int side_resume(struct side *s, unsigned domid);

/*
 * Send a request; the reply is collected by chan_settle().  Returns false if
 * there is nobody who would answer.
 */
bool chan_send(struct side *s, unsigned c, uint32_t type, uint32_t tx,
	const void *data, size_t len);

/* Bytes that are no request, and whoever sends them may be ignored for it. */
void chan_send_raw(struct side *s, unsigned c, const void *data, size_t len);

/* Until the reply is there. */
void chan_reply(struct side *s);

/*
 * Until the reply is there, and everything that was to be said about it: then
 * all have answered another request, which says nothing new.
 */
void chan_settle(struct side *s);

/* Close and open again, or wait until the other end has closed. */
int chan_reopen(struct side *s, unsigned c);
void chan_wait_closed(struct side *s, unsigned c);

/* A ring whose other end starts anew. */
void chan_ring_fresh(struct side *s, unsigned c);

/* Until the daemon has taken what is in the ring, or does not. */
void chan_wait_taken(struct side *s, unsigned c);

/* Ring indexes that are impossible. */
void chan_bad_index(struct side *s, unsigned c);

/* Up to two seconds until CHAN_CTL has had @nr @releaseDomain. */
void chan_wait_releases(struct side *s, unsigned nr);

/* Something that was seen on a connection, besides what was said. */
void chan_note(struct side *s, unsigned c, const char *text);

void said_clear(struct side *s);

#endif
