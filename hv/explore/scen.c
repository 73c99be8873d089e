/* SPDX-License-Identifier: MIT */
/* scen.c - all scenarios */
#include "hv/explore/scen.h"
#include "hv/explore/machine.h"
#include "hv/explore/world.h"
#include "common/err.h"
#include "common/macro.h"

enum { SCEN_MAX = 128 };

static const struct scenario *all[SCEN_MAX], *exhaustive[SCEN_MAX],
	*quick[SCEN_MAX];

static void collect(void)
{
	static const struct scenario *const *const lists[] = {scen_type,
		scen_page, scen_kill, scen_call, scen_grant, scen_event};
	unsigned int n = 0, e = 0, q = 0;

	if (all[0])
		return;
	for (size_t l = 0; l < ARRAY_LEN(lists); l++)
		for (unsigned int i = 0; lists[l][i]; i++) {
			const struct scenario *s = lists[l][i];

			CHECK(n < SCEN_MAX - 1);
			all[n++] = s;
			if (s->random_only)
				continue;
			exhaustive[e++] = s;
			if (!s->slow)
				quick[q++] = s;
		}
}

const struct scenario *const *scen_all(void)
{
	collect();
	return all;
}

const struct scenario *const *scen_exhaustive(void)
{
	collect();
	return exhaustive;
}

const struct scenario *const *scen_quick(void)
{
	collect();
	return quick;
}
