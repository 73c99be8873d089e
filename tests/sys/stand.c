/* SPDX-License-Identifier: MIT */
/* stand.c: a real hvd and domains without walls */
#include "tests/sys/stand.h"

#include <errno.h>
#include <ftw.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#define __XEN_TOOLS__ 1
#include <xen/domctl.h>
#include <xencall.h>

#include "hv/proto/fds.h"
#include "tests/sys/hvd.h"

static int oops(const char *what)
{
	fprintf(stderr, "stand: %s: %s\n", what, strerror(errno));
	return -1;
}

static int ask(struct stand *s, uint32_t type, uint32_t domid, const void *body,
	size_t len, void *rep, size_t rep_len)
{
	struct hva_msg m = {.type = type, .domid = domid, .len = len};
	char buf[HVA_MSG_MAX];
	ssize_t n;

	memcpy(buf, &m, sizeof(m));
	if (len)
		memcpy(buf + sizeof(m), body, len);
	if (send(s->admin, buf, sizeof(m) + len, MSG_NOSIGNAL) < 0)
		return oops("send");
	n = recv(s->admin, buf, sizeof(buf), 0);
	if (n < (ssize_t)sizeof(m))
		return oops("recv");
	memcpy(&m, buf, sizeof(m));
	if (m.value) {
		errno = -m.value;
		return oops("hvd refused");
	}
	if (rep && m.len == rep_len)
		memcpy(rep, buf + sizeof(m), rep_len);
	return !rep || m.len == rep_len ? 0 : oops("short answer");
}

void stand_libs(char **argv)
{
	char libs[256];

	if (getenv("LD_LIBRARY_PATH"))
		return;
	snprintf(libs, sizeof(libs), "%s/hv/compat/.libs", build_dir());
	setenv("LD_LIBRARY_PATH", libs, 1);
	execv("/proc/self/exe", argv);
	oops("cannot run again");
}

static int start_hvd(struct stand *s)
{
	const char *build = build_dir();
	char hvd[256], init[256];

	snprintf(hvd, sizeof(hvd), "%s/hv/hvd/hvd", build);
	snprintf(init, sizeof(init), "%s/tests/sys/bareinit", build);
	s->hvd = fork();
	if (s->hvd == 0) {
		char log[128];

		/* a test that fails takes hvd along */
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		snprintf(log, sizeof(log), "%s/stderr.log", s->dir);
		if (!freopen(log, "w", stderr))
			_exit(126);
		execl(hvd, "hvd", "--dir", s->dir, "--init", init,
			"--foreground", (char *)NULL);
		_exit(127);
	}
	return s->hvd < 0 ? oops("fork") : 0;
}

static int connect_admin(struct stand *s)
{
	s->admin = hvd_connect(s->dir, s->hvd);
	if (s->admin >= 0)
		return 0;
	errno = -s->admin;
	return oops("connect to hvd");
}

static int build(struct stand *s, uint32_t domid)
{
	char conf[128];
	int n = snprintf(conf, sizeof(conf), "rundir=%s", s->dir);

	return ask(s, HVA_BUILD, domid, conf, n + 1, NULL, 0);
}

int stand_start(struct stand *s)
{
	const char *tmp = getenv("TMPDIR");

	snprintf(s->dir, sizeof(s->dir), "%s/bulkhead-stand.XXXXXX",
		tmp ? tmp : "/tmp");
	if (!mkdtemp(s->dir))
		return oops("mkdtemp");
	if (start_hvd(s) < 0 || connect_admin(s) < 0 || build(s, 0) < 0)
		return -1;
	stand_as(s, 0);
	return 0;
}

void stand_as(const struct stand *s, uint32_t domid)
{
	char path[96];

	snprintf(path, sizeof(path), "%s/hv%u", s->dir, domid);
	setenv("HV_SOCKET", path, 1);
}

static int domctl(xencall_handle *x, struct xen_domctl *d)
{
	int r;

	d->interface_version = XEN_DOMCTL_INTERFACE_VERSION;
	do
		r = xencall1(x, __HYPERVISOR_domctl, (uintptr_t)d);
	while (r < 0 && errno == 85 /* -ERESTART */);
	return r;
}

