/* SPDX-License-Identifier: MIT */
/* perm.c - permission entries: one letter and a domain, as in "r5" */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "common/str.h"
#include "wire/perm.h"

/* At the place of its PERM_* value. */
static const char letters[] = "nrwb";

int perm_parse(struct perm *perm, const char *s)
{
	const char *letter = *s ? strchr(letters, *s) : NULL;
	uint64_t domid;

	if (!letter || str_to_u64(s + 1, PERM_DOMID_ANY, &domid))
		return EINVAL;
	if (domid > PERM_DOMID_MAX && domid != PERM_DOMID_ANY)
		return EINVAL;
	perm->access = (uint8_t)(letter - letters);
	perm->domid = (uint16_t)domid;
	return 0;
}

size_t perm_emit(char buf[PERM_STR_MAX], const struct perm *perm)
{
	return (size_t)snprintf(buf, PERM_STR_MAX, "%c%u",
		       letters[perm->access & PERM_BOTH], perm->domid) +
	       1;
}
