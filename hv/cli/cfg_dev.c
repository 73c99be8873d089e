/* SPDX-License-Identifier: MIT */
/* cfg_dev.c - the devices of a configuration: disk and vif */
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "common/str.h"
#include "hv/cli/cfg_dev.h"
#include "hv/cli/cli.h"

/* What libxl calls a backend, as its nodes in the store say it. */
static const char *disk_kind(libxl_disk_backend b)
{
	switch (b) {
	case LIBXL_DISK_BACKEND_QDISK: return "qdisk";
	case LIBXL_DISK_BACKEND_TAP: return "tap";
	case LIBXL_DISK_BACKEND_STANDALONE: return "standalone";
	case LIBXL_DISK_BACKEND_PHY:
	case LIBXL_DISK_BACKEND_UNKNOWN: break;
	}
	return "phy";
}

static const char *disk_format(libxl_disk_format f)
{
	switch (f) {
	case LIBXL_DISK_FORMAT_QCOW: return "qcow";
	case LIBXL_DISK_FORMAT_QCOW2: return "qcow2";
	case LIBXL_DISK_FORMAT_VHD: return "vhd";
	case LIBXL_DISK_FORMAT_QED: return "qed";
	case LIBXL_DISK_FORMAT_EMPTY: return "empty";
	case LIBXL_DISK_FORMAT_RAW:
	case LIBXL_DISK_FORMAT_UNKNOWN: break;
	}
	return "raw";
}

/* "a" is 0, "z" 25, "aa" 26: the letters of a disk; false if there are none. */
static bool letters(const char **p, uint32_t *disk)
{
	uint32_t v = 0;
	const char *s = *p;

	for (; *s >= 'a' && *s <= 'z' && s - *p < 4; s++)
		v = v * 26 + (uint32_t)(*s - 'a') + 1;
	if (s == *p)
		return false;
	*disk = v - 1;
	*p = s;
	return true;
}

static bool number(const char **p, uint32_t max, uint32_t *v)
{
	const char *s = *p;

	*v = 0;
	for (; *s >= '0' && *s <= '9' && *v <= max; s++)
		*v = *v * 10 + (uint32_t)(*s - '0');
	if (s == *p || *v > max)
		return false;
	*p = s;
	return true;
}

/* The scheme of Xen's docs/man/xen-vbd-interface.7. */
bool vdev_number(const char *s, uint32_t *out)
{
	uint32_t disk, part = 0;
	const char *p = s;

	if (*p == 'd' && p[1] >= '0' && p[1] <= '9') {
		p++;
		if (!number(&p, (1u << 20) - 1, &disk))
			return false;
		if (*p == 'p' && (p++, !number(&p, 255, &part)))
			return false;
	} else {
		bool hd = !strncmp(p, "hd", 2), sd = !strncmp(p, "sd", 2);

		p += hd || sd ? 2 : strncmp(p, "xvd", 3) ? 0 : 3;
		if (p == s || !letters(&p, &disk) ||
			(*p && !number(&p, 255, &part)))
			return false;
		if (hd && disk < 4 && part < 64 && !*p) {
			*out = (disk < 2 ? 3u : 22u) << 8 | (disk & 1) << 6 |
			       part;
			return true;
		}
		if (sd && disk < 16 && part < 16 && !*p) {
			*out = 8u << 8 | disk << 4 | part;
			return true;
		}
		if (hd || sd)
			return false;
	}
	if (*p || disk >= 1u << 20)
		return false;
	*out = disk < 16 && part < 16 ? 202u << 8 | disk << 4 | part
				      : 1u << 28 | disk << 8 | part;
	return true;
}

static char *copy(const char *s)
{
	return s ? strdup(s) : NULL;
}

bool cfg_disk_parse(
	struct domcfg *cfg, XLU_Config *x, const char *spec, const char *file)
{
	struct cfg_disk *d = &cfg->disk[cfg->disks];
	libxl_device_disk l;
	bool ok = false;

