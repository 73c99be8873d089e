// SPDX-License-Identifier: MIT
/* test_acl.c - who may do what */
#include "tests/unit/bh_check.h"
#include "xenstored/acl.h"

static unsigned access_of(
	const struct acl *acl, uint16_t domid, uint32_t instance)
{
	const struct acl_id id = {domid, instance};

	return acl_access(acl, &id, NULL);
}

/* Owner 1 (instance 10); 2 may read, 3 was somebody else, 4 is unknown. */
static const struct acl_entry entries[] = {
	{1, PERM_WRITE, 10},
	{2, PERM_READ, 20},
	{2, PERM_BOTH, 20},
	{3, PERM_BOTH, 30},
	{4, PERM_BOTH, 0},
};

static const struct {
	uint16_t domid;
	uint32_t instance;
	unsigned access;
} cases[] = {
	{1, 10, ACL_ALL},    /* the owner */
	{1, 11, PERM_WRITE}, /* its number, used again: the default */
	{2, 20, PERM_READ},  /* the first entry decides */
	{2, 21, PERM_WRITE}, /* XSA-322 */
	{3, 30, PERM_BOTH},
	{3, 31, PERM_WRITE},
	{4, 40, PERM_WRITE}, /* XSA-417 */
	{9, 90, PERM_WRITE},
};

START_TEST(test_access)
{
	struct acl *acl = acl_new(entries, 5);

	ck_assert_uint_eq(access_of(acl, cases[_i].domid, cases[_i].instance),
		cases[_i].access);
	acl_unref(acl);
}
END_TEST

START_TEST(test_any)
{
	struct acl_entry e[] = {{0, PERM_NONE, 1}, {2, PERM_WRITE, 20},
		{PERM_DOMID_ANY, PERM_READ, 0}, {3, PERM_BOTH, 30}};
	struct acl *acl = acl_new(e, 4);

	ck_assert_uint_eq(access_of(acl, 2, 20), PERM_WRITE);
	ck_assert_uint_eq(access_of(acl, 3, 30), PERM_READ);
	ck_assert_uint_eq(access_of(acl, 7, 70), PERM_READ);
	acl_unref(acl);
}
END_TEST

START_TEST(test_new_owner)
{
	struct acl *acl = acl_new(entries, 5), *same, *mine;

	same = acl_with_owner(acl, 1, 10);
	ck_assert_ptr_eq(same, acl);
	mine = acl_with_owner(acl, 7, 70);
	ck_assert_ptr_ne(mine, acl);
	ck_assert_uint_eq(mine->nr, 5);
	ck_assert_uint_eq(mine->entry[0].access, PERM_WRITE);
	ck_assert_uint_eq(access_of(mine, 7, 70), ACL_ALL);
	ck_assert_uint_eq(access_of(acl, 7, 70), PERM_WRITE);
	acl_unref(mine);
	acl_unref(same);
	acl_unref(acl);
}
END_TEST

/* What either of the two has, but the first entry decides. */
START_TEST(test_target)
{
	struct acl *acl = acl_new(entries, 5);
	struct acl_id self = {9, 90}, target = {1, 10};

	ck_assert_uint_eq(acl_access(acl, &self, &target), ACL_ALL);
	ck_assert_uint_eq(acl_access(acl, &target, &self), ACL_ALL);
	target.instance = 11;
	ck_assert_uint_eq(acl_access(acl, &self, &target), PERM_WRITE);
	target = (struct acl_id){2, 20};
	ck_assert_uint_eq(acl_access(acl, &self, &target), PERM_READ);
	self = (struct acl_id){3, 30};
	ck_assert_uint_eq(acl_access(acl, &self, &target), PERM_READ);
	acl_unref(acl);
}
END_TEST

BH_CHECK_MAIN("acl", 10, BH_TEST(test_target), BH_LOOP(test_access, 8),
	BH_TEST(test_any), BH_TEST(test_new_owner))
