/* SPDX-License-Identifier: MIT */
/*
 * xenstore_lib.h - permissions, paths of the daemon, small helpers
 *
 * Source compatible with the header of this name that Xen 4.22 has; see
 * xenstore.h.  Every function may be called by any thread.
 */
#ifndef XENSTORE_LIB_H
#define XENSTORE_LIB_H

#include <errno.h>
#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <xen/io/xs_wire.h>

#ifdef __cplusplus
extern "C" {
#endif

/* One entry of a node's permissions (docs/misc/xenstore.txt, GET_PERMS). */
struct xs_permissions {
	unsigned int id;    /* a domain */
	unsigned int perms; /* XS_PERM_READ, XS_PERM_WRITE, both, or none */
#define XS_PERM_NONE  0x00
#define XS_PERM_READ  0x01
#define XS_PERM_WRITE 0x02
/* Never in what the library returns, and EINVAL in what it is given. */
#define XS_PERM_ENOENT_OK 0x04
#define XS_PERM_OWNER     0x08
#define XS_PERM_IGNORE    0x10
};

/* Bytes that are enough for a decimal number of type x, and its NUL. */
#define MAX_STRLEN(x) ((sizeof(x) * CHAR_BIT + CHAR_BIT - 1) / 10 * 3 + 2)

/*
 * xs_daemon_rundir - the folder of the daemon: $XENSTORED_RUNDIR, or else
 * /run/xenstored by its older name.
 *
 * The string belongs to the library and is good until the calling thread
 * calls a function of this group again, or the environment changes.
 */
const char *xs_daemon_rundir(void);

/*
 * xs_daemon_socket - the daemon's socket: $XENSTORED_PATH, or else "socket"
 * in xs_daemon_rundir().  NULL with errno ENAMETOOLONG if that does not fit
 * into a path.  Ownership as above.
 */
const char *xs_daemon_socket(void);

/* The same: there has been no read-only socket since Xen 4.7. */
const char *xs_daemon_socket_ro(void);

/*
 * xs_write_all - write all @len bytes of @data to @fd, however many calls of
 * write(2) that takes.  False with the errno of write(2), or EIO if that took
 * nothing.
 */
bool xs_write_all(int fd, const void *data, unsigned int len);

/*
 * xs_strings_to_perms - parse permissions as they go over the wire
 * @perms:	array of at least @num entries, filled
 * @num:	how many strings to parse
 * @strings:	@num strings such as "r5" one behind the other, each with its
 *		NUL: a letter (n r w b) and a domain in decimal
 *
 * False with errno EINVAL if one is something else.
 */
bool xs_strings_to_perms(
	struct xs_permissions *perms, unsigned int num, const char *strings);

#ifdef __cplusplus
}
#endif

#endif
