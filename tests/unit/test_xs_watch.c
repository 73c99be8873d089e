/* SPDX-License-Identifier: MIT */
/*
 * test_xs_watch.c - events, threads and the end of a handle
 *
 * The server is a thread that answers what it is asked: READ with the path,
 * WATCH with an event and OK, WRITE with an event for every watch and OK.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <time.h>

#include "libxs/xs_int.h"
#include "tests/unit/xs_server.h"

static struct server s;
static pthread_t thread;
static bool mute; /* do not answer READ */

static void serve(char watches[][64], int *nr)
{
	switch (s.hdr.type) {
	case XS_READ:
		if (!mute)
			server_answer(&s, s.payload, s.hdr.len - 1);
		return;
	case XS_WATCH:
		if (!strcmp(s.payload, "/quota")) {
			server_error(&s, "ENOSPC");
			return;
		}
		strcpy(watches[(*nr)++], s.payload + strlen(s.payload) + 1);
		server_ok(&s);
		server_event(&s, s.payload, watches[*nr - 1]);
		return;
	case XS_WRITE:
		for (int i = 0; i < *nr; i++)
			server_event(&s, s.payload, watches[i]);
		server_ok(&s);
		return;
	case XS_OP_GET_FEATURE: server_answer(&s, "4", 2); return;
	case XS_MKDIR: /* a last event, and away */
		server_event(&s, "/last", "t");
		shutdown(s.fd, SHUT_RDWR);
		return;
	default: server_ok(&s);
	}
}

static void *server_main(void *arg)
{
	static char watches[16][64];
	int nr = 0;

	(void)arg;
	while (server_take(&s))
		serve(watches, &nr);
	return NULL;
}

static struct xs_handle *begin(unsigned long flags)
{
	struct xsx_options opts = {.transport = XSX_FD, .flags = flags};
	struct xs_handle *h;

	mute = false;
	opts.fd = server_pair(&s);
	h = xsx_handle_open(&opts);
	ck_assert_ptr_nonnull(h);
	ck_assert_int_eq(pthread_create(&thread, NULL, server_main, NULL), 0);
	return h;
}

static void done(struct xs_handle *h)
{
	xs_close(h);
	pthread_join(thread, NULL);
	close(s.fd);
}

static void expect(char **vec, const char *path, const char *token)
{
	ck_assert_ptr_nonnull(vec);
	ck_assert_str_eq(vec[XS_WATCH_PATH], path);
	ck_assert_str_eq(vec[XS_WATCH_TOKEN], token);
	free(vec);
}

static void expect_none(struct xs_handle *h)
{
	ck_assert_ptr_null(xs_check_watch(h));
	ck_assert_int_eq(errno, EAGAIN);
}

static int readable(int fd, int ms)
{
	struct pollfd p = {.fd = fd, .events = POLLIN};

	return poll(&p, 1, ms);
}

static void expect_read(struct xs_handle *h, const char *path)
{
	unsigned int len;
	char *v = xs_read(h, XBT_NULL, path, &len);

	ck_assert_ptr_nonnull(v);
	ck_assert_str_eq(v, path);
	free(v);
}

/* Who never asks for the descriptor gets no thread. */
START_TEST(test_no_thread)
{
	struct xs_handle *h = begin(0);
	unsigned int nr = 0;

	ck_assert(xs_watch(h, "/a", "t"));
	expect(xs_read_watch(h, &nr), "/a", "t");
	ck_assert_uint_eq(nr, 2);
	ck_assert(xs_write(h, 0, "/a/b", "", 0));
	ck_assert(xs_write(h, 0, "/a/b", "", 0));
	ck_assert(xs_write(h, 0, "/a/c", "", 0));
	expect(xs_check_watch(h), "/a/b", "t");
	expect(xs_check_watch(h), "/a/c", "t");
	expect_none(h);
	ck_assert(!xs_reader_runs(h));
	ck_assert(!xs_watch(h, "/quota", "t"));
	ck_assert_int_eq(errno, ENOSPC);
	expect_read(h, "/goes/on");
	ck_assert(xs_watch_depth(h, "/d", "u", 3));
	done(h);
}
END_TEST

