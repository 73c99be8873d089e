/* SPDX-License-Identifier: MIT */
/* cfg.c - a domain's configuration, in the syntax of xl.cfg(5) */
#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <libxlutil.h>

#include "hv/cli/cfg.h"
#include "hv/cli/cfg_dev.h"
#include "hv/cli/cli.h"

/* Every key there is; what is read how is below. */
static const char *const keys[] = {"name", "uuid", "type", "builder", "memory",
	"maxmem", "vcpus", "kernel", "args", "disk", "vif", "on_poweroff",
	"on_reboot", "on_crash", "driver_domain", "cpus", "hv_env", "hv_bind",
	"hv_iouring", "hv_uid"};

static const char *const actions[] = {"destroy", "restart", "preserve"};

#define NR(array) (sizeof(array) / sizeof((array)[0]))

static bool one_of(const char *word, const char *const *list, size_t nr)
{
	for (size_t i = 0; i < nr; i++)
		if (!strcmp(word, list[i]))
			return true;
	return false;
}

/*
 * libxlutil has no way to ask which keys there are: look at the text.  A key
 * is a word at the start of a line outside of brackets, quotes and comments.
 */
static bool keys_known(const char *text, const char *file)
{
	unsigned int line = 1, depth = 0;
	bool start = true, ok = true;
	char quote = 0, key[64];
	size_t n;

	for (const char *p = text; *p; p++) {
		if (quote) {
			if (*p == '\n')
				line++;
			if (*p == quote)
				quote = 0;
			continue;
		}
		if (start && !depth && (isalpha((unsigned char)*p))) {
			n = strspn(p, "abcdefghijklmnopqrstuvwxyz_"
				      "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789");
			snprintf(key, sizeof(key), "%.*s", (int)n, p);
			if (!one_of(key, keys, NR(keys))) {
				cli_error("%s:%u: no key \"%s\"", file, line,
					key);
				ok = false;
			}
			p += n - 1;
			start = false;
			continue;
		}
		if (*p == '#')
			p += strcspn(p, "\n") - 1;
		else if (*p == '"' || *p == '\'')
			quote = *p;
		else if (*p == '[')
			depth++;
		else if (*p == ']' && depth)
			depth--;
		if (*p == '\n')
			line++;
		if (*p == '\n' || *p == ';')
			start = true;
		else if (!isspace((unsigned char)*p) && *p != '#')
			start = false;
	}
	if (!ok)
		cli_hint("hv(1) has the keys of a configuration");
	return ok;
}

static bool get_string(
	const XLU_Config *x, const char *key, const char *file, char **out)
{
	const char *s;
	int r = xlu_cfg_get_string(x, key, &s, 1);

	*out = NULL;
	if (r == ESRCH)
		return true;
	if (r == 0)
		*out = strdup(s);
	if (!*out)
		cli_error("%s: %s is not a string", file, key);
	return *out;
}

/* A number from @min to @max; absent leaves *@out. */
static bool get_number(const XLU_Config *x, const char *key, const char *file,
	long min, long max, long *out)
{
	long v;
	int r = xlu_cfg_get_long(x, key, &v, 1);

	if (r == ESRCH)
		return true;
	if (r || v < min || v > max) {
		cli_error("%s: %s is not a number from %ld to %ld", file, key,
			min, max);
		return false;
	}
	*out = v;
	return true;
}

static bool get_list(const XLU_Config *x, const char *key, const char *file,
	struct cfg_list *out)
{
	XLU_ConfigList *list;
	int nr, r = xlu_cfg_get_list(x, key, &list, &nr, 1);

	if (r == ESRCH)
		return true;
	if (r) {
		cli_error("%s: %s is not a list", file, key);
		return false;
	}
	out->v = calloc((size_t)nr + 1, sizeof(char *));
	for (int i = 0; out->v && i < nr; i++) {
		const char *s = xlu_cfg_get_listitem(list, i);

		out->v[i] = s ? strdup(s) : NULL;
		if (!out->v[i]) {
			cli_error("%s: %s has something other than strings",
				file, key);
			return false;
		}
		out->nr++;
	}
	return out->v;
}

