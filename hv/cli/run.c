/* SPDX-License-Identifier: MIT */
/* run.c - programs in a domain (HVA_EXEC), and domains themselves */
#include <errno.h>
#include <string.h>
#include <sys/wait.h>

#include "hv/cli/run.h"

int run_start(struct machine *m, uint32_t domid, const struct strings *what,
	const int fds[3], uint32_t *id)
{
	struct admin_call call = {
		.msg = {.type = HVA_EXEC, .domid = domid, .len = what->len},
		.payload = what->buf,
		.fds = fds,
	};
	int r;

	if (what->bad)
		return -E2BIG;
	r = admin_call(&m->admin, &call);
	*id = call.msg.id;
	return r < 0 ? r : call.msg.value;
}

void run_signal(struct machine *m, uint32_t id, int sig)
{
	struct admin_call call = {
		.msg = {.type = HVA_SIGNAL, .id = id, .value = sig}};

	/* it may have ended meanwhile */
	(void)!admin_call(&m->admin, &call);
}

int run_code(int status)
{
	if (WIFSIGNALED(status))
		return 128 + WTERMSIG(status);
	return WEXITSTATUS(status);
}

int run_build(struct machine *m, uint32_t domid, const struct strings *conf,
	char *why, size_t cap)
{
	struct admin_call call = {
		.msg = {.type = HVA_BUILD, .domid = domid, .len = conf->len},
		.payload = conf->buf,
		.reply = why,
		.reply_cap = cap - 1,
	};
	int r;

	memset(why, 0, cap);
	if (conf->bad)
		return -E2BIG;
	r = admin_call(&m->admin, &call);
	return r < 0 ? r : call.msg.value;
}
