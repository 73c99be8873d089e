/* SPDX-License-Identifier: MIT */
/* create.c - hv create: a domain from its configuration */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/random.h>
#include <unistd.h>

#include <xenstore.h>

#include "hv/cli/dom.h"

#include <xen/hvm/params.h>

#include "hv/cli/create.h"
#include "hv/cli/paths.h"
#include "hv/cli/run.h"
#include "hv/cli/tree.h"

/* The first user of guests that root starts; one for each domid follows. */
#define HV_UID_BASE 0x70000000L

enum {
	MIB_ORDER = 8,     /* pages of a MiB, as a power of two */
	SLACK_MIB = 4,     /* for pages made to be shared, beyond its RAM */
	SPECIAL_PAGES = 2, /* the rings of store and console */
};

struct making {
	struct machine *m;
	struct record *rec;
	struct tree_dom tree;
	struct paths paths;
	char why[1024]; /* more about the error than its errno, or "" */
};

/* The domids of all backends; before anything is made. */
static int step_backends(struct making *k)
{
	const struct domcfg *cfg = &k->rec->cfg;

	for (unsigned int i = 0; i < cfg->disks; i++)
		if (cfg->disk[i].backend &&
			!machine_domid(k->m, cfg->disk[i].backend,
				&k->tree.disk_backend[i]))
			return -ENOENT;
	for (unsigned int i = 0; i < cfg->vifs; i++)
		if (cfg->vif[i].backend &&
			!machine_domid(k->m, cfg->vif[i].backend,
				&k->tree.vif_backend[i]))
			return -ENOENT;
	return 0;
}

static int step_create(struct making *k)
{
	const struct domcfg *cfg = &k->rec->cfg;
	struct xen_domctl_createdomain how = {
		.max_vcpus = cfg->vcpus,
		.max_evtchn_port = UINT32_MAX >> 1,
		.max_grant_frames = -1,
		.max_maptrack_frames = -1,
		.grant_opts = XEN_DOMCTL_GRANT_version(1),
	};

	memcpy(how.handle, cfg->uuid, sizeof(how.handle));
	if (cfg->type != CFG_PV) {
		how.flags = XEN_DOMCTL_CDF_hvm | XEN_DOMCTL_CDF_hap;
		how.arch.emulation_flags = XEN_X86_EMU_LAPIC;
	}
	return dom_create(k->m->client, &how, &k->tree.domid);
}

static int step_record(struct making *k)
{
	if (record_write(k->m->dir, k->tree.domid, k->rec))
		return 0;
	return errno ? -errno : -EIO;
}

static int step_memory(struct making *k)
{
	const struct domcfg *cfg = &k->rec->cfg;
	struct hv_client *c = k->m->client;
	uint64_t pages = cfg->memory << MIB_ORDER;
	int r;

	r = dom_max_mem(c, k->tree.domid,
		((cfg->maxmem + SLACK_MIB) << 10) + SPECIAL_PAGES * 4);
	if (r == 0)
		r = dom_max_vcpus(c, k->tree.domid, cfg->vcpus);
	if (r == 0)
		r = dom_populate(c, k->tree.domid, 0, cfg->memory, MIB_ORDER);
	if (r == 0)
		r = dom_populate(c, k->tree.domid, pages, SPECIAL_PAGES, 0);
	k->tree.store_gfn = (uint32_t)pages;
	k->tree.console_gfn = (uint32_t)pages + 1;
	return r;
}

static int step_rings(struct making *k)
{
	struct tree_dom *t = &k->tree;
	struct hv_client *c = k->m->client;
	int r;

	r = dom_port(c, t->domid, &t->store_port);
	if (r == 0)
		r = dom_port(c, t->domid, &t->console_port);
	const struct {
		uint32_t param;
		uint64_t value;
	} params[] = {
		{HVM_PARAM_STORE_PFN, t->store_gfn},
		{HVM_PARAM_STORE_EVTCHN, t->store_port},
		{HVM_PARAM_CONSOLE_PFN, t->console_gfn},
		{HVM_PARAM_CONSOLE_EVTCHN, t->console_port},
	};
	for (size_t i = 0; r == 0 && i < sizeof(params) / sizeof(params[0]);
		i++)
		r = dom_param_set(
			c, t->domid, params[i].param, params[i].value);
	if (r == 0)
		r = dom_grant(c, t->domid, t->console_gfn, t->store_gfn);
	return r;
}

static int step_tree(struct making *k)
{
	return tree_write(k->m->xs, &k->tree);
}

static int step_introduce(struct making *k)
{
	return xs_introduce_domain(k->m->xs, k->tree.domid, k->tree.store_gfn,
		       k->tree.store_port)
		       ? 0
		       : -errno;
}

