/* SPDX-License-Identifier: MIT */
/*
 * demo.h - what the two programs of the demonstration agree on
 *
 * They are written as any frontend and backend for Xen: nothing here knows
 * of hv.  The page that the guest grants holds one box per direction.  Who
 * fills a box writes its number last and then notifies; who takes it loads
 * the number first.
 */
#ifndef HV_DEMO_DEMO_H
#define HV_DEMO_DEMO_H

#include <stdbool.h>
#include <stdint.h>

#include <xenstore.h>

enum { DEMO_TEXT = 64 };

struct box_shm {
	uint32_t number; /* 0: nothing was ever said */
	char text[DEMO_TEXT];
};

struct demo_page_shm {
	struct box_shm to_driver, to_guest;
};

static inline uint32_t box_number(const struct box_shm *box)
{
	return __atomic_load_n(&box->number, __ATOMIC_ACQUIRE);
}

/* "I am" something, or a failure said and the program ended. */
__attribute__((format(printf, 1, 2))) void say(const char *fmt, ...);
__attribute__((noreturn, format(printf, 1, 2))) void die(const char *fmt, ...);

/* The node @dir/@name: its value, malloc'ed, or NULL. */
char *node_read(struct xs_handle *xs, const char *dir, const char *name);
/* The same as a number; the program ends if it is none. */
unsigned int node_number(
	struct xs_handle *xs, const char *dir, const char *name);
void node_write(struct xs_handle *xs, const char *dir, const char *name,
	const char *fmt, ...) __attribute__((format(printf, 4, 5)));

/*
 * Wait until @dir/state is @state (a XenbusState), with a watch.  False when
 * @dir goes away before that.
 */
bool state_await(struct xs_handle *xs, const char *dir, unsigned int state);

#endif
