/* SPDX-License-Identifier: MIT */
/*
 * test_xs.c - handles, against a scripted server
 *
 * The server is a thread that plays a list of steps: take a request of this
 * type, say that.  What a client makes of it is looked at in the test.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <time.h>

#include "libxs/xs_int.h"
#include "tests/unit/xs_server.h"

struct step {
	uint32_t type;    /* take a request of it; WATCH_EVENT: none */
	const char *want; /* its payload, with a NUL more; NULL: any */
	uint32_t say;     /* type of the answer; 0xffff: none */
	const char *text;
	size_t len;
};

#define NOTHING 0xffff
#define SAY(type_, want_, text_)                              \
	{                                                     \
		type_, want_, type_, text_, sizeof(text_) - 1 \
	}
#define FAIL(type_, want_, text_)                            \
	{                                                    \
		type_, want_, XS_ERROR, text_, sizeof(text_) \
	}
#define EVENT(text_)                                                       \
	{                                                                  \
		XS_WATCH_EVENT, NULL, XS_WATCH_EVENT, text_, sizeof(text_) \
	}
#define END_                                    \
	{                                       \
		NOTHING, NULL, NOTHING, NULL, 0 \
	}

static struct server s;
static const struct step *script;
static pthread_t thread;
static atomic_bool hung_up; /* by the client, before the script's end */

static void *server_main(void *arg)
{
	(void)arg;
	for (; script->type != NOTHING; script++) {
		uint32_t id = 0;

		if (script->type != XS_WATCH_EVENT) {
			if (!server_take(&s)) {
				ck_assert(atomic_load(&hung_up));
				break;
			}
			id = s.hdr.req_id;
			ck_assert_uint_eq(s.hdr.type, script->type);
		}
		if (script->want) {
			ck_assert_uint_ge(s.hdr.len, strlen(script->want));
			ck_assert_str_eq(s.payload, script->want);
		}
		if (script->say != NOTHING)
			server_say(
				&s, script->say, id, script->text, script->len);
	}
	return NULL;
}

static struct xs_handle *play_with(
	const struct step *steps, struct xsx_options opts)
{
	struct xs_handle *h;

	opts.transport = XSX_FD;
	opts.fd = server_pair(&s);
	script = steps;
	h = xsx_handle_open(&opts);
	ck_assert_ptr_nonnull(h);
	ck_assert_int_eq(pthread_create(&thread, NULL, server_main, NULL), 0);
	errno = 0;
	return h;
}

static struct xs_handle *play(const struct step *steps)
{
	return play_with(steps, (struct xsx_options){.flags = 0});
}

static void done(struct xs_handle *h)
{
	xs_close(h);
	pthread_join(thread, NULL);
	close(s.fd);
}

/* --- nodes ---------------------------------------------------------------- */

START_TEST(test_values)
{
	static const struct step steps[] = {
		SAY(XS_READ, "/a", "x\0y"),
		SAY(XS_READ, "/a", ""),
		FAIL(XS_READ, "/a", "ENOENT"),
		SAY(XS_WRITE, "/a", "OK"),
		FAIL(XS_MKDIR, "/a", "EACCES"),
		FAIL(XS_RM, "/a", "nonsense"),
		END_,
	};
	struct xs_handle *h = play(steps);
	unsigned int len = 77;
	char *v;

	v = xs_read(h, XBT_NULL, "/a", &len);
	ck_assert_ptr_nonnull(v);
	ck_assert_uint_eq(len, 3);
	ck_assert_mem_eq(v, "x\0y", 4);
	free(v);
	v = xs_read(h, XBT_NULL, "/a", &len);
	ck_assert_uint_eq(len, 0);
	ck_assert_str_eq(v, "");
	free(v);
	ck_assert_int_eq(errno, 0);
	ck_assert_ptr_null(xs_read(h, XBT_NULL, "/a", NULL));
	ck_assert_int_eq(errno, ENOENT);
	ck_assert(xs_write(h, 7, "/a", "v", 1));
	ck_assert_int_eq(errno, 0);
	ck_assert_uint_eq(s.hdr.tx_id, 7);
	ck_assert_mem_eq(s.payload, "/a\0v", 4);
	ck_assert(!xs_mkdir(h, XBT_NULL, "/a"));
	ck_assert_int_eq(errno, EACCES);
	ck_assert(!xs_rm(h, XBT_NULL, "/a"));
	ck_assert_int_eq(errno, EINVAL);
	ck_assert(!xs_restrict(h, 1));
	ck_assert_int_eq(errno, ENOSYS);
	done(h);
}
END_TEST