/* Does a guest see @path anyway?  What hv-init shows of the host's tree. */
static bool is_shown(const char *path)
{
	static const char *const shown[] = {"/usr", "/bin", "/sbin", "/lib",
		"/lib32", "/lib64", "/libx32", "/etc"};

	for (size_t i = 0; i < sizeof(shown) / sizeof(shown[0]); i++) {
		size_t n = strlen(shown[i]);

		if (!strncmp(path, shown[i], n) && (path[n] == '/' || !path[n]))
			return true;
	}
	return false;
}

static void add_binds(struct strings *s, const struct domcfg *cfg)
{
	char path[PATH_MAX];
	size_t n;

	if (cfg->kernel && cfg->kernel[0] == '/' && !is_shown(cfg->kernel))
		strings_add(s, "bind", cfg->kernel);
	for (size_t i = 0; i < cfg->bind.nr; i++) {
		snprintf(path, sizeof(path), "%s", cfg->bind.v[i]);
		n = strlen(path);
		if (n > 3 && !strcmp(path + n - 3, ":rw")) {
			path[n - 3] = '\0';
			strings_add(s, "bindrw", path);
		} else {
			strings_add(s, "bind", path);
		}
	}
}

/*
 * Started by root, each guest gets a user of its own, whom nothing else of
 * the host belongs to: what a domain breaks out as is nobody.
 */
static long user_of(const struct making *k)
{
	if (k->rec->cfg.uid >= 0 || geteuid() != 0)
		return k->rec->cfg.uid;
	return HV_UID_BASE + (long)k->tree.domid;
}

/* The strings of hv/proto/birth.h. */
static void collect(struct strings *s, const struct making *k)
{
	const struct domcfg *cfg = &k->rec->cfg;
	char text[UUID_TEXT], uid[24];

	uuid_text(cfg->uuid, text);
	strings_add(s, "name", cfg->name);
	strings_add(s, "uuid", text);
	strings_add(s, "kernel", k->paths.kernel);
	strings_add(s, "libdir", k->paths.libdir);
	strings_add(s, "arg", cfg->kernel);
	for (size_t i = 0; i < cfg->args.nr; i++)
		strings_add(s, "arg", cfg->args.v[i]);
	for (size_t i = 0; i < cfg->env.nr; i++)
		strings_add(s, "env", cfg->env.v[i]);
	add_binds(s, cfg);
	if (cfg->iouring)
		strings_add(s, "iouring", "1");
	strings_add(s, "cpus", cfg->cpus);
	if (user_of(k) >= 0) {
		snprintf(uid, sizeof(uid), "%ld", user_of(k));
		strings_add(s, "uid", uid);
	}
	if (cfg->kernel)
		strings_add(s, "console", "1");
}

static int step_build(struct making *k)
{
	struct strings s = {.buf = NULL};
	struct admin_call call = {
		.msg = {.type = HVA_NAME,
			.domid = k->tree.domid,
			.len = (uint32_t)strlen(k->rec->cfg.name)},
		.payload = k->rec->cfg.name,
	};
	int r = admin_call(&k->m->admin, &call);

	if (r < 0)
		return r;
	collect(&s, k);
	r = run_build(k->m, k->tree.domid, &s, k->why, sizeof(k->why));
	strings_fini(&s);
	return r;
}

static int step_unpause(struct making *k)
{
	return dom_unpause(k->m->client, k->tree.domid);
}

static const struct step {
	int (*run)(struct making *k);
	const char *what; /* could not be done */
} steps[] = {
	{step_create, "the hypervisor made no domain"},
	{step_record, "its configuration was not kept"},
	{step_memory, "it got no memory"},
	{step_rings, "its rings were not made"},
	{step_tree, "the store took no nodes"},
	{step_introduce, "the store did not take it in"},
	{step_build, "its processes did not start"},
	{step_unpause, "it does not run"},
};

static void undo(struct making *k)
{
	int r = dom_destroy(k->m->client, k->tree.domid);

	if (r < 0 && r != -ESRCH)
		cli_error("and domain %u cannot be destroyed: %s",
			k->tree.domid, strerror(-r));
	create_forget(k->m, k->tree.domid);
}

static bool give_uuid(struct record *rec)
{
	uint8_t *u = rec->cfg.uuid;
	char text[UUID_TEXT], *more;
	size_t len = strlen(rec->text);

	if (rec->cfg.has_uuid)
		return true;
	if (getrandom(u, 16, 0) != 16)
		return false;
	u[6] = (uint8_t)((u[6] & 0x0f) | 0x40);
	u[8] = (uint8_t)((u[8] & 0x3f) | 0x80);
	uuid_text(u, text);
	more = realloc(rec->text, len + UUID_TEXT + 16);
	if (!more)
		return false;
	sprintf(more + len, "\nuuid=\"%s\"\n", text);
	rec->text = more;
	rec->cfg.has_uuid = true;
	return true;
}

