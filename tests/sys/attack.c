// SPDX-License-Identifier: MIT
/* attack.c: what a hostile program tries on memory that it was given */
#include "tests/sys/attack.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#ifndef F_SEAL_FUTURE_WRITE
#define F_SEAL_FUTURE_WRITE 0x0010
#endif

enum { PAGE = 4096 };

int attack_reopen(int fd, int flags)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	return open(path, flags | O_CLOEXEC);
}

static bool writes(int fd)
{
	const struct iovec iov = {(void *)(uintptr_t) "x", 1};
	void *va = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	int p[2];
	bool ok = false;

	if (va != MAP_FAILED) {
		munmap(va, PAGE);
		ok = true;
	}
	ok |= pwrite(fd, "x", 1, 0) > 0;
	ok |= lseek(fd, 0, SEEK_SET) == 0 && write(fd, "x", 1) > 0;
	ok |= pwritev2(fd, &iov, 1, 0, RWF_APPEND) > 0;
	if (pipe(p) == 0) {
		if (write(p[1], "x", 1) == 1)
			ok |= splice(p[0], NULL, fd, &(off_t){0}, 1,
				      SPLICE_F_NONBLOCK) > 0;
		close(p[0]);
		close(p[1]);
	}
	return ok;
}

bool attack_resizes(int fd)
{
	return ftruncate(fd, 0) == 0 || ftruncate(fd, 1) == 0 ||
	       ftruncate(fd, 64 << 20) == 0 ||
	       fallocate(fd, 0, 0, 64 << 20) == 0;
}

bool attack_punches(int fd)
{
	return fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0,
		       PAGE) == 0 ||
	       fallocate(fd, FALLOC_FL_ZERO_RANGE | FALLOC_FL_KEEP_SIZE, 0,
		       PAGE) == 0;
}

bool attack_seals(int fd)
{
	static const int all[] = {F_SEAL_SEAL, F_SEAL_SHRINK, F_SEAL_GROW,
		F_SEAL_WRITE, F_SEAL_FUTURE_WRITE, 0x20 /* F_SEAL_EXEC */};
	bool ok = false;

	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++)
		ok |= fcntl(fd, F_ADD_SEALS, all[i]) == 0;
	return ok;
}

/* Files and pipes that would copy into it, or give it their pages. */
static bool copies(int fd)
{
	struct iovec iov;
	uint8_t *gift;
	int p[2], from;
	bool ok = false;

	from = memfd_create("attack", MFD_CLOEXEC);
	if (from >= 0 && ftruncate(from, PAGE) == 0) {
		lseek(fd, 0, SEEK_SET);
		ok |= sendfile(fd, from, &(off_t){0}, PAGE) > 0;
		ok |= copy_file_range(
			      from, &(off_t){0}, fd, &(off_t){0}, PAGE, 0) > 0;
	}
	close(from);
	gift = mmap(NULL, PAGE, PROT_READ | PROT_WRITE,
		MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (gift == MAP_FAILED || pipe(p) < 0)
		return ok;
	memset(gift, 0x5a, PAGE);
	iov = (struct iovec){gift, PAGE};
	if (vmsplice(p[1], &iov, 1, SPLICE_F_GIFT | SPLICE_F_NONBLOCK) > 0)
		ok |= splice(p[0], NULL, fd, &(off_t){0}, PAGE,
			      SPLICE_F_MOVE | SPLICE_F_NONBLOCK) > 0;
	close(p[0]);
	close(p[1]);
	munmap(gift, PAGE);
	return ok;
}

/* Ways around the protection of a mapping. */
static bool pokes(void *va)
{
	struct iovec iov = {(void *)(uintptr_t) "x", 1}, to = {va, 1};
	bool ok = process_vm_writev(getpid(), &iov, 1, &to, 1, 0) > 0;
	int fd = open("/proc/self/mem", O_RDWR | O_CLOEXEC);

	if (fd >= 0)
		ok |= pwrite(fd, "x", 1, (off_t)(uintptr_t)va) > 0;
	close(fd);
	return ok;
}

int attack_ro(int fd, void *va)
{
	int again, bad = 0;

	bad |= mprotect(va, PAGE, PROT_READ | PROT_WRITE) == 0 ? 1 : 0;
	bad |= writes(fd) ? 2 : 0;
	bad |= attack_resizes(fd) ? 4 : 0;
	bad |= attack_punches(fd) ? 8 : 0;
	bad |= attack_seals(fd) ? 16 : 0;
	bad |= madvise(va, PAGE, MADV_REMOVE) == 0 ? 32 : 0;
	fchmod(fd, 0777);
	again = attack_reopen(fd, O_RDWR);
	if (again >= 0)
		bad |= writes(again) || attack_resizes(again) ||
				       attack_punches(again) ||
				       attack_seals(again) || copies(again)
			       ? 64
			       : 0;
	close(again);
	again = attack_reopen(fd, O_RDWR | O_TRUNC);
	bad |= again >= 0 ? 128 : 0;
	close(again);
	again = attack_reopen(fd, O_WRONLY | O_APPEND);
	if (again >= 0)
		bad |= writes(again) ? 256 : 0;
	close(again);
	bad |= copies(fd) ? 512 : 0;
	bad |= pokes(va) ? 1024 : 0;
	return bad;
}
