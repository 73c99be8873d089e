// SPDX-License-Identifier: MIT
/*
 * mounts.c: the file tree that a domain sees
 */
#include "hv/init/mounts.h"
#include "hv/init/chan.h"
#include "hv/init/proc.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

struct mounts_piece {
	struct tree tree;
	const char *target;
	char *owned;      /* memory of path and target, if it is ours */
	char link[64];    /* not a tree but a link to this */
	const char *what; /* for messages: the key it comes from */
};

/* A guest's share of the host's tree; what is not there is left out. */
static const char *const shown[] = {
	"/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32", "/etc"};
/* What the control domain has of its own over the host's tree. */
static const char *const private[] = {"/tmp", "/run", "/var", "/dev", "/proc"};

#define NR(a) (sizeof(a) / sizeof((a)[0]))

static bool is_below(const char *path, const char *top)
{
	size_t n = strlen(top);

	return strncmp(path, top, n) == 0 &&
	       (path[n] == '\0' || path[n] == '/');
}

/* Whether `path` is to be seen anyway, because its surroundings are. */
static bool is_shown(const struct conf *c, const char *path)
{
	const char *const *v = c->control ? private : shown;
	size_t n = c->control ? NR(private) : NR(shown);

	for (size_t i = 0; i < n; i++) {
		if (is_below(path, v[i]))
			return !c->control;
	}
	return c->control;
}

static struct mounts_piece *piece_add(struct mounts *m)
{
	struct mounts_piece *v =
		reallocarray(m->piece, m->n_piece + 1, sizeof(*v));

	if (!v)
		return NULL;
	m->piece = v;
	v += m->n_piece++;
	memset(v, 0, sizeof(*v));
	v->tree.fd = -1;
	return v;
}

static int piece_take(struct mounts *m, const char *path, const char *target,
	enum tree_mode mode, const char *what, char *err)
{
	struct mounts_piece *p = piece_add(m);
	int r = p ? 0 : -ENOMEM;

	if (p) {
		p->target = target;
		p->what = what;
		r = tree_take(&p->tree, path, mode);
	}
	if (r)
		snprintf(err, CONF_ERR_MAX,
			"%s=%.300s: %s: the domain cannot be shown it", what,
			path, strerror(-r));
	return r;
}

static int shown_take(struct mounts *m, const char *path, char *err)
{
	struct mounts_piece *p;
	struct stat st;
	ssize_t n;

	if (lstat(path, &st) < 0)
		return 0;
	if (!S_ISLNK(st.st_mode))
		return piece_take(m, path, path, TREE_RO, "folder", err);
	p = piece_add(m);
	if (!p)
		return -ENOMEM;
	p->target = path;
	p->what = "link";
	n = readlink(path, p->link, sizeof(p->link) - 1);
	if (n <= 0 || n >= (ssize_t)sizeof(p->link) - 1) {
		m->n_piece--; /* stranger than any distribution's */
		return 0;
	}
	p->link[n] = '\0';
	return 0;
}

/* A folder of programs that the domain needs: of its kernel, or of hv. */
static int program_take(struct mounts *m, const struct conf *c,
	const char *path, bool file, const char *what, char *err)
{
	struct mounts_piece *p;
	char *copy, *slash;
	int r;

	if (!path || is_shown(c, path))
		return 0;
	copy = strdup(path);
	if (!copy)
		return -ENOMEM;
	slash = strrchr(copy, '/');
	if (file && slash != copy)
		*slash = '\0';
	for (size_t i = 0; i < m->n_piece; i++) {
		p = &m->piece[i];
		if (p->tree.directory && strcmp(p->target, copy) == 0) {
			free(copy);
			return 0;
		}
	}
	r = piece_take(m, copy, copy, TREE_RO, what, err);
	if (m->n_piece && m->piece[m->n_piece - 1].target == copy)
		m->piece[m->n_piece - 1].owned = copy;
	else
		free(copy);
	return r;
}

