/* SPDX-License-Identifier: MIT */
/* xsmsg.c - messages of the Xenstore protocol */
#include <assert.h>
#include <errno.h>
#include <stdint.h>
#include <string.h>

#include <xen/io/xs_wire.h>

#include "common/rd.h"
#include "common/wr.h"
#include "wire/xsmsg.h"

static_assert(XSMSG_HDR_LEN == sizeof(struct xsd_sockmsg), "header");
static_assert((int)XSMSG_PAYLOAD_MAX == XENSTORE_PAYLOAD_MAX, "payload");

enum xsmsg_status xsmsg_parse(struct xsmsg *msg, const void *buf, size_t len)
{
	struct rd rd;

	if (len < XSMSG_HDR_LEN)
		return XSMSG_MORE;
	rd_init(&rd, buf, len);
	msg->hdr.type = rd_u32(&rd);
	msg->hdr.req_id = rd_u32(&rd);
	msg->hdr.tx_id = rd_u32(&rd);
	msg->hdr.len = rd_u32(&rd);
	msg->payload = NULL;
	if (msg->hdr.len > XSMSG_PAYLOAD_MAX)
		return XSMSG_BAD;
	msg->payload = rd_bytes(&rd, msg->hdr.len);
	return msg->payload ? XSMSG_READY : XSMSG_MORE;
}

void xsmsg_hdr_emit(void *buf, const struct xsmsg_hdr *hdr)
{
	struct wr wr;

	wr_init(&wr, buf, XSMSG_HDR_LEN);
	wr_u32(&wr, hdr->type);
	wr_u32(&wr, hdr->req_id);
	wr_u32(&wr, hdr->tx_id);
	wr_u32(&wr, hdr->len);
}

const char *xsmsg_error_name(int err)
{
	for (size_t i = 0; i < sizeof(xsd_errors) / sizeof(*xsd_errors); i++)
		if (xsd_errors[i].errnum == err)
			return xsd_errors[i].errstring;
	return "EINVAL";
}

int xsmsg_error_parse(const void *payload, size_t len)
{
	const char *s = payload;

	if (len && !s[len - 1])
		len--;
	for (size_t i = 0; i < sizeof(xsd_errors) / sizeof(*xsd_errors); i++) {
		const char *name = xsd_errors[i].errstring;

		if (strlen(name) == len && !memcmp(name, s, len))
			return xsd_errors[i].errnum;
	}
	return EINVAL;
}
