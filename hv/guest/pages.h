/* SPDX-License-Identifier: MIT */
/*
 * pages.h - the pages of the domain that its kernel uses itself
 *
 * When another domain maps one of them, hvd moves the page into an object of
 * its own and asks the kernel to follow.  The kernel has one thread and does
 * so between two pieces of work, so nothing is written to the old place
 * after that.
 */
#ifndef HV_GUEST_PAGES_H
#define HV_GUEST_PAGES_H

#include <stdint.h>

#include "common/err.h"
#include "hv/compat/client.h"

enum { PAGES_MAX = 8 };

struct pages {
	struct hv_client *client;
	unsigned int nr;
	struct {
		uint64_t gfn;
		void *va;
	} page[PAGES_MAX];
};

/* pages_map - map @gfn read-write for the life of the process; 0 or -errno */
int pages_map(struct pages *p, uint64_t gfn, void **va) __must_check;

/* pages_split - HVP_ASYNC_SPLIT asked for @gfn: follow it.  0 or -errno. */
int pages_split(struct pages *p, uint64_t gfn) __must_check;

#endif
