/* SPDX-License-Identifier: MIT */
/* power.c - the toolstack's requests to shut down */
#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include <xen/sched.h>

#include <talloc.h>

#include "common/log.h"
#include "hv/guest/power.h"
#include "wire/ops.h"

#define POWER_NODE "control/shutdown"

enum power_req { REQ_WATCH = 1, REQ_READ, REQ_ACK, REQ_OTHER };

/* Owner: main. */
struct power {
	struct mux_client mc;
	struct power_params p;
	int reason; /* acknowledged when REQ_ACK is answered; -1 */
};

/* The words, and what a domain of processes makes of them. */
static const struct {
	const char *word;
	int reason; /* -1: acknowledged, but not done */
} words[] = {
	{"poweroff", SHUTDOWN_poweroff},
	{"halt", SHUTDOWN_poweroff},
	{"reboot", SHUTDOWN_reboot},
	{"suspend", -1},
};

/* What the toolstack may ask for, as the kernels of Linux announce it. */
static const char *const features[] = {
	"control/feature-poweroff",
	"control/feature-reboot",
};

static void power_ask(struct power *pw, enum xs_op op, uint32_t id,
	const void *payload, size_t len)
{
	const struct xsmsg msg = {
		.hdr = {.type = op, .req_id = id, .len = (uint32_t)len},
		.payload = payload,
	};

	mux_request(&pw->mc, &msg);
	pw->p.wake(pw->p.arg);
}

static void on_word(struct power *pw, const uint8_t *word, size_t len)
{
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		if (strlen(words[i].word) != len ||
			memcmp(words[i].word, word, len))
			continue;
		pw->reason = words[i].reason;
		if (pw->reason < 0)
			log_info(NULL, "power_refused",
				"%s was asked for: not possible here",
				words[i].word);
		power_ask(pw, XS_OP_WRITE, REQ_ACK, POWER_NODE,
			sizeof(POWER_NODE));
		return;
	}
}

static void power_deliver(
	struct mux_client *mc, const struct xsmsg_hdr *hdr, const void *payload)
{
	struct power *pw = (void *)((char *)mc - offsetof(struct power, mc));

	if (hdr->type == XS_OP_WATCH_EVENT) {
		power_ask(pw, XS_OP_READ, REQ_READ, POWER_NODE,
			sizeof(POWER_NODE));
		return;
	}
	if (hdr->req_id == REQ_READ && hdr->type == XS_OP_READ && hdr->len)
		on_word(pw, payload, hdr->len);
	/* even if the store refused the acknowledgement: it was asked for */
	if (hdr->req_id == REQ_ACK && pw->reason >= 0)
		pw->p.end(pw->p.arg, (unsigned int)pw->reason);
}

static int power_destroy(struct power *pw)
{
	mux_client_fini(&pw->mc);
	return 0;
}

struct power *power_new(const void *ctx, const struct power_params *p)
{
	static const char watch[] = POWER_NODE "\0shutdown";
	struct power *pw = talloc_zero(ctx, struct power);
	char buf[64];

	if (!pw)
		return NULL;
	pw->p = *p;
	pw->reason = -1;
	mux_client_init(p->mux, &pw->mc, power_deliver);
	talloc_set_destructor(pw, power_destroy);
	for (size_t i = 0; i < sizeof(features) / sizeof(features[0]); i++) {
		size_t n = strlen(features[i]) + 1;

		memcpy(buf, features[i], n);
		buf[n] = '1';
		power_ask(pw, XS_OP_WRITE, REQ_OTHER, buf, n + 1);
	}
	power_ask(pw, XS_OP_WATCH, REQ_WATCH, watch, sizeof(watch));
	return pw;
}
