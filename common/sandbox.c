/* SPDX-License-Identifier: MIT */
/* sandbox.c - give up rights for good */
#include <cap-ng.h>
#include <errno.h>
#include <linux/landlock.h>
#include <seccomp.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "common/sandbox.h"

/* Of newer kernels than the headers may be of. */
#define FS_REFER    (UINT64_C(1) << 13) /* from version 2 on */
#define FS_TRUNCATE (UINT64_C(1) << 14) /* 3 */
#define FS_IOCTL    (UINT64_C(1) << 15) /* 5 */

#define LOW32       UINT64_C(0xffffffff)

int sandbox_privileges(void)
{
	if (prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) &&
		errno != EINVAL)
		return err_trace(-errno);
	if (capng_get_caps_process() < 0)
		return err_trace(-EPERM);
	/* The bounding set takes a capability; exec is refused in any case. */
	if (capng_have_capability(CAPNG_EFFECTIVE, CAP_SETPCAP)) {
		capng_clear(CAPNG_SELECT_BOUNDS);
		if (capng_apply(CAPNG_SELECT_BOUNDS) < 0)
			return err_trace(-EPERM);
	}
	capng_clear(CAPNG_SELECT_CAPS);
	if (capng_apply(CAPNG_SELECT_CAPS) < 0)
		return err_trace(-EPERM);
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
		return err_trace(-errno);
	return 0;
}

/* All that version @abi can refuse. */
static uint64_t files_handled(long abi)
{
	/* Up to LANDLOCK_ACCESS_FS_MAKE_SYM, the first version's last. */
	uint64_t all = FS_REFER - 1;

	if (abi >= 2)
		all |= FS_REFER;
	if (abi >= 3)
		all |= FS_TRUNCATE;
	if (abi >= 5)
		all |= FS_IOCTL;
	return all;
}

static int folder_add(int ruleset, const struct sandbox_folder *folder)
{
	struct landlock_path_beneath_attr rule = {.parent_fd = folder->fd};

	if (folder->rights & SANDBOX_READ)
		rule.allowed_access |= LANDLOCK_ACCESS_FS_READ_FILE;
	if (folder->rights & SANDBOX_WRITE)
		rule.allowed_access |= LANDLOCK_ACCESS_FS_WRITE_FILE |
				       LANDLOCK_ACCESS_FS_MAKE_REG;
	if (folder->rights & SANDBOX_REMOVE)
		rule.allowed_access |= LANDLOCK_ACCESS_FS_REMOVE_FILE;
	if (folder->fd < 0 || !rule.allowed_access)
		return 0;
	if (syscall(SYS_landlock_add_rule, ruleset, LANDLOCK_RULE_PATH_BENEATH,
		    &rule, 0))
		return err_trace(-errno);
	return 0;
}

int sandbox_files(const struct sandbox_folder *folder, size_t nr)
{
	long abi = syscall(SYS_landlock_create_ruleset, NULL, 0,
		LANDLOCK_CREATE_RULESET_VERSION);
	struct landlock_ruleset_attr attr = {0};
	int ruleset, r = 0;

	/* Not built in, not switched on, or a filter's doing: all the same. */
	if (abi < 1)
		return -ENOSYS;
	attr.handled_access_fs = files_handled(abi);
	ruleset = (int)syscall(
		SYS_landlock_create_ruleset, &attr, sizeof(attr), 0);
	if (ruleset < 0)
		return err_trace(-errno);
	for (size_t i = 0; !r && i < nr; i++)
		r = folder_add(ruleset, &folder[i]);
	if (!r && syscall(SYS_landlock_restrict_self, ruleset, 0))
		r = err_trace(-errno);
	close(ruleset);
	return r;
}

static int call_add(scmp_filter_ctx f, const struct sandbox_call *call)
{
	struct scmp_arg_cmp cmp = {.arg = call->arg, .op = SCMP_CMP_MASKED_EQ};

	/* Not one of this architecture: nobody can make it. */
	if (call->nr < 0)
		return 0;
	switch (call->test) {
	case SANDBOX_ALWAYS:
		return seccomp_rule_add(f, SCMP_ACT_ALLOW, call->nr, 0);
	case SANDBOX_EQUAL:
		cmp.datum_a = LOW32;
		cmp.datum_b = call->value;
		break;
	case SANDBOX_CLEAR:
		cmp.datum_a = call->value;
		cmp.datum_b = 0;
		break;
	case SANDBOX_SET: cmp.datum_a = cmp.datum_b = call->value; break;
	}
	return seccomp_rule_add_array(f, SCMP_ACT_ALLOW, call->nr, 1, &cmp);
}

static int calls_load(scmp_filter_ctx f)
{
	int r = seccomp_attr_set(
		f, SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_KILL_PROCESS);

	if (!r)
		r = seccomp_attr_set(f, SCMP_FLTATR_CTL_LOG, 1);
	/* A balanced tree: a long list would cost every call. */
	if (!r)
		r = seccomp_attr_set(f, SCMP_FLTATR_CTL_OPTIMIZE, 2);
	return r ? r : seccomp_load(f);
}

int sandbox_calls(const struct sandbox_call *call, size_t nr,
	const struct sandbox_call *more, size_t more_nr)
{
	scmp_filter_ctx f = seccomp_init(SCMP_ACT_ERRNO(EPERM));
	int r = 0;

	if (!f)
		return err_trace(-ENOMEM);
	for (size_t i = 0; !r && i < nr; i++)
		r = call_add(f, &call[i]);
	for (size_t i = 0; !r && i < more_nr; i++)
		r = call_add(f, &more[i]);
	if (!r)
		r = calls_load(f);
	seccomp_release(f);
	return err_trace(r);
}
