/* SPDX-License-Identifier: MIT */
/* test_ports.c: entering, leaving and closing ports from several threads */
#include <pthread.h>

#include "hv/compat/ports.h"
#include "tests/unit/bh_check.h"

static struct ports t;
static _Atomic int step;

START_TEST(test_table)
{
	struct port *p = port_get(&t, 1), *q;
	bool counted;

	ck_assert_ptr_nonnull(p);
	ck_assert_ptr_eq(port_get(&t, 1), p);
	ck_assert_ptr_null(port_find(&t, 1));
	ck_assert_ptr_null(port_find(&t, 4000));
	ck_assert_ptr_null(port_find(&t, HVP_EV_PORTS));
	ck_assert_ptr_null(port_find(&t, UINT32_MAX));
	ck_assert_ptr_null(port_get(&t, HVP_EV_PORTS));
	ck_assert_int_eq(port_enter(p, &counted), -ENOENT);
	port_publish(p);
	ck_assert_ptr_eq(port_find(&t, 1), p);
	ck_assert_int_eq(port_enter(p, &counted), 0);
	port_leave(p, counted);
	port_freeze(p);
	ck_assert_int_eq(port_enter(p, &counted), -EBUSY);
	ck_assert_ptr_eq(port_find(&t, 1), p);
	port_thaw(p);
	ck_assert_int_eq(port_enter(p, &counted), 0);
	port_leave(p, counted);
	port_retire(p);
	ck_assert_ptr_null(port_find(&t, 1));
	ck_assert_int_eq(port_enter(p, &counted), -ENOENT);
	q = port_get(&t, HVP_EV_PORTS - 1);
	ck_assert_ptr_nonnull(q);
	ck_assert_uint_eq(atomic_load(&p->state), 0);
	ports_fini(&t);
}
END_TEST

static void *user(void *arg)
{
	struct port *p = arg;
	bool counted;

	ck_assert_int_eq(port_enter(p, &counted), 0);
	atomic_store(&step, 1);
	usleep(100000);
	atomic_store(&step, 2);
	port_leave(p, counted);
	return NULL;
}

/* Who closes an entry waits until nobody is inside. */
START_TEST(test_waits_for_users)
{
	struct port *p = port_get(&t, 7);
	pthread_t thread;

	port_publish(p);
	pthread_create(&thread, NULL, user, p);
	while (atomic_load(&step) < 1)
		usleep(100);
	if (_i)
		port_freeze(p);
	else
		port_retire(p);
	ck_assert_int_eq(atomic_load(&step), 2);
	pthread_join(thread, NULL);
	ports_fini(&t);
}
END_TEST

static void *churn(void *arg)
{
	struct port *p = arg;
	bool counted;

	while (!atomic_load(&step)) {
		if (port_enter(p, &counted))
			continue;
		/* rfd is only ever 1 while the entry is live */
		ck_assert_int_eq(*(volatile int *)&p->rfd, 1);
		port_leave(p, counted);
	}
	return NULL;
}

START_TEST(test_churn)
{
	struct port *p = port_get(&t, 9);
	pthread_t thread[2];

	for (int i = 0; i < 2; i++)
		pthread_create(&thread[i], NULL, churn, p);
	for (int i = 0; i < 20000; i++) {
		p->rfd = 1;
		port_publish(p);
		port_freeze(p);
		p->rfd = 2;
		p->rfd = 1;
		port_thaw(p);
		port_retire(p);
		p->rfd = -1;
	}
	atomic_store(&step, 1);
	for (int i = 0; i < 2; i++)
		pthread_join(thread[i], NULL);
	ck_assert_uint_eq(atomic_load(&p->state), 0);
	ports_fini(&t);
}
END_TEST

BH_CHECK_MAIN("ports", 20, BH_TEST(test_table),
	BH_LOOP(test_waits_for_users, 2), BH_TEST(test_churn))
