// SPDX-License-Identifier: MIT
/*
 * ns.c: who a domain's processes are to the host, and its namespaces
 */
#include "hv/init/ns.h"
#include "hv/init/chan.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

static const struct {
	int flag;
	unsigned have;
	const char *name;
	const char *without;
} kinds[] = {
	{CLONE_NEWNS, HVB_HAVE_MOUNTNS, "mount",
		"it sees the host's files as its user does"},
	{CLONE_NEWPID, HVB_HAVE_PIDNS, "pid",
		"it can signal its user's other processes"},
	{CLONE_NEWNET, HVB_HAVE_NETNS, "network", "it uses the host's network"},
	{CLONE_NEWIPC, HVB_HAVE_IPCNS, "ipc",
		"it shares System V objects with its user"},
	{CLONE_NEWUTS, 0, "uts", "it has the host's name"},
};

enum { NR_KINDS = sizeof(kinds) / sizeof(kinds[0]) };

int ns_init(struct ns *ns, const struct conf *c, int sock, char *err)
{
	memset(ns, 0, sizeof(*ns));
	ns->sock = sock;
	ns->uid = geteuid();
	ns->gid = getegid();
	if (!c->has_uid || c->uid == ns->uid)
		return 0;
	if (ns->uid != 0) {
		snprintf(err, CONF_ERR_MAX,
			"uid=%u: only root can run a domain as another user; "
			"leave uid= out, or start hvd as root",
			(unsigned)c->uid);
		return -EPERM;
	}
	ns->uid = c->uid;
	ns->gid = (gid_t)c->uid;
	ns->drop = true;
	return 0;
}

static bool file_write(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	size_t len = strlen(text);
	bool ok;

	if (fd < 0)
		return false;
	ok = write(fd, text, len) == (ssize_t)len;
	close(fd);
	return ok;
}

static void user_map(struct ns *ns)
{
	char uid[32], gid[32];

	snprintf(uid, sizeof(uid), "0 %u 1", (unsigned)ns->uid);
	snprintf(gid, sizeof(gid), "0 %u 1", (unsigned)ns->gid);
	/* a group could be dropped to get past a mode such as 0705 */
	file_write("/proc/self/setgroups", "deny");
	if (!file_write("/proc/self/uid_map", uid) ||
		!file_write("/proc/self/gid_map", gid)) {
		chan_note(ns->sock, "user ids are not mapped: %s",
			strerror(errno));
		return;
	}
	/* root's own ids, if that is where we come from, have no name here */
	if (setresgid(0, 0, 0) < 0 || setresuid(0, 0, 0) < 0)
		chan_note(ns->sock, "cannot be uid 0: %s", strerror(errno));
}

/*
 * The namespace must belong to the domain's own user, so root takes that
 * user's effective ids for the call, and can go back when it is refused.
 */
static bool user_enter(struct ns *ns)
{
	int r = -1;

	if (access("/proc/self/uid_map", W_OK) < 0) {
		chan_note(ns->sock, "no user namespace: /proc: %s",
			strerror(errno));
		return false;
	}
	if (!ns->drop || (setegid(ns->gid) == 0 && seteuid(ns->uid) == 0))
		r = unshare(CLONE_NEWUSER);
	if (r < 0) {
		chan_note(ns->sock, "no user namespace: %s%s", strerror(errno),
			geteuid() || ns->drop ? "" : ": it runs as root");
		if (ns->drop && (seteuid(0) < 0 || setegid(0) < 0))
			_exit(1);
		return false;
	}
	/* another uid made /proc/self root's */
	prctl(PR_SET_DUMPABLE, 1);
	user_map(ns);
	ns->drop = false;
	ns->have |= HVB_HAVE_USERNS;
	return true;
}

void ns_enter(struct ns *ns)
{
	int all = 0;

	if (geteuid() == 0)
		setgroups(0, NULL);
	user_enter(ns);
	for (size_t i = 0; i < NR_KINDS; i++)
		all |= kinds[i].flag;
	if (unshare(all) == 0) {
		for (size_t i = 0; i < NR_KINDS; i++)
			ns->have |= kinds[i].have;
		return;
	}
	for (size_t i = 0; i < NR_KINDS; i++) {
		if (unshare(kinds[i].flag) == 0)
			ns->have |= kinds[i].have;
		else
			chan_note(ns->sock, "no %s namespace: %s: %s",
				kinds[i].name, strerror(errno),
				kinds[i].without);
	}
}

void ns_setup(const struct ns *ns, const struct conf *c)
{
	struct ifreq ifr = {.ifr_name = "lo", .ifr_flags = IFF_UP};
	int fd;

	if (ns->have & HVB_HAVE_NETNS) {
		fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
		if (fd < 0 || ioctl(fd, SIOCSIFFLAGS, &ifr) < 0)
			chan_note(ns->sock, "no loopback interface: %s",
				strerror(errno));
		if (fd >= 0)
			close(fd);
	}
	/* the host's own name is out of reach from a user namespace */
	if ((ns->have & HVB_HAVE_USERNS) && c->name) {
		if (sethostname(c->name, strnlen(c->name, 64)) < 0)
			chan_note(ns->sock, "no name of its own: %s",
				strerror(errno));
	}
}

int ns_drop(struct ns *ns)
{
	if (!ns->drop)
		return 0;
	if (setresgid(ns->gid, ns->gid, ns->gid) < 0 ||
		setresuid(ns->uid, ns->uid, ns->uid) < 0)
		return -errno;
	ns->drop = false;
	return 0;
}
