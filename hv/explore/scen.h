/* SPDX-License-Identifier: MIT */
/* scen.h - all scenarios; lists end with NULL */
#ifndef HV_EXPLORE_SCEN_H
#define HV_EXPLORE_SCEN_H

#include "hv/explore/explore.h"

const struct scenario *const *scen_all(void);
/* Without those for random orders alone. */
const struct scenario *const *scen_exhaustive(void);
/* Those of them that take less than a second. */
const struct scenario *const *scen_quick(void);

#endif
