/* SPDX-License-Identifier: MIT */
/*
 * cfg.h - a domain's configuration, in the syntax of xl.cfg(5)
 *
 * Read with libxlutil, so lists, quotes and comments are xl's.  Keys that
 * hv does not know are refused: a misspelt one must not be lost silently.
 * The keys are described in hv(1).
 */
#ifndef HV_CLI_CFG_H
#define HV_CLI_CFG_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

enum {
	CFG_NAME_MAX = 63,
	CFG_DISKS_MAX = 64,
	CFG_VIFS_MAX = 64,
	CFG_VCPUS_MAX = 128,
};

enum cfg_type { CFG_PV, CFG_PVH, CFG_HVM };

struct cfg_list {
	char **v;
	size_t nr;
};

struct cfg_disk {
	char *backend; /* domain, or NULL for dom0 */
	char *target, *vdev, *script;
	const char *kind;   /* "phy", "qdisk", ... */
	const char *format; /* "raw", "qcow2", ... */
	uint32_t number;    /* of the device: the devid */
	bool writable, cdrom;
};

struct cfg_vif {
	char *backend, *bridge, *script, *ip, *ifname;
	uint8_t mac[6];
	bool has_mac; /* else see cfg_vif_mac() */
	uint32_t mtu;
};

/* Freed by domcfg_fini(). */
struct domcfg {
	char *name;
	uint8_t uuid[16];
	bool has_uuid;
	enum cfg_type type;
	uint64_t memory, maxmem; /* MiB */
	uint32_t vcpus;
	char *kernel; /* the command; NULL: none */
	struct cfg_list args, env, bind;
	char *cpus;
	bool iouring, driver_domain;
	long uid; /* of the host; -1: hv-init chooses */
	const char *on_poweroff, *on_reboot, *on_crash;
	struct cfg_disk disk[CFG_DISKS_MAX];
	struct cfg_vif vif[CFG_VIFS_MAX];
	unsigned int disks, vifs;
};

/*
 * domcfg_parse - @text into @cfg; messages name @file and go to stderr.
 * False, with nothing to free, if it is not a configuration.
 */
bool domcfg_parse(struct domcfg *cfg, const char *text, const char *file);
void domcfg_fini(struct domcfg *cfg);

/* A uuid as text: 36 characters and the NUL. */
enum { UUID_TEXT = 37 };
void uuid_text(const uint8_t uuid[16], char text[UUID_TEXT]);
bool uuid_parse(const char *text, uint8_t uuid[16]);

/*
 * The MAC of @v, the vif number @nr of a domain: the one that was configured,
 * or one from the domain's @uuid.
 */
void cfg_vif_mac(const struct cfg_vif *v, const uint8_t uuid[16],
	unsigned int nr, uint8_t mac[6]);

/* The number of a virtual disk ("xvda" is 51712); false if it is no name. */
bool vdev_number(const char *vdev, uint32_t *number);

#endif
