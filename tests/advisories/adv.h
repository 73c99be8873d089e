/* SPDX-License-Identifier: MIT */
/*
 * adv.h: what went wrong once in a store daemon, on a machine of hv
 *
 * DOC: One test for each advisory, by its name
 *
 * Each test has a machine of its own: hvd, xenstored in domain 0, and guests
 * whose kernels this program plays, over their real ring pages and event
 * channels.  After each test the daemon must still be the same process, its
 * counters must equal a walk of the tree (CONTROL check), and it must end
 * with 0: its destructors check that everything was given back, and the leak
 * sanitizer has its say where there is one.
 *
 * K and K2 are privileged clients on sockets of the daemon, 1 to GUESTS are
 * guests.  In the arguments of a request spaces stand for NULs.  A name of
 * BH_XENSTORED in the environment is a daemon to be tested instead.
 *
 * DOC: Advisories without a test, since no store daemon can do about them
 *
 *   (2014-01)    libxenstore and Linux did not check the length of a message
 *                from the daemon: tests/unit/test_xs.c, fuzz_libxs_reader
 *   XSA-175,178  libxl trusted nodes that guests and driver domains write:
 *                a matter of backends and toolstacks
 *   XSA-349      kernels queued watch events without bound: a matter of
 *                backends; tests/unit/test_evq.c has libxs's bound
 *   XSA-354      xapi mirrored all that a guest's agent wrote
 *   B1, B9       live update, which this version does not have
 */
#ifndef TESTS_ADVISORIES_ADV_H
#define TESTS_ADVISORIES_ADV_H

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tests/unit/bh_check.h"
#include "wire/ops.h"
#include "wire/xsmsg.h"
#include "wire/xsring.h"

enum {
	K = 0,
	GUESTS = 6,
	K2 = GUESTS + 1,
	WHOS,
	SILENCE = -1, /* in the place of an errno: there was no answer */
};

/* The last reply. */
struct adv_reply {
	struct xsmsg_hdr hdr;
	char data[XSMSG_PAYLOAD_MAX + 1]; /* with a NUL behind it */
};

extern struct adv_reply reply;

/* Around each test; they fail the test. */
void adv_setup(void);
void adv_teardown(void);

/*
 * Domains.  guest() is a domain with a home that is its own, introduced;
 * domain() is only the domain, introduce() the rest without the home.
 */
void guest(int domid);
void domain(int domid);
int introduce(int domid);

/* End it; gone() waits until the daemon knows; die() is both. */
void destroy(int domid);
void gone(int domid);
void die(int domid);
void shut_down(int domid);

/* Its handle is 16 of these from now on; that of a new domain is zeros. */
void handle_set(int domid, uint8_t byte);

/* The daemon does not run between the two. */
void freeze(void);
void thaw(void);

/* The guest's side of its ring, and its page. */
struct xsring *ring(int domid);
uint8_t *page(int domid);
void kick(int domid);

/*
 * say - ask and wait: 0, the errno of the answer, SILENCE
 *
 * Events on the way are kept for event().
 */
int say(int who, uint32_t tx, uint32_t op, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));
int ask(int who, uint32_t tx, uint32_t op, const void *data, size_t len);
int put(int who, uint32_t tx, const char *path, const char *value);

#define SAY(who, op, ...) say((who), 0, XS_OP_##op, __VA_ARGS__)
#define SAID(err, who, op, ...) \
	ck_assert_int_eq(SAY(who, op, __VA_ARGS__), (err))
#define SAID_TX(err, who, tx, op, ...) \
	ck_assert_int_eq(say((who), (tx), XS_OP_##op, __VA_ARGS__), (err))

/* The value there is @value. */
void value(int who, const char *path, const char *value);

/* A transaction; and its end, as say(). */
uint32_t begin(int who);
int commit(int who, uint32_t tx);

/* Without waiting for the answer: the message, or any bytes. */
void tell(int who, uint32_t tx, uint32_t op, const void *data, size_t len);
void bytes(int who, const void *data, size_t len);
int answer(int who, int ms);

/* Bytes that can be put into the ring now; the daemon is not waited for. */
size_t push(int domid, const void *data, size_t len);

/*
 * The path of the next event, "" if none comes; and its token.  quiet(): there
 * is none, and the daemon has answered to say so.
 */
const char *event(int who);
extern char token[XSMSG_PAYLOAD_MAX + 1];
void quiet(int who);

/* One that has come already; NULL: there is none. */
const char *event_kept(int who);

/* Forget the events that have come: how many were there. */
unsigned events_drop(int who);

#define EVENT(who, path) ck_assert_str_eq(event(who), (path))

/* Watch, and take the first event. */
void watch(int who, const char *path, const char *token);

/* A client's connection starts anew. */
void reopen(int who);

/*
 * The number behind @key in a line of CONTROL's answer that begins with
 * @line: report("memreport", "domain=1", "nodes").
 */
size_t report(const char *command, const char *line, const char *key);
#define NODES(domid)  report_domain((domid), "nodes")
#define MEMORY(domid) report_domain((domid), "memory")
size_t report_domain(int domid, const char *key);

/* How many lines of the log have @text. */
unsigned logged(const char *text);

/* Nanoseconds of a processor that the daemon has had. */
uint64_t daemon_ns(void);

/* Monotonic milliseconds. */
uint64_t now_ms(void);

struct adv_test {
	const char *name;
	const TTest *test;
	int loops;
};

#define ADV(name, test)           \
	{                         \
		(name), (test), 1 \
	}
#define ADV_LOOP(name, test, n)     \
	{                           \
		(name), (test), (n) \
	}

int adv_main(
	char **argv, const char *suite, const struct adv_test *test, size_t nr);

#define ADV_MAIN(suite, ...)                                   \
	int main(int argc, char **argv)                        \
	{                                                      \
		const struct adv_test tests[] = {__VA_ARGS__}; \
                                                               \
		return adv_main(argv, (suite), tests,          \
			sizeof(tests) / sizeof(tests[0]));     \
	}

#endif