static bool get_action(const XLU_Config *x, const char *key, const char *file,
	const char **out)
{
	const char *s;
	int r = xlu_cfg_get_string(x, key, &s, 1);

	if (r == ESRCH)
		return true;
	for (size_t i = 0; r == 0 && i < NR(actions); i++) {
		if (strcmp(s, actions[i]))
			continue;
		*out = actions[i];
		return true;
	}
	cli_error("%s: %s is not destroy, restart or preserve", file, key);
	return false;
}

static bool name_good(const char *name)
{
	size_t n = strlen(name);

	/* it is shown, is part of paths, and must not look like a domid */
	return n && n <= CFG_NAME_MAX &&
	       strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789-_.+"
			    "ABCDEFGHIJKLMNOPQRSTUVWXYZ") == n &&
	       strspn(name, "0123456789") != n && name[0] != '-';
}

static bool get_identity(
	struct domcfg *cfg, const XLU_Config *x, const char *file)
{
	char *uuid = NULL, *type = NULL;
	bool ok = get_string(x, "name", file, &cfg->name) &&
		  get_string(x, "uuid", file, &uuid) &&
		  get_string(x, "type", file, &type);

	if (ok && !cfg->name) {
		cli_error("%s: there is no name", file);
		ok = false;
	} else if (ok && !name_good(cfg->name)) {
		cli_error("%s: name: 1 to %d of a-z A-Z 0-9 . _ + -, not "
			  "only digits",
			file, CFG_NAME_MAX);
		ok = false;
	}
	if (ok && uuid) {
		ok = cfg->has_uuid = uuid_parse(uuid, cfg->uuid);
		if (!ok)
			cli_error("%s: uuid is not one", file);
	}
	cfg->type = CFG_PVH;
	if (ok && type && !strcmp(type, "pv")) {
		cfg->type = CFG_PV;
	} else if (ok && type && !strcmp(type, "hvm")) {
		cfg->type = CFG_HVM;
	} else if (ok && type && strcmp(type, "pvh")) {
		cli_error("%s: type is not pv, pvh or hvm", file);
		ok = false;
	}
	free(uuid);
	free(type);
	return ok;
}

static bool get_size(struct domcfg *cfg, const XLU_Config *x, const char *file)
{
	long memory = 32, maxmem = 0, vcpus = 1;

	if (!get_number(x, "memory", file, 1, 1L << 20, &memory) ||
		!get_number(x, "maxmem", file, 1, 1L << 20, &maxmem) ||
		!get_number(x, "vcpus", file, 1, CFG_VCPUS_MAX, &vcpus))
		return false;
	if (maxmem && maxmem < memory) {
		cli_error("%s: maxmem is less than memory", file);
		return false;
	}
	cfg->memory = (uint64_t)memory;
	cfg->maxmem = (uint64_t)(maxmem ? maxmem : memory);
	cfg->vcpus = (uint32_t)vcpus;
	return true;
}

static bool get_command(
	struct domcfg *cfg, const XLU_Config *x, const char *file)
{
	if (!get_string(x, "kernel", file, &cfg->kernel) ||
		!get_list(x, "args", file, &cfg->args) ||
		!get_list(x, "hv_env", file, &cfg->env) ||
		!get_list(x, "hv_bind", file, &cfg->bind))
		return false;
	if (cfg->args.nr && !cfg->kernel) {
		cli_error("%s: args without a kernel", file);
		return false;
	}
	for (char **e = cfg->env.v; e && *e; e++) {
		if (strchr(*e, '=') && **e != '=')
			continue;
		cli_error("%s: hv_env: \"%s\" is not NAME=VALUE", file, *e);
		return false;
	}
	for (char **b = cfg->bind.v; b && *b; b++) {
		if (**b == '/')
			continue;
		cli_error("%s: hv_bind: \"%s\" is not an absolute path", file,
			*b);
		return false;
	}
	return true;
}

