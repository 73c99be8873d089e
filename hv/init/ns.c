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
#include <sys/wait.h>
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
	if (ns->uid == 0 && !c->control && (!c->has_uid || c->uid == 0)) {
		snprintf(err, CONF_ERR_MAX,
			"uid=: root starts a domain as a user of its own, "
			"that nothing else of the host belongs to");
		return -EPERM;
	}
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

static bool ids_are(uid_t uid, gid_t gid)
{
	uid_t u[3];
	gid_t g[3];

	return getresuid(&u[0], &u[1], &u[2]) == 0 &&
	       getresgid(&g[0], &g[1], &g[2]) == 0 && u[0] == uid &&
	       u[1] == uid && u[2] == uid && g[0] == gid && g[1] == gid &&
	       g[2] == gid;
}

/* 0, or -errno; -EIO: the calls succeeded, and the ids are not as asked for. */
static int user_map(const struct ns *ns)
{
	char uid[32], gid[32];

	snprintf(uid, sizeof(uid), "0 %u 1", (unsigned)ns->uid);
	snprintf(gid, sizeof(gid), "0 %u 1", (unsigned)ns->gid);
	/* a group could be dropped to get past a mode such as 0705 */
	file_write("/proc/self/setgroups", "deny");
	if (!file_write("/proc/self/uid_map", uid) ||
		!file_write("/proc/self/gid_map", gid))
		return -errno;
	/* root's own ids, if that is where we come from, have no name here */
	if (setresgid(0, 0, 0) < 0 || setresuid(0, 0, 0) < 0)
		return -errno;
	return ids_are(0, 0) ? 0 : -EIO;
}

/*
 * The namespace must belong to the domain's own user, so root takes that
 * user's effective ids for the call.  There is no way back from a failure.
 */
static int user_unshare(const struct ns *ns)
{
	if (ns->drop && (setegid(ns->gid) < 0 || seteuid(ns->uid) < 0))
		return -errno;
	if (unshare(CLONE_NEWUSER) < 0)
		return -errno;
	/* another uid made /proc/self root's */
	prctl(PR_SET_DUMPABLE, 1);
	return user_map(ns);
}

/*
 * Some kernels give an ordinary user the namespace and then refuse the map:
 * a child finds out, since there one would be nobody, or root outside.
 */
static int user_try(const struct ns *ns)
{
	int status;
	pid_t pid = fork();

	if (pid < 0)
		return -errno;
	if (pid == 0)
		_exit(-user_unshare(ns) & 0xff);
	while (waitpid(pid, &status, 0) < 0) {
		if (errno != EINTR)
			return -errno;
	}
	return WIFEXITED(status) ? -WEXITSTATUS(status) : -EPERM;
}

static int user_enter(struct ns *ns)
{
	int r = 0;

	if (access("/proc/self/uid_map", W_OK) < 0)
		r = -errno;
	if (r == 0)
		r = user_try(ns);
	if (r < 0) {
		chan_note(ns->sock, "no user namespace: %s", strerror(-r));
		return 0;
	}
	r = user_unshare(ns);
	if (r < 0)
		return r;
	ns->drop = false;
	ns->have |= HVB_HAVE_USERNS;
	return 0;
}

int ns_enter(struct ns *ns)
{
	int all = 0, r;

	if (geteuid() == 0)
		setgroups(0, NULL);
	r = user_enter(ns);
	if (r < 0)
		return r;
	for (size_t i = 0; i < NR_KINDS; i++)
		all |= kinds[i].flag;
	if (unshare(all) == 0) {
		for (size_t i = 0; i < NR_KINDS; i++)
			ns->have |= kinds[i].have;
		return 0;
	}
	for (size_t i = 0; i < NR_KINDS; i++) {
		if (unshare(kinds[i].flag) == 0)
			ns->have |= kinds[i].have;
		else
			chan_note(ns->sock, "no %s namespace: %s: %s",
				kinds[i].name, strerror(errno),
				kinds[i].without);
	}
	return 0;
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
	const bool inside = ns->have & HVB_HAVE_USERNS;

	if (ns->drop && (setresgid(ns->gid, ns->gid, ns->gid) < 0 ||
				setresuid(ns->uid, ns->uid, ns->uid) < 0))
		return -errno;
	ns->drop = false;
	return ids_are(inside ? 0 : ns->uid, inside ? 0 : ns->gid) ? 0 : -EIO;
}
