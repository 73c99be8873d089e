/* SPDX-License-Identifier: MIT */
/*
 * console.c - hv console: a terminal on a domain's console
 *
 * Without a console daemon the ring has no other end: hv maps it and is the
 * backend for as long as it is attached.  Where xenconsoled runs in dom0 it
 * has the ring and offers a terminal there, whose name is in the store; then
 * hv runs itself in dom0 as a relay between this terminal and that one.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

#include <xenstore.h>

#include "common/str.h"
#include "hv/cli/dom.h"
#include "hv/cli/paths.h"
#include "hv/cli/run.h"
#include "hv/compat/port.h"
#include "wire/consring.h"

enum {
	ESCAPE = 0x1d,      /* Ctrl-] */
	SPLIT_TRIES = 1000, /* at least one second */
};

/* The terminal, raw while we are attached; nothing if it is none. */
static struct termios before;
static bool is_raw;

static void on_end(int sig)
{
	tcsetattr(STDIN_FILENO, TCSANOW, &before);
	_exit(128 + sig);
}

static void terminal_raw(void)
{
	static const int ends[] = {SIGTERM, SIGHUP, SIGINT, SIGQUIT};
	struct sigaction sa = {.sa_handler = on_end};
	struct termios t;

	if (tcgetattr(STDIN_FILENO, &before))
		return;
	for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++)
		sigaction(ends[i], &sa, NULL);
	t = before;
	cfmakeraw(&t);
	is_raw = !tcsetattr(STDIN_FILENO, TCSANOW, &t);
	if (is_raw)
		fputs("attached; Ctrl-] leaves\r\n", stderr);
}

static void terminal_back(void)
{
	if (is_raw)
		tcsetattr(STDIN_FILENO, TCSANOW, &before);
	is_raw = false;
}

