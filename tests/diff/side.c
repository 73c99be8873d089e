/* SPDX-License-Identifier: MIT */
/* side.c: a daemon on a machine of its own, and the life of its domains */
#include "tests/diff/side.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#ifndef __XEN_TOOLS__
#define __XEN_TOOLS__ 1
#endif
#include <xen/xen.h>
#include <xen/domctl.h>
#include <xen/event_channel.h>
#include <xen/grant_table.h>
#include <xen/memory.h>
#include <xen/sched.h>
#include <xencall.h>
#include <xenevtchn.h>
#include <xenforeignmemory.h>
#include <xengnttab.h>

#include "tests/sys/hvd.h"

enum { DOMAIN_KB = 1024, EXIT_SETUP = 100 };

static int oops(const char *what)
{
	fprintf(stderr, "diff: %s: %s\n", what, strerror(errno));
	return -1;
}

/* In the child, which becomes the daemon: any failure is its end. */

static void must(bool ok)
{
	if (!ok) {
		perror("diff: set-up of the daemon");
		_exit(EXIT_SETUP);
	}
}

static void file_make(const char *path, const char *text, off_t size)
{
	int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	const size_t len = strlen(text);

	must(fd >= 0 && write(fd, text, len) == (ssize_t)len);
	must(!size || !ftruncate(fd, size));
	close(fd);
}

static void root_become(void)
{
	char text[32];
	uid_t uid = geteuid();
	gid_t gid = getegid();

	if (!unshare(CLONE_NEWNS))
		return;
	must(!unshare(CLONE_NEWUSER | CLONE_NEWNS));
	file_make("/proc/self/setgroups", "deny", 0);
	snprintf(text, sizeof(text), "0 %u 1", uid);
	file_make("/proc/self/uid_map", text, 0);
	snprintf(text, sizeof(text), "0 %u 1", gid);
	file_make("/proc/self/gid_map", text, 0);
}

/* The few files that the daemons of a dom0 want to see. */
static void files_make(const struct side *s, int port)
{
	char path[128], text[16];

	root_become();
	must(!mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL));
	snprintf(path, sizeof(path), "%s/run", s->stand.dir);
	must(!mount(path, "/run", NULL, MS_BIND, NULL));
	must(!mount("diff", "/proc", "tmpfs", 0, NULL));
	must(!mkdir("/proc/xen", 0700));
	file_make("/proc/xen/capabilities", "control_d\n", 0);
	file_make("/proc/xen/xsd_kva", "", XSRING_PAGE);
	snprintf(text, sizeof(text), "%d\n", port);
	file_make("/proc/xen/xsd_port", text, 0);
}

static void libs_add(const char *xen)
{
	char path[256], libs[8192];
	size_t n = (size_t)snprintf(
		libs, sizeof(libs), "%s:", getenv("LD_LIBRARY_PATH"));
	ssize_t got;
	int fd;

	snprintf(path, sizeof(path), "%s/LIBPATH", xen);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	must(fd >= 0 && n < sizeof(libs));
	got = read(fd, libs + n, sizeof(libs) - n - 1);
	must(got > 0);
	close(fd);
	libs[n + (size_t)got] = '\0';
	libs[strcspn(libs, "\n")] = '\0';
	setenv("LD_LIBRARY_PATH", libs, 1);
}

static void become_daemon(const struct side *s, int port)
{
	char log[128], path[PATH_MAX];
	int fd;

	/* the test may end in any way: nothing of it stays */
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	snprintf(log, sizeof(log), "%s/store.log", s->stand.dir);
	fd = open(log, O_RDWR | O_CREAT | O_APPEND, 0600);
	must(fd >= 0 && dup2(fd, 1) >= 0 && dup2(fd, 2) >= 0);
	must(realpath(build_dir(), path));
	files_make(s, port);
	setenv("XENSTORED_RUNDIR", "/run/xenstored", 1);
	if (s->xen) {
		snprintf(path, sizeof(path),
			"%s/usr/lib/xen-4.17/bin/xenstored", s->xen);
		libs_add(s->xen);
	} else {
		strncat(path, "/xenstored/xenstored",
			sizeof(path) - strlen(path) - 1);
	}
	execl(path, path, "-N", (char *)NULL);
	must(false);
}

/* The last words of a daemon that is gone. */
static void show_log(const struct side *s)
{
	char path[128], text[1024];
	size_t n;
	FILE *f;

	snprintf(path, sizeof(path), "%s/store.log", s->stand.dir);
	f = fopen(path, "re");
	if (!f)
		return;
	if (fseek(f, -(long)sizeof(text), SEEK_END) < 0)
		rewind(f);
	n = fread(text, 1, sizeof(text), f);
	fclose(f);
	fprintf(stderr, "%.*s", (int)n, text);
}