int mounts_take(struct mounts *m, const struct conf *c, char *err)
{
	int r = 0;

	memset(m, 0, sizeof(*m));
	err[0] = '\0';
	for (size_t i = 0; r == 0 && !c->control && i < NR(shown); i++)
		r = shown_take(m, shown[i], err);
	if (r == 0 && c->control)
		r = piece_take(m, "/", "/", TREE_RO, "folder", err);
	if (r == 0 && c->rundir)
		r = piece_take(m, c->rundir, "/run", TREE_RW, "rundir", err);
	if (r == 0 && c->logdir)
		r = piece_take(
			m, c->logdir, "/var/log/xen", TREE_RW, "logdir", err);
	if (r == 0)
		r = program_take(m, c, c->kernel, true, "kernel", err);
	if (r == 0)
		r = program_take(m, c, c->libdir, false, "libdir", err);
	if (r == 0)
		r = program_take(m, c, c->bindir, false, "bindir", err);
	for (size_t i = 0; r == 0 && i < c->n_bind; i++) {
		const struct conf_bind *b = &c->bind[i];

		r = piece_take(m, b->path, b->path,
			b->writable ? TREE_RW : TREE_RO,
			b->writable ? "bindrw" : "bind", err);
	}
	if (r && !err[0])
		snprintf(err, CONF_ERR_MAX, "%s", strerror(-r));
	m->taken = r == 0;
	return r;
}

void mounts_fini(struct mounts *m)
{
	for (size_t i = 0; i < m->n_piece; i++) {
		tree_fini(&m->piece[i].tree);
		free(m->piece[i].owned);
	}
	free(m->piece);
	memset(m, 0, sizeof(*m));
}

/*
 * The new root goes over /tmp, where the host's is in the way of nothing that
 * is still needed: the pieces are taken, and the rest is reached through the
 * old root, which keeps its own /tmp.
 */
static int base_make(const struct conf *c)
{
	const char *options = c->control ? "mode=0755,size=25%"
					 : "mode=0755,size=128m,nr_inodes=32k";
	int r = 0;

	if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 ||
		mount("hv", "/tmp", "tmpfs", MS_NOSUID | MS_NODEV, options) < 0)
		return errno;
	if (chdir("/tmp") < 0 || mkdir("old", 0700) < 0 ||
		syscall(SYS_pivot_root, ".", "old") < 0) {
		r = errno;
		/* lets go of our own, so that the host's is as it was */
		umount2("/tmp", MNT_DETACH);
	}
	return chdir("/") < 0 ? errno : r;
}

static int folders_make(const struct ns *ns)
{
	static const struct {
		const char *path;
		mode_t mode;
	} folders[] = {
		{"/tmp", 01777},
		{"/run", 0755},
		{"/var", 0755},
		{"/var/lib", 0755},
		{"/var/lib/xen", 0755},
		{"/var/log", 0755},
		{"/var/log/xen", 0755},
		{"/var/cache", 0755},
		{"/var/tmp", 01777},
		{"/dev", 0755},
		{"/dev/xen", 0755},
		{"/dev/shm", 01777},
		{"/dev/pts", 0755},
		{"/proc", 0555},
	};
	static const struct {
		const char *path, *to;
	} links[] = {
		{"/var/run", "/run"},
		{"/var/lock", "/run/lock"},
		{"/dev/fd", "/proc/self/fd"},
		{"/dev/stdin", "fd/0"},
		{"/dev/stdout", "fd/1"},
		{"/dev/stderr", "fd/2"},
		{"/dev/ptmx", "pts/ptmx"},
	};

	for (size_t i = 0; i < NR(folders); i++) {
		if (mkdir(folders[i].path, folders[i].mode) < 0 ||
			chmod(folders[i].path, folders[i].mode) < 0)
			return -errno;
		if (ns->drop && chown(folders[i].path, ns->uid, ns->gid) < 0)
			return -errno;
	}
	for (size_t i = 0; i < NR(links); i++) {
		if (symlink(links[i].to, links[i].path) < 0)
			return -errno;
	}
	return 0;
}

