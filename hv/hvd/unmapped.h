/* SPDX-License-Identifier: MIT */
/*
 * unmapped.h: mappings that ended without a word.
 *
 * On Linux a plain munmap(2) of a foreign page or a grant ends the mapping:
 * the driver sees it.  hvd does not, and some programs do just that
 * (oxenstored with a dead guest's ring).  While a dead domain is still
 * referenced, hvd looks now and then whether any process maps its pages
 * (/proc/PID/maps); a mapping that nobody has is given back.  Its holder may
 * be about to say so (the library unmaps first): its number stays, and the
 * unmap succeeds.
 */
#ifndef HV_HVD_UNMAPPED_H
#define HV_HVD_UNMAPPED_H

#include "hv/hvd/hvd.h"

/* unmapped_watch: there is a zombie; look soon, and less often later. */
void unmapped_watch(struct hvd *h);
void unmapped_fini(struct hvd *h);

#endif
