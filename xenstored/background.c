/* SPDX-License-Identifier: MIT */
/* background.c - the daemon as a process: in the background, a pid file */
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/log.h"
#include "xenstored/background.h"

/* -EBUSY: somebody holds the lock. */
static int pid_file_fill(int fd)
{
	struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
	char text[24];
	int n;

	n = snprintf(text, sizeof(text), "%ld\n", (long)getpid());
	if (fcntl(fd, F_SETLK, &lock))
		return errno == EAGAIN || errno == EACCES ? -EBUSY : -errno;
	if (ftruncate(fd, 0) || write(fd, text, (size_t)n) != n)
		return errno ? -errno : -EIO;
	return 0;
}

int pid_file_write(struct pid_file *pid, const char *path)
{
	int r = fileat_init(&pid->file, path), fd;

	if (r)
		return r;
	fd = fileat_open(&pid->file, O_RDWR | O_CREAT, 0644);
	r = fd < 0 ? fd : pid_file_fill(fd);
	if (!r) {
		/* Not closed: closing would give up the lock. */
		pid->fd = fd;
		return 0;
	}
	if (fd >= 0)
		close(fd);
	fileat_fini(&pid->file);
	return r;
}

void pid_file_remove(struct pid_file *pid)
{
	if (pid->fd < 0)
		return;
	if (fileat_unlink(&pid->file) && ftruncate(pid->fd, 0))
		log_warn(NULL, "pid-file", "%s: %s", pid->file.name,
			strerror(errno));
	close(pid->fd);
	fileat_fini(&pid->file);
	pid->fd = -1;
}

void limits_raise(void)
{
	const struct rlimit all = {RLIM_INFINITY, RLIM_INFINITY};
	struct rlimit limit;

	/* Buffers of hypercalls may be locked; who may not say so, need not. */
	(void)!setrlimit(RLIMIT_MEMLOCK, &all);
	if (getrlimit(RLIMIT_NOFILE, &limit))
		return;
	limit.rlim_cur = limit.rlim_max;
	if (setrlimit(RLIMIT_NOFILE, &limit))
		log_warn(NULL, "rlimit", "cannot raise the descriptor limit");
}

int background(void)
{
	int fds[2], status;
	char ready;
	pid_t pid;

	if (pipe2(fds, O_CLOEXEC) || (pid = fork()) < 0) {
		log_error(NULL, "fork", "%s", strerror(errno));
		exit(EXIT_FAILURE);
	}
	if (!pid) {
		close(fds[0]);
		setsid();
		return fds[1];
	}
	close(fds[1]);
	if (read(fds[0], &ready, 1) == 1)
		_exit(EXIT_SUCCESS);
	/* It ended without a word; it has written why. */
	if (waitpid(pid, &status, 0) == pid && WIFEXITED(status))
		_exit(WEXITSTATUS(status) ? WEXITSTATUS(status) : EXIT_FAILURE);
	_exit(EXIT_FAILURE);
}

/*
 * A log file was meant to be kept, and so was the journal, which says which
 * one it is; a terminal or a pipe belongs to others.
 */
static bool stderr_stays(void)
{
	const char *journal = getenv("JOURNAL_STREAM");
	char name[64];
	struct stat st;

	if (fstat(STDERR_FILENO, &st))
		return false;
	snprintf(name, sizeof(name), "%ju:%ju", (uintmax_t)st.st_dev,
		(uintmax_t)st.st_ino);
	return S_ISREG(st.st_mode) || (journal && !strcmp(journal, name));
}

int background_leave(const char *syslog)
{
	int r;

	if (chdir("/"))
		log_warn(NULL, "chdir", "/: %s", strerror(errno));
	r = stderr_stays() ? 0 : log_syslog_open(syslog);
	if (r)
		log_warn(NULL, "syslog", "%s: %s", syslog, strerror(-r));
	return open("/dev/null", O_RDWR | O_CLOEXEC);
}

void background_ready(int fd, int null)
{
	if (null >= 0) {
		dup2(null, STDIN_FILENO);
		dup2(null, STDOUT_FILENO);
		if (!stderr_stays())
			dup2(null, STDERR_FILENO);
		if (null > STDERR_FILENO)
			close(null);
	}
	if (write(fd, "", 1) != 1)
		log_debug(NULL, "ready", "nobody waits");
	close(fd);
}
