/* SPDX-License-Identifier: MIT */
/* toolcore.c - take part in xentoolcore_restrict_all() */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <unistd.h>

#include "libxs/toolcore.h"

static struct {
	void (*add)(struct toolcore_entry *);
	void (*remove)(struct toolcore_entry *);
	bool tried;
} toolcore;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

/*
 * With the lock.  Never unloaded: others may hold on to it, and it is small.
 * Searched for once; later on it is found only if the program has loaded it.
 */
static void load(void)
{
	void *lib = dlopen("libxentoolcore.so.1",
		RTLD_LAZY | RTLD_LOCAL | (toolcore.tried ? RTLD_NOLOAD : 0));
	void *add, *remove;

	toolcore.tried = true;
	if (!lib)
		return;
	add = dlsym(lib, "xentoolcore__register_active_handle");
	remove = dlsym(lib, "xentoolcore__deregister_active_handle");
	if (!add || !remove)
		return;
	/* POSIX makes the pointers convertible, ISO C does not */
	*(void **)&toolcore.add = add;
	*(void **)&toolcore.remove = remove;
}

/* Put /dev/null in the place of @fd: 0, or -1 with errno. */
static int null_put(int fd)
{
	int null = open("/dev/null", O_RDWR | O_CLOEXEC), r, err;

	if (null < 0)
		return -1;
	do
		r = dup3(null, fd, O_CLOEXEC);
	while (r < 0 && (errno == EINTR || errno == EBUSY));
	err = errno;
	close(null);
	errno = err;
	return r < 0 ? -1 : 0;
}

/*
 * Invariant: of this and toolcore_opened(), which may run at the same time,
 * one sees what the other has stored, and puts the null in.
 */
static int on_restrict(struct toolcore_entry *entry, uint16_t domid)
{
	int fd;

	(void)domid;
	atomic_store(&entry->restricted, true);
	fd = atomic_load(&entry->fd);
	if (fd == TOOLCORE_OPENING)
		return 0;
	/* A ring has no descriptor: refuse, so that it is known. */
	if (fd == TOOLCORE_NONE) {
		errno = EOPNOTSUPP;
		return -1;
	}
	return null_put(fd);
}

int toolcore_opened(struct toolcore_entry *entry, int fd)
{
	atomic_store(&entry->fd, fd);
	if (atomic_load(&entry->restricted) && null_put(fd))
		return -errno;
	return 0;
}

void toolcore_register(struct toolcore_entry *entry, int fd)
{
	pthread_mutex_lock(&lock);
	if (!toolcore.add)
		load();
	entry->registered = toolcore.add;
	pthread_mutex_unlock(&lock);
	entry->restrict_cb = on_restrict;
	atomic_init(&entry->fd, fd);
	atomic_init(&entry->restricted, false);
	if (entry->registered)
		toolcore.add(entry);
}

void toolcore_deregister(struct toolcore_entry *entry)
{
	if (entry->registered)
		toolcore.remove(entry);
	entry->registered = false;
}
