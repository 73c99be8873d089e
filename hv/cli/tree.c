/* SPDX-License-Identifier: MIT */
/* tree.c - a domain's nodes in the store, as libxl lays them out */
#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <xenstore.h>
#include <xenstore_lib.h>

#include "hv/cli/tree.h"

enum { PATH_LEN = 512, RETRIES = 100 };

/* One attempt; the first error stays. */
struct writer {
	struct xs_handle *xs;
	xs_transaction_t t;
	const struct tree_dom *d;
	char base[PATH_LEN]; /* put in front of relative names */
	int err;
};

__attribute__((format(printf, 2, 3))) static void base(
	struct writer *w, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(w->base, sizeof(w->base), fmt, ap);
	va_end(ap);
}

/* Write @name (below the base, or the base itself). */
__attribute__((format(printf, 3, 4))) static void put(
	struct writer *w, const char *name, const char *fmt, ...)
{
	char path[PATH_LEN + 64], value[PATH_LEN];
	va_list ap;
	int n;

	if (w->err)
		return;
	snprintf(path, sizeof(path), "%s%s%s", w->base, *name ? "/" : "", name);
	va_start(ap, fmt);
	n = vsnprintf(value, sizeof(value), fmt, ap);
	va_end(ap);
	if (n < 0 || (size_t)n >= sizeof(value))
		w->err = -E2BIG;
	else if (!xs_write(w->xs, w->t, path, value, (unsigned int)n))
		w->err = -errno;
}

/* A new directory @name with permissions; what is put below inherits them. */
static void dir(struct writer *w, const char *name, uint32_t owner,
	uint32_t reader, unsigned int other)
{
	struct xs_permissions perms[2] = {
		{.id = owner, .perms = XS_PERM_NONE},
		{.id = reader, .perms = other},
	};
	char path[PATH_LEN + 64];

	put(w, name, "%s", "");
	if (w->err)
		return;
	snprintf(path, sizeof(path), "%s%s%s", w->base, *name ? "/" : "", name);
	if (!xs_set_permissions(
		    w->xs, w->t, path, perms, owner == reader ? 1 : 2))
		w->err = -errno;
}

/* The domain reads it; or owns it. */
static void dir_ro(struct writer *w, const char *name)
{
	dir(w, name, 0, w->d->domid, XS_PERM_READ);
}

static void dir_own(struct writer *w, const char *name)
{
	dir(w, name, w->d->domid, w->d->domid, XS_PERM_NONE);
}

static const char *type_name(enum cfg_type type)
{
	static const char *const names[] = {"pv", "pvh", "hvm"};

	return names[type];
}

static void write_vm(struct writer *w, const char *uuid)
{
	base(w, "/vm/%s", uuid);
	dir_ro(w, "");
	put(w, "uuid", "%s", uuid);
	put(w, "name", "%s", w->d->cfg->name);
	put(w, "image/ostype", "linux");
	put(w, "start_time", "%lld", (long long)time(NULL));
	base(w, "/libxl/%u", w->d->domid);
	dir(w, "", 0, 0, XS_PERM_NONE);
	put(w, "type", "%s", type_name(w->d->cfg->type));
}

static void write_domain(struct writer *w, const char *uuid)
{
	static const char *const own[] = {"control/shutdown",
		"control/feature-poweroff", "control/feature-reboot",
		"control/feature-suspend", "control/sysrq",
		"device/suspend/event-channel", "data", "drivers", "feature",
		"attr", "error"};
	const struct domcfg *cfg = w->d->cfg;
	char name[64];

	base(w, "/local/domain/%u", w->d->domid);
	dir_ro(w, "");
	put(w, "vm", "/vm/%s", uuid);
	put(w, "name", "%s", cfg->name);
	put(w, "domid", "%u", w->d->domid);
	put(w, "memory/static-max", "%" PRIu64, cfg->maxmem << 10);
	put(w, "memory/target", "%" PRIu64, cfg->memory << 10);
	put(w, "memory/videoram", "0");
	for (uint32_t i = 0; i < cfg->vcpus; i++) {
		snprintf(name, sizeof(name), "cpu/%u/availability", i);
		put(w, name, "online");
	}
	put(w, "control/platform-feature-multiprocessor-suspend", "1");
	put(w, "control/platform-feature-xs_reset_watches", "1");
	put(w, "device", "%s", "");
	for (size_t i = 0; i < sizeof(own) / sizeof(own[0]); i++)
		dir_own(w, own[i]);
	if (cfg->driver_domain) {
		dir_own(w, "libxl");
		put(w, "backend", "%s", "");
	}
	put(w, "store/port", "%u", w->d->store_port);
	put(w, "store/ring-ref", "%u", w->d->store_gfn);
}