static const struct {
	const char *text;
	size_t len;
	unsigned int nr; /* 0: EIO */
} perms[] = {
	{"n0", 3, 1},
	{"b5\0r65535\0w1", 13, 3},
	{"", 0, 0},
	{"n0", 2, 0}, /* no NUL */
	{"n0\0", 4, 0},
	{"x0", 3, 0},
	{"n", 2, 0},
	{"n-1", 4, 0},
	{"n0x1", 5, 0},
	{"n4294967296", 12, 0},
	{"n0\0r", 5, 0},
};

START_TEST(test_perms_get)
{
	const struct step steps[] = {
		{XS_GET_PERMS, "/a", XS_GET_PERMS, perms[_i].text,
			perms[_i].len},
		END_,
	};
	struct xs_handle *h = play(steps);
	struct xs_permissions *p;
	unsigned int nr = 0;

	p = xs_get_permissions(h, XBT_NULL, "/a", &nr);
	ck_assert_uint_eq(nr, perms[_i].nr);
	if (!nr) {
		ck_assert_ptr_null(p);
		ck_assert_int_eq(errno, EIO);
	} else if (nr == 3) {
		ck_assert_uint_eq(p[0].id, 5);
		ck_assert_uint_eq(p[0].perms, 3);
		ck_assert_uint_eq(p[1].id, 65535);
		ck_assert_uint_eq(p[1].perms, XS_PERM_READ);
		ck_assert_uint_eq(p[2].perms, XS_PERM_WRITE);
	}
	free(p);
	done(h);
}
END_TEST

START_TEST(test_perms_set)
{
	static const struct step steps[] = {
		SAY(XS_SET_PERMS, "/a", "OK"), END_};
	static struct xs_permissions many[2048];
	struct xs_permissions p[] = {{1, XS_PERM_NONE}, {22, XS_PERM_READ},
		{3, XS_PERM_WRITE}, {4, XS_PERM_READ | XS_PERM_WRITE}};
	struct xs_handle *h = play(steps);

	ck_assert(xs_set_permissions(h, 0, "/a", p, 4));
	ck_assert_uint_eq(s.hdr.len, 3 + 3 + 4 + 3 + 3);
	ck_assert_mem_eq(s.payload, "/a\0n1\0r22\0w3\0b4", 16);
	p[2].perms = XS_PERM_ENOENT_OK;
	ck_assert(!xs_set_permissions(h, 0, "/a", p, 4));
	ck_assert_int_eq(errno, EINVAL);
	ck_assert(!xs_set_permissions(h, 0, "/a", many, 2048));
	ck_assert_int_eq(errno, E2BIG);
	done(h);
}
END_TEST

/* --- directories ---------------------------------------------------------- */

#define PART(want_, text_) SAY(XS_DIRECTORY_PART, want_, text_)
#define BIG                FAIL(XS_DIRECTORY, "/a", "E2BIG")

