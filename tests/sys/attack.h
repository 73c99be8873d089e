/* SPDX-License-Identifier: MIT */
/*
 * attack.h: what a hostile program tries on memory that it was given
 *
 * Each answers whether anything worked.  What is written, if it works, is the
 * first byte or page of the file.
 */
#ifndef TESTS_SYS_ATTACK_H
#define TESTS_SYS_ATTACK_H

#include <stdbool.h>

/* attack_reopen: another descriptor of the same file, through /proc; -1. */
int attack_reopen(int fd, int flags);

bool attack_resizes(int fd);
bool attack_punches(int fd);
bool attack_seals(int fd);

/*
 * attack_ro: on the page mapped read-only at @va, from the beginning of @fd:
 * each bit is something that must not work.  Only for pages of which the
 * program has no writable mapping, and may lose the descriptor's place.
 */
int attack_ro(int fd, void *va);

#endif
