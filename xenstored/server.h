/* SPDX-License-Identifier: MIT */
/*
 * server.h - the state of the daemon: everything hangs here
 */
#ifndef BH_XENSTORED_SERVER_H
#define BH_XENSTORED_SERVER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/hash.h"
#include "common/loop.h"
#include "wire/path.h"
#include "wire/xsmsg.h"
#include "xenstored/conn.h"
#include "xenstored/domain.h"
#include "xenstored/node.h"
#include "xenstored/trace.h"
#include "xenstored/tree.h"
#include "xenstored/turn.h"
#include "xenstored/tx.h"
#include "xenstored/watch.h"

struct acl;
struct event;
struct host;
struct places;

/* Owner: main.  Freed by: server_free(). */
struct server {
	struct loop *loop;
	struct host *host;
	struct hash_key key;
	struct places *places;
	struct tree tree;
	struct acl *special[WATCH_SPECIALS]; /* of @introduceDomain, ... */
	struct domains domains;
	struct txs txs;
	struct turns turns;
	struct domain *self; /* the privileged domain, whose sockets we serve */

	struct conn_head conns;
	struct conn **port; /* ring connections by local port */
	uint32_t ports_cap;

	/* Every watch has a seat in hits, so firing needs no memory. */
	struct watch **hits;
	size_t hits_cap, watches_nr;
	uint64_t watch_seq;
	uint64_t view_nr;     /* of the change that is told now */
	uint64_t view_checks; /* times a connection's rights were looked at */

	struct trace trace;
	bool keep_orphans;   /* nodes of the dead stay, as our domain's */
	uint16_t priv_domid; /* a guest that may do everything; 0: none */
	uint32_t own_port;   /* of our domain's ring; 0: the kernel says it */
	char *rundir;        /* where CONTROL may write files; NULL: nowhere */
	int rundir_fd;
	int log_fd; /* of CONTROL logfile; -1: none */

	/*
	 * Nodes that were removed, and are freed a part at a time: whoever
	 * removes a large tree is answered first, and nobody waits for it.
	 */
	struct node *gone;
	size_t gone_nr; /* about so many with all below them */
	struct loop_work gone_work;

	int listen_fd; /* -1: not listening */
	char *socket_path;
	struct event *listening, *host_event;
	struct event *domains_later; /* look at all of them once more */
	bool listen_paused;          /* out of descriptors */
	struct loop_work domain_work;

	/* Scratch of the one request or change that is being handled. */
	struct path path;
	struct outmsg *spare;    /* see outq_init() */
	uint8_t in[CONN_IN_MAX]; /* of the connection that has its turn */
	uint8_t reply[XSMSG_PAYLOAD_MAX];
	struct node_walk walk;
};

/*
 * server_new - a server with an empty store
 * @loop, @host:	stay the caller's and must outlive it
 *
 * NULL when out of memory.
 */
struct server *server_new(struct loop *loop, struct host *host);

/*
 * The same for the sockets and the ring of domain @domid, which is 0
 * otherwise.
 */
struct server *server_new_for(
	struct loop *loop, struct host *host, uint16_t domid);

/* Ends all connections; runs what is left of the turn. */
void server_free(struct server *server);

/* Have CONTROL write files in the folder @dir.  0 or -errno. */
int server_rundir_set(struct server *server, const char *dir) __must_check;

/* Create the socket at @path, replacing a dead one.  0 or -errno. */
int server_listen(struct server *server, const char *path) __must_check;

/* Accept again, when a descriptor may have become free. */
void server_listen_resume(struct server *server);

/* Listen to the hypervisor, and to our own domain's ring.  0 or -errno. */
int server_attach_host(struct server *server) __must_check;

/* Look at all domains again in a while: not all could be told now. */
void server_domains_later(struct server *server);

/* Free @node, a removed one, and the @nr nodes that it is with all below. */
void server_node_gone(struct server *server, struct node *node, size_t nr);

/* Give up @root, that of a transaction; what that frees goes in parts. */
void server_root_gone(struct server *server, struct node *root);

/* Room for local @port in the table of ports.  0 or ENOMEM. */
int server_port_reserve(struct server *server, uint32_t port) __must_check;

/* Who hears of @port from now on; NULL: nobody. */
void server_port_set(struct server *server, uint32_t port, struct conn *conn);

#endif
