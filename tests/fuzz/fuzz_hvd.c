/* SPDX-License-Identifier: MIT */
/*
 * fuzz_hvd.c: hvd's sessions, fed arbitrary messages from three domains.
 *
 * DOC: an input is a sequence of records
 *
 *	who   1 byte   session (of dom0, guest 1, guest 2; some have the
 *		       kernel role), or what to do instead of a message
 *	op    1 byte   0xff: the body is the raw message, else the operation
 *	n     1 byte   items
 *	len   2 bytes  little endian, bytes of body that follow
 *
 * With an operation the header is filled in right, so that the fuzzer need
 * not find out lengths before it reaches anything.  After each record the
 * loop turns until it is quiet, and answers are read and their descriptors
 * closed.  At the end all domains are destroyed: the engine's invariants
 * hold, nothing is left, and no descriptor has leaked.
 */
#include "tests/fuzz/fuzz.h"

#include <dirent.h>
#include <event2/event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "hv/hvd/session.h"
#include "hv/hvd/vdom.h"

enum { DOMS = 3, PER_DOM = 3, SESSIONS = DOMS * PER_DOM };

/* Per domain: one arena and a little.  The engine looks at all of them after
 * every operation, so that few pages mean many inputs. */
enum { PAGES_MAX = HVP_ARENA_PAGES + 32 };

static struct hvd machine;
static int client[SESSIONS];

static void check(bool ok, const char *what)
{
	if (ok)
		return;
	fprintf(stderr, "fuzz_hvd: %s\n", what);
	abort();
}

static int count_fds(void)
{
	DIR *d = opendir("/proc/self/fd");
	int n = 0;

	check(d, "no /proc/self/fd");
	while (readdir(d))
		n++;
	closedir(d);
	return n;
}

static void turn(void)
{
	/* one turn for the message, more for what it left to do; a call that
	 * goes on longer is answered in a later record */
	for (int i = 0; i < 4; i++)
		event_base_loop(machine.base, EVLOOP_NONBLOCK);
}

/* Read all answers; what they carry is closed. */
static void drain(int fd)
{
	static uint8_t buf[HVP_MSG_MAX];
	union {
		char buf[CMSG_SPACE(HVP_FDS_MAX * sizeof(int))];
		struct cmsghdr align;
	} ctl;
	struct iovec iov = {buf, sizeof(buf)};
	struct msghdr m = {.msg_iov = &iov, .msg_iovlen = 1};
	struct cmsghdr *c;
	int fds[HVP_FDS_MAX];
	size_t n;

	for (;;) {
		m.msg_control = ctl.buf;
		m.msg_controllen = sizeof(ctl.buf);
		if (recvmsg(fd, &m, MSG_DONTWAIT) <= 0)
			return;
		for (c = CMSG_FIRSTHDR(&m); c; c = CMSG_NXTHDR(&m, c)) {
			n = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);
			memcpy(fds, CMSG_DATA(c), n * sizeof(int));
			while (n-- > 0)
				close(fds[n]);
		}
	}
}

static void open_session(int i)
{
	struct vdom *vd = vdom_find(&machine, i / PER_DOM);

	client[i] = -1;
	if (vd && !vd->dying &&
		session_pair(vd, i % PER_DOM == 2 && !vd->kernel, &client[i]))
		client[i] = -1;
}

static void add_guest(uint32_t domid)
{
	/* guest 2 has page tables */
	struct hv_dom_config cfg = {.kind = domid == 2 ? HV_PV : HV_PVH,
		.bits = 64,
		.max_vcpus = 1,
		.max_grant_frames = 2};
	struct hv_dom *d;
	struct hv_run *run;
	uint64_t gfn = 0, ring = HV_INVALID_GFN;

	check(!hv_dom_create(machine.hv, domid, &cfg, &d), "no guest");
	check(!hv_mem_set_max(d, PAGES_MAX), "max_mem");
	check(!hv_mem_populate(d, HV_RUN_RAM, 16, &gfn, &run), "no RAM");
	check(!hv_mem_populate(d, HV_RUN_SHARE, 2, &ring, &run), "no rings");
	check(!hv_dom_unpause(d), "no unpause");
}

static void begin(void)
{
	memset(&machine, 0, sizeof(machine));
	machine.dir = "/nonexistent";
	machine.init_path = "/nonexistent";
	machine.dom0_pages = 16;
	check(!machine_init(&machine), "no machine");
	check(!hv_mem_set_max(hv_dom_find(machine.hv, 0), PAGES_MAX),
		"max_mem");
	for (uint32_t d = 1; d < DOMS; d++)
		add_guest(d);
	for (int i = 0; i < SESSIONS; i++)
		open_session(i);
}

static void end(void)
{
	struct hv_counts c;

	for (int i = 0; i < SESSIONS; i++)
		if (client[i] >= 0)
			close(client[i]);
	turn();
	machine.stopping = true;
	hvd_kick(&machine);
	event_base_loop(machine.base, EVLOOP_NONBLOCK);
	turn();
	hv_counts(machine.hv, &c);
	check(c.domains == 0 && c.frames == 0 && c.runs == 0 && c.maps == 0 &&
			c.foreign == 0 && c.ports == 0,
		"something is left");
	machine_fini(&machine);
	check(machine.engine_bytes == 0, "the engine kept memory");
	check(machine.n_sessions == 0, "a session is left");
}

static void message(
	int fd, uint8_t op, uint8_t n, const uint8_t *body, size_t len)
{
	static uint8_t buf[HVP_MSG_MAX];
	struct hvp_req h = {.op = op, .n = n, .len = len};

	if (op == 0xff) {
		send(fd, body, len, MSG_DONTWAIT | MSG_NOSIGNAL);
		return;
	}
	memcpy(buf, &h, sizeof(h));
	memcpy(buf + sizeof(h), body, len);
	send(fd, buf, sizeof(h) + len, MSG_DONTWAIT | MSG_NOSIGNAL);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	int fds = count_fds(), i;
	size_t len;

	hvd_log_stderr(false);
	begin();
	for (int records = 0; size >= 5 && records < 64; records++) {
		i = data[0] % SESSIONS;
		len = data[3] | (size_t)data[4] << 8;
		if (len > size - 5)
			len = size - 5;
		if (client[i] < 0)
			open_session(i);
		if (data[0] >= 0xf8 && client[i] >= 0) {
			close(client[i]);
			client[i] = -1;
		} else if (client[i] >= 0) {
			message(client[i], data[1], data[2], data + 5, len);
		}
		turn();
		for (i = 0; i < SESSIONS; i++)
			if (client[i] >= 0)
				drain(client[i]);
		hv_check(machine.hv);
		data += 5 + len;
		size -= 5 + len;
	}
	end();
	check(count_fds() == fds, "a descriptor leaked");
	return 0;
}
