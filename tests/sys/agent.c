// SPDX-License-Identifier: MIT
/*
 * agent.c: the program that a test runs in a domain: hostile, if asked to be
 *
 * It speaks to hvd by the client of hv's libraries or by bytes of its own,
 * and tries on what it gets whatever Linux offers.
 */
#include "tests/sys/agent.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include <xen/xen.h>
#include <xen/event_channel.h>

#include "hv/compat/bell.h"
#include "hv/compat/client.h"
#include "hv/compat/hcall.h"
#include "tests/sys/attack.h"
#include "tests/unit/sendfds.h"

#define MAX 32768

struct piece {
	struct hv_client *client;
	uint32_t id, pages;
	int fd;
	uint8_t *va;
};

struct port {
	int rd, wr;
};

static struct hv_client *session[MAX];
static struct piece share[MAX], mapping[MAX];
static struct port port[HVP_EV_PORTS];
static int n_session, n_share, n_mapping;

static uint64_t now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000 + (uint64_t)ts.tv_nsec / 1000000;
}

static int do_open(const int32_t *a, int32_t *v)
{
	int r;

	if (n_session == MAX)
		return -ENFILE;
	r = hv_client_open(&session[n_session], NULL, 0);
	if (r == 0)
		v[0] = n_session++;
	return r;
}

static int do_share(const int32_t *a, int32_t *v)
{
	const struct hvp_gnt_share ask = {
		.domid = (uint32_t)a[1],
		.count = (uint32_t)a[2],
		.write = (uint32_t)a[3],
	};
	struct {
		struct hvp_share s;
		uint32_t ref[HVP_SHARE_MAX];
	} got;
	struct piece *p = &share[n_share];
	struct hv_fds fds;
	struct hvp_id id;
	int r;

	if (n_share == MAX || ask.count > HVP_SHARE_MAX)
		return -ENFILE;
	r = hv_client_ask(session[a[0]], HVP_GNT_SHARE, 0, &ask, sizeof(ask),
		&got, sizeof(got.s) + ask.count * sizeof(got.ref[0]), &fds);
	if (r < 0)
		return r;
	*p = (struct piece){
		session[a[0]], got.s.id, ask.count, fds.fd[0], NULL};
	p->va = mmap(NULL, (size_t)ask.count * HVP_PAGE, PROT_READ | PROT_WRITE,
		MAP_SHARED, p->fd, 0);
	if (p->va == MAP_FAILED)
		return -errno;
	id.id = p->id;
	if (!ask.write)
		r = hv_client_ask(p->client, HVP_GNT_SHARE_READY, 0, &id,
			sizeof(id), NULL, 0, NULL);
	v[0] = n_share++;
	v[1] = (int32_t)got.ref[0];
	return r;
}

static int do_fill(const int32_t *a, int32_t *v)
{
	struct piece *p = &share[a[0]];

	memset(p->va, a[1], (size_t)p->pages * HVP_PAGE);
	return 0;
}

static int count(const struct piece *p, uint8_t byte)
{
	const volatile uint8_t *q = p->va;
	int n = 0;

	for (size_t i = 0; i < (size_t)p->pages * HVP_PAGE; i++)
		n += q[i] == byte;
	return n;
}

static int do_check(const int32_t *a, int32_t *v)
{
	const struct piece *p = &share[a[0]];

	v[0] = (int32_t)(p->pages * HVP_PAGE) - count(p, (uint8_t)a[1]);
	return 0;
}

static int do_look(const int32_t *a, int32_t *v)
{
	v[0] = count(&mapping[a[0]], (uint8_t)a[1]);
	return 0;
}

static int do_unshare(const int32_t *a, int32_t *v)
{
	struct piece *p = &share[a[0]];
	struct hvp_id id = {p->id};

	munmap(p->va, (size_t)p->pages * HVP_PAGE);
	close(p->fd);
	return hv_client_ask(
		p->client, HVP_GNT_UNSHARE, 0, &id, sizeof(id), NULL, 0, NULL);
}