static const struct {
	struct step steps[5];
	const char *names; /* each followed by a blank; NULL: fails */
	int err;
} dirs[] = {
	{{SAY(XS_DIRECTORY, "/a", "b\0cc\0"), END_}, "b cc ", 0},
	{{SAY(XS_DIRECTORY, "/a", ""), END_}, "", 0},
	{{SAY(XS_DIRECTORY, "/a", "b"), END_}, NULL, EIO},
	{{SAY(XS_DIRECTORY, "/a", "b\0\0"), END_}, NULL, EIO},
	{{FAIL(XS_DIRECTORY, "/a", "EACCES"), END_}, NULL, EACCES},
	{{BIG, PART("/a", "1\0b\0cc\0"), PART("/a", "1\0d\0\0"), END_},
		"b cc d ", 0},
	/* the end apart from the last name */
	{{BIG, PART("/a", "1\0b\0"), PART("/a", "1\0\0"), END_}, "b ", 0},
	/* emptied meanwhile */
	{{BIG, PART("/a", "1\0\0"), END_}, "", 0},
	/* changed meanwhile: from the beginning, with nothing twice */
	{{BIG, PART("/a", "1\0b\0"), PART("/a", "2\0d\0\0"),
		 PART("/a", "2\0d\0e\0\0"), END_},
		"d e ", 0},
	{{BIG, FAIL(XS_DIRECTORY_PART, "/a", "ENOSYS"), END_}, NULL, E2BIG},
	{{BIG, PART("/a", "1\0b\0"), FAIL(XS_DIRECTORY_PART, "/a", "ENOENT"),
		 END_},
		NULL, ENOENT},
	/* nothing, no generation, no NUL, no progress, a name of nothing */
	{{BIG, PART("/a", ""), END_}, NULL, EIO},
	{{BIG, PART("/a", "1"), END_}, NULL, EIO},
	{{BIG, PART("/a", "\0b\0\0"), END_}, NULL, EIO},
	{{BIG, PART("/a", "1\0b"), END_}, NULL, EIO},
	{{BIG, PART("/a", "1\0"), END_}, NULL, EIO},
	{{BIG, PART("/a", "1\0b\0"), PART("/a", "1\0"), END_}, NULL, EIO},
	{{BIG, PART("/a", "1\0b\0\0c\0"), END_}, NULL, EIO},
	{{BIG, PART("/a", "1\0b\0\0\0"), END_}, NULL, EIO},
};

START_TEST(test_directory)
{
	struct xs_handle *h = play(dirs[_i].steps);
	unsigned int nr = 99;
	char text[64] = "";
	char **vec;

	vec = xs_directory(h, XBT_NULL, "/a", &nr);
	if (dirs[_i].names) {
		ck_assert_ptr_nonnull(vec);
		ck_assert_int_eq(errno, 0);
		for (unsigned int i = 0; i < nr; i++)
			strcat(strcat(text, vec[i]), " ");
		ck_assert_str_eq(text, dirs[_i].names);
	} else {
		ck_assert_ptr_null(vec);
		ck_assert_int_eq(errno, dirs[_i].err);
	}
	free(vec);
	done(h);
}
END_TEST

/* A list that changes for ever is given up. */
START_TEST(test_directory_restless)
{
	static struct step steps[300] = {BIG};
	static char text[300][8];
	struct xs_handle *h;
	unsigned int nr;

	for (int i = 1; i < 299; i++) {
		snprintf(text[i], 8, "%d", i);
		memcpy(text[i] + strlen(text[i]) + 1, "b", 2);
		steps[i] = (struct step){XS_DIRECTORY_PART, "/a",
			XS_DIRECTORY_PART, text[i], strlen(text[i]) + 3};
	}
	steps[299] = (struct step)END_;
	h = play(steps);
	ck_assert_ptr_null(xs_directory(h, XBT_NULL, "/a", &nr));
	ck_assert_int_eq(errno, EAGAIN);
	/* the rest of the script is not played */
	atomic_store(&hung_up, true);
	done(h);
}
END_TEST

/* --- the rest of the requests --------------------------------------------- */