/* Taken here, and not with the rest: nothing in their way is ever closed. */
static int devices_make(struct ns *ns, const char *old)
{
	static const char *const nodes[] = {"/dev/null", "/dev/zero",
		"/dev/full", "/dev/random", "/dev/urandom", "/dev/tty"};
	char path[64];
	struct tree t;
	int r;

	for (size_t i = 0; i < NR(nodes); i++) {
		snprintf(path, sizeof(path), "%s%s", old, nodes[i]);
		r = tree_take(&t, path, TREE_DEV);
		if (r == 0)
			r = tree_file(nodes[i], 0644, "", 0);
		if (r == 0) {
			t.path = nodes[i];
			r = tree_put(&t, old, nodes[i]);
		}
		tree_fini(&t);
		/* a program may do without a terminal, not without null */
		if (r && i > 0) {
			chan_note(
				ns->sock, "no %s: %s", nodes[i], strerror(-r));
			unlink(nodes[i]);
			r = 0;
		}
		if (r)
			return r;
	}
	if (mount("devpts", "/dev/pts", "devpts", MS_NOSUID | MS_NOEXEC,
		    "newinstance,ptmxmode=0666,mode=0620") < 0) {
		chan_note(
			ns->sock, "no terminals: devpts: %s", strerror(errno));
		unlink("/dev/ptmx");
	}
	return 0;
}

/*
 * Over the read-only host's tree: the private folders made above, which are
 * where the new root's own would be, and the old roots below /tmp for now.
 */
static int control_enter(struct tree *host)
{
	char path[32];
	int r;

	if (mkdir("/new", 0755) < 0 || mkdir("/tmp/.old", 0700) < 0)
		return -errno;
	r = tree_put(host, "/old", "/new");
	for (size_t i = 0; r == 0 && i < NR(private); i++) {
		snprintf(path, sizeof(path), "/new%s", private[i]);
		if (mount(private[i], path, NULL, MS_BIND | MS_REC, NULL) < 0)
			r = -errno;
	}
	if (r == 0 && (chdir("/new") < 0 ||
			      syscall(SYS_pivot_root, ".", "tmp/.old") < 0 ||
			      chdir("/") < 0))
		r = -errno;
	return r;
}

static int pieces_put(struct mounts *m, const char *old, char *err)
{
	for (size_t i = 0; i < m->n_piece; i++) {
		struct mounts_piece *p = &m->piece[i];
		int r;

		if (strcmp(p->target, "/") == 0)
			continue; /* control_enter() has */
		if (p->link[0]) {
			r = symlink(p->link, p->target) < 0 ? -errno : 0;
		} else {
			r = tree_target(p->target, p->tree.directory);
			if (r == 0)
				r = tree_put(&p->tree, old, p->target);
		}
		if (r) {
			snprintf(err, CONF_ERR_MAX, "%s=%.300s: %s", p->what,
				p->target, strerror(-r));
			return r;
		}
	}
	return 0;
}

static int run_folders_make(const struct ns *ns)
{
	static const char *const names[] = {
		"/run/xenstored", "/run/xen", "/run/lock"};

	for (size_t i = 0; i < NR(names); i++) {
		int r = tree_mkdir(names[i], 0755);

		if (r)
			return r;
		if (ns->drop && chown(names[i], ns->uid, ns->gid) < 0)
			return -errno;
	}
	return 0;
}

static int tree_make(
	struct mounts *m, struct ns *ns, const struct conf *c, char *err)
{
	const char *old = c->control ? "/tmp/.old/old" : "/old";
	int r = folders_make(ns);

	if (r == 0)
		r = devices_make(ns, "/old");
	if (r == 0)
		r = proc_make(ns, c->control);
	if (r == 0 && c->control)
		r = control_enter(&m->piece[0].tree);
	if (r) {
		snprintf(err, CONF_ERR_MAX, "the domain's root: %s",
			strerror(-r));
		return r;
	}
	r = pieces_put(m, old, err);
	if (r)
		return r;
	r = run_folders_make(ns);
	if (r)
		snprintf(err, CONF_ERR_MAX, "/run: %s", strerror(-r));
	old = c->control ? "/tmp/.old" : "/old";
	if (r == 0 && (umount2(old, MNT_DETACH) < 0 || rmdir(old) < 0)) {
		r = -errno;
		snprintf(err, CONF_ERR_MAX, "leaving the host's root: %s",
			strerror(-r));
	}
	return r;
}

int mounts_make(
	struct mounts *m, struct ns *ns, const struct conf *c, char *err)
{
	int r = m->taken ? 0 : mounts_take(m, c, err);

	if (r)
		return r;
	r = base_make(c);
	return r ? r : tree_make(m, ns, c, err);
}