static bool get_rest(struct domcfg *cfg, const XLU_Config *x, const char *file)
{
	long iouring = 0, driver = 0;

	cfg->uid = -1;
	cfg->on_poweroff = cfg->on_crash = "destroy";
	cfg->on_reboot = "restart";
	if (!get_string(x, "cpus", file, &cfg->cpus) ||
		!get_number(x, "hv_iouring", file, 0, 1, &iouring) ||
		!get_number(x, "driver_domain", file, 0, 1, &driver) ||
		!get_number(x, "hv_uid", file, 1, 0x7ffffffe, &cfg->uid) ||
		!get_action(x, "on_poweroff", file, &cfg->on_poweroff) ||
		!get_action(x, "on_reboot", file, &cfg->on_reboot) ||
		!get_action(x, "on_crash", file, &cfg->on_crash))
		return false;
	cfg->iouring = iouring;
	cfg->driver_domain = driver;
	return true;
}

static bool get_devices(struct domcfg *cfg, XLU_Config *x, const char *file)
{
	struct cfg_list disks = {NULL, 0}, vifs = {NULL, 0};
	bool ok = get_list(x, "disk", file, &disks) &&
		  get_list(x, "vif", file, &vifs);

	if (ok && (disks.nr > CFG_DISKS_MAX || vifs.nr > CFG_VIFS_MAX)) {
		cli_error("%s: more than %d devices of one kind", file,
			CFG_DISKS_MAX);
		ok = false;
	}
	for (size_t i = 0; ok && i < disks.nr; i++)
		ok = cfg_disk_parse(cfg, x, disks.v[i], file);
	for (size_t i = 0; ok && i < vifs.nr; i++)
		ok = cfg_vif_parse(cfg, vifs.v[i], file);
	cfg_list_fini(&disks);
	cfg_list_fini(&vifs);
	return ok;
}

bool domcfg_parse(struct domcfg *cfg, const char *text, const char *file)
{
	XLU_Config *x = xlu_cfg_init(stderr, file);
	bool ok;

	*cfg = (struct domcfg){.name = NULL};
	if (!x)
		return false;
	ok = strlen(text) < INT32_MAX &&
	     xlu_cfg_readdata(x, text, (int)strlen(text)) == 0 &&
	     keys_known(text, file) && get_identity(cfg, x, file) &&
	     get_size(cfg, x, file) && get_command(cfg, x, file) &&
	     get_rest(cfg, x, file) && get_devices(cfg, x, file);
	xlu_cfg_destroy(x);
	if (!ok)
		domcfg_fini(cfg);
	return ok;
}

void cfg_list_fini(struct cfg_list *l)
{
	for (size_t i = 0; i < l->nr; i++)
		free(l->v[i]);
	free(l->v);
	*l = (struct cfg_list){.v = NULL};
}

void domcfg_fini(struct domcfg *cfg)
{
	free(cfg->name);
	free(cfg->kernel);
	free(cfg->cpus);
	cfg_list_fini(&cfg->args);
	cfg_list_fini(&cfg->env);
	cfg_list_fini(&cfg->bind);
	for (unsigned int i = 0; i < cfg->disks; i++)
		cfg_disk_fini(&cfg->disk[i]);
	for (unsigned int i = 0; i < cfg->vifs; i++)
		cfg_vif_fini(&cfg->vif[i]);
	*cfg = (struct domcfg){.name = NULL};
}

void uuid_text(const uint8_t u[16], char text[UUID_TEXT])
{
	snprintf(text, UUID_TEXT,
		"%02x%02x%02x%02x-%02x%02x-%02x%02x-%02x%02x-"
		"%02x%02x%02x%02x%02x%02x",
		u[0], u[1], u[2], u[3], u[4], u[5], u[6], u[7], u[8], u[9],
		u[10], u[11], u[12], u[13], u[14], u[15]);
}

bool uuid_parse(const char *text, uint8_t uuid[16])
{
	size_t nibbles = 0;

	memset(uuid, 0, 16);
	for (; *text; text++) {
		char c = (char)tolower((unsigned char)*text);
		unsigned int v = 0;

		if (c == '-')
			continue;
		if (!isxdigit((unsigned char)c) || nibbles == 32)
			return false;
		v = (unsigned int)(c <= '9' ? c - '0' : c - 'a' + 10);
		uuid[nibbles / 2] |= (uint8_t)(nibbles % 2 ? v : v << 4);
		nibbles++;
	}
	return nibbles == 32;
}
