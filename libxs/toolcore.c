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
} toolcore;
static pthread_once_t once = PTHREAD_ONCE_INIT;

/* Never unloaded: others may hold on to it, and it is small. */
static void load(void)
{
	void *lib = dlopen("libxentoolcore.so.1", RTLD_LAZY | RTLD_LOCAL);
	void *add, *remove;

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

void toolcore_register(struct toolcore_entry *entry,
	int (*restrict_cb)(struct toolcore_entry *entry, uint16_t domid))
{
	pthread_once(&once, load);
	entry->restrict_cb = restrict_cb;
	entry->registered = toolcore.add;
	if (entry->registered)
		toolcore.add(entry);
}

void toolcore_deregister(struct toolcore_entry *entry)
{
	if (entry->registered)
		toolcore.remove(entry);
	entry->registered = false;
}

int toolcore_null(int fd)
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
