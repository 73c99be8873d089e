/* SPDX-License-Identifier: MIT */
/* store_srv.c: servers on machines of hv, and the domains of those */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define __XEN_TOOLS__ 1
#include <xen/xen.h>
#include <xen/event_channel.h>
#include <xen/grant_table.h>
#include <xen/memory.h>
#include <xencall.h>
#include <xenevtchn.h>
#include <xenforeignmemory.h>

#include "tests/bench/store.h"
#include "tests/sys/hvd.h"

enum { SRVS = 16, DOMAIN_KB = 1024 };

const char *const kind_name[KINDS] = {"ours", "C", "OCaml", "echo"};

/* Those that run, so that nothing stays when the program dies. */
static struct srv *running[SRVS];

void die(const char *fmt, ...)
{
	va_list ap;

	fputs("store: ", stderr);
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fputc('\n', stderr);
	srv_stop_all();
	exit(2);
}

static void file_make(const char *path, const char *text, off_t size)
{
	int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	size_t len = strlen(text);

	if (fd < 0 || write(fd, text, len) != (ssize_t)len ||
		(size && ftruncate(fd, size)))
		_exit(101);
	close(fd);
}

/* The folder @from in the place of @to, for us only. */
static void put_over(const char *from, const char *to)
{
	if (mount(from, to, NULL, MS_BIND, NULL))
		_exit(102);
}

/* The files that Debian's daemons want to see. */
static void namespace_make(const struct srv *s, uint32_t port)
{
	char path[128], text[32];
	struct rlimit files;
	uid_t uid = geteuid();
	gid_t gid = getegid();

	if (unshare(CLONE_NEWNS)) {
		/* not root: be that in a namespace of our own */
		if (unshare(CLONE_NEWUSER | CLONE_NEWNS))
			_exit(103);
		file_make("/proc/self/setgroups", "deny", 0);
		snprintf(text, sizeof(text), "0 %u 1", uid);
		file_make("/proc/self/uid_map", text, 0);
		snprintf(text, sizeof(text), "0 %u 1", gid);
		file_make("/proc/self/gid_map", text, 0);
	}
	if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL))
		_exit(104);
	snprintf(path, sizeof(path), "%s/run", s->stand.dir);
	put_over(path, "/run");
	if (mount("store", "/var/log", "tmpfs", 0, NULL) ||
		mkdir("/var/log/xen", 0700) ||
		mount("store", "/proc", "tmpfs", 0, NULL) ||
		mkdir("/proc/xen", 0700) || mkdir("/proc/sys", 0700) ||
		mkdir("/proc/sys/fs", 0700))
		_exit(105);
	file_make("/proc/xen/capabilities", "control_d\n", 0);
	file_make("/proc/xen/xsd_kva", "", XSRING_PAGE);
	snprintf(text, sizeof(text), "%u", port);
	file_make("/proc/xen/xsd_port", text, 0);
	if (getrlimit(RLIMIT_NOFILE, &files))
		_exit(106);
	snprintf(text, sizeof(text), "%llu\n",
		(unsigned long long)files.rlim_max);
	file_make("/proc/sys/fs/nr_open", text, 0);
	file_make("/run/oxenstored.conf",
		"xenstored-kva = /proc/xen/xsd_kva\n"
		"xenstored-port = /proc/xen/xsd_port\n",
		0);
}

static void libs_add(const char *xen)
{
	char path[256], libs[16384];
	size_t n = (size_t)snprintf(
		libs, sizeof(libs), "%s:", getenv("LD_LIBRARY_PATH"));
	ssize_t got;
	int fd;

	snprintf(path, sizeof(path), "%s/LIBPATH", xen);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	got = fd < 0 ? -1 : read(fd, libs + n, sizeof(libs) - n - 1);
	if (got <= 0)
		_exit(107);
	libs[n + (size_t)got] = '\0';
	libs[strcspn(libs, "\n")] = '\0';
	setenv("LD_LIBRARY_PATH", libs, 1);
}