START_TEST(test_domains)
{
	static const struct step steps[] = {
		SAY(XS_INTRODUCE, "1", "OK"),
		SAY(XS_SET_TARGET, "1", "OK"),
		SAY(XS_RESUME, "1", "OK"),
		FAIL(XS_RELEASE, "1", "ENOENT"),
		SAY(XS_GET_DOMAIN_PATH, "1", "/local/domain/1"),
		SAY(XS_IS_DOMAIN_INTRODUCED, "1", "T\0"),
		SAY(XS_IS_DOMAIN_INTRODUCED, "2", "F\0"),
		SAY(XS_IS_DOMAIN_INTRODUCED, "3", "?"),
		SAY(XS_CONTROL, "help", "text\0"),
		END_,
	};
	struct xs_handle *h = play(steps);
	char *text;

	ck_assert(xs_introduce_domain(h, 1, 1UL << 40, 3));
	ck_assert_mem_eq(s.payload, "1\0001099511627776\0003", 18);
	ck_assert(xs_set_target(h, 1, 2));
	ck_assert_mem_eq(s.payload, "1\0002", 4);
	ck_assert(xs_resume_domain(h, 1));
	ck_assert(!xs_release_domain(h, 1));
	ck_assert_int_eq(errno, ENOENT);
	text = xs_get_domain_path(h, 1);
	ck_assert_str_eq(text, "/local/domain/1");
	free(text);
	ck_assert(xs_is_domain_introduced(h, 1));
	errno = 1;
	ck_assert(!xs_is_domain_introduced(h, 2));
	ck_assert_int_eq(errno, 0);
	ck_assert(!xs_is_domain_introduced(h, 3));
	ck_assert_int_eq(errno, EIO);
	text = xs_control_command(h, "help", (void *)(uintptr_t) "a", 2);
	ck_assert_str_eq(text, "text");
	ck_assert_mem_eq(s.payload, "help\0a", 7);
	free(text);
	done(h);
}
END_TEST

#define BARE(type_, text_) \
	SAY(type_, "", text_), SAY(XS_GET_DOMAIN_PATH, "0", "/")

START_TEST(test_numbers)
{
	static const struct step steps[] = {
		BARE(XS_OP_GET_FEATURE, "14\0"),
		BARE(XS_OP_GET_FEATURE, "4294967296"),
		BARE(XS_OP_GET_FEATURE, ""),
		SAY(XS_OP_GET_FEATURE, "5", "-1"),
		SAY(XS_OP_SET_FEATURE, "5", "OK"),
		BARE(XS_OP_GET_QUOTA, "nodes  watches \0"),
		BARE(XS_OP_GET_QUOTA, ""),
		SAY(XS_OP_GET_QUOTA, "nodes", "0"),
		SAY(XS_OP_SET_QUOTA, "nodes", "OK"),
		SAY(XS_OP_GET_QUOTA, "5", "4294967295"),
		FAIL(XS_OP_SET_QUOTA, "5", "EPERM"),
		END_,
	};
	struct xs_handle *h = play(steps);
	const char **names;
	unsigned int v = 9, nr = 9;

	ck_assert(xs_get_features_supported(h, &v));
	ck_assert_uint_eq(v, 14);
	ck_assert(!xs_get_features_supported(h, &v));
	ck_assert_int_eq(errno, EIO);
	ck_assert(!xs_get_features_supported(h, &v));
	ck_assert(!xs_get_features_domain(h, 5, &v));
	ck_assert_int_eq(errno, EIO);
	ck_assert(xs_set_features_domain(h, 5, 6));
	ck_assert_mem_eq(s.payload, "5\0006", 4);
	names = xs_get_quota_names(h, &nr);
	ck_assert_uint_eq(nr, 2);
	ck_assert_str_eq(names[0], "nodes");
	ck_assert_str_eq(names[1], "watches");
	free(names);
	names = xs_get_quota_names(h, &nr);
	ck_assert_ptr_nonnull(names);
	ck_assert_uint_eq(nr, 0);
	free(names);
	ck_assert(xs_get_global_quota(h, "nodes", &v));
	ck_assert_uint_eq(v, 0);
	ck_assert(xs_set_global_quota(h, "nodes", 8));
	ck_assert_mem_eq(s.payload, "nodes\0008", 8);
	ck_assert(xs_get_domain_quota(h, 5, "nodes", &v));
	ck_assert_uint_eq(v, UINT_MAX);
	ck_assert_mem_eq(s.payload, "5\0nodes", 8);
	ck_assert(!xs_set_domain_quota(h, 5, "nodes", 8));
	ck_assert_int_eq(errno, EPERM);
	ck_assert_mem_eq(s.payload, "5\0nodes\0008", 10);
	done(h);
}
END_TEST