static int do_touch(const int32_t *a, int32_t *v)
{
	const uint64_t end = now_ms() + (uint64_t)a[1];
	const struct piece *p = &share[a[0]];
	volatile uint8_t *q = p->va;

	while (now_ms() < end) {
		for (size_t i = 0; i < (size_t)p->pages * HVP_PAGE; i += 64)
			q[i] = (uint8_t)(q[i] + 1);
	}
	return 0;
}

static int do_map(const int32_t *a, int32_t *v)
{
	struct {
		struct hvp_gnt_map m;
		struct hvp_gref ref;
	} ask = {
		.m = {.addr = 0x100000, .write = (uint32_t)a[3]},
		.ref = {(uint32_t)a[1], (uint32_t)a[2]},
	};
	struct {
		struct hvp_mapping m;
		struct hvp_seg seg;
	} got;
	struct piece *p = &mapping[n_mapping];
	struct hv_fds fds;
	int r;

	if (n_mapping == MAX)
		return -ENFILE;
	r = hv_client_ask(session[a[0]], HVP_GNT_MAP, 1, &ask, sizeof(ask),
		&got, sizeof(got), &fds);
	if (r < 0)
		return r;
	*p = (struct piece){session[a[0]], got.m.id, 1, fds.fd[0], NULL};
	p->va = mmap(NULL, HVP_PAGE, PROT_READ | (a[3] ? PROT_WRITE : 0),
		MAP_SHARED, p->fd, (off_t)got.seg.page * HVP_PAGE);
	if (p->va == MAP_FAILED)
		return -errno;
	v[0] = n_mapping++;
	return 0;
}

static int do_unmap(const int32_t *a, int32_t *v)
{
	const struct piece *p = &mapping[a[0]];
	const struct hvp_id id = {p->id};

	return hv_client_ask(
		p->client, HVP_GNT_UNMAP, 0, &id, sizeof(id), NULL, 0, NULL);
}

/* On a page granted read-only. */
static int do_attack_ro(const int32_t *a, int32_t *v)
{
	v[0] = attack_ro(mapping[a[0]].fd, mapping[a[0]].va);
	return 0;
}

/* On a page that may be written: its other holders must not notice more. */
static int do_attack_rw(const int32_t *a, int32_t *v)
{
	const uint64_t end = now_ms() + (uint64_t)a[1];
	struct piece *p = &mapping[a[0]];
	int fd, bad = 0;

	do {
		bad |= attack_resizes(p->fd) ? 1 : 0;
		bad |= attack_seals(p->fd) ? 2 : 0;
		attack_punches(p->fd);
		madvise(p->va, HVP_PAGE, MADV_REMOVE);
		fcntl(p->fd, F_SETFL, O_APPEND | O_NONBLOCK);
		fchmod(p->fd, 0);
		fchmod(p->fd, 0777);
		fd = attack_reopen(p->fd, O_RDWR | O_TRUNC);
		bad |= fd >= 0 ? 4 : 0;
		close(fd);
		fd = attack_reopen(p->fd, O_RDWR);
		if (fd >= 0)
			bad |= attack_resizes(fd) || attack_seals(fd) ? 8 : 0;
		close(fd);
	} while (now_ms() < end);
	v[0] = bad;
	return 0;
}

static int do_seal_own(const int32_t *a, int32_t *v)
{
	return fcntl(share[a[0]].fd, F_ADD_SEALS, a[1]) < 0 ? -errno : 0;
}

static int port_get(
	struct hv_client *c, int op, int domid, int remote, int32_t *v)
{
	const struct hvp_ev_bind ask = {(uint32_t)domid, (uint32_t)remote};
	struct hvp_ev_port got;
	struct hv_fds fds;
	int r = hv_client_ask(
		c, (unsigned)op, 0, &ask, sizeof(ask), &got, sizeof(got), &fds);

	if (r < 0)
		return r;
	if (got.port >= HVP_EV_PORTS || fds.nr != 2)
		return -EPROTO;
	port[got.port] = (struct port){fds.fd[0], fds.fd[1]};
	v[0] = (int32_t)got.port;
	return 0;
}