	libxl_device_disk_init(&l);
	if (xlu_disk_parse(x, 1, &spec, &l))
		goto out;
	if (!l.vdev || !vdev_number(l.vdev, &d->number)) {
		cli_error(
			"%s: disk \"%s\" has no vdev such as xvda", file, spec);
		goto out;
	}
	for (unsigned int i = 0; i < cfg->disks; i++) {
		if (cfg->disk[i].number != d->number)
			continue;
		cli_error("%s: two disks are %s", file, l.vdev);
		goto out;
	}
	d->backend = copy(l.backend_domname);
	d->target = copy(l.pdev_path);
	d->vdev = copy(l.vdev);
	d->script = copy(l.script);
	d->kind = disk_kind(l.backend);
	d->format = disk_format(l.format);
	d->writable = l.readwrite;
	d->cdrom = l.is_cdrom;
	cfg->disks++;
	ok = true;
out:
	libxl_device_disk_dispose(&l);
	return ok;
}

static bool mac_parse(const char *s, uint8_t mac[6])
{
	unsigned int v[6];
	char end;

	if (strlen(s) != 17 ||
		sscanf(s, "%2x:%2x:%2x:%2x:%2x:%2x%c", &v[0], &v[1], &v[2],
			&v[3], &v[4], &v[5], &end) != 6)
		return false;
	for (int i = 0; i < 6; i++)
		mac[i] = (uint8_t)v[i];
	return !(mac[0] & 1);
}

/* Of Xen's own range, and the same whenever the domain is made again. */
void cfg_vif_mac(const struct cfg_vif *v, const uint8_t uuid[16],
	unsigned int nr, uint8_t mac[6])
{
	static const uint8_t head[3] = {0x00, 0x16, 0x3e};
	uint32_t n;

	memcpy(mac, v->mac, 6);
	if (v->has_mac)
		return;
	n = ((uint32_t)uuid[13] << 16 | (uint32_t)uuid[14] << 8 | uuid[15]) +
	    nr;
	memcpy(mac, head, sizeof(head));
	mac[3] = (uint8_t)(n >> 16 & 0x7f);
	mac[4] = (uint8_t)(n >> 8);
	mac[5] = (uint8_t)n;
}

/* One "key=value" of a vif; false if it is none. */
static bool vif_item(struct cfg_vif *v, const char *key, const char *value)
{
	const struct {
		const char *key;
		char **field;
	} texts[] = {
		{"backend", &v->backend},
		{"bridge", &v->bridge},
		{"script", &v->script},
		{"ip", &v->ip},
		{"vifname", &v->ifname},
	};
	uint64_t n;

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		if (strcmp(texts[i].key, key))
			continue;
		free(*texts[i].field);
		*texts[i].field = strdup(value);
		return *texts[i].field;
	}
	if (!strcmp(key, "mac"))
		return v->has_mac = mac_parse(value, v->mac);
	if (!strcmp(key, "mtu")) {
		if (str_to_u64(value, 65535, &n) || n < 68)
			return false;
		v->mtu = (uint32_t)n;
		return true;
	}
	return false;
}

bool cfg_vif_parse(struct domcfg *cfg, const char *spec, const char *file)
{
	struct cfg_vif *v = &cfg->vif[cfg->vifs];
	char *text = strdup(spec), *at = text, *item, *eq;
	bool ok = text;

	while (ok && (item = strsep(&at, ","))) {
		item += strspn(item, " ");
		if (!*item)
			continue;
		eq = strchr(item, '=');
		ok = eq;
		if (eq) {
			*eq = '\0';
			ok = vif_item(v, item, eq + 1);
		}
		if (!ok)
			cli_error("%s: vif: \"%s\" in \"%s\" is not understood",
				file, item, spec);
	}
	free(text);
	if (ok)
		cfg->vifs++;
	else
		cfg_vif_fini(v);
	return ok;
}

void cfg_disk_fini(struct cfg_disk *d)
{
	free(d->backend);
	free(d->target);
	free(d->vdev);
	free(d->script);
	*d = (struct cfg_disk){.vdev = NULL};
}

void cfg_vif_fini(struct cfg_vif *v)
{
	free(v->backend);
	free(v->bridge);
	free(v->script);
	free(v->ip);
	free(v->ifname);
	*v = (struct cfg_vif){.ip = NULL};
}