static int runs;

static int txn_body(struct xs_handle *h, xs_transaction_t t, void *arg)
{
	(void)h;
	ck_assert_uint_eq(t, 1U + (unsigned int)runs);
	return ++runs == 1 ? EAGAIN : *(int *)arg;
}

START_TEST(test_txn)
{
	static const struct step steps[] = {
		SAY(XS_TRANSACTION_START, "", "1\0"),
		SAY(XS_TRANSACTION_END, "F", "OK"), /* the body said EAGAIN */
		SAY(XS_TRANSACTION_START, "", "2\0"),
		FAIL(XS_TRANSACTION_END, "T", "EAGAIN"),
		SAY(XS_TRANSACTION_START, "", "3\0"),
		SAY(XS_TRANSACTION_END, "T", "OK"),
		SAY(XS_TRANSACTION_START, "", "4\0"),
		SAY(XS_TRANSACTION_END, "F", "OK"),
		SAY(XS_TRANSACTION_START, "", "5\0"),
		FAIL(XS_TRANSACTION_END, "T", "EAGAIN"),
		FAIL(XS_TRANSACTION_START, "", "ENOSPC"),
		SAY(XS_TRANSACTION_START, "", "0\0"),
		END_,
	};
	struct xs_handle *h = play(steps);
	int err = 0;

	ck_assert(xsx_txn_run(h, txn_body, &err, 0));
	err = ENOENT;
	ck_assert(!xsx_txn_run(h, txn_body, &err, 0));
	ck_assert_int_eq(errno, ENOENT);
	err = 0;
	ck_assert(!xsx_txn_run(h, txn_body, &err, 1));
	ck_assert_int_eq(errno, EAGAIN);
	ck_assert(!xsx_txn_run(h, txn_body, &err, 0));
	ck_assert_int_eq(errno, ENOSPC);
	ck_assert_int_eq(runs, 5);
	ck_assert_uint_eq(xs_transaction_start(h), XBT_NULL);
	ck_assert_int_eq(errno, EIO);
	done(h);
}
END_TEST

/* --- many at once --------------------------------------------------------- */

enum { MANY = 5 };

struct many {
	struct xs_handle *h;
	pthread_t thread;
	int nr; /* callbacks so far */
};

/* Nothing is answered before all was asked; then the last one first. */
static void *late_main(void *arg)
{
	uint32_t ids[MANY];

	(void)arg;
	for (int i = 0; i < MANY; i++) {
		ck_assert(server_take(&s));
		ids[i] = s.hdr.req_id;
	}
	server_say(&s, XS_ERROR, ids[MANY - 1], "ENOENT", 7);
	for (int i = MANY - 1; i-- > 0;)
		server_say(&s, XS_READ, ids[i], &"abcd"[i], 1);
	/* and what a callback asks */
	ck_assert(server_take(&s));
	server_answer(&s, "again", 5);
	return NULL;
}