static bool write_all(int fd, const char *p, size_t len)
{
	while (len) {
		ssize_t n = write(fd, p, len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return false;
		p += n;
		len -= (size_t)n;
	}
	return true;
}

struct attach {
	struct machine *m;
	uint32_t domid;
	void *page;
	struct hv_events events;
	struct hv_port port;
	struct consring ring;
	bool left; /* by the escape key */
	bool typed_end;
	const char *bad; /* why it cannot go on */
	size_t len, at;  /* typed, not yet in the ring */
	char typed[CONSRING_IN];
};

static int map_ring(struct attach *a)
{
	struct {
		struct hvp_gnt_map map;
		struct hvp_gref ref;
	} req = {{.write = 1}, {.domid = a->domid, .ref = 0}};
	struct {
		struct hvp_mapping m;
		struct hvp_seg seg;
	} rep;
	const struct timespec pause = {.tv_nsec = 1000000};
	struct hv_fds fds = {0};
	int r;

	/* a mapping has its place before it is asked for */
	a->page = mmap(
		NULL, HVP_PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (a->page == MAP_FAILED)
		return -errno;
	req.map.addr = (uintptr_t)a->page;
	r = -EAGAIN;
	for (int i = 0; r == -EAGAIN && i < SPLIT_TRIES; i++) {
		/* the domain's kernel is asked to follow the page */
		if (i)
			nanosleep(&pause, NULL);
		r = hv_client_ask(a->m->client, HVP_GNT_MAP, 1, &req,
			sizeof(req), &rep, sizeof(rep), &fds);
	}
	if (r == 0 && (rep.m.n_seg != 1 || fds.nr != 1))
		r = -EPROTO;
	if (r == 0 && mmap(a->page, HVP_PAGE, PROT_READ | PROT_WRITE,
			      MAP_SHARED | MAP_FIXED, fds.fd[0],
			      (off_t)rep.seg.page * HVP_PAGE) == MAP_FAILED)
		r = -errno;
	hv_fds_close(&fds);
	return r;
}

static int node(struct attach *a, const char *name, char **value)
{
	char path[128];
	unsigned int len;

	snprintf(path, sizeof(path), "/local/domain/%u/console/%s", a->domid,
		name);
	*value = xs_read(a->m->xs, XBT_NULL, path, &len);
	if (*value)
		return 0;
	return errno ? -errno : -EIO;
}

static int ring_open(struct attach *a)
{
	struct hvp_ev_bind bind = {.domid = a->domid};
	uint64_t port = 0;
	char *text;
	int r = node(a, "port", &text);

	if (r < 0)
		return r;
	if (str_to_u64(text, UINT32_MAX, &port))
		r = -EINVAL;
	free(text);
	bind.port = (uint32_t)port;
	if (r == 0)
		r = hv_events_init(&a->events, a->m->client);
	if (r == 0)
		r = hv_port_open(
			&a->port, &a->events, HVP_EV_BIND_INTERDOMAIN, &bind);
	if (r == 0)
		r = map_ring(a);
	if (r == 0)
		consring_attach(&a->ring, a->page, CONSRING_BACKEND);
	return r;
}

/*
 * Both directions.  False when it is over: nobody reads our output any more,
 * or something is wrong, of which a->bad tells.
 */
static bool pump(struct attach *a)
{
	bool moved = false;
	char buf[CONSRING_OUT];
	size_t n;

	a->bad = "the domain's ring is inconsistent";
	if (!consring_get(&a->ring, buf, sizeof(buf), &n))
		return false;
	moved = n;
	if (n && !write_all(STDOUT_FILENO, buf, n)) {
		a->bad = NULL;
		return false;
	}
	if (a->len > a->at) {
		if (!consring_put(
			    &a->ring, a->typed + a->at, a->len - a->at, &n))
			return false;
		a->at += n;
		moved |= n;
	}
	a->bad = "the domain's port is gone";
	if (moved && hv_port_notify(&a->port) < 0)
		return false;
	a->bad = NULL;
	return true;
}

static void typed(struct attach *a)
{
	ssize_t n = read(STDIN_FILENO, a->typed, sizeof(a->typed));
	char *esc;

	a->at = a->len = 0;
	if (n <= 0) {
		a->typed_end = n == 0 || errno != EINTR;
		return;
	}
	a->len = (size_t)n;
	esc = is_raw ? memchr(a->typed, ESCAPE, a->len) : NULL;
	if (esc) {
		a->len = (size_t)(esc - a->typed);
		a->left = true;
	}
}

/* Something has ended: was it this one? */
static bool still_there(struct attach *a)
{
	struct xen_domctl_getdomaininfo info;
	char **event = xs_check_watch(a->m->xs);

	free(event);
	return dom_info(a->m->client, a->domid, &info) == 0 &&
	       !(info.flags & (XEN_DOMINF_shutdown | XEN_DOMINF_dying));
}

static void attached(struct attach *a)
{
	struct pollfd p[3] = {
		{.events = POLLIN},
		{.events = POLLIN},
		{.fd = xs_fileno(a->m->xs), .events = POLLIN},
	};
	bool moved, there = true;

	while (pump(a) && there && !a->left) {
		p[0].fd = a->typed_end || a->at < a->len ? -1 : STDIN_FILENO;
		p[1].fd = a->port.rd;
		if (poll(p, 3, -1) < 0 && errno != EINTR)
			break;
		if (p[1].revents && hv_port_clear(&a->port, &moved) < 0) {
			a->bad = "the domain's port is gone";
			break;
		}
		if (p[0].fd >= 0 && p[0].revents)
			typed(a);
		/* what it said last is still in the ring */
		if (p[2].revents)
			there = still_there(a);
	}
	/* then its port has gone with it, which may be heard of earlier */
	if (a->bad && !still_there(a)) {
		a->bad = NULL;
		there = false;
	}
	if (!there)
		fputs("\r\nthe domain has ended\r\n", stderr);
}

static int attach_ring(struct machine *m, uint32_t domid)
{
	struct attach a = {.m = m, .domid = domid};
	int r = ring_open(&a);

	if (r == 0 && !xs_watch(m->xs, "@releaseDomain", "console"))
		r = -errno;
	if (r < 0) {
		cli_error("cannot attach to the console: %s", strerror(-r));
		if (r == -EINVAL || r == -EBUSY)
			cli_hint("somebody else may be attached to it");
		return cli_code(r);
	}
	terminal_raw();
	attached(&a);
	terminal_back();
	if (!a.bad)
		return CLI_OK;
	cli_error("%s", a.bad);
	return CLI_FAILED;
}

/* xenconsoled has it: be there, in dom0. */
static int attach_relay(struct machine *m, const char *tty)
{
	const int fds[3] = {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO};
	struct strings what = {.buf = NULL};
	struct hva_msg msg = {0};
	char path[PATH_MAX + 4];
	struct paths p;
	uint32_t id;
	int r;

	if (!paths_find(&p))
		return CLI_FAILED;
	snprintf(path, sizeof(path), "%s/hv", p.bindir);
	strings_add(&what, "arg", path);
	strings_add(&what, "arg", "relay");
	strings_add(&what, "arg", tty);
	terminal_raw();
	r = run_start(m, 0, &what, fds, &id);
	if (r == 0)
		r = admin_wait_exited(&m->admin, &msg);
	terminal_back();
	strings_fini(&what);
	if (r < 0) {
		cli_error("no relay in dom0: %s", strerror(-r));
		return cli_code(r);
	}
	return run_code(msg.value);
}

int cmd_console(struct cli *cli, int argc, char **argv)
{
	struct attach a = {.m = NULL};
	struct machine m;
	char *tty = NULL;
	int code;

	if (argc != 2 || argv[1][0] == '-')
		return cli_usage(cli);
	if (!machine_open(&m, cli, MACHINE_STORE, &code))
		return code;
	a.m = &m;
	if (!machine_domid(&m, argv[1], &a.domid)) {
		code = CLI_NOT_FOUND;
	} else if (a.domid == 0) {
		cli_error("dom0 has no console; hv dmesg is its log");
		code = CLI_FAILED;
	} else if (node(&a, "tty", &tty) == 0 && tty[0]) {
		code = attach_relay(&m, tty);
	} else {
		code = attach_ring(&m, a.domid);
	}
	free(tty);
	machine_close(&m);
	return code;
}

/* In dom0: between 0, 1 and the terminal that xenconsoled has made. */
int cmd_relay(struct cli *cli, int argc, char **argv)
{
	struct pollfd p[2] = {
		{.fd = STDIN_FILENO, .events = POLLIN}, {.events = POLLIN}};
	char buf[4096];
	ssize_t n;

	if (argc != 2)
		return cli_usage(cli);
	p[1].fd = open(argv[1], O_RDWR | O_NOCTTY | O_CLOEXEC);
	if (p[1].fd < 0) {
		cli_error("%s: %s", argv[1], strerror(errno));
		return CLI_FAILED;
	}
	for (;;) {
		if (poll(p, 2, -1) < 0 && errno != EINTR)
			return CLI_FAILED;
		if (p[1].revents) {
			n = read(p[1].fd, buf, sizeof(buf));
			if (n <= 0 || !write_all(STDOUT_FILENO, buf, (size_t)n))
				return CLI_OK;
		}
		if (p[0].revents) {
			n = read(STDIN_FILENO, buf, sizeof(buf));
			if (n <= 0)
				p[0].fd = -1;
			else if (memchr(buf, ESCAPE, (size_t)n))
				return CLI_OK;
			else if (!write_all(p[1].fd, buf, (size_t)n))
				return CLI_OK;
		}
	}
}
