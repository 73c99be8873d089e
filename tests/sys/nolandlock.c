// SPDX-License-Identifier: MIT
/* nolandlock.c: run a program as on a kernel without Landlock */
#include <errno.h>
#include <seccomp.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

int main(int argc, char **argv)
{
	scmp_filter_ctx f = seccomp_init(SCMP_ACT_ALLOW);
	int r;

	if (!f || argc < 2)
		return 99;
	r = seccomp_rule_add(f, SCMP_ACT_ERRNO(ENOSYS),
		SCMP_SYS(landlock_create_ruleset), 0);
	if (!r)
		r = seccomp_load(f);
	seccomp_release(f);
	if (r) {
		fprintf(stderr, "nolandlock: %s\n", strerror(-r));
		return 99;
	}
	execvp(argv[1], argv + 1);
	perror(argv[1]);
	return 99;
}
