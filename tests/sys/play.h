/* SPDX-License-Identifier: MIT */
/*
 * play.h: plays hvd to one hv-init, for tests of hv-init alone
 *
 * Functions return 0 or -1; a message that does not come within ten seconds
 * is a failure.
 */
#ifndef TESTS_SYS_PLAY_H
#define TESTS_SYS_PLAY_H

#include "hv/proto/birth.h"

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

struct play {
	pid_t pid; /* hv-init, the outer process */
	int sock;
	char notes[8192]; /* all HVB_NOTE so far, one a line */
	struct hvb_msg last;
	char text[4096]; /* of the last message that was no note */
	int fd;          /* that came with it, or -1 */
};

/* Namespaces that the kernel is to refuse, as flags of unshare(2). */
struct play_deny {
	int namespaces;
	bool mount_attr; /* open_tree, move_mount, mount_setattr: ENOSYS */
	bool mount;      /* mount: EPERM */
	bool root;       /* setresuid to 0, real, effective and saved: EPERM */
	int write;       /* a write of so many bytes: EPERM; 0: none */
};

/*
 * Starts hv-init with these strings, as user `uid` if that is not -1.  Root's
 * domains get a uid= where they have none and need one.
 */
int play_start(struct play *p, const char *const *conf, size_t n_conf,
	const struct play_deny *deny, uid_t uid);

/* The next message that is no note; 0, or -1: none, or the end. */
int play_next(struct play *p);

/* Waits for the message `type`; another one is a failure. */
int play_expect(struct play *p, uint32_t type);
int play_send(struct play *p, uint32_t type, uint32_t id, int32_t value,
	const char *payload, size_t len, const int *fds, int n_fds);

/* HVB_EXEC of a shell command with these three descriptors. */
int play_exec(
	struct play *p, uint32_t id, const char *command, const int fds[3]);

/* Runs a shell command to its end; its output in out, its wait status. */
int play_run(struct play *p, const char *command, char *out, size_t max,
	int *status);

/* Closes the socket and waits for the outer process; its wait status. */
int play_end(struct play *p, int *status);

/* How many processes have `text` in their command line. */
int play_count(const char *text);

#endif
