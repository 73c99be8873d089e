/* SPDX-License-Identifier: MIT */
/* cfg_dev.h - the devices of a configuration: disk and vif */
#ifndef HV_CLI_CFG_DEV_H
#define HV_CLI_CFG_DEV_H

#include <libxlutil.h>

#include "hv/cli/cfg.h"

/* Each adds one device to @cfg; false and a message if @spec is none. */
bool cfg_disk_parse(
	struct domcfg *cfg, XLU_Config *x, const char *spec, const char *file);
bool cfg_vif_parse(struct domcfg *cfg, const char *spec, const char *file);

void cfg_disk_fini(struct cfg_disk *d);
void cfg_vif_fini(struct cfg_vif *v);
void cfg_list_fini(struct cfg_list *l);

#endif