static int do_alloc(const int32_t *a, int32_t *v)
{
	return port_get(session[a[0]], HVP_EV_ALLOC_UNBOUND, a[1], 0, v);
}

static int do_bind(const int32_t *a, int32_t *v)
{
	return port_get(session[a[0]], HVP_EV_BIND_INTERDOMAIN, a[1], a[2], v);
}

static int do_unbind(const int32_t *a, int32_t *v)
{
	const struct hvp_ev_bind ask = {.port = (uint32_t)a[1]};

	return hv_client_ask(session[a[0]], HVP_EV_UNBIND, 0, &ask, sizeof(ask),
		NULL, 0, NULL);
}

/* Whoever writes to this open file next waits, unless it is careful. */
static int do_clog(const int32_t *a, int32_t *v)
{
	const uint64_t full = UINT64_MAX - 1;
	const struct port *p = &port[a[0]];
	uint64_t was;

	if (fcntl(p->wr, F_SETFL, O_NONBLOCK) < 0)
		return -errno;
	if (read(p->wr, &was, sizeof(was)) < 0 && errno != EAGAIN)
		return -errno;
	if (write(p->wr, &full, sizeof(full)) < 0)
		return -errno;
	return fcntl(p->wr, F_SETFL, 0) < 0 ? -errno : 0;
}

static int do_send(const int32_t *a, int32_t *v)
{
	struct evtchn_send op = {(evtchn_port_t)a[1]};
	const struct hv_hcall_buf buf = {&op, sizeof(op), HVP_BUF_OUT};
	const uint64_t arg[5] = {EVTCHNOP_send, (uintptr_t)&op};

	return (int)hv_hcall(
		session[a[0]], __HYPERVISOR_event_channel_op, arg, &buf, 1);
}

static int do_steal(const int32_t *a, int32_t *v)
{
	struct epoll_event ev;
	uint64_t n;
	int fd = attack_reopen(port[a[0]].wr, O_RDWR | O_NONBLOCK);

	/* what was rung by us is ours to take back, but not what hvd rang;
	 * and what the peer waits on is out of reach */
	fcntl(port[a[0]].wr, F_SETFL, O_NONBLOCK);
	while (read(port[a[0]].wr, &n, sizeof(n)) > 0)
		;
	v[0] = fd >= 0 || epoll_wait(port[a[0]].wr, &ev, 1, 0) >= 0;
	close(fd);
	return 0;
}

static int do_ports(const int32_t *a, int32_t *v)
{
	int32_t got[3] = {0};

	/* its own descriptors are no limit: hvd has to keep them */
	for (v[0] = 0; v[1] == 0; v[0] += v[1] == 0) {
		v[1] = port_get(
			session[a[0]], HVP_EV_ALLOC_UNBOUND, a[1], 0, got);
		if (v[1] == 0) {
			close(port[got[0]].rd);
			close(port[got[0]].wr);
		}
	}
	return 0;
}

static int do_shares(const int32_t *a, int32_t *v)
{
	const int32_t ask[] = {a[0], a[1], 1, 1};
	int32_t got[3] = {0};

	for (v[0] = 0; v[1] == 0; v[0] += v[1] == 0) {
		v[1] = do_share(ask, got);
		if (v[1] == 0) {
			close(share[got[0]].fd);
			munmap(share[got[0]].va, HVP_PAGE);
		}
	}
	return 0;
}

static int do_sessions(const int32_t *a, int32_t *v)
{
	struct hvp_hello hello;
	int32_t got[3] = {0};

	for (v[0] = 0; v[1] == 0; v[0] += v[1] == 0) {
		v[1] = do_open(a, got);
		if (v[1] == 0)
			v[1] = hv_client_ask(session[got[0]], HVP_HELLO, 0,
				NULL, 0, &hello, sizeof(hello), NULL);
	}
	return 0;
}

