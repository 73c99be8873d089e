// SPDX-License-Identifier: MIT
/*
 * proc.c: a domain's /proc, and the control domain's /proc/xen
 */
#include "hv/init/proc.h"
#include "hv/init/chan.h"
#include "hv/init/mounts.h"
#include "hv/init/tree.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <unistd.h>

#define REAL ".proc" /* inside /proc */

static int procfs_mount(struct ns *ns, const char *at)
{
	const unsigned long flags = MS_NOSUID | MS_NODEV | MS_NOEXEC;

	/* without a pid namespace it would show the host's processes */
	if (!(ns->have & HVB_HAVE_PIDNS))
		return -EPERM;
	if (mount("proc", at, "proc", flags, NULL) < 0) {
		chan_note(ns->sock, "no /proc: %s", strerror(errno));
		return -errno;
	}
	ns->have |= HVB_HAVE_PROC;
	return 0;
}

/*
 * uid 0 may be the host's root, who needs no capability to write in
 * /proc/sys, nor to pull /proc/sysrq-trigger.
 */
static int procfs_seal(const char *at)
{
	const unsigned long flags = MS_NOSUID | MS_NODEV | MS_NOEXEC;

	if (mount(NULL, at, NULL, MS_REMOUNT | MS_BIND | MS_RDONLY | flags,
		    NULL) < 0)
		return -errno;
	return 0;
}

/*
 * From Linux 6.14 on each pid namespace has a limit of its own, so that every
 * id can have its link.  Before, the file is the host's: not to be touched.
 */
static void pids_limit(void)
{
	unsigned major, minor;
	struct utsname u;
	char text[16];

	if (uname(&u) < 0 || sscanf(u.release, "%u.%u", &major, &minor) != 2 ||
		major < 6 || (major == 6 && minor < 14))
		return;
	snprintf(text, sizeof(text), "%d", MOUNTS_PIDS_MAX);
	tree_file("/proc/" REAL "/sys/kernel/pid_max", 0, text, strlen(text));
}

static int links_make(void)
{
	char to[300], name[16];
	struct dirent *e;
	DIR *d = opendir("/proc/" REAL);
	int r = 0, at;

	if (!d)
		return -errno;
	at = open("/proc", O_PATH | O_DIRECTORY | O_CLOEXEC);
	while (r == 0 && at >= 0 && (e = readdir(d)) != NULL) {
		if (e->d_name[0] == '.' ||
			(e->d_name[0] >= '0' && e->d_name[0] <= '9'))
			continue;
		snprintf(to, sizeof(to), REAL "/%s", e->d_name);
		/* a real Xen host has one of its own, for its own domain */
		if (strcmp(e->d_name, "xen") == 0)
			continue;
		r = symlinkat(to, at, e->d_name) < 0 ? -errno : 0;
	}
	for (int pid = 1; r == 0 && at >= 0 && pid <= MOUNTS_PIDS_MAX; pid++) {
		snprintf(name, sizeof(name), "%d", pid);
		snprintf(to, sizeof(to), REAL "/%d", pid);
		r = symlinkat(to, at, name) < 0 ? -errno : 0;
	}
	closedir(d);
	if (at < 0)
		return -errno;
	close(at);
	return r;
}

/*
 * The kernel's ceiling for RLIMIT_NOFILE is out of reach for us: show the one
 * that we have.  oxenstored raises its limit to that and ends if it cannot.
 */
static int limit_show(void)
{
	static const char file[] = "/proc/.nr_open";
	struct rlimit limit;
	char text[24];
	int r;

	if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
		return -errno;
	snprintf(text, sizeof(text), "%ju\n", (uintmax_t)limit.rlim_max);
	r = tree_file(file, 0444, text, strlen(text));
	if (r)
		return r;
	return mount(file, "/proc/" REAL "/sys/fs/nr_open", NULL, MS_BIND,
		       NULL) < 0
		       ? -errno
		       : 0;
}

static int xen_make(const struct ns *ns)
{
	static const struct {
		const char *path, *text;
	} files[] = {
		{"/proc/xen/xsd_kva", ""},
		{"/proc/xen/xsd_port", ""},
		{"/proc/xen/capabilities", "control_d\n"},
	};

	if (mkdir("/proc/xen", 0755) < 0)
		return -errno;
	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
		const char *path = files[i].path;
		int r = tree_file(
			path, 0600, files[i].text, strlen(files[i].text));

		if (r)
			return r;
		if (ns->drop && chown(path, ns->uid, ns->gid) < 0)
			return -errno;
	}
	return truncate(MOUNTS_XSD_KVA, 4096) < 0 ? -errno : 0;
}

int proc_make(struct ns *ns, bool control)
{
	int r;

	if (!control)
		return procfs_mount(ns, "/proc") ? 0 : procfs_seal("/proc");
	if (mkdir("/proc/" REAL, 0555) < 0)
		return -errno;
	if (procfs_mount(ns, "/proc/" REAL) == 0) {
		if (ns->have & HVB_HAVE_USERNS)
			pids_limit();
		r = links_make();
		if (r == 0)
			r = limit_show();
		if (r == 0)
			r = procfs_seal("/proc/" REAL);
		if (r)
			return r;
	}
	return xen_make(ns);
}
