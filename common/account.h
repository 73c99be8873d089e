/* SPDX-License-Identifier: MIT */
/*
 * account.h - what a domain has taken of a limited resource
 *
 * DOC: Accounts and charges
 *
 * A domain has one account per kind of resource.  What costs of it embeds a
 * struct charge: taken before anything is allocated, given back by the
 * destructor, so what goes back is exactly what was taken.  Where an embedded
 * charge would cost more than what it pays for (nodes of the tree), the owner
 * of the tree calls account_take() and account_give() with the difference.
 *
 * A limit of N allows exactly N.  A limit lowered below what is in use takes
 * nothing away: it only refuses more.
 *
 * Invariant: an account is at zero when it is given up; account_fini()
 * checks it, so a leak in the accounts is a crash in every test.
 */
#ifndef BH_COMMON_ACCOUNT_H
#define BH_COMMON_ACCOUNT_H

#include <stdbool.h>
#include <stddef.h>

#include "common/err.h"

#define ACCOUNT_UNLIMITED ((size_t)-1)

struct account {
	size_t used;
	size_t limit;
	size_t high; /* the most that was ever used */
};

/* Owner: the object paid for.  All zero is a charge of nothing. */
struct charge {
	struct account *acct;
	size_t n;
};

void account_init(struct account *acct, size_t limit);
void account_fini(struct account *acct);

/* Could @n more be taken now? */
bool account_has_room(const struct account *acct, size_t n);

/* Take @n: 0, or ENOSPC and nothing is taken. */
int account_take(struct account *acct, size_t n) __must_check;

/*
 * Take @n whatever the limit says: for what a privileged peer puts on the
 * bill of somebody else.
 */
void account_force(struct account *acct, size_t n);

/* Give back @n that were taken. */
void account_give(struct account *acct, size_t n);

/* Take @n from @acct for the empty @charge: 0, or ENOSPC. */
int charge_take(
	struct charge *charge, struct account *acct, size_t n) __must_check;

/* The same, whatever the limit says. */
void charge_force(struct charge *charge, struct account *acct, size_t n);

/* Give back all; a charge of nothing is left alone. */
void charge_give(struct charge *charge);

#endif