/* A session's socket, without the client's manners. */
static int raw_open(void)
{
	struct sockaddr_un sun = {
		.sun_family = AF_UNIX, .sun_path = HVP_SOCKET};
	const char *path = getenv(HVP_SOCKET_ENV);
	int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);

	if (path)
		snprintf(sun.sun_path, sizeof(sun.sun_path), "%s", path);
	if (fd >= 0 && connect(fd, (struct sockaddr *)&sun, sizeof(sun)) < 0) {
		close(fd);
		return -1;
	}
	return fd;
}

static int do_deaf(const int32_t *a, int32_t *v)
{
	const struct hvp_req ask = {.op = HVP_EV_OPEN};

	for (int i = 0; i < a[0]; i++) {
		int fd = raw_open();

		if (fd < 0)
			return -errno;
		while (send(fd, &ask, sizeof(ask),
			       MSG_DONTWAIT | MSG_NOSIGNAL) > 0)
			v[0]++;
	}
	return 0;
}

static ssize_t send_fds(int sock, const void *data, size_t len, const int *fds,
	size_t n, int flags)
{
	struct iovec iov = {(void *)(uintptr_t)data, len};

	return sendfds(sock, &iov, 1, fds, n, flags | MSG_NOSIGNAL);
}

static int do_in_flight(const int32_t *a, int32_t *v)
{
	int fds[250], sv[2];

	for (size_t i = 0; i < 250; i++)
		fds[i] = 1;
	v[1] = 0;
	for (int i = 0; i < 2000 && v[1] != -ETOOMANYREFS; i++) {
		if (socketpair(AF_UNIX, SOCK_DGRAM, 0, sv) < 0) {
			v[1] = -errno;
			break;
		}
		while (send_fds(sv[0], "x", 1, fds, 250, MSG_DONTWAIT) > 0)
			v[0] += 250;
		v[1] = -errno;
	}
	return 0;
}

static uint64_t random_next(uint64_t *s)
{
	/* xorshift64: the run must be the same for the same seed */
	*s ^= *s << 13;
	*s ^= *s >> 7;
	return *s ^= *s << 17;
}

/*
 * Requests with a valid operation and wrong everything else, and the reverse.
 * A session that was closed is replaced.
 */
static int do_malformed(const int32_t *a, int32_t *v)
{
	static uint8_t buf[HVP_MSG_MAX + 4096], answer[HVP_MSG_MAX];
	struct hvp_req *req = (struct hvp_req *)buf;
	uint64_t s = (uint64_t)a[0] + 88172645463325252u;
	int fd = raw_open();

	for (int i = 0; i < a[1]; i++) {
		size_t len = random_next(&s) % 4
				     ? random_next(&s) % 256
				     : random_next(&s) % sizeof(buf);
		const uint64_t kind = random_next(&s);
		struct pollfd p;

		if (len < sizeof(*req) && kind % 8)
			len += sizeof(*req);
		for (size_t k = 0; k < len && k < 512; k += 8) {
			const uint64_t r = random_next(&s);

			/* small numbers get further than large ones */
			for (size_t b = 0; b < 8; b++)
				buf[k + b] = (uint8_t)(r >> (8 * b)) &
					     (kind & 256 ? 0xff : 0x03);
		}
		if (kind & 512)
			req->op = (uint16_t)(random_next(&s) % 90);
		if (kind & 1024)
			req->n = (uint16_t)(random_next(&s) % 4);
		if (kind & (2048 | 4096))
			req->len = (uint32_t)(len - sizeof(*req));
		if (fd < 0 || send(fd, buf, len, MSG_NOSIGNAL) < 0) {
			if (fd >= 0)
				close(fd);
			fd = raw_open();
			if (fd < 0)
				return -errno;
			v[0]++;
			continue;
		}
		p = (struct pollfd){.fd = fd, .events = POLLIN};
		if (poll(&p, 1, 50) > 0 &&
			recv(fd, answer, sizeof(answer), MSG_DONTWAIT) <= 0) {
			close(fd);
			fd = raw_open();
			v[0]++;
		}
	}
	close(fd);
	return 0;
}