static void on_many(void *arg, int err, const void *payload, size_t len)
{
	struct many *m = arg;

	ck_assert(pthread_equal(m->thread, pthread_self()));
	if (m->nr == MANY - 1) {
		char *v = xs_read(m->h, XBT_NULL, "/b", NULL);

		ck_assert_str_eq(v, "again");
		free(v);
		ck_assert_int_eq(err, ENOENT);
	} else {
		ck_assert_int_eq(err, 0);
		ck_assert_uint_eq(len, 1);
		ck_assert_int_eq(*(const char *)payload, "abcd"[m->nr]);
		ck_assert_int_eq(((const char *)payload)[1], 0);
	}
	m->nr++;
}

static void many_fill(struct xsx_request *reqs, struct many *m)
{
	static struct iovec iov;

	iov = xs_iov("/a");
	for (int i = 0; i < MANY; i++)
		reqs[i] = (struct xsx_request){
			.type = XS_READ,
			.iov = &iov,
			.nr = 1,
			.fn = on_many,
			.arg = m,
		};
}

START_TEST(test_run)
{
	struct xsx_options opts = {.transport = XSX_FD, .fd = server_pair(&s)};
	struct xs_handle *h = xsx_handle_open(&opts);
	struct many m = {.h = h, .thread = pthread_self()};
	struct xsx_request reqs[MANY];

	many_fill(reqs, &m);
	ck_assert_int_eq(pthread_create(&thread, NULL, late_main, NULL), 0);
	errno = EDOM;
	xsx_handle_run(h, reqs, 0);
	xsx_handle_run(h, reqs, MANY);
	ck_assert_int_eq(errno, EDOM);
	ck_assert_int_eq(m.nr, MANY);
	done(h);
}
END_TEST

static void on_gone(void *arg, int err, const void *payload, size_t len)
{
	int *nr = arg;

	(void)payload;
	ck_assert_uint_eq(len, 0);
	ck_assert_int_eq(err, ECONNRESET);
	++*nr;
}

/* More than may be under way; and the store goes away in the middle. */
START_TEST(test_run_limit)
{
	static const struct step steps[] = {
		SAY(XS_READ, NULL, "a"),
		SAY(XS_READ, NULL, "b"),
		SAY(XS_READ, NULL, "c"),
		SAY(XS_READ, NULL, "d"),
		END_,
	};
	struct xs_handle *h =
		play_with(steps, (struct xsx_options){.requests_max = 2});
	struct many m = {.h = h, .thread = pthread_self()};
	struct xsx_request reqs[MANY];
	int gone = 0;

	many_fill(reqs, &m);
	xsx_handle_run(h, reqs, MANY - 1);
	ck_assert_int_eq(m.nr, MANY - 1);
	shutdown(s.fd, SHUT_RDWR);
	for (int i = 0; i < MANY; i++) {
		reqs[i].fn = on_gone;
		reqs[i].arg = &gone;
	}
	xsx_handle_run(h, reqs, MANY);
	ck_assert_int_eq(gone, MANY);
	done(h);
}
END_TEST

/*
 * What timed out counts until it is answered; who comes next waits no longer
 * for a place than for an answer.
 */
START_TEST(test_limit_timeout)
{
	static const struct step steps[] = {
		{XS_READ, "/a", NOTHING, NULL, 0}, END_};
	struct xs_handle *h = play_with(steps,
		(struct xsx_options){.requests_max = 1, .timeout_ms = 30});

	for (int i = 0; i < 3; i++) {
		ck_assert_ptr_null(xs_read(h, XBT_NULL, "/a", NULL));
		ck_assert_int_eq(errno, ETIMEDOUT);
	}
	done(h);
}
END_TEST

BH_CHECK_MAIN("xs", 20, BH_TEST(test_values),
	BH_LOOP(test_perms_get, sizeof(perms) / sizeof(*perms)),
	BH_TEST(test_perms_set),
	BH_LOOP(test_directory, sizeof(dirs) / sizeof(*dirs)),
	BH_TEST(test_directory_restless), BH_TEST(test_domains),
	BH_TEST(test_numbers), BH_TEST(test_txn), BH_TEST(test_run),
	BH_TEST(test_run_limit), BH_TEST(test_limit_timeout))
