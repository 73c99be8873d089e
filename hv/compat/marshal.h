/* SPDX-License-Identifier: MIT */
/*
 * marshal.h: which of the caller's memory a hypercall reads and writes.
 *
 * DOC: hypercalls as messages
 *
 * hvd sees no memory of its callers.  A hypercall travels with the bytes it
 * may read, each piece marked with its address, and comes back with those it
 * may have written.  What the pieces are follows from a table: the structure
 * an argument points at, and for each pointer in it where its count stands
 * and how large an element is (the sources are Xen's public headers).
 *
 * An operation that the table does not know travels with its scalars only;
 * hvd answers it with -ENOSYS.  So does a NULL pointer.
 *
 * The pieces are described, not copied: iovecs point at the caller's memory.
 */
#ifndef HV_COMPAT_MARSHAL_H
#define HV_COMPAT_MARSHAL_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/uio.h>

#include "hv/proto/proto.h"

#define HC_IN    1u
#define HC_OUT   2u
#define HC_INOUT (HC_IN | HC_OUT)

/* How many elements a pointer's target has. */
enum hc_count {
	HC_ONE, /* one element */
	HC_U16, /* the number at count_at */
	HC_U32,
	HC_U64,
	HC_SQUARE, /* its square; 32 bits */
	HC_BITS32, /* bytes for that many bits */
	HC_BITS64,
	HC_VCPUS, /* bytes of a mask of vCPUs: marshal_vcpus() */
};

/* A pointer in a structure. */
struct hc_ptr {
	uint16_t at;       /* of the pointer, in the structure */
	uint16_t count_at; /* of the count */
	uint16_t unit;     /* bytes of an element */
	uint8_t count;     /* enum hc_count */
	uint8_t dir;       /* HC_* */
	/*
	 * The pointer counts only if the 32 bits at if_at, as a bit number,
	 * are in if_set; or with if_flags, have a bit of if_set.  0: always.
	 */
	uint16_t if_at;
	uint16_t if_set;
	bool if_flags;
};

#define HC_PTRS 4

/* One sub-operation; size 0: its argument is no pointer. */
struct hc_row {
	uint16_t cmd;
	uint16_t size;
	uint8_t dir;
	struct hc_ptr ptr[HC_PTRS]; /* unit 0 ends */
};

/* Where a hypercall says which sub-operation it is. */
enum hc_key {
	HC_KEY_NONE, /* there is one */
	HC_KEY_ARG0, /* the first argument */
	HC_KEY_HEAD, /* the first 32 bits of the structure */
};

/* One hypercall. */
struct hc_op {
	uint8_t op;
	uint8_t key;
	uint8_t arg;         /* which one points at the structure */
	uint8_t count_arg;   /* which one says how many of them; 0: one */
	uint32_t cmd_mask;   /* of the sub-operation in argument 0 */
	uint16_t other_size; /* of a sub-operation without a row; 0: none */
	uint8_t rows;
	const struct hc_row *row;
};

/* marshal_find_op, marshal_find_row: table look-ups; NULL: not there. */
const struct hc_op *marshal_find_op(unsigned int op);
const struct hc_row *marshal_find_row(const struct hc_op *o, uint32_t cmd);

/* The tables, for their test. */
extern const struct hc_op hc_ops[];
extern const unsigned int hc_ops_nr;

/* A hypercall as a request and the places its reply goes to. */
struct marshal {
	struct hvp_hypercall head;
	struct hvp_result result;
	uint32_t nr;    /* buffers */
	uint32_t total; /* bytes of all buffers */
	uint32_t back;  /* bytes of those that come back */
	struct hvp_buf buf[HVP_BUFS_MAX];
	uint32_t req_nr, rep_nr;
	struct iovec req[HVP_BUFS_MAX + 2];
	struct iovec rep[HVP_BUFS_MAX + 1];
};

/*
 * marshal_call: describe hypercall @op with @arg.  0; -E2BIG when it does not
 * fit one message; -EINVAL for a count that cannot be.
 */
int marshal_call(struct marshal *m, unsigned int op, const uint64_t arg[5]);

/*
 * marshal_vcpus: how many bytes of a mask of vCPUs at @addr travel.  Its
 * length is the domain's affair: those for the most vCPUs that there can be,
 * but none of a page that may not be there.
 */
uint64_t marshal_vcpus(uint64_t addr);

/*
 * marshal_add: one piece of memory.  @addr 0 or @len 0 adds nothing.
 * Overlapping pieces are allowed.
 */
int marshal_add(
	struct marshal *m, uint64_t addr, uint64_t len, unsigned int dir);

#endif