static void write_console(struct writer *w)
{
	uint32_t domid = w->d->domid;

	base(w, "/local/domain/%u/console", domid);
	put(w, "backend", "/local/domain/0/backend/console/%u/0", domid);
	put(w, "backend-id", "0");
	put(w, "limit", "1048576");
	put(w, "type", "xenconsoled");
	put(w, "output", "pty");
	put(w, "tty", "%s", "");
	put(w, "port", "%u", w->d->console_port);
	put(w, "ring-ref", "%u", w->d->console_gfn);
	base(w, "/local/domain/0/backend/console/%u/0", domid);
	dir_ro(w, "");
	put(w, "frontend", "/local/domain/%u/console", domid);
	put(w, "frontend-id", "%u", domid);
	put(w, "online", "1");
	put(w, "state", "1");
	put(w, "protocol", "vt100");
}

/* The three places of a device: which one next, and what all devices have. */
static void at_frontend(
	struct writer *w, const char *type, uint32_t id, uint32_t back)
{
	base(w, "/local/domain/%u/device/%s/%u", w->d->domid, type, id);
	dir(w, "", w->d->domid, back, XS_PERM_READ);
	put(w, "backend", "/local/domain/%u/backend/%s/%u/%u", back, type,
		w->d->domid, id);
	put(w, "backend-id", "%u", back);
	put(w, "state", "1");
}

static void at_backend(
	struct writer *w, const char *type, uint32_t id, uint32_t back)
{
	base(w, "/local/domain/%u/backend/%s/%u/%u", back, type, w->d->domid,
		id);
	dir(w, "", back, w->d->domid, XS_PERM_READ);
	put(w, "frontend", "/local/domain/%u/device/%s/%u", w->d->domid, type,
		id);
	put(w, "frontend-id", "%u", w->d->domid);
	put(w, "online", "1");
	put(w, "state", "1");
}

static void at_libxl(
	struct writer *w, const char *type, uint32_t id, uint32_t back)
{
	base(w, "/libxl/%u/device/%s/%u", w->d->domid, type, id);
	dir(w, "", 0, 0, XS_PERM_NONE);
	put(w, "frontend", "/local/domain/%u/device/%s/%u", w->d->domid, type,
		id);
	put(w, "backend", "/local/domain/%u/backend/%s/%u/%u", back, type,
		w->d->domid, id);
	put(w, "frontend-id", "%u", w->d->domid);
}

static void disk_facts(struct writer *w, const struct cfg_disk *k)
{
	const char *target = k->target ? k->target : "";

	if (!strcmp(k->kind, "phy"))
		put(w, "params", "%s", target);
	else
		put(w, "params", "%s:%s",
			strcmp(k->format, "raw") ? k->format : "aio", target);
	if (k->script)
		put(w, "script", "%s", k->script);
	else if (!strcmp(k->kind, "phy"))
		put(w, "script", "/etc/xen/scripts/block");
	put(w, "removable", "%d", k->cdrom);
	put(w, "bootable", "1");
	put(w, "dev", "%s", k->vdev);
	put(w, "type", "%s", k->kind);
	put(w, "mode", "%s", k->writable ? "w" : "r");
	put(w, "device-type", "%s", k->cdrom ? "cdrom" : "disk");
	put(w, "discard-enable", "%d", k->writable);
}

static void write_disk(struct writer *w, unsigned int i)
{
	const struct cfg_disk *k = &w->d->cfg->disk[i];
	uint32_t back = w->d->disk_backend[i];

	at_frontend(w, "vbd", k->number, back);
	put(w, "virtual-device", "%u", k->number);
	put(w, "device-type", "%s", k->cdrom ? "cdrom" : "disk");
	put(w, "trusted", "1");
	at_backend(w, "vbd", k->number, back);
	disk_facts(w, k);
	at_libxl(w, "vbd", k->number, back);
	disk_facts(w, k);
}

static void vif_facts(struct writer *w, const struct cfg_vif *v, unsigned int i)
{
	uint8_t mac[6];

	cfg_vif_mac(v, w->d->cfg->uuid, i, mac);
	put(w, "handle", "%u", i);
	put(w, "mac", "%02x:%02x:%02x:%02x:%02x:%02x", mac[0], mac[1], mac[2],
		mac[3], mac[4], mac[5]);
	if (v->mtu)
		put(w, "mtu", "%u", v->mtu);
}

