/* SPDX-License-Identifier: MIT */
/*
 * monitor.h - what happens to domains that have ended
 *
 * One process per machine looks at every @releaseDomain: a domain made by
 * hv create that has shut down is destroyed, kept or made anew, as its
 * configuration says (on_poweroff, on_reboot, on_crash), and when one is gone
 * its nodes go from the store.  Domains of other toolstacks are left alone.
 */
#ifndef HV_CLI_MONITOR_H
#define HV_CLI_MONITOR_H

#include "hv/cli/machine.h"

/* Until the machine goes; an exit code.  @m has its store. */
int monitor_run(struct machine *m, struct cli *cli);

#endif
