/* SPDX-License-Identifier: MIT */
/* account.c - what a domain has taken of a limited resource */
#include <errno.h>
#include <stdint.h>

#include "common/account.h"

void account_init(struct account *acct, size_t limit)
{
	acct->used = 0;
	acct->limit = limit;
	acct->high = 0;
}

void account_fini(struct account *acct)
{
	CHECK(acct->used == 0);
}

bool account_has_room(const struct account *acct, size_t n)
{
	return acct->used <= acct->limit && n <= acct->limit - acct->used;
}

int account_take(struct account *acct, size_t n)
{
	if (n && !account_has_room(acct, n))
		return ENOSPC;
	account_force(acct, n);
	return 0;
}

void account_force(struct account *acct, size_t n)
{
	CHECK(n <= SIZE_MAX - acct->used);
	acct->used += n;
	if (acct->used > acct->high)
		acct->high = acct->used;
}

void account_give(struct account *acct, size_t n)
{
	CHECK(n <= acct->used);
	acct->used -= n;
}

int charge_take(struct charge *charge, struct account *acct, size_t n)
{
	int r;

	CHECK(!charge->acct);
	r = account_take(acct, n);
	if (r)
		return r;
	charge->acct = acct;
	charge->n = n;
	return 0;
}

void charge_force(struct charge *charge, struct account *acct, size_t n)
{
	CHECK(!charge->acct);
	account_force(acct, n);
	charge->acct = acct;
	charge->n = n;
}

void charge_give(struct charge *charge)
{
	if (!charge->acct)
		return;
	account_give(charge->acct, charge->n);
	charge->acct = NULL;
	charge->n = 0;
}
