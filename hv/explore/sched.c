/* SPDX-License-Identifier: MIT */
/*
 * sched.c - the vCPUs of a scenario, stopped at their points
 *
 * DOC: when something goes wrong inside a step
 *
 * explore_fail() says why and goes back to the explorer for good.  A signal
 * that the step itself raised (a wild pointer, a stack that overflowed, an
 * abort()) is caught on a stack of its own and leaves by siglongjmp(); so
 * does a timer that sees no step end for some seconds.  Both are violations
 * with a way to them, as any other.  A crash outside a step is the
 * explorer's own and takes the usual course.
 */
#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>
#include <time.h>

#include "hv/core/atomic.h"
#include "hv/core/lock.h"
#include "hv/explore/sched.h"
#include "common/err.h"
#include "common/macro.h"

enum { STUCK_TICKS = 5, ALT_STACK = 65536 };

static struct sched_vcpu vcpus[CORO_MAX]; /* an area of the state */
static const struct scenario *scen;
static char why[256];
static bool broken;
static volatile sig_atomic_t in_step, ticked, stuck;
static sigjmp_buf out;
static void (*on_tick)(void);

const char *sched_why(void)
{
	return why;
}

struct sched_vcpu *sched_vcpu(unsigned int i)
{
	return &vcpus[i];
}

double sched_now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

/* ---- inside -------------------------------------------------------------- */

int explore_self(void)
{
	struct coro *c = coro_running();

	return c ? (int)(container_of(c, struct sched_vcpu, coro) - vcpus) : -1;
}

static struct sched_vcpu *stop(enum sched_kind kind, const volatile void *addr)
{
	struct sched_vcpu *v =
		container_of(coro_running(), struct sched_vcpu, coro);

	v->kind = kind;
	v->addr = addr;
	v->ways = 1;
	coro_yield();
	return v;
}

static unsigned int choose(enum sched_kind kind, unsigned int ways)
{
	struct sched_vcpu *v =
		container_of(coro_running(), struct sched_vcpu, coro);

	CHECK(ways > 0 && ways <= UINT8_MAX + 1u);
	v->kind = kind;
	v->addr = NULL;
	v->ways = (uint16_t)ways;
	coro_yield();
	return v->way;
}

unsigned int explore_choose(unsigned int ways)
{
	return choose(SCHED_CHOICE, ways);
}

void explore_idle(const char *op)
{
	struct sched_vcpu *v =
		container_of(coro_running(), struct sched_vcpu, coro);

	if (v->held[0])
		explore_fail("an operation ends with a lock held");
	/* it is idle until the first access of what follows */
	v->op = op;
	v->idle = 1;
}

void explore_fail(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(why, sizeof(why), fmt, ap);
	va_end(ap);
	broken = true;
	if (!coro_running())
		abort();
	for (;;)
		coro_yield();
}

/* CHECK() of the code that is explored. */
__attribute__((noreturn)) void explore_check_failed(
	const char *cond, const char *file, int line, const char *func);
void explore_check_failed(
	const char *cond, const char *file, int line, const char *func)
{
	explore_fail("CHECK(%s) is false in %s()", cond, func);
}

static bool is_step(const volatile void *p)
{
	return !scen->is_private || !p || !scen->is_private(p);
}

/* In a function of its own: what others save on their stacks for its sake
 * would tell apart states that are equal. */
__attribute__((noinline)) static void stop_touch(
	enum sched_kind kind, const volatile void *p)
{
	if (is_step(p))
		stop(kind, p);
	scen->touch(p);
}

/* hv/core/atomic.h: before each access of the code that is explored. */
void hv_explore_point(enum hv_point_id id, const volatile void *p)
{
	static const uint8_t kinds[] = {
		[HV_POINT_LOAD] = SCHED_LOAD,
		[HV_POINT_STORE] = SCHED_STORE,
		[HV_POINT_CAS] = SCHED_CAS,
		[HV_POINT_RMW] = SCHED_RMW,
		[HV_POINT_GNT_FRAME] = SCHED_POINT,
		[HV_POINT_GNT_PINNED] = SCHED_POINT,
		[HV_POINT_WAIT] = SCHED_WAIT,
		[HV_POINT_FLUSH] = SCHED_FLUSH,
		[HV_POINT_LOCK] = SCHED_LOCK,
		[HV_POINT_UNLOCK] = SCHED_UNLOCK,
	};

	if (!coro_running()) /* the checks run outside */
		return;
	if (scen->touch && p)
		stop_touch(kinds[id], p);
	else if (is_step(p))
		stop(kinds[id], p);
}