static int do_foreign(const int32_t *a, int32_t *v)
{
	const struct hvp_req ask = {.op = HVP_HELLO};
	char answer[256];
	int fds[250], sv[2];

	if (socketpair(AF_UNIX, SOCK_STREAM, 0, sv) < 0)
		return -errno;
	for (int i = 0; i < a[0]; i++) {
		int fd = raw_open();

		if (fd < 0)
			return -errno;
		/* its own session among them: a loop of references */
		for (size_t k = 0; k < 250; k++)
			fds[k] = k % 3 == 0 ? fd : sv[k % 2];
		send_fds(fd, &ask, sizeof(ask), fds, (size_t)(i % 3 ? 1 : 250),
			0);
		/* an end, not an answer */
		v[0] += recv(fd, answer, sizeof(answer), 0) <= 0;
		close(fd);
	}
	return 0;
}

static int abstract(struct sockaddr_un *sun)
{
	*sun = (struct sockaddr_un){
		.sun_family = AF_UNIX, .sun_path = "\0bulkhead-hostile"};
	return socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
}

static int do_listen(const int32_t *a, int32_t *v)
{
	struct sockaddr_un sun;
	int fd = abstract(&sun);

	if (bind(fd, (struct sockaddr *)&sun, sizeof(sun)) < 0 ||
		listen(fd, 1) < 0)
		return -errno;
	return 0;
}

static int do_connect(const int32_t *a, int32_t *v)
{
	struct sockaddr_un sun;
	int fd = abstract(&sun);

	v[0] = connect(fd, (struct sockaddr *)&sun, sizeof(sun)) < 0 ? errno
								     : 0;
	close(fd);
	return 0;
}

static int do_spy(const int32_t *a, int32_t *v)
{
	char path[64], byte;
	struct iovec iov = {&byte, 1}, remote = {(void *)0x400000, 1};
	const pid_t pid = a[0];
	int fd, bad = 0;

	bad |= kill(pid, 0) == 0 ? 1 : 0;
	bad |= ptrace(PTRACE_ATTACH, pid, NULL, NULL) == 0 ? 2 : 0;
	bad |= process_vm_readv(pid, &iov, 1, &remote, 1, 0) > 0 ? 4 : 0;
	bad |= syscall(SYS_pidfd_open, pid, 0) >= 0 ? 8 : 0;
	bad |= sched_setaffinity(pid, 0, NULL) == 0 ? 16 : 0;
	bad |= getpgid(pid) >= 0 ? 32 : 0;
	bad |= prlimit(pid, RLIMIT_CORE, NULL, &(struct rlimit){0, 0}) == 0 ? 64
									    : 0;
	snprintf(path, sizeof(path), "/proc/%d/fd", (int)pid);
	bad |= access(path, F_OK) == 0 ? 128 : 0;
	snprintf(path, sizeof(path), "/proc/%d/mem", (int)pid);
	fd = open(path, O_RDONLY);
	bad |= fd >= 0 ? 256 : 0;
	close(fd);
	v[0] = bad;
	return 0;
}

/* A request that is much work for hvd, and its undoing. */
static int share_and_back(int s)
{
	const int32_t ask[] = {s, 0, 256, 1};
	int32_t got[3] = {0};
	int r = do_share(ask, got);

	if (r < 0)
		return r;
	r = do_unshare(got, got);
	n_share--;
	return r;
}

/* kind 0: events; 1: requests; 2: hypercalls; 3: sessions; 4: pages. */
static int do_flood(const int32_t *a, int32_t *v)
{
	const uint64_t end = now_ms() + (uint64_t)a[2];
	const struct hvp_req ask = {.op = HVP_HELLO};
	const int32_t port_args[] = {a[0], a[1]};
	char answer[256];
	const int batch = a[3] == 4 ? 1 : 64;
	int fd[64] = {0};

	for (int i = 0; i < 64; i++)
		fd[i] = a[3] == 1 ? raw_open() : -1;
	while (now_ms() < end) {
		for (int i = 0; i < batch; i++, v[0]++) {
			switch (a[3]) {
			case 0:
				if (!bell_ring(port[a[1]].wr))
					return -errno;
				break;
			case 1:
				send(fd[i], &ask, sizeof(ask), MSG_NOSIGNAL);
				break;
			case 2: do_send(port_args, v + 1); break;
			case 3: close(raw_open()); break;
			case 4:
				if (share_and_back(a[0]) < 0)
					return -EIO;
				break;
			}
		}
		for (int i = 0; a[3] == 1 && i < 64; i++)
			recv(fd[i], answer, sizeof(answer), 0);
	}
	for (int i = 0; a[3] == 1 && i < 64; i++)
		close(fd[i]);
	return 0;
}