static void daemon_exec(const struct srv *s)
{
	const char *xen = getenv("XEN_DEBS");
	char path[512], cwd[256];

	if (s->kind != OURS) {
		snprintf(path, sizeof(path), "%s/usr/lib/xen-4.17/bin/%s", xen,
			s->kind == C_XS ? "xenstored" : "oxenstored");
		libs_add(xen);
	} else if (*build_dir() == '/') {
		snprintf(path, sizeof(path), "%s/xenstored/xenstored",
			build_dir());
	} else {
		if (!getcwd(cwd, sizeof(cwd)))
			_exit(108);
		snprintf(path, sizeof(path), "%s/xenstored/xenstored", cwd);
	}
	if (s->kind == OCAML_XS)
		execl(path, path, "--no-fork", "--config-file",
			"/run/oxenstored.conf", (char *)NULL);
	execl(path, path, "-N", (char *)NULL);
	_exit(127);
}

/* In the child: becomes the server. */
static void srv_child(struct srv *s, uint32_t port)
{
	char log[128];
	int fd;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	snprintf(log, sizeof(log), "%s/store.log", s->stand.dir);
	fd = open(log, O_RDWR | O_CREAT | O_APPEND, 0600);
	if (fd < 0 || dup2(fd, 1) < 0 || dup2(fd, 2) < 0)
		_exit(100);
	if (s->kind == ECHO)
		echo_main(s->socket, port);
	namespace_make(s, port);
	setenv("XENSTORED_RUNDIR", "/run/xenstored", 1);
	daemon_exec(s);
}

/* Its last words, for whoever wants to know why it went. */
static void show_log(const struct srv *s)
{
	char cmd[256];

	snprintf(cmd, sizeof(cmd), "tail -n 5 %s/store.log >&2", s->stand.dir);
	(void)!system(cmd);
}

static void srv_wait(struct srv *s)
{
	int status;

	for (int i = 0; access(s->socket, F_OK); i++) {
		if (i == 5000 || waitpid(s->pid, &status, WNOHANG) == s->pid) {
			show_log(s);
			die("%s does not start", kind_name[s->kind]);
		}
		usleep(2000);
	}
	s->admin = cl_open(s);
}

void srv_start(struct srv *s, enum kind kind)
{
	char path[128];
	xenevtchn_handle *x;
	int i = 0, port;

	*s = (struct srv){.kind = kind};
	while (running[i])
		if (++i == SRVS)
			die("too many servers");
	if (stand_start(&s->stand))
		die("no hvd");
	running[i] = s;
	snprintf(path, sizeof(path), "%s/run", s->stand.dir);
	mkdir(path, 0700);
	snprintf(path, sizeof(path), "%s/run/xenstored", s->stand.dir);
	mkdir(path, 0700);
	snprintf(s->socket, sizeof(s->socket), "%.100s/socket", path);
	/* the other end of the port of dom0's kernel, which says nothing */
	x = xenevtchn_open(NULL, 0);
	port = x ? xenevtchn_bind_unbound_port(x, 0) : -1;
	if (port < 0)
		die("event channel: %s", strerror(errno));
	fflush(NULL);
	s->pid = fork();
	if (s->pid == 0)
		srv_child(s, (uint32_t)port);
	if (s->pid < 0)
		die("fork: %s", strerror(errno));
	srv_wait(s);
}

void srv_stop(struct srv *s)
{
	if (s->admin)
		cl_close(s->admin);
	if (s->pid > 0) {
		kill(s->pid, SIGKILL);
		waitpid(s->pid, NULL, 0);
	}
	stand_kill(&s->stand);
	for (int i = 0; i < SRVS; i++)
		if (running[i] == s)
			running[i] = NULL;
}

void srv_stop_all(void)
{
	for (int i = 0; i < SRVS; i++)
		if (running[i]) {
			show_log(running[i]);
			srv_stop(running[i]);
		}
}

size_t srv_resident(const struct srv *s)
{
	unsigned long size, resident;
	char path[64];
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/statm", (int)s->pid);
	f = fopen(path, "re");
	if (!f || fscanf(f, "%lu %lu", &size, &resident) != 2)
		die("%s: %s", path, strerror(errno));
	fclose(f);
	return resident * (size_t)sysconf(_SC_PAGESIZE);
}

