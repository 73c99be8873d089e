/* SPDX-License-Identifier: MIT */
/* machine.c: the machine of a test, its daemon and the life of its domains */
#include "tests/advisories/adv.h"

#include <fcntl.h>
#include <ftw.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#ifndef __XEN_TOOLS__
#define __XEN_TOOLS__ 1
#endif
#include <xen/xen.h>
#include <xen/domctl.h>
#include <xen/grant_table.h>
#include <xen/memory.h>
#include <xen/sched.h>
#include <xencall.h>
#include <xenevtchn.h>
#include <xenforeignmemory.h>
#include <xengnttab.h>

#include "tests/advisories/int.h"
#include "tests/sys/hvd.h"

enum {
	DOMAIN_KB = 1024,
	START_MS = 20000,
	END_MS = 20000,
	STACK_MAX = 512 * 1024
};

struct machine machine;

uint64_t now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000 + (uint64_t)ts.tv_nsec / 1000000;
}

static void daemon_exec(const char *log)
{
	const char *other = getenv("BH_XENSTORED");
	char path[512];
	int fd = open(log, O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0600);

	/* the test may end in any way: nothing of it stays */
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	snprintf(path, sizeof(path), "%s/xenstored/xenstored", build_dir());
	if (fd < 0 || dup2(fd, 1) < 0 || dup2(fd, 2) < 0)
		_exit(99);
#if !defined(__SANITIZE_ADDRESS__)
	/* whoever goes down a deep tree by recursion will not come back */
	setrlimit(RLIMIT_STACK, &(struct rlimit){STACK_MAX, STACK_MAX});
#endif
	/* What is freed counts as free, and cannot be used unnoticed. */
	setenv("GLIBC_TUNABLES", "glibc.malloc.tcache_count=0", 1);
	setenv("MALLOC_PERTURB_", "165", 1);
	setenv("XENSTORED_PATH", machine.socket, 1);
	execl(other ? other : path, "xenstored", "-N", (char *)NULL);
	_exit(99);
}

static bool daemon_lives(void)
{
	siginfo_t end = {.si_pid = 0};

	return waitid(P_PID, (id_t)machine.pid, &end,
		       WEXITED | WNOHANG | WNOWAIT) == 0 &&
	       end.si_pid != machine.pid;
}

static void log_show(void)
{
	char line[512];
	FILE *f = fopen(machine.log, "re");

	while (f && fgets(line, sizeof(line), f))
		fprintf(stderr, "    %s", line);
	if (f)
		fclose(f);
}

void adv_setup(void)
{
	uint64_t end = now_ms() + START_MS;

	memset(&machine, 0, sizeof(machine));
	ck_assert_int_eq(stand_start(&machine.stand), 0);
	snprintf(machine.socket, sizeof(machine.socket), "%s/xs",
		machine.stand.dir);
	snprintf(machine.log, sizeof(machine.log), "%s/xenstored.log",
		machine.stand.dir);
	machine.pid = fork();
	ck_assert_int_ge(machine.pid, 0);
	if (!machine.pid)
		daemon_exec(machine.log);
	while (access(machine.socket, F_OK) && now_ms() < end) {
		if (!daemon_lives())
			log_show();
		ck_assert_msg(daemon_lives(), "the daemon does not start");
		usleep(2000);
	}
	clients_open();
}

/* What must be true whatever a test has done. */
void adv_teardown(void)
{
	uint64_t end = now_ms() + END_MS;
	int status = -1;

	thaw();
	ck_assert_msg(daemon_lives(), "the daemon has ended");
	reopen(K);
	SAID(0, K, CONTROL, "check");
	ck_assert_msg(!strcmp(reply.data, "OK"), "counters: %s", reply.data);
	clients_close();
	kill(machine.pid, SIGTERM);
	while (waitpid(machine.pid, &status, WNOHANG) == 0 && now_ms() < end)
		usleep(2000);
	if (status)
		log_show();
	ck_assert_msg(
		status == 0, "the daemon ended with %#x", (unsigned)status);
	for (int d = 1; d <= GUESTS; d++)
		domain_forget(d);
	stand_kill(&machine.stand);
}

