/* SPDX-License-Identifier: MIT */
/* admin.h - the administrator's connection to hvd (hv/proto/admin.h) */
#ifndef HV_CLI_ADMIN_H
#define HV_CLI_ADMIN_H

#include <stdbool.h>
#include <stddef.h>

#include "common/err.h"
#include "hv/proto/admin.h"

struct admin {
	int fd;
	/* HVA_EXITED that came while another reply was waited for */
	struct hva_msg exited;
	bool has_exited;
};

/* A request and its reply. */
struct admin_call {
	struct hva_msg msg;  /* request; then the reply's */
	const void *payload; /* msg.len bytes */
	const int *fds;      /* three, or NULL */
	void *reply;         /* at most reply_cap bytes */
	size_t reply_cap;
	int fd; /* that came with the reply, or -1 */
};

/*
 * Connect to the machine in @dir; 0 or -errno: -ENOENT if there is none,
 * -EPERM (and a message) if it may be somebody else's, who would be handed
 * what is meant for the machine.
 */
int admin_open(struct admin *a, const char *dir) __must_check;
void admin_close(struct admin *a);

/*
 * admin_call - 0 when the reply is there (its value may be an error), or
 * -errno; -ECONNRESET when hvd has gone.
 */
int admin_call(struct admin *a, struct admin_call *call) __must_check;

/* admin_ask - a request without payload; what the reply's value says. */
int admin_ask(struct admin *a, enum hva_type type, uint32_t domid) __must_check;

/* Wait for the next HVA_EXITED; 0 or -errno. */
int admin_wait_exited(struct admin *a, struct hva_msg *msg) __must_check;

/*
 * admin_wait_gone - after HVA_STOP, until the machine in @dir has gone, lock
 * and all; false if it has not after @seconds
 */
bool admin_wait_gone(
	struct admin *a, const char *dir, int seconds) __must_check;

#endif
