/* SPDX-License-Identifier: MIT */
/* background.c - the daemon as a process: in the background, a pid file */
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/log.h"
#include "xenstored/background.h"

int pid_file_write(struct pid_file *file, const char *path)
{
	struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
	char text[24];
	int fd, n;

	fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0644);
	if (fd < 0)
		return -errno;
	n = snprintf(text, sizeof(text), "%ld\n", (long)getpid());
	if (fcntl(fd, F_SETLK, &lock) || ftruncate(fd, 0) ||
		write(fd, text, (size_t)n) != n) {
		int r = errno == EAGAIN ? -EBUSY : -errno;

		close(fd);
		return r;
	}
	/* Not closed: closing would give up the lock. */
	*file = (struct pid_file){.path = path, .fd = fd};
	return 0;
}

void pid_file_remove(struct pid_file *file)
{
	if (!file->path)
		return;
	if (unlink(file->path) && ftruncate(file->fd, 0))
		log_warn(NULL, "pid-file", "%s: %s", file->path,
			strerror(errno));
	close(file->fd);
	file->path = NULL;
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

/* A log file was meant to be kept; a terminal or a pipe belongs to others. */
static bool is_file(int fd)
{
	struct stat st;

	return !fstat(fd, &st) && S_ISREG(st.st_mode);
}

void background_ready(int fd)
{
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);

	if (chdir("/"))
		log_warn(NULL, "chdir", "/: %s", strerror(errno));
	if (null >= 0) {
		dup2(null, STDIN_FILENO);
		dup2(null, STDOUT_FILENO);
		if (!is_file(STDERR_FILENO))
			dup2(null, STDERR_FILENO);
		if (null > STDERR_FILENO)
			close(null);
	}
	if (write(fd, "", 1) != 1)
		log_debug(NULL, "ready", "nobody waits");
	close(fd);
}
