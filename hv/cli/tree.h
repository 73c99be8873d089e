/* SPDX-License-Identifier: MIT */
/*
 * tree.h - a domain's nodes in the store, as libxl lays them out
 *
 * Other programs (xl, backends, consoles) find a domain through these nodes,
 * so names, values and permissions are libxl's (docs/misc/xenstore-paths).
 */
#ifndef HV_CLI_TREE_H
#define HV_CLI_TREE_H

#include <stdbool.h>
#include <stdint.h>

#include "hv/cli/cfg.h"

struct xs_handle;

struct tree_dom {
	uint32_t domid;
	const struct domcfg *cfg;
	uint32_t store_gfn, store_port;
	uint32_t console_gfn, console_port;
	uint32_t disk_backend[CFG_DISKS_MAX]; /* domids */
	uint32_t vif_backend[CFG_VIFS_MAX];
};

/* tree_write - all nodes, in one transaction; 0 or -errno */
int tree_write(struct xs_handle *xs, const struct tree_dom *dom);

/* tree_remove - whatever the store has of @domid, its backends' nodes too */
void tree_remove(struct xs_handle *xs, uint32_t domid);

#endif
