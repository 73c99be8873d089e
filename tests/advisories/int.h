/* SPDX-License-Identifier: MIT */
/* int.h: what the two halves of the fixture share, machine.c and client.c */
#ifndef TESTS_ADVISORIES_INT_H
#define TESTS_ADVISORIES_INT_H

#include <sys/types.h>

#include "tests/advisories/adv.h"
#include "tests/sys/stand.h"

struct xenevtchn_handle;
struct xengntdev_handle;

enum {
	ANSWER_MS = 5000, /* a machine under load is slow */
	ADV_TIMEOUT = 100,
};

struct dom {
	struct xenevtchn_handle *evtchn;
	struct xengntdev_handle *grants;
	void *page;
	int port;
	struct xsring ring;
};

struct machine {
	struct stand stand;
	pid_t pid; /* of the daemon */
	char socket[128], log[128];
	struct dom dom[GUESTS + 1];
};

extern struct machine machine;

void clients_open(void);
void clients_close(void);

/* What came for the client is of no use any more. */
void client_forget(int who);

void domain_forget(int domid);

#endif
