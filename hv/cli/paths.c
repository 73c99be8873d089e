/* SPDX-License-Identifier: MIT */
/* paths.c - where the machine and hv's own programs are */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "hv/cli/paths.h"

static bool put(char *out, size_t cap, const char *a, const char *b)
{
	int n = snprintf(out, cap, "%s%s", a, b);

	return n >= 0 && (size_t)n < cap;
}

bool paths_machine(const char *arg, char dir[CLI_DIR_MAX + 1])
{
	const char *run = getenv("XDG_RUNTIME_DIR");
	char cwd[PATH_MAX] = "", text[64];
	const size_t cap = CLI_DIR_MAX + 1;
	size_t n;

	if (!arg && run && run[0] == '/')
		return put(dir, cap, run, "/bulkhead/default");
	if (!arg) {
		snprintf(text, sizeof(text), "/tmp/bulkhead-%u",
			(unsigned int)getuid());
		return put(dir, cap, text, "/default");
	}
	if (arg[0] != '/') {
		if (!getcwd(cwd, sizeof(cwd) - 1))
			return false;
		strcat(cwd, "/");
	}
	if (!put(dir, cap, cwd, arg))
		return false;
	for (n = strlen(dir); n > 1 && dir[n - 1] == '/'; n--)
		dir[n - 1] = '\0';
	return true;
}

/* The folder of this program, and the names of its parents. */
static bool own_folder(char *out, size_t cap)
{
	ssize_t n = readlink("/proc/self/exe", out, cap - 1);
	char *slash;

	if (n <= 0)
		return false;
	out[n] = '\0';
	slash = strrchr(out, '/');
	if (!slash)
		return false;
	*slash = '\0';
	return true;
}

static bool strip(char *path, const char *end)
{
	size_t n = strlen(path), m = strlen(end);

	if (n < m || strcmp(path + n - m, end))
		return false;
	path[n - m] = '\0';
	return true;
}

static bool from_build(struct paths *p, const char *top)
{
	const size_t cap = PATH_MAX;

	return put(p->hvd, cap, top, "/hv/hvd/hvd") &&
	       put(p->init, cap, top, "/hv/init/hv-init") &&
	       put(p->kernel, cap, top, "/hv/guest/hv-kernel") &&
	       put(p->xenstored, cap, top, "/xenstored/xenstored") &&
	       put(p->libdir, cap, top, "/hv/compat/.libs");
}

static bool from_libexec(struct paths *p, const char *libexec, const char *sbin)
{
	const size_t cap = PATH_MAX;

	return put(p->hvd, cap, libexec, "/hvd") &&
	       put(p->init, cap, libexec, "/hv-init") &&
	       put(p->kernel, cap, libexec, "/hv-kernel") &&
	       put(p->xenstored, cap, sbin, "/xenstored");
}

/* @bin is PREFIX/bin; what configure said is relative to the same PREFIX. */
static bool from_installed(struct paths *p, const char *bin)
{
	char libexec[PATH_MAX], sbin[PATH_MAX], prefix[PATH_MAX];
	const size_t cap = PATH_MAX;
	size_t n = strlen(HV_PREFIX);

	strcpy(prefix, bin);
	if (!strip(prefix, "/bin") || strncmp(HV_PKGLIBEXECDIR, HV_PREFIX, n) ||
		strncmp(HV_SBINDIR, HV_PREFIX, n) ||
		strncmp(HV_HVLIBDIR, HV_PREFIX, n))
		return from_libexec(p, HV_PKGLIBEXECDIR, HV_SBINDIR) &&
		       put(p->libdir, cap, HV_HVLIBDIR, "");
	return put(libexec, cap, prefix, HV_PKGLIBEXECDIR + n) &&
	       put(sbin, cap, prefix, HV_SBINDIR + n) &&
	       put(p->libdir, cap, prefix, HV_HVLIBDIR + n) &&
	       from_libexec(p, libexec, sbin);
}

static bool found(const char *path, int mode)
{
	if (access(path, mode) == 0)
		return true;
	cli_error("%s: %s", path, strerror(errno));
	cli_hint("run hv from where it was built or installed, or set "
		 "HV_LIBEXEC and HV_LIBDIR");
	return false;
}

bool paths_find(struct paths *p)
{
	const char *libexec = getenv("HV_LIBEXEC");
	const char *libdir = getenv("HV_LIBDIR");
	char top[PATH_MAX];
	bool ok;

	memset(p, 0, sizeof(*p));
	if (!own_folder(p->bindir, sizeof(p->bindir))) {
		cli_error("/proc/self/exe: %s", strerror(errno));
		return false;
	}
	strcpy(top, p->bindir);
	ok = strip(top, "/hv/cli") ? from_build(p, top)
				   : from_installed(p, p->bindir);
	if (libexec)
		ok = from_libexec(p, libexec, libexec);
	if (libdir)
		ok = ok && put(p->libdir, PATH_MAX, libdir, "");
	if (!ok) {
		cli_error("a path is too long");
		return false;
	}
	return found(p->hvd, X_OK) && found(p->init, X_OK) &&
	       found(p->kernel, X_OK) && found(p->libdir, X_OK);
}
