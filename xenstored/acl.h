/* SPDX-License-Identifier: MIT */
/*
 * acl.h - who may do what with a node
 *
 * DOC: Access control lists
 *
 * The first entry is the owner; its access is the default for domains that no
 * other entry names.  Most nodes have the list of their parent, so lists are
 * shared and never changed.
 *
 * Domids are used again; instances never are.  An entry belongs to the
 * instance of the domain which lived when the entry was made, and applies to
 * no other (XSA-322).  Instance 0 is a domain nobody knew: that entry is
 * shown, and never applies (XSA-417).
 */
#ifndef BH_XENSTORED_ACL_H
#define BH_XENSTORED_ACL_H

#include <stdbool.h>
#include <stdint.h>

#include "wire/perm.h"

struct acl_entry {
	uint16_t domid;
	uint8_t access; /* PERM_* */
	uint32_t instance;
};

/* Allocated with malloc, shared by reference. */
struct acl {
	uint32_t refs;
	uint32_t nr; /* at least 1 */
	struct acl_entry entry[];
};

/* One domain that lives, so its instance is not 0. */
struct acl_id {
	uint16_t domid;
	uint32_t instance;
};

/* Also owner rights, besides PERM_READ and PERM_WRITE. */
enum { ACL_OWNER = 4, ACL_ALL = PERM_BOTH | ACL_OWNER };

/* A copy of @nr entries, one reference; NULL when out of memory. */
struct acl *acl_new(const struct acl_entry *entry, uint32_t nr);

struct acl *acl_ref(struct acl *acl);
void acl_unref(struct acl *acl);

/*
 * acl_with_owner - @acl, with (@domid, @instance) as its owner
 *
 * Returns a reference, to @acl itself when nothing changes; NULL when out of
 * memory.
 */
struct acl *acl_with_owner(struct acl *acl, uint16_t domid, uint32_t instance);

static inline const struct acl_entry *acl_owner(const struct acl *acl)
{
	return &acl->entry[0];
}

/*
 * acl_access - what an unprivileged domain may do: PERM_* and ACL_OWNER
 * @target:	whose rights @self has too (SET_TARGET), or NULL
 *
 * The owner may do everything.  Else the first entry that names one of the
 * two decides; else the default.
 */
unsigned acl_access(const struct acl *acl, const struct acl_id *self,
	const struct acl_id *target);

#endif
