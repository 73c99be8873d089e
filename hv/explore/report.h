/* SPDX-License-Identifier: MIT */
/* report.h - what hv-explore says: tables and ways, as text or JSON */
#ifndef HV_EXPLORE_REPORT_H
#define HV_EXPLORE_REPORT_H

#include "hv/core/fault.h"
#include "hv/explore/explore.h"

/* One exploration, with the way to what it found. */
void report_one(const struct scenario *s, const struct explore_report *rep,
	bool random, bool json);

/* A way again; was something violated on it? */
bool report_way(const struct scenario *s, const struct move *path, size_t nr,
	bool json);

/* A table of scenarios, each explored; the first result that is not ok. */
enum explore_result report_scenarios(const struct scenario *const *list,
	enum hv_fault fault, unsigned int parallel,
	const struct explore_opts *o, bool json);

/* A table of all faults, and which scenario found each; how many none did. */
unsigned int report_faults(
	unsigned int parallel, const struct explore_opts *o, bool json);

#endif
