/* SPDX-License-Identifier: MIT */
/* log.c: the machine's log: a ring in memory, and a file. */
#include "hv/hvd/hvd.h"

#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

/*
 * The ring is what `hv dmesg` and sysctl readconsole show.  Indices run
 * freely; ring[i % LOG_SIZE].  The file takes at most LOG_FILE_MAX bytes
 * and is then rotated, once: no guest can fill a disk by making hvd talk.
 */
#define LOG_SIZE     65536u
#define LOG_FILE_MAX (8u << 20)

static char ring[LOG_SIZE];
static uint32_t prod, cons;
static int file = -1;
static uint32_t file_bytes;
static char file_path[256];
static bool to_stderr = true;

static int open_file(void)
{
	file = open(file_path,
		O_WRONLY | O_CREAT | O_TRUNC | O_APPEND | O_CLOEXEC, 0600);
	file_bytes = 0;
	return file < 0 ? -1 : 0;
}

int hvd_log_open(const char *path)
{
	snprintf(file_path, sizeof(file_path), "%s", path);
	return open_file();
}

/* A full file becomes the old one: what is new is never lost to what a guest
 * made us say before. */
static void rotate(void)
{
	char old[sizeof(file_path) + 2];

	snprintf(old, sizeof(old), "%s.1", file_path);
	close(file);
	if (rename(file_path, old) < 0 || open_file() < 0)
		file = -1;
}

void hvd_log_stderr(bool on)
{
	to_stderr = on;
}

static void put_file(int fd, const char *s, size_t len)
{
	/* a log that cannot be written is not worth dying for */
	if (write(fd, s, len) < 0)
		return;
}

void hvd_log(const char *fmt, ...)
{
	struct timespec ts;
	char line[512];
	va_list ap;
	int n, m;

	clock_gettime(CLOCK_BOOTTIME, &ts);
	n = snprintf(line, sizeof(line), "[%5lld.%06ld] ", (long long)ts.tv_sec,
		ts.tv_nsec / 1000);
	va_start(ap, fmt);
	m = vsnprintf(line + n, sizeof(line) - n - 1, fmt, ap);
	va_end(ap);
	if (m < 0)
		return;
	n += m;
	if ((size_t)n > sizeof(line) - 2)
		n = sizeof(line) - 2;
	line[n++] = '\n';
	for (int i = 0; i < n; i++)
		ring[prod++ % LOG_SIZE] = line[i];
	if (prod - cons > LOG_SIZE)
		cons = prod - LOG_SIZE;
	if (file >= 0) {
		if (file_bytes > LOG_FILE_MAX)
			rotate();
		file_bytes += n;
		put_file(file, line, n);
	}
	if (to_stderr)
		put_file(STDERR_FILENO, line, n);
}

void hvd_log_tail(uint32_t len, uint32_t *index)
{
	*index = prod - cons > len ? prod - len : cons;
}

/* As sysctl readconsole has it: *index is where the caller was, and becomes
 * where it is. */
uint32_t hvd_log_read(char *buf, uint32_t len, uint32_t *index, bool clear)
{
	uint32_t from = *index, n = 0;

	if ((int32_t)(from - cons) < 0 || (int32_t)(prod - from) < 0)
		from = cons;
	while (from != prod && n < len)
		buf[n++] = ring[from++ % LOG_SIZE];
	*index = from;
	if (clear)
		cons = from;
	return n;
}
