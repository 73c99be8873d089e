/* SPDX-License-Identifier: MIT */
/*
 * pvguest.h: what a PV domain's program and the test that runs it say
 *
 *   pvguest run    the demonstration: exits with 0 if all was as it must be
 *   pvguest pin    builds a large tree, then pins and unpins it for ever
 *   pvguest again  in the domain of one that was killed at that: goes on
 *
 * Over descriptor 0, a SOCK_SEQPACKET socket.  The guest says one thing and
 * waits for the same to be said back, when dom0 has done what it is about.
 */
#ifndef TESTS_SYS_PVGUEST_H
#define TESTS_SYS_PVGUEST_H

#include <stdint.h>

enum pv_say_what {
	PV_TREE = 1, /* it runs; a: number of a page of its; back: of another
			domain's page */
	PV_GRANTED,  /* a: reference; dom0 maps, finds GUEST_WORD in word 0,
			writes DOM0_WORD to word 1 */
	PV_UNMAP,    /* dom0 unmaps that */
	PV_FOREIGN,  /* a: gfn; the same by right; b: gfn of a table, which
			dom0 must not get for writing */
	PV_UNMAP_FOREIGN,
	PV_READY, /* mode pin: it begins */
};

#define GUEST_WORD 0x6775657374ull
#define DOM0_WORD  0x646f6d30ull

struct pv_say {
	uint32_t what;
	uint32_t pad;
	uint64_t a, b;
};

#endif