/* ---- hv/core/lock.h: outside of vCPUs nobody else is there ---- */

static struct sched_vcpu *running(void)
{
	struct coro *c = coro_running();

	return c ? container_of(c, struct sched_vcpu, coro) : NULL;
}

static unsigned int order_of(const struct hv_lock *l)
{
	return (unsigned int)l->rank << 16 | l->nr;
}

void hv_explore_lock(struct hv_lock *l)
{
	struct sched_vcpu *v = running();
	unsigned int n = 0;

	if (!v)
		return;
	for (; n < SCHED_HELD && v->held[n]; n++) {
		if (v->held[n] == l)
			explore_fail("a lock is taken twice");
		if (order_of(v->held[n]) >= order_of(l))
			explore_fail("locks are taken out of order");
	}
	if (n == SCHED_HELD)
		explore_fail("too many locks");
	hv_explore_point(HV_POINT_LOCK, l);
	/* where it is private, there is no stop before it */
	if (l->by)
		explore_fail("a private lock is not free");
	l->by = (uint8_t)(1 + (v - vcpus));
	v->held[n] = l;
}

void hv_explore_unlock(struct hv_lock *l)
{
	struct sched_vcpu *v = running();
	unsigned int n = 0;

	if (!v)
		return;
	while (n < SCHED_HELD && v->held[n] != l)
		n++;
	if (n == SCHED_HELD)
		explore_fail("a lock is given up that is not held");
	for (; n < SCHED_HELD; n++)
		v->held[n] = n + 1 < SCHED_HELD ? v->held[n + 1] : NULL;
	l->by = 0;
	hv_explore_point(HV_POINT_UNLOCK, l);
}

void hv_explore_lock_must(const struct hv_lock *l)
{
	const struct sched_vcpu *v = running();

	if (v && l->by != 1 + (v - vcpus))
		explore_fail("what a lock protects is touched without it");
}

_Noreturn void hv_explore_bug(const char *text)
{
	explore_fail("%s", text);
}

bool hv_explore_preempt(void)
{
	return coro_running() && choose(SCHED_POLL, 2);
}

/* ---- outside ------------------------------------------------------------- */

static void on_signal(int sig)
{
	if (sig == SIGALRM) {
		ticked = 1;
		if (!in_step || ++stuck < STUCK_TICKS)
			return;
		snprintf(why, sizeof(why), "a step does not end");
		siglongjmp(out, 1);
	}
	if (!in_step) {
		signal(sig, SIG_DFL);
		return; /* and again, for good */
	}
	if (!broken)
		snprintf(
			why, sizeof(why), "a step crashes: %s", strsignal(sig));
	siglongjmp(out, 1);
}

static void signals_catch(void)
{
	static const int sigs[] = {
		SIGALRM, SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT, SIGTRAP};
	static unsigned char *alt;
	struct itimerval second = {.it_interval = {1, 0}, .it_value = {1, 0}};
	struct sigaction sa = {.sa_handler = on_signal};
	stack_t ss = {.ss_size = ALT_STACK};

	if (alt)
		return;
	alt = malloc(ALT_STACK);
	CHECK(alt);
	ss.ss_sp = alt;
	CHECK(sigaltstack(&ss, NULL) == 0);
	/* not deferred: the handler may leave by a jump */
	sa.sa_flags = SA_ONSTACK | SA_NODEFER | SA_RESTART;
	for (size_t i = 0; i < ARRAY_LEN(sigs); i++)
		CHECK(sigaction(sigs[i], &sa, NULL) == 0);
	CHECK(setitimer(ITIMER_REAL, &second, NULL) == 0);
}

void sched_ticks(void (*tick)(void))
{
	on_tick = tick;
}

static void vcpu_run(void *arg)
{
	struct sched_vcpu *v = arg;

	scen->run((unsigned int)(v - vcpus));
	if (v->held[0])
		explore_fail("a vCPU ends with a lock held");
}

