/* SPDX-License-Identifier: MIT */
/* server.c - the state of the daemon: set-up, ports, the socket */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <event2/event.h>
#include <talloc.h>

#include "common/log.h"
#include "common/macro.h"
#include "xenstored/acl.h"
#include "xenstored/change.h"
#include "xenstored/conf.h"
#include "xenstored/conn.h"
#include "xenstored/host.h"
#include "xenstored/place.h"
#include "xenstored/server.h"

enum {
	LISTEN_BACKLOG = 128,
	ACCEPTS_PER_TURN = 16,
	PORTS_PER_TURN = 64,
	GONE_PER_TURN = 1024,
	GONE_AT_ONCE = 128, /* not worth coming back for */
	PORT_MAX = 1 << 20, /* more than any event channel ABI has */
};

static void domain_work(struct loop_work *work)
{
	domain_check_all(container_of(work, struct server, domain_work));
}

static void on_domains_later(evutil_socket_t fd, short what, void *arg)
{
	struct server *server = arg;

	loop_work_queue(server->loop, &server->domain_work);
}

void server_domains_later(struct server *server)
{
	const struct timeval second = {.tv_sec = 1};

	if (event_add(server->domains_later, &second))
		log_error(NULL, "domain-scan", "no memory for a timer");
}

/*
 * An eighth of what waits at least: it cannot become more than eight times
 * what is removed in one turn.
 */
static void gone_work(struct loop_work *work)
{
	struct server *server = container_of(work, struct server, gone_work);
	size_t part = server->gone_nr / 8 + GONE_PER_TURN;

	if (node_bury(server->places, &server->gone, part) < part) {
		server->gone_nr = 0;
	} else {
		server->gone_nr -=
			part < server->gone_nr ? part : server->gone_nr;
		loop_work_queue(server->loop, work);
	}
	txs_freed(server);
}

void server_node_gone(struct server *server, struct node *node, size_t nr)
{
	if (nr <= GONE_AT_ONCE) {
		node_unref(server->places, node);
		return;
	}
	node_drop(node, &server->gone);
	server->gone_nr += nr;
	loop_work_queue(server->loop, &server->gone_work);
}

void server_root_gone(struct server *server, struct node *root)
{
	node_drop(root, &server->gone);
	if (!server->gone)
		return;
	if (node_bury(server->places, &server->gone, GONE_AT_ONCE) <
		GONE_AT_ONCE) {
		server->gone_nr = 0;
		return;
	}
	/* Nobody has counted them: no more than there are old ones. */
	server->gone_nr = txs_old(server) / NODE_VERSION_COST;
	loop_work_queue(server->loop, &server->gone_work);
}

/* The nodes that are there from the start, all of the daemon's domain. */
static int plant(struct server *server)
{
	struct acl_entry entry = {.domid = server->self->domid,
		.access = PERM_NONE,
		.instance = server->self->instance};
	struct acl *acl = acl_new(&entry, 1);
	struct change change = {
		.kind = CHANGE_NODE_WRITE, .path = "/tool/xenstored"};
	int r;

	if (!acl)
		return ENOMEM;
	for (int i = 0; i < WATCH_SPECIALS; i++)
		server->special[i] = acl_ref(acl);
	r = tree_init(&server->tree, server->places, acl);
	acl_unref(acl);
	if (r)
		return r;
	domain_node_added(server, server->tree.root);
	return change_apply(server, &change);
}

struct server *server_new(struct loop *loop, struct host *host)
{
	return server_new_for(loop, host, 0);
}

struct server *server_new_for(
	struct loop *loop, struct host *host, uint16_t domid)
{
	struct server *server = calloc(1, sizeof(*server));

	if (!server)
		return NULL;
	server->loop = loop;
	server->host = host;
	server->listen_fd = server->rundir_fd = server->log_fd = -1;
	trace_init(&server->trace);
	hash_key_random(&server->key);
	TAILQ_INIT(&server->conns);
	domains_init(&server->domains);
	loop_work_init(&server->domain_work, domain_work);
	loop_work_init(&server->gone_work, gone_work);
	server->domains_later =
		evtimer_new(loop_base(loop), on_domains_later, server);
	server->places = places_new(NULL);
	if (server->places)
		server->self = domain_new(server, domid, true);
	if (server->self)
		server->self->introduced = true;
	if (!server->domains_later || !server->self || plant(server) ||
		txs_init(server) || turns_init(server)) {
		server_free(server);
		return NULL;
	}
	return server;
}

/* Take every node off the accounts, which must then be at zero. */
static void uproot(struct server *server)
{
	struct node *node;

	node_walk_start(&server->walk, server->tree.root);
	while ((node = node_walk_next(&server->walk)))
		domain_node_removed(server, node);
	tree_fini(&server->tree);
}