static int daemon_start(struct side *s)
{
	int port = -1;

	/* the other end of dom0's own ring */
	s->kernel = xenevtchn_open(NULL, 0);
	if (s->kernel)
		port = xenevtchn_bind_unbound_port(s->kernel, 0);
	if (port < 0)
		return oops("no event channel");
	s->pid = fork();
	if (s->pid == 0)
		become_daemon(s, port);
	if (s->pid < 0)
		return oops("fork");
	for (int i = 0; access(s->socket, F_OK); i++) {
		if (i == 5000 || !side_alive(s)) {
			fprintf(stderr, "diff: %s does not start\n", s->name);
			show_log(s);
			return -1;
		}
		usleep(2000);
	}
	return 0;
}

int side_start(struct side *s)
{
	char path[128];

	if (stand_start(&s->stand) < 0)
		return -1;
	snprintf(path, sizeof(path), "%s/run", s->stand.dir);
	mkdir(path, 0700);
	snprintf(path, sizeof(path), "%s/run/xenstored", s->stand.dir);
	mkdir(path, 0700);
	snprintf(s->socket, sizeof(s->socket), "%.100s/socket", path);
	if (daemon_start(s) < 0)
		return -1;
	for (unsigned c = 0; c < CHANS; c++) {
		s->chan[c] = (struct chan){.fd = -1};
		s->chan[c].in = malloc(CHAN_BUF);
		s->chan[c].out = malloc(CHAN_BUF);
		if (!s->chan[c].in || !s->chan[c].out)
			return oops("buffers");
		s->chan[c].said.reply = -1;
		if ((c < CHAN_GUEST || c == CHAN_CTL) && chan_reopen(s, c) < 0)
			return -1;
	}
	for (unsigned d = 1; d <= GUESTS; d++) {
		if (side_create(s, d) < 0)
			return -1;
	}
	return 0;
}

bool side_alive(const struct side *s)
{
	siginfo_t end = {.si_pid = 0};

	return waitid(P_PID, (id_t)s->pid, &end, WEXITED | WNOHANG | WNOWAIT) <
		       0 ||
	       end.si_pid != s->pid;
}

static void dom_forget(struct dom *d)
{
	if (d->evtchn)
		xenevtchn_close(d->evtchn);
	if (d->page)
		xengnttab_unmap(d->grants, d->page, 1);
	if (d->grants)
		xengnttab_close(d->grants);
	*d = (struct dom){.port = -1};
}

void side_stop(struct side *s)
{
	said_clear(s);
	for (unsigned c = 0; c < CHANS; c++) {
		if (s->chan[c].fd >= 0)
			close(s->chan[c].fd);
		free(s->chan[c].in);
		free(s->chan[c].out);
	}
	for (unsigned d = 1; d <= GUESTS; d++)
		dom_forget(&s->dom[d]);
	/* Debian's dies of some sequences: differences has it */
	if (s->pid > 0 && !s->xen && !side_alive(s))
		show_log(s);
	if (s->pid > 0) {
		kill(s->pid, SIGKILL);
		waitpid(s->pid, NULL, 0);
	}
	if (s->kernel)
		xenevtchn_close(s->kernel);
	stand_kill(&s->stand);
}

/* The right of dom0 to frame 0 of the domain, where toolstacks put it. */
static int page_grant(unsigned domid)
{
	xenforeignmemory_handle *fm = xenforeignmemory_open(NULL, 0);
	xenforeignmemory_resource_handle *res = NULL;
	struct grant_entry_v1 *table;
	void *at = NULL;

	if (fm)
		res = xenforeignmemory_map_resource(fm, (domid_t)domid,
			XENMEM_resource_grant_table,
			XENMEM_resource_grant_table_id_shared, 0, 1, &at,
			PROT_READ | PROT_WRITE, 0);
	if (!res)
		return oops("no grant table of a domain");
	table = at;
	table[GNTTAB_RESERVED_XENSTORE].frame = 0;
	table[GNTTAB_RESERVED_XENSTORE].domid = 0;
	__atomic_store_n(&table[GNTTAB_RESERVED_XENSTORE].flags,
		GTF_permit_access, __ATOMIC_RELEASE);
	xenforeignmemory_unmap_resource(fm, res);
	xenforeignmemory_close(fm);
	return 0;
}

/*
 * The guest's end of its ring.  We have it as dom0 has it: while a page is
 * mapped without a grant, hv does not share it.
 */