uint64_t daemon_ns(void)
{
	struct timespec ts;
	clockid_t clock;

	ck_assert_int_eq(clock_getcpuclockid(machine.pid, &clock), 0);
	ck_assert_int_eq(clock_gettime(clock, &ts), 0);
	return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

void freeze(void)
{
	int status;

	kill(machine.pid, SIGSTOP);
	ck_assert_int_eq(waitpid(machine.pid, &status, WUNTRACED), machine.pid);
	ck_assert(WIFSTOPPED(status));
}

void thaw(void)
{
	kill(machine.pid, SIGCONT);
}

/* The right of dom0 to frame 0, where toolstacks put it. */
static void page_grant(domid_t domid)
{
	xenforeignmemory_handle *fm = xenforeignmemory_open(NULL, 0);
	xenforeignmemory_resource_handle *res;
	struct grant_entry_v1 *table;
	void *at = NULL;

	ck_assert_ptr_nonnull(fm);
	res = xenforeignmemory_map_resource(fm, domid,
		XENMEM_resource_grant_table,
		XENMEM_resource_grant_table_id_shared, 0, 1, &at,
		PROT_READ | PROT_WRITE, 0);
	ck_assert_ptr_nonnull(res);
	table = at;
	table[GNTTAB_RESERVED_XENSTORE].frame = 0;
	table[GNTTAB_RESERVED_XENSTORE].domid = 0;
	__atomic_store_n(&table[GNTTAB_RESERVED_XENSTORE].flags,
		GTF_permit_access, __ATOMIC_RELEASE);
	xenforeignmemory_unmap_resource(fm, res);
	xenforeignmemory_close(fm);
}

/* The guest's end of its ring: the same page, by the same grant. */
static void page_make(struct dom *d, xencall_handle *xc, domid_t domid)
{
	struct xen_memory_reservation r = {.nr_extents = 1, .domid = domid};
	xen_pfn_t gfn = 0;

	r.extent_start.p = &gfn;
	ck_assert_int_eq(xencall2L(xc, __HYPERVISOR_memory_op,
				 XENMEM_populate_physmap, (uintptr_t)&r),
		1);
	page_grant(domid);
	d->grants = xengnttab_open(NULL, 0);
	ck_assert_ptr_nonnull(d->grants);
	d->page = xengnttab_map_grant_ref(d->grants, domid,
		GNTTAB_RESERVED_XENSTORE, PROT_READ | PROT_WRITE);
	ck_assert_ptr_nonnull(d->page);
}

void domain(int domid)
{
	struct dom *d = &machine.dom[domid];
	xencall_handle *xc;

	ck_assert_int_eq(
		stand_domain(&machine.stand, (uint32_t)domid, DOMAIN_KB), 0);
	xc = xencall_open(NULL, 0);
	ck_assert_ptr_nonnull(xc);
	page_make(d, xc, (domid_t)domid);
	xencall_close(xc);
	stand_as(&machine.stand, (uint32_t)domid);
	d->evtchn = xenevtchn_open(NULL, 0);
	stand_as(&machine.stand, 0);
	ck_assert_ptr_nonnull(d->evtchn);
	d->port = 0;
	xsring_attach(&d->ring, d->page, XSRING_CLIENT);
}

int introduce(int domid)
{
	struct dom *d = &machine.dom[domid];

	client_forget(domid);
	/* Each connection has its own port, as after a restart. */
	stand_as(&machine.stand, (uint32_t)domid);
	/* a guest has descriptors for so many ports only */
	if (d->port > 0)
		ck_assert_int_eq(
			xenevtchn_unbind(d->evtchn, (uint32_t)d->port), 0);
	d->port = xenevtchn_bind_unbound_port(d->evtchn, 0);
	stand_as(&machine.stand, 0);
	ck_assert_int_ge(d->port, 0);
	return SAY(K, INTRODUCE, "%d 0 %d", domid, d->port);
}

void guest(int domid)
{
	domain(domid);
	SAID(0, K, MKDIR, "/local/domain/%d", domid);
	SAID(0, K, SET_PERMS, "/local/domain/%d n%d", domid, domid);
	ck_assert_int_eq(introduce(domid), 0);
}

void domain_forget(int domid)
{
	struct dom *d = &machine.dom[domid];

	if (d->evtchn)
		xenevtchn_close(d->evtchn);
	if (d->grants) {
		xengnttab_unmap(d->grants, d->page, 1);
		xengnttab_close(d->grants);
	}
	client_forget(domid);
	memset(d, 0, sizeof(*d));
}

void destroy(int domid)
{
	domain_forget(domid);
	ck_assert_int_eq(stand_destroy(&machine.stand, (uint32_t)domid), 0);
}

void die(int domid)
{
	destroy(domid);
	gone(domid);
}

void gone(int domid)
{
	uint64_t end = now_ms() + ANSWER_MS;

	do {
		SAID(0, K, IS_DOMAIN_INTRODUCED, "%d", domid);
		ck_assert_msg(now_ms() < end, "the death was not noticed");
	} while (strcmp(reply.data, "F") != 0);
}

void shut_down(int domid)
{
	struct sched_remote_shutdown op = {
		.domain_id = (domid_t)domid, .reason = SHUTDOWN_poweroff};
	xencall_handle *xc;

	stand_as(&machine.stand, 0);
	xc = xencall_open(NULL, 0);
	ck_assert_ptr_nonnull(xc);
	ck_assert_int_eq(xencall2(xc, __HYPERVISOR_sched_op,
				 SCHEDOP_remote_shutdown, (uintptr_t)&op),
		0);
	xencall_close(xc);
}

void handle_set(int domid, uint8_t byte)
{
	struct xen_domctl op = {
		.cmd = XEN_DOMCTL_setdomainhandle,
		.interface_version = XEN_DOMCTL_INTERFACE_VERSION,
		.domain = (domid_t)domid,
	};
	xencall_handle *xc;

	memset(op.u.setdomainhandle.handle, byte,
		sizeof(op.u.setdomainhandle.handle));
	stand_as(&machine.stand, 0);
	xc = xencall_open(NULL, 0);
	ck_assert_ptr_nonnull(xc);
	ck_assert_int_eq(xencall1(xc, __HYPERVISOR_domctl, (uintptr_t)&op), 0);
	xencall_close(xc);
}

size_t report(const char *command, const char *line, const char *key)
{
	const char *at;
	char text[64];

	SAID(0, K, CONTROL, "%s", command);
	for (at = reply.data; strncmp(at, line, strlen(line)) != 0;) {
		at = strchr(at, '\n');
		ck_assert_msg(at, "no %s in %s", line, reply.data);
		at++;
	}
	snprintf(text, sizeof(text), "%s=", key);
	at = strstr(at, text);
	ck_assert_msg(at, "no %s in %s", text, reply.data);
	return strtoul(at + strlen(text), NULL, 10);
}

size_t report_domain(int domid, const char *key)
{
	char line[32];

	snprintf(line, sizeof(line), "domain=%d ", domid);
	return report("memreport", line, key);
}

unsigned logged(const char *text)
{
	FILE *f = fopen(machine.log, "re");
	char line[1024];
	unsigned nr = 0;

	ck_assert_ptr_nonnull(f);
	while (fgets(line, sizeof(line), f))
		nr += strstr(line, text) != NULL;
	fclose(f);
	return nr;
}

static int remove_one(
	const char *path, const struct stat *st, int what, struct FTW *ftw)
{
	return remove(path);
}

static void tmp_make(char *template)
{
	if (!mkdtemp(template) || setenv("TMPDIR", template, 1)) {
		perror(template);
		exit(99);
	}
}

int adv_main(char **argv, const char *suite_name, const struct adv_test *test,
	size_t nr)
{
	const enum print_output how =
		getenv("CK_VERBOSITY") ? CK_ENV : CK_VERBOSE;
	Suite *suite = suite_create(suite_name);
	SRunner *runner;
	char tmp[] = "/tmp/bulkhead-adv.XXXXXX";
	int failed;

	stand_libs(argv);
	/* Tests that fail leave their folders behind. */
	tmp_make(tmp);
	for (size_t i = 0; i < nr; i++) {
		TCase *tc = tcase_create(test[i].name);

		tcase_set_timeout(tc, ADV_TIMEOUT);
		tcase_add_checked_fixture(tc, adv_setup, adv_teardown);
		_tcase_add_test(tc, test[i].test, 0, 0, 0, test[i].loops);
		suite_add_tcase(suite, tc);
	}
	runner = srunner_create(suite);
	srunner_run_all(runner, how);
	failed = srunner_ntests_failed(runner);
	if (srunner_ntests_run(runner) == 0) {
		fprintf(stderr, "%s: no test was run\n", suite_name);
		failed = 1;
	}
	srunner_free(runner);
	nftw(tmp, remove_one, 8, FTW_DEPTH | FTW_PHYS);
	return failed != 0;
}
