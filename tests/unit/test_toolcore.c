/* SPDX-License-Identifier: MIT */
/*
 * test_toolcore.c - who gives up its rights when a program confines itself
 *
 * libxentoolcore is played by the test, which says when it can be found; the
 * last test asks the real one, where there is one.
 */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "libxs/xs_int.h"
#include "tests/unit/xs_server.h"

static bool loadable, loaded; /* by name; by the program itself */
static bool early;            /* restrict as soon as it is registered */
static int entries, searches;
static struct toolcore_entry *last;

static void add_told(struct toolcore_entry *entry)
{
	entries++;
	last = entry;
	if (early)
		ck_assert_int_eq(entry->restrict_cb(entry, 1), 0);
}

static void remove_told(struct toolcore_entry *entry)
{
	ck_assert_ptr_eq(entry, last);
	entries--;
}

static void *open_told(const char *name, int flags)
{
	ck_assert_str_eq(name, "libxentoolcore.so.1");
	if (!(flags & RTLD_NOLOAD))
		searches++;
	if (loaded || (loadable && !(flags & RTLD_NOLOAD)))
		return &loaded;
	return NULL;
}

static void *sym_told(void *lib, const char *name)
{
	void (*fn)(struct toolcore_entry *) = NULL;

	ck_assert_ptr_eq(lib, &loaded);
	if (!strcmp(name, "xentoolcore__register_active_handle"))
		fn = add_told;
	else if (!strcmp(name, "xentoolcore__deregister_active_handle"))
		fn = remove_told;
	return *(void **)&fn;
}

static void *(*open_lib)(const char *, int) = open_told;
static void *(*find_sym)(void *, const char *) = sym_told;

#define dlopen open_lib
#define dlsym  find_sym
#include "libxs/toolcore.c"
#undef dlopen
#undef dlsym

static struct server s;
static struct xsx_ring ring;

static struct xsx *client(int fd)
{
	struct xsx *x =
		xsx_open(&(struct xsx_options){.transport = XSX_FD, .fd = fd});

	ck_assert_ptr_nonnull(x);
	return x;
}

static void on_answer(void *arg, int err, const void *payload, size_t len)
{
	(void)payload;
	(void)len;
	*(int *)arg = err;
}

/* The errno that a request ends with. */
static int asked(struct xsx *x)
{
	int err = -1;

	ck_assert_int_eq(xsx_write(x, 0, "/a", "", 0, on_answer, &err), 0);
	while (xsx_pending(x) && xsx_wait(x, 1000) >= 0)
		;
	return err;
}

static void end(struct xsx *x)
{
	xsx_close(x);
	ck_assert_int_eq(entries, 0);
	close(s.fd);
}

/* Not only handles: the engine has rights of its own. */
START_TEST(test_engine)
{
	struct xsx *x;

	loadable = true;
	x = client(server_pair(&s));
	ck_assert_int_eq(entries, 1);
	ck_assert_int_eq(last->restrict_cb(last, 1), 0);
	ck_assert(fcntl(x->chan.fd, F_GETFD) & FD_CLOEXEC);
	ck_assert_int_eq(asked(x), EBADF);
	end(x);
}
END_TEST

/* Registered once, and no longer than it is open. */
START_TEST(test_handle)
{
	struct xsx_options opts = {.transport = XSX_FD};
	struct xs_handle *h;

	loadable = true;
	opts.fd = server_pair(&s);
	h = xsx_handle_open(&opts);
	ck_assert_ptr_nonnull(h);
	ck_assert_int_eq(entries, 1);
	ck_assert_int_eq(last->restrict_cb(last, 1), 0);
	ck_assert(!xs_write(h, 0, "/a", "", 0));
	ck_assert_int_eq(errno, EBADF);
	if (_i)
		xs_daemon_destroy_postfork(h);
	else
		xs_close(h);
	ck_assert_int_eq(entries, 0);
	close(s.fd);
	opts = (struct xsx_options){.transport = XSX_PATH, .path = "/none"};
	ck_assert_ptr_null(xsx_handle_open(&opts));
	ck_assert_int_eq(errno, ENOENT);
	ck_assert_int_eq(entries, 0);
}
END_TEST

/* The restriction comes between registering and opening. */
START_TEST(test_opening)
{
	struct xsx *x;

	loadable = true;
	early = true;
	x = client(server_pair(&s));
	ck_assert_int_eq(asked(x), EBADF);
	end(x);
}
END_TEST

/* In the place of a device /dev/null takes all and is at its end. */
START_TEST(test_device)
{
	struct xsx *x;
	int fds[2];

	loadable = true;
	ck_assert_int_eq(pipe2(fds, O_CLOEXEC), 0);
	x = client(fds[1]);
	s.fd = fds[0];
	ck_assert_int_eq(last->restrict_cb(last, 1), 0);
	ck_assert_int_eq(asked(x), ECONNRESET);
	end(x);
}
END_TEST

static void ring_notify(void *arg)
{
	(void)arg;
}

static int ring_wait(void *arg, int timeout_ms)
{
	(void)arg;
	(void)timeout_ms;
	return 0;
}

START_TEST(test_ring)
{
	static uint8_t page[XSRING_PAGE] __attribute__((aligned(XSRING_PAGE)));
	struct xsx_options opts = {.transport = XSX_RING};
	struct xsx *x;

	loadable = true;
	ring = (struct xsx_ring){
		.page = page, .notify = ring_notify, .wait = ring_wait};
	ring.fd = -1;
	opts.ring = ring;
	x = xsx_open(&opts);
	ck_assert_ptr_nonnull(x);
	ck_assert_int_eq(last->restrict_cb(last, 1), -1);
	ck_assert_int_eq(errno, EOPNOTSUPP);
	xsx_close(x);
	ck_assert_int_eq(entries, 0);
}
END_TEST

/* Searched for once, but seen when the program has brought it. */
START_TEST(test_brought)
{
	struct xsx *x, *y;

	x = client(server_pair(&s));
	close(s.fd);
	y = client(server_pair(&s));
	close(s.fd);
	ck_assert(!x->toolcore.registered && !y->toolcore.registered);
	xsx_close(y);
	loaded = true;
	y = client(server_pair(&s));
	ck_assert_int_eq(entries, 1);
	ck_assert_int_eq(searches, 1);
	xsx_close(x);
	end(y);
}
END_TEST

START_TEST(test_real)
{
	int (*restrict_all)(uint32_t domid) = NULL;
	void *lib = dlopen("libxentoolcore.so.1", RTLD_NOW);
	struct xsx *x;

	if (!lib)
		return;
	*(void **)&restrict_all = dlsym(lib, "xentoolcore_restrict_all");
	ck_assert(restrict_all);
	open_lib = dlopen;
	find_sym = dlsym;
	x = client(server_pair(&s));
	ck_assert_int_eq(restrict_all(1), 0);
	ck_assert_int_eq(asked(x), EBADF);
	end(x);
}
END_TEST

BH_CHECK_MAIN("toolcore", 10, BH_TEST(test_engine), BH_LOOP(test_handle, 2),
	BH_TEST(test_opening), BH_TEST(test_device), BH_TEST(test_ring),
	BH_TEST(test_brought), BH_TEST(test_real))
