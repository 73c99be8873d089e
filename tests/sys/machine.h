/* SPDX-License-Identifier: MIT */
/*
 * machine.h: a machine of hv for a test, without a toolstack or a store
 *
 * Starts hvd in a folder of its own, makes domains by hypercall, and runs
 * programs in them with descriptors of the test's choice.  Functions return 0
 * or a negative errno; an answer that does not come in ten seconds is -EIO.
 */
#ifndef TESTS_SYS_MACHINE_H
#define TESTS_SYS_MACHINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "hv/compat/client.h"
#include "hv/proto/admin.h"

#define MACHINE_EXITS 64

struct machine {
	char dir[64];
	pid_t pid; /* hvd */
	bool root; /* that is what hvd runs as */
	bool pv;   /* domains from now on are of kind PV */
	int admin;
	struct hv_client *dom0;
	struct {
		uint32_t id;
		int status;
	} exits[MACHINE_EXITS]; /* told and not yet asked for */
	unsigned n_exits;
	char text[4096]; /* of the last reply */
};

/*
 * machine_start: hvd, as the user `uid` if that is not -1, on the processor
 * `cpu` if that is not -1.
 */
int machine_start(struct machine *m, uid_t uid, int cpu);

/* machine_stop: ends it and all its domains; the wait status of hvd. */
int machine_stop(struct machine *m);

/* machine_alive: hvd answers, and is the process that was started. */
bool machine_alive(struct machine *m);
int machine_info(struct machine *m, struct hva_info *info);

/* machine_is_as: what there is is what there was at @was, at once or in five
 * seconds; otherwise text says what is left. */
bool machine_is_as(struct machine *m, const struct hva_info *was);

/*
 * machine_domain: a domain with `n` strings of configuration (birth.h) and
 * hv's libraries, running nothing yet.  Where hvd is root's, all that have no
 * uid= have the same one.
 */
int machine_domain(
	struct machine *m, const char *const *conf, size_t n, uint32_t *domid);
int machine_destroy(struct machine *m, uint32_t domid);
int machine_pause(struct machine *m, uint32_t domid, bool pause);

/* machine_exec: a program with its arguments, NULL-terminated; its id. */
int machine_exec(struct machine *m, uint32_t domid, const char *const *argv,
	const int fds[3], uint32_t *id);

int machine_signal(struct machine *m, uint32_t id, int sig);

/* machine_wait: until it has ended; its wait status. */
int machine_wait(struct machine *m, uint32_t id, int seconds, int *status);

/* machine_log: the newest of the machine's log into text. */
int machine_log(struct machine *m);

#endif