static int page_make(struct dom *d, xencall_handle *xc, unsigned domid)
{
	struct xen_memory_reservation r = {
		.nr_extents = 1, .domid = (domid_t)domid};
	xen_pfn_t gfn = 0;

	r.extent_start.p = &gfn;
	if (xencall2L(xc, __HYPERVISOR_memory_op, XENMEM_populate_physmap,
		    (uintptr_t)&r) != 1)
		return oops("no memory for a domain");
	if (page_grant(domid) < 0)
		return -1;
	d->grants = xengnttab_open(NULL, 0);
	if (d->grants)
		d->page = xengnttab_map_grant_ref(d->grants, domid,
			GNTTAB_RESERVED_XENSTORE, PROT_READ | PROT_WRITE);
	return d->page ? 0 : oops("no page of a domain");
}

int side_create(struct side *s, unsigned domid)
{
	struct dom *d = &s->dom[domid];
	struct chan *chan = &s->chan[CHAN_GUEST + domid - 1];
	xencall_handle *xc;
	int r;

	*d = (struct dom){.port = -1};
	stand_as(&s->stand, 0);
	if (stand_domain(&s->stand, domid, DOMAIN_KB) < 0)
		return -1;
	stand_as(&s->stand, 0);
	xc = xencall_open(NULL, 0);
	if (!xc)
		return oops("xencall");
	r = page_make(d, xc, domid);
	xencall_close(xc);
	if (r < 0)
		return r;
	stand_as(&s->stand, domid);
	d->evtchn = xenevtchn_open(NULL, 0);
	d->port = d->evtchn ? xenevtchn_bind_unbound_port(d->evtchn, 0) : -1;
	stand_as(&s->stand, 0);
	if (d->port < 0)
		return oops("a guest's port");
	d->alive = true;
	chan->live = false;
	xsring_attach(&chan->ring, d->page, XSRING_CLIENT);
	return 0;
}

/* Until the daemon has let go of the page, and hvd of the domain. */
static int number_free(struct side *s)
{
	struct hva_info info;
	unsigned alive = 1;

	for (unsigned d = 1; d <= GUESTS; d++)
		alive += s->dom[d].alive;
	for (int i = 0; i < 1000; i++) {
		if (stand_info(&s->stand, &info) < 0)
			return -1;
		if (!info.zombies && info.domains <= alive)
			return 0;
		usleep(5000);
	}
	fprintf(stderr, "diff: %s: a dead domain stays\n", s->name);
	return 0;
}

int side_kill(struct side *s, unsigned domid)
{
	struct dom *d = &s->dom[domid];
	const unsigned before = s->chan[CHAN_CTL].releases;
	const bool introduced = d->introduced;

	if (!d->alive)
		return 0;
	s->chan[CHAN_GUEST + domid - 1].live = false;
	dom_forget(d);
	if (stand_destroy(&s->stand, domid) < 0)
		return -1;
	d->introduced = false;
	chan_wait_releases(s, before + introduced);
	return number_free(s);
}

static int sched_op(struct side *s, unsigned domid)
{
	struct sched_remote_shutdown op = {
		.domain_id = (domid_t)domid, .reason = SHUTDOWN_poweroff};
	xencall_handle *xc;
	int r;

	stand_as(&s->stand, 0);
	xc = xencall_open(NULL, 0);
	r = xc ? xencall2(xc, __HYPERVISOR_sched_op, SCHEDOP_remote_shutdown,
			 (uintptr_t)&op)
	       : -1;
	xencall_close(xc);
	return r < 0 ? oops("remote_shutdown") : 0;
}

int side_shutdown(struct side *s, unsigned domid)
{
	struct dom *d = &s->dom[domid];
	const unsigned before = s->chan[CHAN_CTL].releases;

	if (!d->alive || d->shutdown)
		return 0;
	d->shutdown = true;
	if (sched_op(s, domid) < 0)
		return -1;
	chan_wait_releases(s, before + d->introduced);
	return 0;
}

int side_resume(struct side *s, unsigned domid)
{
	struct xen_domctl ctl = {.cmd = XEN_DOMCTL_resumedomain,
		.interface_version = XEN_DOMCTL_INTERFACE_VERSION,
		.domain = (domid_t)domid};
	struct dom *d = &s->dom[domid];
	xencall_handle *xc;
	int r;

	if (!d->alive || !d->shutdown)
		return 0;
	d->shutdown = false;
	stand_as(&s->stand, 0);
	xc = xencall_open(NULL, 0);
	r = xc ? xencall1(xc, __HYPERVISOR_domctl, (uintptr_t)&ctl) : -1;
	xencall_close(xc);
	return r < 0 ? oops("resumedomain") : 0;
}