/* The descriptor before the watch, and after it. */
START_TEST(test_fileno)
{
	struct xs_handle *h = begin(0);
	int fd = -1;

	if (_i)
		fd = xs_fileno(h);
	ck_assert(!xs_reader_runs(h));
	ck_assert(xs_watch(h, "/a", "t"));
	if (!_i)
		fd = xs_fileno(h);
	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(xs_fileno(h), fd);
	ck_assert(xs_reader_runs(h));
	ck_assert(fcntl(fd, F_GETFD) & FD_CLOEXEC);
	for (int i = 0; i < 3; i++) {
		ck_assert_int_eq(readable(fd, 5000), 1);
		expect(xs_check_watch(h), "/a", "t");
		expect_none(h);
		ck_assert_int_eq(readable(fd, 0), 0);
		ck_assert(xs_write(h, 0, "/a", "", 0));
	}
	done(h);
}
END_TEST

START_TEST(test_unwatch)
{
	struct xs_handle *h = begin(_i ? XS_UNWATCH_FILTER : 0);
	int fd = xs_fileno(h);

	ck_assert(xs_watch(h, "/a", "t"));
	ck_assert_int_eq(readable(fd, 5000), 1);
	ck_assert(xs_write(h, 0, "/a/b", "", 0));
	ck_assert(xs_write(h, 0, "/other", "", 0));
	ck_assert(xs_unwatch(h, "/a", "t"));
	if (!_i) {
		expect(xs_check_watch(h), "/a", "t");
		expect(xs_check_watch(h), "/a/b", "t");
	}
	expect(xs_check_watch(h), "/other", "t");
	expect_none(h);
	ck_assert_int_eq(readable(fd, 0), 0);
	done(h);
}
END_TEST

/* The end is told once by the descriptor, and by every call. */
START_TEST(test_end)
{
	struct xs_handle *h = begin(0);
	int fd = _i ? xs_fileno(h) : -1;

	ck_assert(xs_watch(h, "/a", "t"));
	expect(xs_read_watch(h, NULL), "/a", "t");
	ck_assert(!xs_mkdir(h, 0, "/x"));
	ck_assert_int_eq(errno, ECONNRESET);
	if (_i)
		ck_assert_int_eq(readable(fd, 5000), 1);
	expect(xs_check_watch(h), "/last", "t");
	if (_i)
		ck_assert_int_eq(readable(fd, 0), 1);
	ck_assert_ptr_null(xs_check_watch(h));
	ck_assert_int_eq(errno, ECONNRESET);
	if (_i)
		ck_assert_int_eq(readable(fd, 0), 0);
	ck_assert_ptr_null(xs_read_watch(h, NULL));
	ck_assert_int_eq(errno, ECONNRESET);
	ck_assert(!xs_write(h, 0, "/x", "", 0));
	ck_assert_int_eq(errno, ECONNRESET);
	done(h);
}
END_TEST

START_TEST(test_timeout)
{
	struct xs_handle *h = begin(0);

	xsx_timeout_set(h, 30);
	if (_i) {
		ck_assert_int_ge(xs_fileno(h), 0);
		ck_assert(xs_watch(h, "/a", "t"));
	}
	mute = true;
	ck_assert_ptr_null(xs_read(h, XBT_NULL, "/a", NULL));
	ck_assert_int_eq(errno, ETIMEDOUT);
	ck_assert(xs_write(h, 0, "/a", "", 0));
	done(h);
}
END_TEST

/* --- threads -------------------------------------------------------------- */

enum { THREADS = 8, ROUNDS = 300 };

static void *reader_thread(void *arg)
{
	static int next;
	struct xs_handle *h = arg;
	int id = __atomic_add_fetch(&next, 1, __ATOMIC_RELAXED);
	char path[32];

	for (int i = 0; i < ROUNDS; i++) {
		snprintf(path, sizeof(path), "/t%d/%d", id, i);
		expect_read(h, path);
		if (i % 16 == 0)
			ck_assert(xs_write(h, 0, path, "", 0));
	}
	return NULL;
}

static void *event_thread(void *arg)
{
	struct xs_handle *h = arg;
	char **vec;
	long nr = 0;

	while ((vec = xs_read_watch(h, NULL))) {
		bool last = !strcmp(vec[XS_WATCH_PATH], "/last");

		free(vec);
		nr++;
		if (last)
			break;
	}
	return (void *)nr;
}