/* Names are how people tell domains apart. */
static bool name_free(struct machine *m, const char *name)
{
	struct xen_domctl_getdomaininfo *infos;
	int nr = dom_list(m->client, &infos);
	bool used = false;

	if (nr < 0) {
		cli_error("cannot list the domains: %s", strerror(-nr));
		return false;
	}
	for (int i = 0; i < nr && !used; i++) {
		char *n = machine_name(m, infos[i].domain);

		used = n && !strcmp(n, name);
		if (used) {
			cli_error("domain %u has the name \"%s\"",
				infos[i].domain, name);
			cli_hint("hv destroy %s, or name=... on the command "
				 "line",
				name);
		}
		free(n);
	}
	free(infos);
	return !used;
}

/*
 * Only one domain is made at a time: a name is free until its domain is in
 * the store.  A descriptor to be closed, or -errno.
 */
static int creation_lock(const struct machine *m)
{
	char path[PATH_MAX];
	int fd, r = 0;

	snprintf(path, sizeof(path), "%s/domains", m->dir);
	fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	while (flock(fd, LOCK_EX) && r == 0)
		r = errno == EINTR ? 0 : -errno;
	if (r < 0)
		close(fd);
	return r < 0 ? r : fd;
}

static int create_locked(
	struct machine *m, struct cli *cli, struct record *rec, bool paused)
{
	struct making k = {.m = m, .rec = rec, .tree = {.cfg = &rec->cfg}};
	size_t nr = sizeof(steps) / sizeof(steps[0]);
	int r;

	if (!paths_find(&k.paths) || !name_free(m, rec->cfg.name) ||
		!give_uuid(rec) || step_backends(&k))
		return CLI_FAILED;
	for (size_t i = 0; i < nr - paused; i++) {
		r = steps[i].run(&k);
		if (r == 0)
			continue;
		cli_error("%s: %s: %s", rec->cfg.name, steps[i].what,
			k.why[0] ? k.why : strerror(-r));
		if (r == -ENOMEM && steps[i].run == step_memory)
			cli_hint("hv info shows how much there is");
		if (i > 0)
			undo(&k);
		return cli_code(r);
	}
	printf("%s is domain %u\n", rec->cfg.name, k.tree.domid);
	return CLI_OK;
}

int create_domain(
	struct machine *m, struct cli *cli, struct record *rec, bool paused)
{
	int lock = creation_lock(m), code;

	if (lock < 0) {
		cli_error("%s/domains: %s", m->dir, strerror(-lock));
		return cli_code(lock);
	}
	code = create_locked(m, cli, rec, paused);
	close(lock);
	return code;
}

void create_forget(struct machine *m, uint32_t domid)
{
	if (m->xs)
		tree_remove(m->xs, domid);
	record_remove(m->dir, domid);
}

/* The file's text, and what the command line adds as further lines. */
static char *whole_text(const char *file, int argc, char **argv)
{
	char *text = file_read(file), *more;
	size_t len = 2;

	if (!text) {
		cli_error("%s: %s", file, strerror(errno));
		return NULL;
	}
	len += strlen(text);
	for (int i = 0; i < argc; i++)
		len += strlen(argv[i]) + 1;
	more = realloc(text, len);
	if (!more) {
		free(text);
		return NULL;
	}
	strcat(more, "\n");
	for (int i = 0; i < argc; i++) {
		strcat(more, argv[i]);
		strcat(more, "\n");
	}
	return more;
}

int cmd_create(struct cli *cli, int argc, char **argv)
{
	static const struct option opts[] = {
		{"paused", no_argument, NULL, 'p'}, {NULL, 0, NULL, 0}};
	struct record rec;
	struct machine m;
	bool paused = false;
	int c, code;
	char *text;

	while ((c = getopt_long(argc, argv, "p", opts, NULL)) != -1) {
		if (c != 'p')
			return cli_usage(cli);
		paused = true;
	}
	if (optind == argc)
		return cli_usage(cli);
	text = whole_text(argv[optind], argc - optind - 1, argv + optind + 1);
	if (!text)
		return CLI_NOT_FOUND;
	if (!record_init(&rec, text, argv[optind]))
		return CLI_FAILED;
	if (machine_open(&m, cli, MACHINE_STORE, &code)) {
		code = create_domain(&m, cli, &rec, paused);
		machine_close(&m);
	}
	record_fini(&rec);
	return code;
}
