/* SPDX-License-Identifier: MIT */
/*
 * scen_grant.c - grants, mapped and given back
 *
 * DOC: the cast
 *
 * Domain 1 grants its pages; domains 2 and 3 map them.
 */
#include "hv/explore/machine.h"

enum { ADDR = 0x1000, REF = 2 };

static void setup_map(void)
{
	machine_setup(3);
	machine_page(1, 0);
	machine_grant(1, REF, 2, 0, GTF_permit_access);
	machine_area(NULL, 0);
}

static void run_map(unsigned int i)
{
	struct hv_gnt_map *m = &machine.map[i];
	struct hv_gnt_unmap u;

	*m = (struct hv_gnt_map){.domid = 1,
		.ref = REF,
		.flags = GNTMAP_host_map | (i ? GNTMAP_readonly : 0),
		.addr = ADDR};
	CALL((hv_gnt_map(machine.dom[2], m), 0));
	if (m->status)
		explore_fail("the mapping fails: %d", m->status);
	u = (struct hv_gnt_unmap){.handle = m->handle, .addr = ADDR};
	CALL(hv_gnt_unmap(machine.dom[2], &u));
	if (u.status)
		explore_fail("the unmapping fails: %d", u.status);
}

static const struct scenario map = {.name = "G0",
	.shows = "two vCPUs map and unmap the same entry",
	.vcpus = 2,
	.setup = setup_map,
	.run = run_map,
	MACHINE_SCENARIO};

const struct scenario *const scen_grant[] = {&map, NULL};
