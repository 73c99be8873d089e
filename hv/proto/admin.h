/* SPDX-License-Identifier: MIT */
/*
 * admin.h: the machine's administrator (the hv command) and hvd.
 *
 * The socket DIR/hvd.sock is SOCK_SEQPACKET, mode 0600, and takes connections
 * of hvd's own uid (and root) only: who may open it owns the machine.
 * Requests are struct hva_msg and `len` bytes of payload; each has one reply
 * of the same type.  HVA_EXEC has a second one, HVA_EXITED, when the process
 * ends; closing the connection sends SIGHUP to what was started through it.
 */
#ifndef HV_PROTO_ADMIN_H
#define HV_PROTO_ADMIN_H

#include <stdint.h>

#define HVA_SOCKET_NAME "hvd.sock"
#define HVA_MSG_MAX     65536

enum hva_type {
	HVA_SESSION = 1, /* -> fd: a session of dom0 (proto.h) */
	HVA_BUILD,       /* domid; payload: configuration strings (birth.h).
			  * Starts hv-init; it runs the kernel and the command
			  * when the domain is unpaused.  Reply when hv-init is
			  * ready or has failed (payload: why). */
	HVA_EXEC,        /* domid; payload strings; fds 0, 1, 2 -> id */
	HVA_SIGNAL,      /* id, value */
	HVA_EXITED,      /* id, value: wait status */
	HVA_INFO,        /* -> struct hva_info */
	HVA_LOG,         /* -> the machine's log, newest 60 KiB */
	HVA_STOP,        /* destroy all domains, dom0 last, and exit */
	HVA_NAME,        /* domid; payload: name for log lines and hv list */
};

struct hva_msg {
	uint32_t type;
	uint32_t domid;
	uint32_t id;
	int32_t value; /* reply: 0 or -errno */
	uint32_t len;
};

struct hva_info {
	uint32_t pid; /* of hvd */
	uint32_t domains, zombies, runs, maps, foreign, ports;
	uint32_t sessions, descriptors, processes;
	uint64_t frames;
	uint64_t requests; /* served since the start */
	uint64_t have;     /* HVB_HAVE_* of dom0 */
};

#endif
