/* SPDX-License-Identifier: MIT */
/*
 * bare.h: the folder of a domain that has no mount namespace
 *
 * Where every domain sees the host's /dev, the sockets that would be in
 * /dev/xen are in a folder of the domain's own instead, and the environment
 * says where.
 */
#ifndef HV_INIT_BARE_H
#define HV_INIT_BARE_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/un.h>

#define BARE_MAX (sizeof(((struct sockaddr_un *)0)->sun_path) - 16)

/* Chooses a name that nobody else has; nothing is made.  0 or -errno. */
int bare_name(char name[BARE_MAX]);

/* Forgets what the environment of hvd's caller says of a domain's sockets. */
void bare_forget(void);

/* Makes it, mode 0700, and sets HV_SOCKET, HV_XENBUS.  0 or -errno. */
int bare_make(const char *name, bool control);

/* Takes away what there is of it. */
void bare_remove(const char *name);

#endif
