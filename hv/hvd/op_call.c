/* SPDX-License-Identifier: MIT */
/* op_call.c: hypercalls of a session. */
#include <errno.h>
#include <event2/event.h>
#include <stdlib.h>
#include <string.h>

#include "hv/hvd/session.h"
#include "hv/hvd/vdom.h"

/*
 * The caller's memory as the hypercall may see it: the buffers that came
 * with the request.  A call that goes on in a later turn keeps its own copy.
 */
struct hypercall_state {
	struct hv_gmem mem; /* first: found from the engine's pointer */
	struct hv_call call;
	uint32_t n;
	struct hvp_buf buf[HVP_BUFS_MAX];
	uint32_t at[HVP_BUFS_MAX]; /* where its bytes start in data */
	uint32_t size;
	uint8_t *data;
};

/* The one that the engine is in, if any. */
static struct hv_call *running;

void hypercall_spend(uint32_t units)
{
	if (running)
		running->budget -=
			units < running->budget ? units : running->budget;
}

/* The bytes at [addr, addr + len), or NULL. */
static uint8_t *view(struct hypercall_state *st, uint64_t addr, size_t len)
{
	for (uint32_t i = 0; i < st->n; i++) {
		const struct hvp_buf *b = &st->buf[i];

		if (addr < b->addr || addr - b->addr > b->len)
			continue;
		if (len <= b->len - (addr - b->addr))
			return st->data + st->at[i] + (addr - b->addr);
	}
	return NULL;
}

static int gmem_read(struct hv_gmem *m, void *dst, uint64_t addr, size_t len)
{
	const uint8_t *p = view((struct hypercall_state *)m, addr, len);

	if (!p)
		return -EFAULT;
	memcpy(dst, p, len);
	return 0;
}

static int gmem_write(
	struct hv_gmem *m, uint64_t addr, const void *src, size_t len)
{
	uint8_t *p = view((struct hypercall_state *)m, addr, len);

	if (!p)
		return -EFAULT;
	memcpy(p, src, len);
	return 0;
}

static void state_free(struct hypercall_state *st)
{
	/* it may have ended its own domain, and is freed within the call */
	if (running == &st->call)
		running = NULL;
	/* a reset under way must not block the next one for ever */
	hv_hypercall_abort(&st->call);
	free(st->data);
	free(st);
}

static struct hypercall_state *state_new(struct request *r, int *rc)
{
	const struct hvp_buf *b = r->items;
	struct hypercall_state *st = calloc(1, sizeof(*st));
	uint64_t total = 0, sent = 0, given = 0;
	const uint8_t *p = r->rest;

	*rc = -ENOMEM;
	if (!st)
		return NULL;
	*rc = -EINVAL;
	for (uint32_t i = 0; i < r->hdr.n; i++) {
		st->buf[i] = b[i];
		st->at[i] = total;
		total += b[i].len;
		sent += b[i].flags & HVP_BUF_ZERO ? 0 : b[i].len;
		given += b[i].flags & HVP_BUF_OUT ? b[i].len : 0;
	}
	/* all of it must fit a message, both ways */
	if (sent != r->rest_len || total > HVP_MSG_MAX ||
		given > HVP_MSG_MAX - sizeof(struct hvp_rep) -
				sizeof(struct hvp_result))
		goto fail;
	*rc = -ENOMEM;
	st->n = r->hdr.n;
	st->size = total;
	st->data = calloc(1, total ? total : 1);
	if (!st->data)
		goto fail;
	for (uint32_t i = 0; i < st->n; i++) {
		if (b[i].flags & HVP_BUF_ZERO)
			continue;
		memcpy(st->data + st->at[i], p, b[i].len);
		p += b[i].len;
	}
	st->mem.read = gmem_read;
	st->mem.write = gmem_write;
	st->call.dom = r->s->vd->d;
	st->call.mem = &st->mem;
	return st;
fail:
	state_free(st);
	return NULL;
}

static void put_result(struct hypercall_state *st, int64_t ret)
{
	struct hvp_result *o = reply_put(sizeof(*o));

	o->ret = ret;
	for (uint32_t i = 0; i < st->n; i++)
		if (st->buf[i].flags & HVP_BUF_OUT)
			memcpy(reply_put(st->buf[i].len), st->data + st->at[i],
				st->buf[i].len);
}

static void on_again(int fd, short what, void *arg);

/* Ran out of budget: other sessions first.  False: no memory for it. */
static bool go_on_later(struct session *s)
{
	static const struct timeval now = {0, 0};

	if (!s->ev_again)
		s->ev_again = event_new(s->vd->h->base, -1, 0, on_again, s);
	return s->ev_again && !event_add(s->ev_again, &now);
}

static void on_again(int fd, short what, void *arg)
{
	struct session *s = arg;
	struct hypercall_state *st = s->call;
	int64_t ret;

	if (s->dead || !st)
		return;
	st->call.budget = HVD_BUDGET;
	running = &st->call;
	ret = hv_hypercall_continue(&st->call);
	running = NULL;
	/* the call may have ended its own domain, and this session */
	if (s->call != st || s->dead || (ret == -ERESTART && go_on_later(s)))
		return;
	s->call = NULL;
	reply_reset();
	put_result(st, ret == -ERESTART ? -ENOMEM : ret);
	state_free(st);
	reply_send(s, 0);
}

int op_hypercall(struct request *r)
{
	const struct hvp_hypercall *a = r->args;
	struct session *s = r->s;
	struct hypercall_state *st;
	uint64_t arg[6] = {0};
	int64_t ret;
	int rc;

	st = state_new(r, &rc);
	if (!st)
		return rc;
	memcpy(arg, a->arg, sizeof(a->arg));
	st->call.budget = HVD_BUDGET;
	s->call = st;
	running = &st->call;
	ret = hv_hypercall(&st->call, a->op, arg);
	running = NULL;
	if (s->dead)
		return 0; /* the call ended its own domain */
	if (ret == -ERESTART && go_on_later(s)) {
		r->later = true;
		return 0;
	}
	s->call = NULL;
	/* -ERESTART is between the engine and us: without memory to go on
	 * later the call ends where it is */
	put_result(st, ret == -ERESTART ? -ENOMEM : ret);
	state_free(st);
	return 0;
}

void hypercall_abort(struct session *s)
{
	if (!s->call)
		return;
	state_free(s->call);
	s->call = NULL;
}