int server_rundir_set(struct server *server, const char *dir)
{
	server->rundir = strdup(dir);
	if (!server->rundir)
		return err_trace(-ENOMEM);
	server->rundir_fd = open(dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
	return server->rundir_fd < 0 ? err_trace(-errno) : 0;
}

static void rundir_close(struct server *server)
{
	if (server->rundir_fd >= 0)
		close(server->rundir_fd);
	free(server->rundir);
	if (server->log_fd < 0)
		return;
	log_fd_set(STDERR_FILENO);
	close(server->log_fd);
}

/* By its folder, if we have it: names may mean something else by now. */
static void socket_unlink(struct server *server)
{
	const char *slash = strrchr(server->socket_path, '/');

	if (slash && server->rundir_fd >= 0)
		unlinkat(server->rundir_fd, slash + 1, 0);
	else
		unlink(server->socket_path);
}

static void unlisten(struct server *server)
{
	if (server->listening)
		event_free(server->listening);
	if (server->host_event)
		event_free(server->host_event);
	server->listening = server->host_event = NULL;
	server->listen_paused = false;
	if (server->listen_fd >= 0) {
		socket_unlink(server);
		close(server->listen_fd);
	}
	server->listen_fd = -1;
	free(server->socket_path);
	server->socket_path = NULL;
}

void server_free(struct server *server)
{
	struct domain *domain;
	struct conn *conn;

	unlisten(server);
	if (server->domains_later)
		event_free(server->domains_later);
	rundir_close(server);
	conf_free(server->domains.conf);
	loop_work_cancel(server->loop, &server->domain_work);
	loop_work_cancel(server->loop, &server->domains.leave);
	while ((conn = TAILQ_FIRST(&server->conns)))
		conn_kill(conn);
	loop_work_cancel(server->loop, &server->gone_work);
	if (server->places)
		(void)node_bury(server->places, &server->gone, SIZE_MAX);
	if (server->tree.root)
		uproot(server);
	txs_fini(server);
	turns_fini(server);
	while ((domain = TAILQ_FIRST(&server->domains.all)))
		domain_kill(domain);
	loop_bury(server->loop);
	for (int i = 0; i < WATCH_SPECIALS; i++)
		if (server->special[i])
			acl_unref(server->special[i]);
	talloc_free(server->places);
	trace_fini(&server->trace);
	free(server->spare);
	free(server->port);
	free(server->hits);
	free(server);
}

int server_port_reserve(struct server *server, uint32_t port)
{
	uint32_t cap = server->ports_cap ? server->ports_cap : 64;
	struct conn **table;

	if (port >= PORT_MAX)
		return ENOMEM;
	while (cap <= port)
		cap *= 2;
	if (cap == server->ports_cap)
		return 0;
	table = reallocarray(server->port, cap, sizeof(struct conn *));
	if (!table)
		return ENOMEM;
	memset(table + server->ports_cap, 0,
		(cap - server->ports_cap) * sizeof(struct conn *));
	server->port = table;
	server->ports_cap = cap;
	return 0;
}

void server_port_set(struct server *server, uint32_t port, struct conn *conn)
{
	CHECK(port < server->ports_cap);
	server->port[port] = conn;
}

static void port_fired(struct server *server, uint32_t port)
{
	/*
	 * Unmasked before the ring is looked at: what comes later fires
	 * again, what came before is seen.
	 */
	server->host->ops->unmask(server->host, port);
	if (port == server->host->virq_port)
		loop_work_queue(server->loop, &server->domain_work);
	else if (port < server->ports_cap && server->port[port])
		conn_ring_kicked(server->port[port]);
}

static void on_host(evutil_socket_t fd, short what, void *arg)
{
	struct pollfd pfd = {.fd = fd, .events = POLLIN};
	struct server *server = arg;
	uint32_t port;

	/* Asking when no port is pending might wait. */
	for (int i = 0; i < PORTS_PER_TURN; i++) {
		if (i && poll(&pfd, 1, 0) <= 0)
			return;
		if (!server->host->ops->pending(server->host, &port))
			return;
		port_fired(server, port);
	}
}

/*
 * The page of our own domain's ring, and its port: the kernel we run on says
 * which.  It does not when our own domain is another (--master-domid), whose
 * page is granted to us then like that of any other, and whose port must have
 * been said (--event).
 */
static int own_page(struct server *server, void **page, uint32_t *remote)
{
	struct host *host = server->host;
	int r = host->ops->own_ring(host, page, remote);

	if (!server->own_port)
		return r;
	*remote = server->own_port;
	return r ? host->ops->map(host, server->self->domid, page) : 0;
}

/* Our own domain's kernel has a ring, too, when there is a hypervisor. */
static void attach_own_ring(struct server *server)
{
	struct host *host = server->host;
	uint32_t remote, port;
	void *page;

	if (own_page(server, &page, &remote)) {
		log_info(NULL, "own-ring", "this domain's kernel has no ring");
		return;
	}
	if (host->ops->bind(host, server->self->domid, remote, &port)) {
		log_error(NULL, "own-ring", "cannot bind port %u", remote);
		host->ops->unmap(host, server->self->domid, page);
		return;
	}
	if (conn_ring_new(server->self, page, port, &server->self->ring)) {
		log_error(NULL, "own-ring", "no memory for this domain's ring");
		host->ops->unbind(host, port);
		host->ops->unmap(host, server->self->domid, page);
	}
}

int server_attach_host(struct server *server)
{
	int fd = server->host->ops->fd(server->host);

	if (fd < 0)
		return 0;
	server->host_event = event_new(loop_base(server->loop), fd,
		EV_READ | EV_PERSIST, on_host, server);
	if (!server->host_event || event_add(server->host_event, NULL))
		return err_trace(-ENOMEM);
	attach_own_ring(server);
	return 0;
}

static void on_listen(evutil_socket_t fd, short what, void *arg)
{
	struct server *server = arg;

	for (int i = 0; i < ACCEPTS_PER_TURN; i++) {
		int conn =
			accept4(fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

		if (conn < 0 && (errno == EMFILE || errno == ENFILE)) {
			/* The backlog waits until somebody leaves. */
			log_warn(NULL, "descriptors",
				"out of descriptors, not accepting");
			event_del(server->listening);
			server->listen_paused = true;
		}
		if (conn < 0)
			return;
		if (conn_sock_new(server, conn))
			close(conn);
	}
}

void server_listen_resume(struct server *server)
{
	if (!server->listen_paused)
		return;
	server->listen_paused = event_add(server->listening, NULL) != 0;
}

/*
 * Is somebody listening at @sun?  A socket that nobody serves is stale;
 * whatever else happens to be there is not ours to remove.
 */
static bool is_served(const struct sockaddr_un *sun)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	struct stat st;
	bool stale;

	if (lstat(sun->sun_path, &st)) {
		stale = errno == ENOENT || errno == ENOTDIR;
	} else {
		/* Who is too busy to accept is not gone: EAGAIN. */
		stale = S_ISSOCK(st.st_mode) && fd >= 0 &&
			connect(fd, (const struct sockaddr *)sun,
				sizeof(*sun)) < 0 &&
			errno == ECONNREFUSED;
	}
	if (fd >= 0)
		close(fd);
	return !stale;
}

static int bind_at(const struct sockaddr_un *sun)
{
	mode_t mask;
	int fd, r;

	if (is_served(sun))
		return -EADDRINUSE;
	if (unlink(sun->sun_path) && errno != ENOENT)
		return -errno;
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return -errno;
	(void)conn_sock_refuse_rights(fd);
	/* Whoever can connect is privileged: never accessible to others. */
	mask = umask(0177);
	r = bind(fd, (const struct sockaddr *)sun, sizeof(*sun));
	umask(mask);
	if (r || listen(fd, LISTEN_BACKLOG)) {
		r = -errno;
		close(fd);
		return r;
	}
	return fd;
}

/*
 * Two that start at once must not both find the same stale socket: the folder
 * is locked while one looks and binds.
 */
static int listen_at(const char *path)
{
	struct sockaddr_un sun = {.sun_family = AF_UNIX};
	char dir[sizeof(sun.sun_path) + 1];
	size_t len = strlen(path);
	int lock, fd;

	if (len >= sizeof(sun.sun_path))
		return -ENAMETOOLONG;
	memcpy(sun.sun_path, path, len);
	while (len && path[len - 1] != '/')
		len--;
	memcpy(dir, len ? path : ".", len ? len : 1);
	dir[len ? len : 1] = '\0';
	lock = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (lock < 0)
		return -errno;
	fd = flock(lock, LOCK_EX) ? -errno : bind_at(&sun);
	close(lock);
	return fd;
}

int server_listen(struct server *server, const char *path)
{
	int fd;

	server->socket_path = strdup(path);
	if (!server->socket_path)
		return err_trace(-ENOMEM);
	fd = listen_at(path);
	if (fd < 0)
		return err_trace(fd);
	server->listen_fd = fd;
	server->listening = event_new(loop_base(server->loop), fd,
		EV_READ | EV_PERSIST, on_listen, server);
	if (!server->listening || event_add(server->listening, NULL))
		return err_trace(-ENOMEM);
	return 0;
}
