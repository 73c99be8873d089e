/* SPDX-License-Identifier: MIT */
/*
 * test_xs_roles.c - nobody who waits on a handle is forgotten
 *
 * A channel in place of a device: one request at a time, and its poll never
 * reports space, as that of /dev/xen/xenbus.
 */
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <time.h>

#include "libxs/xs_int.h"
#include "tests/unit/xs_server.h"

static struct server s;
static const struct chan_ops *real;
static struct chan_ops ops;
static int full; /* so many sends find no room */

static ssize_t dev_send(struct chan *chan, const struct iovec *iov, int nr)
{
	if (full) {
		full--;
		return -EAGAIN;
	}
	return real->send(chan, iov, nr);
}

static short dev_poll(
	struct chan *chan, short events, int wake_fd, int timeout_ms)
{
	return real->poll(chan, events & ~POLLOUT, wake_fd, timeout_ms);
}

static struct xs_handle *begin(bool device, unsigned int requests_max)
{
	struct xsx_options opts = {
		.transport = XSX_FD, .requests_max = requests_max};
	struct xs_handle *h;

	opts.fd = server_pair(&s);
	h = xsx_handle_open(&opts);
	ck_assert_ptr_nonnull(h);
	if (!device)
		return h;
	real = h->x->chan.ops;
	ops = *real;
	ops.send = dev_send;
	ops.poll = dev_poll;
	h->x->chan.ops = &ops;
	h->x->chan.single = true;
	return h;
}

static void on_answer(void *arg, int err, const void *payload, size_t len)
{
	(void)payload;
	(void)len;
	ck_assert_int_eq(err, 0);
	++*(int *)arg;
}

static void ask(struct xs_handle *h, int *answers)
{
	xs_lock(h);
	ck_assert_int_eq(
		xsx_path(h->x, XS_READ, 0, "/a", on_answer, answers), 0);
	xs_unlock(h);
}

static void send_out(struct xs_handle *h)
{
	xs_lock(h);
	ck_assert_int_eq(xsx_flush(h->x), 0);
	xs_unlock(h);
}

static void pass(int ms)
{
	struct timespec ts = {0, ms * 1000000L};

	nanosleep(&ts, NULL);
}

static void *answer_all(void *arg)
{
	(void)arg;
	while (server_take(&s)) {
		if (!strcmp(s.payload, "/a"))
			server_event(&s, "/a", "t");
		server_answer(&s, "", 0);
	}
	return NULL;
}

static pthread_t answerer(void)
{
	pthread_t thread;

	ck_assert_int_eq(pthread_create(&thread, NULL, answer_all, NULL), 0);
	return thread;
}

static void done(struct xs_handle *h, pthread_t server)
{
	xs_close(h);
	pthread_join(server, NULL);
	close(s.fd);
}

/* xs_check_watch() takes the answer that the next request waits for. */
START_TEST(test_look_sends)
{
	struct xs_handle *h = begin(true, 0);
	int answers = 0;

	ask(h, &answers);
	ask(h, &answers);
	send_out(h);
	for (int i = 0; i < 2; i++) {
		ck_assert(server_take(&s));
		server_answer(&s, "", 0);
		ck_assert_ptr_null(xs_check_watch(h));
		ck_assert_int_eq(errno, EAGAIN);
		ck_assert_int_eq(answers, i + 1);
	}
	xs_close(h);
	close(s.fd);
}
END_TEST

static void *call_one(void *arg)
{
	char *v = xs_read(arg, XBT_NULL, "/b", NULL);

	ck_assert_ptr_nonnull(v);
	free(v);
	return NULL;
}

/* The same for a thread that waits for its turn meanwhile. */
START_TEST(test_look_wakes)
{
	struct xs_handle *h = begin(true, 0);
	pthread_t caller;
	int answers = 0;

	ask(h, &answers);
	send_out(h);
	/* the place of a reader that has gone away without a word */
	xs_lock(h);
	h->reading = true;
	xs_unlock(h);
	ck_assert_int_eq(pthread_create(&caller, NULL, call_one, h), 0);
	do {
		pass(1);
		xs_lock(h);
		h->reading = TAILQ_EMPTY(&h->waiters);
		xs_unlock(h);
	} while (h->reading);
	ck_assert(server_take(&s));
	server_answer(&s, "", 0);
	ck_assert_ptr_null(xs_check_watch(h));
	ck_assert_int_eq(answers, 1);
	ck_assert(server_take(&s));
	server_answer(&s, "", 0);
	pthread_join(caller, NULL);
	xs_close(h);
	close(s.fd);
}
END_TEST

