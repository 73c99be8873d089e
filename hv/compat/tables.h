/* SPDX-License-Identifier: MIT */
/*
 * tables.h: pages for page tables, from inside a PV domain
 *
 * DOC: how a program runs through page tables
 *
 * A domain of kind PV fills pages of its own with entries, by mmu_update
 * (libxencall), and makes them the tables of its vCPU 0 by mmuext_op.  What
 * Xen's calls leave open is here: which number a page has in the machine,
 * pages that nobody can write behind the hypervisor's back, and accesses
 * through the tables, for which there is no processor.
 *
 *   hv_mfns()       the numbers that entries name
 *   hv_table_get()  a page becomes one that can be a table
 *   mmu_update      fills it, also before it is a table
 *   mmuext_op       MMUEXT_PIN_L4_TABLE, MMUEXT_NEW_BASEPTR
 *   hv_va_read()    and hv_va_write(): the memory that it maps
 *
 * A page stays readable only when it is a table no more.  To have memory there
 * that can be written, give it back and ask for other memory at its gfn
 * (XENMEM_decrease_reservation, XENMEM_populate_physmap).
 *
 * All return 0 or a negative errno: what hvd answers (hv/proto/proto.h says
 * what), or as client.h says.  Thread-safe as the client is.
 */
#ifndef HV_COMPAT_TABLES_H
#define HV_COMPAT_TABLES_H

#include <stdbool.h>
#include <stdint.h>

#include "hv/compat/client.h"

/*
 * hv_mfns: the frame numbers @mfn of the machine of @nr pages @gfn (up to
 * HVP_REFS_MAX); HVP_MFN_NONE where the domain has no page.
 */
int hv_mfns(struct hv_client *c, const uint64_t *gfn, uint64_t *mfn,
	unsigned int nr);

/*
 * hv_table_get: page @gfn can become a table from now on.  *mfn is its number,
 * which is another one than before; *va (which may be NULL: not wanted) its
 * content, read-only, until munmap(va, HVP_PAGE).  Asked again for the same
 * page it gives the same number.
 */
int hv_table_get(
	struct hv_client *c, uint64_t gfn, uint64_t *mfn, const uint64_t **va);

/*
 * hv_va_read, hv_va_write: @len bytes (up to HVP_VA_MAX) at virtual address
 * @va, as the domain's kernel, or its user mode (@user).  -EFAULT: the tables
 * do not allow all of it, and nothing was done.
 */
int hv_va_read(
	struct hv_client *c, uint64_t va, void *buf, uint32_t len, bool user);
int hv_va_write(struct hv_client *c, uint64_t va, const void *buf, uint32_t len,
	bool user);

#endif