/* As the library's pending(): wait, take it, go on. */
static int do_echo(const int32_t *a, int32_t *v)
{
	const struct port *p = &port[a[0]];
	struct pollfd fds[] = {
		{.fd = p->rd, .events = POLLIN},
		{.fd = 0, .events = POLLIN},
	};

	for (;;) {
		if (poll(fds, 2, -1) < 0)
			return -errno;
		if (fds[1].revents)
			return 0;
		if (bell_take(p->rd) && bell_ring(p->wr))
			v[0]++;
	}
}

static int do_ping(const int32_t *a, int32_t *v)
{
	const uint64_t end = now_ms() + (uint64_t)a[1];
	const struct port *p = &port[a[0]];
	struct pollfd fd = {.fd = p->rd, .events = POLLIN};

	while (now_ms() < end) {
		if (!bell_ring(p->wr) || poll(&fd, 1, 2000) <= 0)
			return -EIO;
		v[0] += bell_take(p->rd);
	}
	return 0;
}

static int (*const table[])(const int32_t *a, int32_t *v) = {
	[AGENT_OPEN] = do_open,
	[AGENT_SHARE] = do_share,
	[AGENT_FILL] = do_fill,
	[AGENT_CHECK] = do_check,
	[AGENT_UNSHARE] = do_unshare,
	[AGENT_TOUCH] = do_touch,
	[AGENT_MAP] = do_map,
	[AGENT_UNMAP] = do_unmap,
	[AGENT_LOOK] = do_look,
	[AGENT_ATTACK_RO] = do_attack_ro,
	[AGENT_ATTACK_RW] = do_attack_rw,
	[AGENT_SEAL_OWN] = do_seal_own,
	[AGENT_ALLOC] = do_alloc,
	[AGENT_BIND] = do_bind,
	[AGENT_UNBIND] = do_unbind,
	[AGENT_CLOG] = do_clog,
	[AGENT_SEND] = do_send,
	[AGENT_STEAL] = do_steal,
	[AGENT_PORTS] = do_ports,
	[AGENT_SHARES] = do_shares,
	[AGENT_SESSIONS] = do_sessions,
	[AGENT_DEAF] = do_deaf,
	[AGENT_IN_FLIGHT] = do_in_flight,
	[AGENT_MALFORMED] = do_malformed,
	[AGENT_FOREIGN] = do_foreign,
	[AGENT_LISTEN] = do_listen,
	[AGENT_CONNECT] = do_connect,
	[AGENT_SPY] = do_spy,
	[AGENT_FLOOD] = do_flood,
	[AGENT_ECHO] = do_echo,
	[AGENT_PING] = do_ping,
};

int main(void)
{
	struct agent_call call;
	struct rlimit files;

	signal(SIGPIPE, SIG_IGN);
	getrlimit(RLIMIT_NOFILE, &files);
	files.rlim_cur = files.rlim_max;
	setrlimit(RLIMIT_NOFILE, &files);
	while (recv(0, &call, sizeof(call), 0) == sizeof(call)) {
		struct agent_answer answer = {0};

		if (call.op < 1 ||
			(size_t)call.op >= sizeof(table) / sizeof(table[0]))
			return 2;
		answer.r = table[call.op](call.a, answer.v);
		if (send(0, &answer, sizeof(answer), MSG_NOSIGNAL) < 0)
			return 1;
	}
	return 0;
}