static int create(xencall_handle *x, uint32_t domid, uint64_t max_kb, bool pv)
{
	struct xen_domctl d = {
		.cmd = XEN_DOMCTL_createdomain,
		.domain = domid,
		.u.createdomain =
			{
				.flags =
					XEN_DOMCTL_CDF_hvm | XEN_DOMCTL_CDF_hap,
				.max_vcpus = 1,
				.max_evtchn_port = 4095,
				.max_grant_frames = 64,
				.max_maptrack_frames = 64,
				.grant_opts = XEN_DOMCTL_GRANT_version(1),
			},
	};

	d.u.createdomain.arch.emulation_flags = XEN_X86_EMU_LAPIC;
	if (pv) {
		d.u.createdomain.flags = 0;
		d.u.createdomain.arch.emulation_flags = 0;
	}
	if (domctl(x, &d) < 0)
		return oops("createdomain");
	d = (struct xen_domctl){
		.cmd = XEN_DOMCTL_max_mem,
		.domain = domid,
		.u.max_mem.max_memkb = max_kb,
	};
	return domctl(x, &d) < 0 ? oops("max_mem") : 0;
}

static int simple(uint32_t cmd, uint32_t domid)
{
	struct xen_domctl d = {.cmd = cmd, .domain = domid};
	xencall_handle *x = xencall_open(NULL, 0);
	int r = x ? domctl(x, &d) : -1;

	if (r < 0)
		oops("domctl");
	xencall_close(x);
	return r;
}

static int domain(struct stand *s, uint32_t domid, uint64_t max_kb, bool pv)
{
	xencall_handle *x;
	int r;

	stand_as(s, 0);
	x = xencall_open(NULL, 0);
	if (!x)
		return oops("xencall_open");
	r = create(x, domid, max_kb, pv);
	xencall_close(x);
	if (r < 0 || build(s, domid) < 0)
		return -1;
	return simple(XEN_DOMCTL_unpausedomain, domid);
}

int stand_domain(struct stand *s, uint32_t domid, uint64_t max_kb)
{
	return domain(s, domid, max_kb, false);
}

int stand_domain_pv(struct stand *s, uint32_t domid, uint64_t max_kb)
{
	return domain(s, domid, max_kb, true);
}

int stand_kernel(struct stand *s, uint32_t domid, uint64_t max_kb, bool pv)
{
	struct sockaddr_un sa = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0), k;
	struct fds_got got = {.nr = 0};
	char byte;
	struct iovec iov = {&byte, 1};

	if (fd < 0)
		return oops("socket");
	/* where tests/sys/bareinit.c sends it */
	snprintf(
		sa.sun_path, sizeof(sa.sun_path), "%s/kernel%u", s->dir, domid);
	if (bind(fd, (struct sockaddr *)&sa, sizeof(sa)) < 0)
		oops(sa.sun_path);
	else if (domain(s, domid, max_kb, pv) == 0 &&
		 fds_recv(fd, &iov, 1, &k, 1, MSG_CMSG_CLOEXEC, &got) < 0)
		oops("no session of the kernel");
	close(fd);
	return got.nr ? k : -1;
}

int stand_destroy(struct stand *s, uint32_t domid)
{
	stand_as(s, 0);
	return simple(XEN_DOMCTL_destroydomain, domid);
}

int stand_info(struct stand *s, struct hva_info *info)
{
	return ask(s, HVA_INFO, 0, NULL, 0, info, sizeof(*info));
}

static int remove_one(
	const char *path, const struct stat *st, int what, struct FTW *ftw)
{
	return remove(path);
}

static int collect(struct stand *s)
{
	int status = -1;

	close(s->admin);
	waitpid(s->hvd, &status, 0);
	nftw(s->dir, remove_one, 8, FTW_DEPTH | FTW_PHYS);
	return status;
}

int stand_stop(struct stand *s)
{
	int r = ask(s, HVA_STOP, 0, NULL, 0, NULL, 0);

	if (r < 0)
		kill(s->hvd, SIGKILL);
	return collect(s) == 0 && r == 0 ? 0 : -1;
}

void stand_kill(struct stand *s)
{
	kill(s->hvd, SIGKILL);
	collect(s);
}
