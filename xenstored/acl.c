/* SPDX-License-Identifier: MIT */
/* acl.c - who may do what with a node */
#include <stdlib.h>
#include <string.h>

#include "common/err.h"
#include "xenstored/acl.h"

struct acl *acl_new(const struct acl_entry *entry, uint32_t nr)
{
	struct acl *acl = malloc(sizeof(*acl) + nr * sizeof(*entry));

	CHECK(nr);
	if (!acl)
		return NULL;
	acl->refs = 1;
	acl->nr = nr;
	memcpy(acl->entry, entry, nr * sizeof(*entry));
	return acl;
}

struct acl *acl_ref(struct acl *acl)
{
	CHECK(acl->refs < UINT32_MAX);
	acl->refs++;
	return acl;
}

void acl_unref(struct acl *acl)
{
	if (--acl->refs == 0)
		free(acl);
}

struct acl *acl_with_owner(struct acl *acl, uint16_t domid, uint32_t instance)
{
	struct acl *mine;

	if (acl->entry[0].domid == domid && acl->entry[0].instance == instance)
		return acl_ref(acl);
	mine = acl_new(acl->entry, acl->nr);
	if (mine) {
		mine->entry[0].domid = domid;
		mine->entry[0].instance = instance;
	}
	return mine;
}

static bool names(const struct acl_entry *e, const struct acl_id *id)
{
	return id && e->domid == id->domid && e->instance == id->instance;
}

unsigned acl_access(const struct acl *acl, const struct acl_id *self,
	const struct acl_id *target)
{
	const struct acl_entry *e = &acl->entry[0];

	if (names(e, self) || names(e, target))
		return ACL_ALL;
	for (uint32_t i = 1; i < acl->nr; i++) {
		e = &acl->entry[i];
		if (e->domid == PERM_DOMID_ANY || names(e, self) ||
			names(e, target))
			return e->access;
	}
	return acl->entry[0].access;
}
