/* SPDX-License-Identifier: MIT */
/*
 * walls.h: for tests of what a domain's walls hold
 *
 * ThreadSanitizer has a thread of its own in each program, and Linux gives no
 * user namespace to one with threads: hv-init goes without, and with that
 * without most walls.  Programs that include this are skipped there.
 */
#ifndef TESTS_SYS_WALLS_H
#define TESTS_SYS_WALLS_H

#ifdef __SANITIZE_THREAD__
#include <stdio.h>
#include <stdlib.h>

static void __attribute__((constructor)) walls_skip(void)
{
	puts("no user namespaces with a sanitizer's thread");
	exit(77);
}
#endif

#endif
