// SPDX-License-Identifier: MIT
/*
 * test_alloc.c - the n-th allocation of the daemon fails, for every n
 *
 * A scenario that visits everything is run again and again, each time with
 * one more allocation that works.  Whatever fails: requests are answered or
 * their connection is ended, the accounts equal a walk of the tree, and who
 * comes later is served.  Only calls from this program fail, not those of
 * libraries.
 */
#include <assert.h>
#include <stdlib.h>

#include "common/loop.h"

/* Only what the daemon allocates within a turn fails. */
static bool armed;

static int turn_armed(struct loop *loop)
{
	int r;

	armed = true;
	r = loop_turn(loop);
	armed = false;
	return r;
}
#define loop_turn turn_armed

#include "tests/unit/bh_check.h"
#include "tests/unit/xs_fixture.h"

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
int main(void)
{
	puts("a sanitizer has malloc");
	return 77;
}
#else

extern void *__libc_malloc(size_t size);
extern void *__libc_calloc(size_t nr, size_t size);
extern void *__libc_realloc(void *ptr, size_t size);
extern void *__libc_memalign(size_t align, size_t size);
extern void __libc_free(void *ptr);
extern char __executable_start, etext;

static long left = -1; /* allocations that still work; -1: all do */
static bool failed;

static bool fails(const void *caller)
{
	if (!armed || left < 0 || (const char *)caller < &__executable_start ||
		(const char *)caller > &etext)
		return false;
	if (left) {
		left--;
		return false;
	}
	left = -1;
	failed = true;
	return true;
}

static long live; /* blocks that were not given back */

static void *counted(void *ptr)
{
	live += ptr != NULL;
	return ptr;
}

void *malloc(size_t size)
{
	return fails(__builtin_return_address(0))
		       ? NULL
		       : counted(__libc_malloc(size));
}

void *calloc(size_t nr, size_t size)
{
	return fails(__builtin_return_address(0))
		       ? NULL
		       : counted(__libc_calloc(nr, size));
}

void *aligned_alloc(size_t align, size_t size)
{
	return counted(__libc_memalign(align, size));
}

static void *resized(void *ptr, size_t size)
{
	void *new = __libc_realloc(ptr, size);

	live += !ptr && new;
	return new;
}

void *realloc(void *ptr, size_t size)
{
	return fails(__builtin_return_address(0)) ? NULL : resized(ptr, size);
}

void *reallocarray(void *ptr, size_t nr, size_t size)
{
	return fails(__builtin_return_address(0)) ? NULL
						  : resized(ptr, nr * size);
}

void free(void *ptr)
{
	live -= ptr != NULL;
	__libc_free(ptr);
}

static struct fx *fx;
static struct fx_msg msg;

static uint32_t asked; /* a bit for each operation */

/* Answered, or the connection is over. */
static void ask_tx(
	int who, uint32_t tx, uint32_t op, const char *args, size_t len)
{
	int r = fx_ask_tx(fx, who, tx, op, args, len, &msg);

	asked |= 1u << op;
	ck_assert_int_ne(r, EIO);
	if (r < 0)
		ck_assert(failed);
}

static void ask(int who, uint32_t op, const char *args, size_t len)
{
	ask_tx(who, 0, op, args, len);
}

#define ASK(who, op, args) ask((who), XS_OP_##op, (args), sizeof(args))

static const char *const commands[] = {"check", "connections", "help", "log",
	"memreport", "memreport\0file", "print\0text", "quota", "quota\0001",
	"quota\0max", "quota\0set\0nodes\000900\0001",
	"quota-soft\0set\0memory\000900", "transactions", "watches",
	"watches\0/local", "logfile\0file"};

/* What only the privileged domain asks. */
static void administration(int k)
{
	ASK(k, SET_FEATURE, "2\0001");
	ASK(k, GET_FEATURE, "1");
	ASK(k, SET_TARGET, "2\0001");
	ASK(k, IS_DOMAIN_INTRODUCED, "1");
	ASK(k, RESUME, "1");
	ASK(k, GET_QUOTA, "1\0nodes");
	ASK(k, SET_QUOTA, "1\0nodes\000500");
	ASK(k, SET_QUOTA, "watches\00077");
	for (size_t i = 0; i < ARRAY_LEN(commands); i++) {
		/* all are followed by as many NULs as they have arguments */
		static const size_t len[] = {6, 12, 5, 4, 10, 15, 11, 6, 8, 10,
			22, 26, 13, 8, 15, 13};

		static_assert(ARRAY_LEN(len) == ARRAY_LEN(commands), "each");
		ask(k, XS_OP_CONTROL, commands[i], len[i]);
	}
}