/* Frame 0, and the right of dom0 to it where toolstacks put that. */
static void page_make(
	xencall_handle *xc, xenforeignmemory_handle *fm, uint32_t domid)
{
	struct xen_memory_reservation r = {
		.nr_extents = 1, .domid = (domid_t)domid};
	xenforeignmemory_resource_handle *res = NULL;
	struct grant_entry_v1 *table;
	xen_pfn_t gfn = 0;
	void *at = NULL;

	r.extent_start.p = &gfn;
	if (xencall2L(xc, __HYPERVISOR_memory_op, XENMEM_populate_physmap,
		    (uintptr_t)&r) == 1)
		res = xenforeignmemory_map_resource(fm, (domid_t)domid,
			XENMEM_resource_grant_table,
			XENMEM_resource_grant_table_id_shared, 0, 1, &at,
			PROT_READ | PROT_WRITE, 0);
	if (!res)
		die("no page of domain %u: %s", domid, strerror(errno));
	table = at;
	table[GNTTAB_RESERVED_XENSTORE].frame = 0;
	table[GNTTAB_RESERVED_XENSTORE].domid = 0;
	__atomic_store_n(&table[GNTTAB_RESERVED_XENSTORE].flags,
		GTF_permit_access, __ATOMIC_RELEASE);
	xenforeignmemory_unmap_resource(fm, res);
}

/* A port of the domain for dom0, in the hands of nobody. */
static int port_make(xencall_handle *xc, uint32_t domid)
{
	struct evtchn_alloc_unbound op = {
		.dom = (domid_t)domid, .remote_dom = 0};

	if (xencall2(xc, __HYPERVISOR_event_channel_op, EVTCHNOP_alloc_unbound,
		    (uintptr_t)&op))
		die("no port of domain %u: %s", domid, strerror(errno));
	return (int)op.port;
}

static void introduce(struct srv *s, uint32_t domid, int port)
{
	char buf[64];
	int n = snprintf(buf, sizeof(buf), "%u%c0%c%d", domid, 0, 0, port);
	uint64_t errors = s->admin->errors;

	cl_ask(s->admin, XS_OP_INTRODUCE, 0, buf, (size_t)n + 1, 3);
	if (s->admin->errors != errors)
		die("%s: INTRODUCE of %u: %s", kind_name[s->kind], domid,
			s->admin->last);
}

/* Give the domain what it has in the store, below its own path. */
static void home_make(struct srv *s, uint32_t domid)
{
	char text[64];
	int n;

	if (s->kind == ECHO)
		return;
	snprintf(text, sizeof(text), "/local/domain/%u", domid);
	cl_write(s->admin, 0, text, "");
	n = snprintf(
		text, sizeof(text), "/local/domain/%u%cn%u", domid, 0, domid);
	cl_ask(s->admin, XS_OP_SET_PERMS, 0, text, (size_t)n + 1, 3);
}

/* The kernel's end of a port for dom0. */
static xenevtchn_handle *guest_port(struct srv *s, uint32_t domid, int *port)
{
	xenevtchn_handle *x;

	stand_as(&s->stand, domid);
	x = xenevtchn_open(NULL, 0);
	*port = x ? xenevtchn_bind_unbound_port(x, 0) : -1;
	stand_as(&s->stand, 0);
	if (*port < 0)
		die("guest's port: %s", strerror(errno));
	return x;
}

void srv_domain(struct srv *s, uint32_t domid, struct cl **cl)
{
	xenforeignmemory_handle *fm;
	xenevtchn_handle *x = NULL;
	xencall_handle *xc;
	xen_pfn_t gfn = 0;
	void *page;
	int port;

	if (stand_domain(&s->stand, domid, DOMAIN_KB))
		die("no domain %u", domid);
	xc = xencall_open(NULL, 0);
	fm = xenforeignmemory_open(NULL, 0);
	if (!xc || !fm)
		die("no hypervisor: %s", strerror(errno));
	page_make(xc, fm, domid);
	if (cl)
		x = guest_port(s, domid, &port);
	else
		port = port_make(xc, domid);
	introduce(s, domid, port);
	if (cl) {
		/* after the server: a page that is mapped cannot be granted */
		page = xenforeignmemory_map(
			fm, domid, PROT_READ | PROT_WRITE, 1, &gfn, NULL);
		if (!page)
			die("no ring: %s", strerror(errno));
		*cl = cl_ring(page, x, port);
	} else {
		xenforeignmemory_close(fm);
	}
	xencall_close(xc);
	home_make(s, domid);
}
