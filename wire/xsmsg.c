/* SPDX-License-Identifier: MIT */
/* xsmsg.c - messages of the Xenstore protocol */
#include <assert.h>
#include <errno.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <xen/io/xs_wire.h>

#include "wire/xsmsg.h"

static_assert(XSMSG_HDR_LEN == sizeof(struct xsd_sockmsg) &&
		      XSMSG_HDR_LEN == sizeof(struct xsmsg_hdr) &&
		      offsetof(struct xsmsg_hdr, type) ==
			      offsetof(struct xsd_sockmsg, type) &&
		      offsetof(struct xsmsg_hdr, req_id) ==
			      offsetof(struct xsd_sockmsg, req_id) &&
		      offsetof(struct xsmsg_hdr, tx_id) ==
			      offsetof(struct xsd_sockmsg, tx_id) &&
		      offsetof(struct xsmsg_hdr, len) ==
			      offsetof(struct xsd_sockmsg, len),
	"header");
static_assert((int)XSMSG_PAYLOAD_MAX == XENSTORE_PAYLOAD_MAX, "payload");

enum xsmsg_status xsmsg_parse(struct xsmsg *msg, const void *buf, size_t len)
{
	msg->payload = NULL;
	if (len < XSMSG_HDR_LEN)
		return XSMSG_MORE;
	memcpy(&msg->hdr, buf, XSMSG_HDR_LEN);
	if (msg->hdr.len > XSMSG_PAYLOAD_MAX)
		return XSMSG_BAD;
	if (msg->hdr.len > len - XSMSG_HDR_LEN)
		return XSMSG_MORE;
	msg->payload = (const uint8_t *)buf + XSMSG_HDR_LEN;
	return XSMSG_READY;
}

void xsmsg_hdr_emit(void *buf, const struct xsmsg_hdr *hdr)
{
	memcpy(buf, hdr, XSMSG_HDR_LEN);
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
