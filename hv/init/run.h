/* SPDX-License-Identifier: MIT */
/*
 * run.h: the life of a domain's first process
 *
 * DOC: life
 *
 * It waits for hvd's messages, for the death of children, and for the process
 * outside of the pid namespace to go.  Of the processes it is asked to start
 * it tells each end once; all others it only reaps.  When hvd goes, or the
 * process outside, it ends, and with it everything in the domain.
 */
#ifndef HV_INIT_RUN_H
#define HV_INIT_RUN_H

#include "hv/init/conf.h"
#include "hv/init/words.h"

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/*
 * How long what goes on in a stopped domain has until it is noticed.  Without
 * a pid namespace that is a look at all processes of the host.
 */
enum { RUN_STOP_MS = 200, RUN_STOP_BARE_MS = 1000 };

enum run_kind { RUN_KERNEL, RUN_COMMAND, RUN_EXEC };

struct run_proc {
	pid_t pid;
	uint32_t id; /* of HVB_EXEC */
	enum run_kind kind;
};

struct run {
	const struct conf *conf;
	int sock;  /* to hvd */
	int alive; /* hangs up when the process outside dies */
	int sigfd;
	int state; /* what hv-kernel writes HVB_STATE_* to; -1: it has closed it */
	struct words words; /* of the kernel */
	int stdio[3];       /* the command's, until it is started; -1 */
	bool pidns, stopped, started, terminal;
	int64_t stop_due; /* stopped: when to see to it again, in ms */
	bool command_due; /* to be started when the kernel serves */
	bool serving;     /* the kernel said so */
	bool ending;      /* the kernel waits for the command's end */
	struct run_proc *proc;
	size_t n_proc, cap_proc;
};

/* Blocks the signals that are read from a descriptor.  0 or -errno. */
int run_init(
	struct run *r, const struct conf *c, int sock, int alive, bool pidns);

/* Serves until hvd or the process outside is gone. */
void run_loop(struct run *r);

#endif
