/* SPDX-License-Identifier: MIT */
/*
 * agent.h: what a test's program in a domain does for it
 *
 * Over its descriptor 0, a SOCK_SEQPACKET socket, it takes struct agent_call
 * and answers struct agent_answer.  What it opens it keeps, by number, until
 * it ends: it is not on hvd's side.
 */
#ifndef TESTS_SYS_AGENT_H
#define TESTS_SYS_AGENT_H

#include <stdint.h>

enum agent_op {
	AGENT_OPEN = 1, /* -> session */
	AGENT_SHARE,   /* session, domid, pages, writable -> share, first ref */
	AGENT_FILL,    /* share, byte */
	AGENT_CHECK,   /* share, byte -> how many bytes are something else */
	AGENT_UNSHARE, /* share */
	AGENT_TOUCH,   /* share, ms: writes and reads it all the time */
	AGENT_MAP,     /* session, domid, ref, writable -> mapping */
	AGENT_UNMAP,   /* mapping: says so, and keeps it all */
	AGENT_LOOK,    /* mapping, byte -> how many bytes are that */
	AGENT_ATTACK_RO, /* mapping -> what worked, 0 if nothing did */
	AGENT_ATTACK_RW, /* mapping, ms -> what worked that must not */
	AGENT_SEAL_OWN,  /* share, seals -> what fcntl said */
	AGENT_ALLOC,     /* session, domid -> port */
	AGENT_BIND,      /* session, domid, port -> port */
	AGENT_UNBIND,    /* session, port */
	AGENT_CLOG,     /* port: fills what rings the peer, as one that waits */
	AGENT_SEND,     /* session, port: by hypercall */
	AGENT_STEAL,    /* port -> whether the peer's pipe could be read */
	AGENT_PORTS,    /* session, domid -> how many, until what error */
	AGENT_SHARES,   /* session, domid -> the same */
	AGENT_SESSIONS, /* -> the same; they stay */
	AGENT_DEAF,     /* n: sessions that ask and never read */
	AGENT_IN_FLIGHT, /* -> descriptors sent to nobody, until what error */
	AGENT_MALFORMED, /* seed, n: bad requests of every kind */
	AGENT_FOREIGN,   /* n: requests with descriptors -> sessions closed */
	AGENT_LISTEN,    /* abstract socket of a fixed name */
	AGENT_CONNECT,   /* to it -> errno */
	AGENT_SPY,   /* host pid -> what could be done with it, 0: nothing */
	AGENT_FLOOD, /* session, port, ms, kind -> how many */
	AGENT_ECHO,  /* port: sends back each event, until one byte comes */
	AGENT_PING,  /* port, ms -> round trips */
};

struct agent_call {
	int32_t op;
	int32_t a[4];
};

struct agent_answer {
	int32_t r; /* 0 or -errno */
	int32_t v[3];
};

#endif
