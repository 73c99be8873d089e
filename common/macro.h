/* SPDX-License-Identifier: MIT */
/* macro.h - the few macros that no function can be */
#ifndef BH_COMMON_MACRO_H
#define BH_COMMON_MACRO_H

#include <stddef.h>

/* The struct of @type whose @member is at @ptr. */
#define container_of(ptr, type, member) \
	((type *)(void *)((char *)(ptr)-offsetof(type, member)))

#define ARRAY_LEN(a) (sizeof(a) / sizeof((a)[0]))

#endif