/* Every answer to who asked; with the library's thread and without it. */
START_TEST(test_threads)
{
	struct xs_handle *h = begin(0);
	pthread_t threads[THREADS], reader;
	void *nr;

	if (_i)
		ck_assert_int_ge(xs_fileno(h), 0);
	ck_assert(xs_watch(h, "/", "t"));
	pthread_create(&reader, NULL, event_thread, h);
	for (int i = 0; i < THREADS; i++)
		pthread_create(&threads[i], NULL, reader_thread, h);
	for (int i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	ck_assert(!xs_mkdir(h, 0, "/x"));
	pthread_join(reader, &nr);
	ck_assert_int_ge((long)nr, THREADS * (ROUNDS / 16));
	done(h);
}
END_TEST

/* --- fork, restriction ---------------------------------------------------- */

START_TEST(test_fork)
{
	struct xs_handle *h = begin(0);
	int status, fd = xs_fileno(h);
	pid_t pid;

	ck_assert(xs_watch(h, "/a", "t"));
	ck_assert_int_eq(readable(fd, 5000), 1);
	pid = fork();
	if (!pid) {
		int sock = h->x->chan.fd;

		if (_i)
			xs_daemon_destroy_postfork(h);
		else
			xs_close(h);
		_exit(fcntl(sock, F_GETFD) == -1 ? 0 : 1);
	}
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert_int_eq(status, 0);
	expect(xs_check_watch(h), "/a", "t");
	expect_read(h, "/still");
	done(h);
}
END_TEST

/* Another thread was in the middle of a change. */
START_TEST(test_fork_torn)
{
	struct xs_handle *h = begin(0);
	int status;
	pid_t pid;

	xs_lock(h);
	h->x->busy = true;
	pid = fork();
	if (!pid) {
		int sock = h->x->chan.fd;

		xs_close(h);
		_exit(fcntl(sock, F_GETFD) == -1 ? 0 : 1);
	}
	h->x->busy = false;
	xs_unlock(h);
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert_int_eq(status, 0);
	expect_read(h, "/still");
	done(h);
}
END_TEST

START_TEST(test_restrict)
{
	struct xs_handle *h = begin(0);

	expect_read(h, "/a");
	if (!h->x->toolcore.registered) {
		done(h);
		return; /* no libxentoolcore here */
	}
	ck_assert_int_eq(h->x->toolcore.restrict_cb(&h->x->toolcore, 1), 0);
	ck_assert(fcntl(h->x->chan.fd, F_GETFD) & FD_CLOEXEC);
	ck_assert_ptr_null(xs_read(h, XBT_NULL, "/a", NULL));
	ck_assert_int_eq(errno, EBADF);
	done(h);
}
END_TEST

/* --- small helpers -------------------------------------------------------- */

START_TEST(test_lib)
{
	struct xs_permissions p[2];

	setenv("XENSTORED_RUNDIR", "/x", 1);
	unsetenv("XENSTORED_PATH");
	ck_assert_str_eq(xs_daemon_socket(), "/x/socket");
	setenv("XENSTORED_PATH", "/y", 1);
	ck_assert_str_eq(xs_daemon_socket_ro(), "/y");
	unsetenv("XENSTORED_RUNDIR");
	ck_assert_str_eq(xs_daemon_rundir(), "/var/run/xenstored");
	setenv("XENSTORED_PATH", "/nonexistent/y", 1);
	ck_assert_ptr_null(xs_open(0));
	ck_assert_int_eq(errno, ENOENT);
	xs_close(NULL);
	ck_assert(xs_path_is_subpath("/", "/a"));
	ck_assert(!xs_path_is_subpath("/", "a"));
	ck_assert(xs_path_is_subpath("/a", "/a"));
	ck_assert(xs_path_is_subpath("/a", "/a/b"));
	ck_assert(!xs_path_is_subpath("/a", "/ab"));
	ck_assert(!xs_path_is_subpath("/a/b", "/a"));
	ck_assert(xs_strings_to_perms(p, 2, "n1\0b2"));
	ck_assert_uint_eq(p[1].id, 2);
	ck_assert(!xs_strings_to_perms(p, 1, "n0x1"));
	ck_assert_int_eq(errno, EINVAL);
	ck_assert(!xs_write_all(-1, "x", 1));
	ck_assert_int_eq(errno, EBADF);
}
END_TEST

BH_CHECK_MAIN("xs_watch", 60, BH_TEST(test_no_thread), BH_LOOP(test_fileno, 2),
	BH_LOOP(test_unwatch, 2), BH_LOOP(test_end, 2),
	BH_LOOP(test_timeout, 2), BH_LOOP(test_threads, 2),
	BH_LOOP(test_fork, 2), BH_TEST(test_fork_torn), BH_TEST(test_restrict),
	BH_TEST(test_lib))