/* Who waits sends first: nothing tells that it could. */
START_TEST(test_step_sends)
{
	struct xs_handle *h = begin(true, 0);
	pthread_t server = answerer();
	int answers = 0;
	char **vec;

	ask(h, &answers);
	vec = xs_read_watch(h, NULL);
	ck_assert_ptr_nonnull(vec);
	free(vec);
	/* nor when it takes more, should it not have waited */
	full = 2;
	call_one(h);
	ck_assert_int_eq(full, 0);
	ck_assert_int_eq(answers, 1);
	done(h, server);
}
END_TEST

/* The same for who does not use a handle. */
START_TEST(test_engine_retries)
{
	struct xs_handle *h = begin(true, 0);
	pthread_t server = answerer();
	int answers = 0;

	full = 5;
	ask(h, &answers);
	ck_assert_int_eq(xsx_process(h->x), 0);
	ck_assert_int_eq(xsx_poll_events(h->x), POLLIN);
	ck_assert_int_ge(xsx_timeout(h->x), 0);
	while (!answers)
		ck_assert_int_ge(xsx_wait(h->x, -1), 0);
	ck_assert_int_eq(xsx_timeout(h->x), -1);
	done(h, server);
}
END_TEST

static void *read_events(void *arg)
{
	char **vec;

	while ((vec = xs_read_watch(arg, NULL)))
		free(vec);
	return NULL;
}

/*
 * Two threads that wait for events: one receives, the other is the first whom
 * it offers its role to.  Neither has a use for the room that they make.
 */
static void events_begin(struct xs_handle *h, pthread_t threads[2])
{
	bool both;

	for (int i = 0; i < 2; i++)
		ck_assert_int_eq(
			pthread_create(&threads[i], NULL, read_events, h), 0);
	do {
		pass(1);
		xs_lock(h);
		both = h->reading && !TAILQ_EMPTY(&h->waiters);
		xs_unlock(h);
	} while (!both);
}

static void events_end(pthread_t threads[2])
{
	shutdown(s.fd, SHUT_RDWR);
	for (int i = 0; i < 2; i++)
		pthread_join(threads[i], NULL);
}

START_TEST(test_room)
{
	enum { MANY = 20 };
	struct xs_handle *h = begin(false, 2);
	struct iovec iov = xs_iov("/b");
	struct xsx_request reqs[MANY];
	pthread_t server, events[2];
	int answers = 0;

	events_begin(h, events);
	server = answerer();
	for (int i = 0; i < MANY; i++)
		reqs[i] = (struct xsx_request){.type = XS_READ,
			.iov = &iov,
			.nr = 1,
			.fn = on_answer,
			.arg = &answers};
	xsx_handle_run(h, reqs, MANY);
	ck_assert_int_eq(answers, MANY);
	events_end(events);
	done(h, server);
}
END_TEST

/* As many as there is room for, and each of them in the end. */
START_TEST(test_room_for_all)
{
	enum { THREADS = 8 };
	struct xs_handle *h = begin(false, 1);
	pthread_t server, events[2], callers[THREADS];

	events_begin(h, events);
	for (int i = 0; i < THREADS; i++)
		ck_assert_int_eq(
			pthread_create(&callers[i], NULL, call_one, h), 0);
	pass(20);
	server = answerer();
	for (int i = 0; i < THREADS; i++)
		pthread_join(callers[i], NULL);
	events_end(events);
	done(h, server);
}
END_TEST

BH_CHECK_MAIN("xs_roles", 10, BH_TEST(test_look_sends),
	BH_TEST(test_look_wakes), BH_TEST(test_step_sends),
	BH_TEST(test_engine_retries), BH_TEST(test_room),
	BH_TEST(test_room_for_all))