/* A guest's transaction: 0, or it has not even begun. */
static void guest_transaction(const char *end)
{
	uint32_t tx;

	ASK(1, TRANSACTION_START, "");
	tx = (uint32_t)strtoul(msg.data, NULL, 10);
	if (msg.hdr.type != XS_OP_TRANSACTION_START || !tx)
		return;
	ask_tx(1, tx, XS_OP_WRITE, "a/in/tx\0value", 13);
	ask_tx(1, tx, XS_OP_READ, "a/b/c", 6);
	ask_tx(1, tx, XS_OP_RM, "a/3", 4);
	ask_tx(1, tx, XS_OP_TRANSACTION_END, end, 2);
}

static void scenario(int k)
{
	static char args[8] = "1\0001\0005";
	char path[16];

	fx_dom_start(fx, 1);
	ask(k, XS_OP_INTRODUCE, args, 6);
	ASK(k, MKDIR, "/local/domain/1");
	ASK(k, SET_PERMS, "/local/domain/1\0n1\0r2");
	ASK(k, WATCH, "@releaseDomain\0t");
	ASK(k, WATCH, "/local\0t");
	ASK(1, WATCH, "a\0t");
	ASK(1, WRITE, "a/b/c\0value");
	for (int i = 0; i < 12; i++) {
		int n = snprintf(path, sizeof(path), "a/%d", i);

		ask(1, XS_OP_MKDIR, path, (size_t)n + 1);
	}
	ASK(1, WRITE, "a/b\0longer than before");
	ASK(1, SET_PERMS, "a\0n1\0r3");
	ASK(1, DIRECTORY, "a");
	ASK(1, GET_PERMS, "a/b");
	ASK(1, RM, "a/b");
	ASK(1, UNWATCH, "a\0t");
	ASK(1, WATCH, "very/deep/down\0t");
	ASK(1, RESET_WATCHES, "");
	ASK(1, DIRECTORY_PART, "a\0000");
	ASK(1, GET_DOMAIN_PATH, "1");
	guest_transaction("T");
	guest_transaction("F");
	fx_dom_start(fx, 2);
	administration(k);
	ask(k, XS_OP_INTRODUCE, "2\0001\0005", 6);
	ASK(k, SET_TARGET, "2\0001");
	ASK(k, SET_PERMS, "@releaseDomain\0n0\0r1");
	ASK(k, SET_PERMS, "/\0n1");
	ask(k, XS_OP_INTRODUCE, args, 6);
	fx->dom[1].shutdown = true;
	fx_virq(fx);
	ASK(k, RELEASE, "2");
	fx_dom_die(fx, 1);
	fx_dom_die(fx, 2);
}

static void aftermath(void)
{
	int k;

	left = -1;
	fx_check_accounts(fx);
	/* A death that could not be finished is by the next look. */
	fx_virq(fx);
	ck_assert_ptr_null(domain_find(fx->server, 1));
	k = -fx_client(fx);
	fx_guest(fx, -k, 2);
	ck_assert_int_eq(FX_ASK(fx, k, READ, "/"), 0);
	ck_assert_int_eq(FX_ASK(fx, 2, GET_DOMAIN_PATH, "2"), 0);
	close(-k);
}

/* Every operation that a client may use. */
static uint32_t all_operations(void)
{
	uint32_t all = 0;

	for (uint32_t op = 0; op < XS_OP_NR; op++)
		if (ops_find(op) && ops_find(op)->shape != OPS_SERVER)
			all |= 1u << op;
	return all;
}