int sched_begin(const struct scenario *s)
{
	struct coro *coros[CORO_MAX];
	struct state_area areas[STATE_AREAS];
	unsigned int n = 0;

	CHECK(s->vcpus > 0 && s->vcpus <= CORO_MAX);
	signals_catch();
	scen = s;
	broken = false;
	why[0] = '\0';
	memset(vcpus, 0, sizeof(vcpus));
	for (unsigned int i = 0; i < s->vcpus; i++) {
		coros[i] = &vcpus[i].coro;
		coro_init(coros[i], i, vcpu_run, &vcpus[i]);
		vcpus[i].kind = SCHED_START;
		vcpus[i].ways = 1;
		vcpus[i].woken = 1;
		vcpus[i].idle = 1;
	}
	s->setup();
	for (; s->areas[n].len; n++) {
		CHECK(n < STATE_AREAS - 1);
		areas[n] = s->areas[n];
	}
	areas[n++] = (struct state_area){vcpus, sizeof(vcpus)};
	return state_setup(areas, n, coros, s->vcpus);
}

void sched_fini(void)
{
	state_fini();
}

unsigned int sched_ways(unsigned int i)
{
	const struct sched_vcpu *v = &vcpus[i];

	if (v->kind == SCHED_DONE || (v->kind == SCHED_WAIT && !v->woken))
		return 0;
	if (v->kind == SCHED_LOCK &&
		((const volatile struct hv_lock *)v->addr)->by)
		return 0;
	return v->ways;
}

bool sched_all_done(void)
{
	for (unsigned int i = 0; i < scen->vcpus; i++)
		if (vcpus[i].kind != SCHED_DONE)
			return false;
	return true;
}

static bool all_idle(void)
{
	for (unsigned int i = 0; i < scen->vcpus; i++)
		if (vcpus[i].kind != SCHED_DONE && !vcpus[i].idle)
			return false;
	return true;
}

void sched_wake(void)
{
	for (unsigned int i = 0; i < scen->vcpus; i++)
		vcpus[i].woken = 1;
}

/* After a step: does everything hold that has to? */
static bool judge(void)
{
	char buf[200] = "";
	const char *name = NULL;

	if (broken)
		return false;
	if (scen->check)
		name = scen->check(buf, sizeof(buf));
	if (!name && scen->idle && all_idle())
		name = scen->idle(buf, sizeof(buf));
	if (!name)
		return true;
	snprintf(why, sizeof(why), "%s%s%s", name, *buf ? ": " : "", buf);
	return false;
}

enum sched_step sched_step(struct move m)
{
	struct sched_vcpu *v = &vcpus[m.vcpu];

	if (ticked) {
		ticked = 0;
		if (on_tick)
			on_tick();
	}
	stuck = 0;
	if (sigsetjmp(out, 0)) {
		in_step = 0;
		coro_abandon();
		return SCHED_BROKEN;
	}
	in_step = 1;
	if (v->kind == SCHED_WAIT)
		v->woken = 0;
	v->idle = 0;
	v->way = m.way;
	state_ran(m.vcpu);
	coro_resume(&v->coro);
	if (v->coro.done) {
		v->kind = SCHED_DONE;
		v->addr = NULL;
		v->ways = 0;
		v->idle = 0;
		v->op = NULL;
	}
	v->way = 0;
	if (!judge()) {
		in_step = 0;
		return SCHED_BROKEN;
	}
	if (scen->normal)
		scen->normal();
	in_step = 0;
	return sched_all_done() ? SCHED_ENDED : SCHED_STEPPED;
}

const char *sched_kind_name(enum sched_kind k)
{
	static const char *const names[] = {
		[SCHED_START] = "begin",
		[SCHED_LOAD] = "load",
		[SCHED_STORE] = "store",
		[SCHED_CAS] = "cas",
		[SCHED_RMW] = "rmw",
		[SCHED_POINT] = "point",
		[SCHED_FLUSH] = "flush",
		[SCHED_LOCK] = "lock",
		[SCHED_UNLOCK] = "unlock",
		[SCHED_WAIT] = "wait",
		[SCHED_CHOICE] = "choice",
		[SCHED_POLL] = "poll",
		[SCHED_DONE] = "done",
	};

	return names[k];
}
