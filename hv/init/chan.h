/* SPDX-License-Identifier: MIT */
/*
 * chan.h: messages between hv-init and hvd (birth.h), both ways
 */
#ifndef HV_INIT_CHAN_H
#define HV_INIT_CHAN_H

#include "hv/proto/birth.h"

#include <stdbool.h>
#include <stddef.h>

#define CHAN_FDS_MAX 4

struct chan_msg {
	struct hvb_msg head;
	char *data; /* head.len bytes, valid until the next chan_recv() */
	int fd[CHAN_FDS_MAX];
	int n_fd;
};

/*
 * The next message.  Returns 1; 0 when the other end is gone; -EPROTO for one
 * that is malformed (it has been dropped); another -errno.  Its descriptors
 * are close-on-exec and the caller's to close: chan_msg_fini().
 */
int chan_recv(int sock, struct chan_msg *m);
void chan_msg_fini(struct chan_msg *m);

/* Sends one message, with the descriptor fd unless it is -1.  0 or -errno. */
int chan_send(int sock, uint32_t type, uint32_t id, int32_t value,
	const char *text, int fd);

/* HVB_NOTE, printf-like. */
void chan_note(int sock, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

#endif