START_TEST(test_every_allocation)
{
	long nr = 0, kept = 0;

	do {
		int k;

		fx = fx_new();
		k = -fx_client(fx);
		failed = false;
		left = nr++;
		scenario(k);
		aftermath();
		close(-k);
		fx_free(fx);
		/* what libraries keep for ever is there after the first */
		if (nr > 2)
			ck_assert_int_eq(live, kept);
		kept = live;
	} while (failed);
	ck_assert_int_gt(nr, 200);
	ck_assert_uint_eq(asked, all_operations());
	printf("%ld allocations\n", nr - 1);
}
END_TEST

/* Answered in @tx; -1 when the connection is over. */
static int tell(int k, uint32_t tx, uint32_t op, const char *args, size_t len)
{
	int r = fx_ask_tx(fx, k, tx, op, args, len, &msg);

	ck_assert(!r || r == ENOENT || failed);
	return r;
}

#define TELL(tx, op, args) tell(k, (tx), XS_OP_##op, (args), sizeof(args))
#define HAS(path)          (fx_ask(fx, k2, XS_OP_READ, (path), sizeof(path), &msg) == 0)

/* What answered 0 is there after a commit, and nothing else is. */
static void transaction(int k, int k2, bool moved)
{
	int create, remove, deep, r;
	uint32_t tx;

	if (TELL(0, TRANSACTION_START, ""))
		return;
	tx = (uint32_t)strtoul(msg.data, NULL, 10);
	create = TELL(tx, WRITE, "/d/a/b\0value");
	remove = TELL(tx, RM, "/d/old");
	deep = TELL(tx, WRITE, "/d/again/and/again\0value");
	(void)TELL(tx, READ, "/d/none");
	(void)TELL(tx, DIRECTORY, "/d");
	(void)TELL(tx, SET_PERMS, "/d/w\0n0\0r2");
	(void)TELL(tx, WRITE, "/d/w\0longer than it was");
	if (moved)
		(void)fx_ask(fx, k2, XS_OP_WRITE, "/o\0value", 8, &msg);
	r = TELL(tx, TRANSACTION_END, "T");
	left = -1;
	/* Without memory for a reply the client does not know. */
	if (r < 0 || create < 0 || remove < 0 || deep < 0)
		return;
	k2 = -fx_client(fx);
	ck_assert_int_eq(HAS("/d/a/b"), !r && !create);
	ck_assert_int_eq(HAS("/d/a"), !r && !create);
	ck_assert_int_eq(HAS("/d/old/x"), r || remove);
	ck_assert_int_eq(HAS("/d/again/and/again"), !r && !deep);
	ck_assert_int_eq(HAS("/d/again"), !r && !deep);
	close(-k2);
}

/* Without and with somebody else's change before the commit. */
START_TEST(test_every_allocation_of_a_transaction)
{
	long nr = 0;

	do {
		int k, k2;

		fx = fx_new();
		k = -fx_client(fx);
		k2 = -fx_client(fx);
		ck_assert_int_eq(FX_ASK(fx, k, WRITE, "/d/old/x\0y"), 0);
		ck_assert_int_eq(FX_ASK(fx, k, WRITE, "/d/w\0y"), 0);
		failed = false;
		left = nr++;
		transaction(k, k2, _i);
		left = -1;
		close(-k);
		close(-k2);
		fx_settle(fx);
		fx_free(fx);
	} while (failed);
	ck_assert_int_gt(nr, 25);
}
END_TEST

/* Without memory for an event the watcher hears of it later. */
START_TEST(test_event_comes_later)
{
	long nr = 0;

	do {
		int k, w, r;

		fx = fx_new();
		k = -fx_client(fx);
		w = -fx_client(fx);
		ck_assert_int_eq(FX_ASK(fx, w, WATCH, "/w\0t"), 0);
		while (fx_recv(fx, w, &msg))
			;
		failed = false;
		left = nr++;
		r = FX_ASK(fx, k, WRITE, "/w/x\0value");
		left = -1;
		ck_assert(!r || failed);
		if (!r)
			ck_assert(fx_recv(fx, w, &msg));
		close(-k);
		close(-w);
		fx_free(fx);
	} while (failed);
	ck_assert_int_gt(nr, 5);
}
END_TEST

BH_CHECK_MAIN("alloc", 60, BH_TEST(test_every_allocation),
	BH_LOOP(test_every_allocation_of_a_transaction, 2),
	BH_TEST(test_event_comes_later))
#endif
