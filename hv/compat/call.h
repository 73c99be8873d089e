/* SPDX-License-Identifier: MIT */
/* call.h: the inside of a hypercall handle. */
#ifndef HV_COMPAT_CALL_H
#define HV_COMPAT_CALL_H

#include <pthread.h>

#include <xencall.h>

#include "hv/compat/client.h"
#include "hv/compat/toolcore.h"

/* Pages kept for the next xencall_alloc_buffer_pages(1). */
#define CALL_CACHE 16

struct xencall_handle {
	struct Xentoolcore__Active_Handle active; /* first: for on_restrict */
	struct xentoollog_logger *logger;
	struct hv_client *client;
	pthread_mutex_t lock; /* of the cache */
	unsigned int cached;
	void *cache[CALL_CACHE];
};

/* call_once: one message to hvd; its result, or a negative errno. */
int64_t call_once(struct hv_client *c, unsigned int op, const uint64_t arg[5]);

/*
 * call_split: the same for calls of any size: lists that are longer than a
 * message are worked off in parts, as if there had been one call.
 */
int64_t call_split(struct hv_client *c, unsigned int op, const uint64_t arg[5]);

/* call_cache_fini: gives back the pages that are kept. */
void call_cache_fini(struct xencall_handle *xcall);

#endif
