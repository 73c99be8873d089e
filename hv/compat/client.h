/* SPDX-License-Identifier: MIT */
/*
 * client.h: a session with hvd, from the side of a domain's process.
 *
 * DOC: session client
 *
 * The protocol is hv/proto/proto.h.  A struct hv_client is one session: one
 * socket, one request outstanding.  All functions may be called from several
 * threads at once, except that hv_client_close() must be the last; a request
 * waits for the one before it.  Nothing here logs, and no signal is raised
 * when hvd is gone.
 *
 * Errors are negative errnos: what hvd answered, or
 *   -EIO	hvd is gone, or broke the protocol; the session is dead and
 *		answers -EIO from now on
 *   -EPROTO	this reply is not the one that the caller described (lengths,
 *		descriptors); it was taken off the socket whole
 *   -EMFILE	the reply's descriptors did not fit this process's limit.  The
 *		payload has arrived, so that the caller can give back what it
 *		was told about
 *   -EMSGSIZE	the request is larger than HVP_MSG_MAX
 *   -EFAULT	a buffer of the caller's is not memory
 *
 * A process that forks must not use the client in the child, other than to
 * close it.
 */
#ifndef HV_COMPAT_CLIENT_H
#define HV_COMPAT_CLIENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>

#include "hv/proto/proto.h"

struct hv_client;

/* Descriptors that came with a reply; the caller closes them. */
struct hv_fds {
	unsigned int nr;
	int fd[HVP_FDS_MAX];
};

/* Flags of a client: descriptors survive exec. */
#define HV_CLIENT_INHERIT 1u

/*
 * hv_client_open: connect to the socket at @path; NULL means what the
 * environment variable HV_SOCKET says, else /dev/xen/hv.  The environment
 * is not looked at in a set-uid program.  0, or -errno of socket(2) and
 * connect(2); *@c is then NULL.
 */
int hv_client_open(struct hv_client **c, const char *path, unsigned int flags);

/*
 * hv_client_adopt: the session is @fd, a connected SOCK_SEQPACKET socket
 * (inherited, or given by the administrator's socket).  Owned by the client
 * when this returns 0; on -ENOMEM still the caller's.
 */
int hv_client_adopt(struct hv_client **c, int fd, unsigned int flags);

/*
 * hv_client_close: ends the session; hvd gives back all that was made
 * through it.  NULL is allowed.
 */
void hv_client_close(struct hv_client *c);

/*
 * hv_client_is_open: whether the descriptor still is the session's.  Programs
 * that close all descriptors, and what they open then, make it another's.
 */
bool hv_client_is_open(const struct hv_client *c);

/* hv_client_forget: as hv_client_close(), but for the descriptor. */
void hv_client_forget(struct hv_client *c);

/* The socket, for poll(2): readable when an async message is there. */
int hv_client_fd(const struct hv_client *c);

/*
 * hv_client_on_async: @fn gets each unasked message (enum hvp_async; only
 * kernel sessions are sent any) with its payload, which is valid during the
 * call.  It runs in the thread that happens to wait for a reply, with the
 * client locked: it must not call the client, only take a note.  Set it
 * before the first request; without it such messages are dropped.
 */
#define HV_ASYNC_MAX 256 /* bytes of payload */
typedef void hv_async_fn(
	void *arg, unsigned int async, const void *data, size_t len);
void hv_client_on_async(struct hv_client *c, hv_async_fn *fn, void *arg);

/*
 * hv_client_dispatch: take the async messages that are there, without
 * waiting.  0 when there are no more, -EIO when hvd is gone.
 */
int hv_client_dispatch(struct hv_client *c);

/*
 * One request and its reply, scattered.  The reply's payload fills @rep in
 * order; a longer one is -EPROTO (by more than HV_ASYNC_MAX: -EIO).  After an
 * answer of hvd (also a negative one) or -EMFILE, rep_n and rep_len tell what
 * arrived.
 */
#define HV_REQ_IOV_MAX (HVP_BUFS_MAX + 4)
struct hv_exchange {
	uint16_t op;             /* enum hvp_op */
	uint16_t n;              /* items */
	const struct iovec *req; /* payload; may be NULL with req_nr 0 */
	unsigned int req_nr;     /* <= HV_REQ_IOV_MAX */
	const struct iovec *rep;
	unsigned int rep_nr; /* <= HV_REQ_IOV_MAX */
	struct hv_fds *fds;  /* NULL: descriptors are a violation */
	/* set by hv_client_exchange() */
	uint32_t rep_n;
	uint32_t rep_len;
};

/* hv_client_exchange: 0, or a negative errno as above. */
int hv_client_exchange(struct hv_client *c, struct hv_exchange *x);

/*
 * hv_client_ask: a request with a payload of one piece and @n items, whose
 * successful reply has exactly @rep_len bytes (else -EPROTO).  Descriptors go
 * to @fds, or are a violation when it is NULL.
 */
int hv_client_ask(struct hv_client *c, unsigned int op, unsigned int n,
	const void *req, size_t req_len, void *rep, size_t rep_len,
	struct hv_fds *fds);

/* hv_fds_close: closes what has not been taken out (set to -1). */
void hv_fds_close(struct hv_fds *fds);

#endif