static void vif_backend_facts(
	struct writer *w, const struct cfg_vif *v, unsigned int i)
{
	vif_facts(w, v, i);
	put(w, "script", "%s",
		v->script ? v->script : "/etc/xen/scripts/vif-bridge");
	if (v->bridge)
		put(w, "bridge", "%s", v->bridge);
	if (v->ip)
		put(w, "ip", "%s", v->ip);
	if (v->ifname)
		put(w, "vifname", "%s", v->ifname);
	put(w, "type", "vif");
}

static void write_vif(struct writer *w, unsigned int i)
{
	const struct cfg_vif *v = &w->d->cfg->vif[i];
	uint32_t back = w->d->vif_backend[i];

	at_frontend(w, "vif", i, back);
	vif_facts(w, v, i);
	put(w, "trusted", "1");
	at_backend(w, "vif", i, back);
	vif_backend_facts(w, v, i);
	at_libxl(w, "vif", i, back);
	vif_backend_facts(w, v, i);
}

static int attempt(struct xs_handle *xs, const struct tree_dom *d)
{
	struct writer w = {.xs = xs, .d = d};
	char uuid[UUID_TEXT];

	/* a store without transactions gets the nodes one by one: the domain
	 * is not introduced yet, and what fails half way is removed */
	w.t = xs_transaction_start(xs);
	if (!w.t && errno != ENOSYS)
		return -errno;
	uuid_text(d->cfg->uuid, uuid);
	write_vm(&w, uuid);
	write_domain(&w, uuid);
	write_console(&w);
	for (unsigned int i = 0; i < d->cfg->disks; i++)
		write_disk(&w, i);
	for (unsigned int i = 0; i < d->cfg->vifs; i++)
		write_vif(&w, i);
	if (w.t && !xs_transaction_end(xs, w.t, w.err) && !w.err)
		w.err = -errno;
	return w.err;
}

int tree_write(struct xs_handle *xs, const struct tree_dom *dom)
{
	int r = -EAGAIN;

	for (int i = 0; i < RETRIES && r == -EAGAIN; i++)
		r = attempt(xs, dom);
	return r;
}

/* Remove the backend's node, and the folder it had for the domain if that
 * was the last one. */
static void remove_backend(struct xs_handle *xs, char *path)
{
	unsigned int nr = 1;
	char *slash, **left;

	(void)xs_rm(xs, XBT_NULL, path);
	slash = strrchr(path, '/');
	if (!slash || slash == path)
		return;
	*slash = '\0';
	left = xs_directory(xs, XBT_NULL, path, &nr);
	if (left && !nr)
		(void)xs_rm(xs, XBT_NULL, path);
	free(left);
}

static void remove_devices(
	struct xs_handle *xs, uint32_t domid, const char *type)
{
	unsigned int nr = 0, len;
	char path[PATH_LEN], **ids, *back;

	snprintf(path, sizeof(path), "/libxl/%u/device/%s", domid, type);
	ids = xs_directory(xs, XBT_NULL, path, &nr);
	for (unsigned int i = 0; ids && i < nr; i++) {
		snprintf(path, sizeof(path), "/libxl/%u/device/%s/%s/backend",
			domid, type, ids[i]);
		back = xs_read(xs, XBT_NULL, path, &len);
		if (back)
			remove_backend(xs, back);
		free(back);
	}
	free(ids);
}

void tree_remove(struct xs_handle *xs, uint32_t domid)
{
	unsigned int nr = 0, len;
	char path[PATH_LEN], **types, *vm;

	snprintf(path, sizeof(path), "/libxl/%u/device", domid);
	types = xs_directory(xs, XBT_NULL, path, &nr);
	for (unsigned int i = 0; types && i < nr; i++)
		remove_devices(xs, domid, types[i]);
	free(types);
	snprintf(path, sizeof(path), "/local/domain/0/backend/console/%u/0",
		domid);
	remove_backend(xs, path);
	snprintf(path, sizeof(path), "/local/domain/%u/vm", domid);
	vm = xs_read(xs, XBT_NULL, path, &len);
	if (vm && !strncmp(vm, "/vm/", 4) && vm[4])
		(void)xs_rm(xs, XBT_NULL, vm);
	free(vm);
	snprintf(path, sizeof(path), "/local/domain/%u", domid);
	(void)xs_rm(xs, XBT_NULL, path);
	snprintf(path, sizeof(path), "/libxl/%u", domid);
	(void)xs_rm(xs, XBT_NULL, path);
}
