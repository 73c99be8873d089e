/* SPDX-License-Identifier: MIT */
/*
 * path.h - paths of the Xenstore
 *
 * DOC: Rules of a path
 *
 * Characters are A-Z a-z 0-9 - / _ @.  An absolute path starts with '/',
 * has no empty component and no '/' at its end, "/" itself excepted.  A path
 * that starts with '@' names a special node or watch; where those are not
 * expected it is an error.  Anything else is relative to the home of the
 * domain, /local/domain/<domid>.  (docs/misc/xenstore.txt)
 *
 * Lengths are judged after a relative path was made absolute, so whatever
 * can be named in one form can be named in the other: the part behind
 * /local/domain/<n>/, or else the whole path, is at most what the caller
 * allows (XENSTORE_REL_PATH_MAX for guests), and the absolute path at most
 * PATH_ABS_MAX.
 */
#ifndef BH_WIRE_PATH_H
#define BH_WIRE_PATH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/err.h"

enum {
	PATH_ABS_MAX = 3072, /* bytes of an absolute path, without the NUL */
	PATH_REL_MAX = 2048, /* what a guest gets, behind its home */
};

enum path_kind {
	PATH_ABSOLUTE,
	PATH_RELATIVE, /* was relative; has been made absolute */
	PATH_SPECIAL,  /* starts with '@' */
};

struct path {
	enum path_kind kind;
	size_t len;  /* bytes of buf, without the NUL */
	size_t base; /* bytes put before a relative path, '/' included */
	char buf[PATH_ABS_MAX + 1];
};

/*
 * path_parse - check and canonicalise @len bytes of @s
 * @home:	the domain that relative paths are relative to
 * @limit:	bytes allowed, see above; PATH_ABS_MAX for no own limit
 * @special:	special names are allowed
 *
 * Returns 0 or EINVAL.  A home itself has no relative form.
 */
int path_parse(struct path *path, const char *s, size_t len, uint16_t home,
	size_t limit, bool special) __must_check;

/*
 * path_next - the component at *@at, and step behind it
 *
 * Start with *@at = path->buf.  Returns false at the end, else @comp (not
 * NUL-terminated) of *@len bytes.  "/" has no component; the first one of a
 * special name includes its '@'.
 */
bool path_next(const char **at, const char **comp, size_t *len);

/* Format "/local/domain/<domid>" into @buf; returns its length. */
enum { PATH_HOME_MAX = sizeof("/local/domain/65535") };
size_t path_home(char buf[PATH_HOME_MAX], uint16_t domid);

#endif
