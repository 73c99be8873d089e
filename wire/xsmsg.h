/* SPDX-License-Identifier: MIT */
/*
 * xsmsg.h - messages of the Xenstore protocol
 *
 * A message is a header of four words in host order and a payload of at most
 * XSMSG_PAYLOAD_MAX bytes (xen/io/xs_wire.h).  A reply echoes type, req_id
 * and tx_id; an error reply has the type XS_OP_ERROR and the name of an errno
 * with its NUL as payload.
 */
#ifndef BH_WIRE_XSMSG_H
#define BH_WIRE_XSMSG_H

#include <stddef.h>
#include <stdint.h>

enum {
	XSMSG_HDR_LEN = 16,
	XSMSG_PAYLOAD_MAX = 4096,
	XSMSG_MAX = XSMSG_HDR_LEN + XSMSG_PAYLOAD_MAX,
};

struct xsmsg_hdr {
	uint32_t type;   /* enum xs_op, or anything a peer sends */
	uint32_t req_id; /* chosen by the client, echoed */
	uint32_t tx_id;  /* transaction, 0 for none; echoed */
	uint32_t len;    /* bytes of payload */
};

/* A whole message within received bytes. */
struct xsmsg {
	struct xsmsg_hdr hdr;
	const uint8_t *payload; /* hdr.len bytes, inside the received ones */
};

enum xsmsg_status {
	XSMSG_READY, /* a message is there */
	XSMSG_MORE,  /* more bytes are needed */
	XSMSG_BAD,   /* the length is over the limit: the stream is lost */
};

/*
 * xsmsg_parse - look for a message at the start of @len bytes of @buf
 *
 * On XSMSG_READY fills @msg; it took xsmsg_size(msg) bytes.  On XSMSG_BAD
 * and on XSMSG_MORE with at least XSMSG_HDR_LEN bytes, msg->hdr is filled.
 */
enum xsmsg_status xsmsg_parse(struct xsmsg *msg, const void *buf, size_t len);

static inline size_t xsmsg_size(const struct xsmsg *msg)
{
	return XSMSG_HDR_LEN + (size_t)msg->hdr.len;
}

/* Write @hdr as XSMSG_HDR_LEN bytes of @buf. */
void xsmsg_hdr_emit(void *buf, const struct xsmsg_hdr *hdr);

/*
 * xsmsg_error_name - the name by which errno @err goes over the wire; what
 * has no name in the protocol is EINVAL.
 */
const char *xsmsg_error_name(int err);

/*
 * xsmsg_error_parse - the errno for the payload of an error reply, @len
 * bytes with or without the NUL; EINVAL for a name we do not know.
 */
int xsmsg_error_parse(const void *payload, size_t len);

#endif
