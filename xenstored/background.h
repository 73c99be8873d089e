/* SPDX-License-Identifier: MIT */
/*
 * background.h - the daemon as a process: in the background, with a pid file
 *
 * DOC: Without --no-fork the daemon forks first and sets up in the child; the
 * parent waits until the socket listens and then exits with 0, or with what
 * the child failed with.  So whoever started it can connect at once.
 *
 * What is said until then is on the terminal.  Later there is only the
 * system's log, unless standard error is a file or the journal.
 */
#ifndef BH_XENSTORED_BACKGROUND_H
#define BH_XENSTORED_BACKGROUND_H

#include "common/err.h"
#include "common/fileat.h"

/* Embedded in who writes one. */
struct pid_file {
	struct fileat file;
	int fd; /* -1: none */
};

#define PID_FILE_NONE                         \
	(struct pid_file)                     \
	{                                     \
		.file = FILEAT_NONE, .fd = -1 \
	}

/*
 * pid_file_write - write our number to @path, and keep the file locked
 *
 * The lock, held as long as we live, keeps a second daemon away.  0 or
 * -errno; -EBUSY: there is one.
 */
int pid_file_write(struct pid_file *file, const char *path) __must_check;

/* Remove it; who may not do that, empties it. */
void pid_file_remove(struct pid_file *file);

/* Many guests are many descriptors: take what the administrator allows. */
void limits_raise(void);

/* In the child: fd of the pipe on which to report. */
int background(void);

/*
 * Leave the folder: returns what takes the place of the terminal, or -1.  If
 * that is where the log goes, warnings and errors go to the system's log at
 * the socket @syslog from now on, too.
 */
int background_leave(const char *syslog);

/* Let go of the terminal, then of who waits for us; a log file stays. */
void background_ready(int fd, int null);

#endif
