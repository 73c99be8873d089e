/* SPDX-License-Identifier: MIT */
/*
 * conf.h - the configuration file: limits of all guests, of classes, of one
 *
 * DOC: Which limit is whose
 *
 * Lines before the first section are of every guest.  A [class NAME] has the
 * domids it lists, a [domain N] is one.  A guest gets, when its record is
 * made, the limits of all, then those of the classes that list it in the
 * order of the file, then its own: the last one that says something of a
 * limit counts.
 *
 * The file is parsed as a whole and then used as a whole; a file with an
 * error changes nothing.
 */
#ifndef BH_XENSTORED_CONF_H
#define BH_XENSTORED_CONF_H

#include <stddef.h>
#include <stdint.h>

#include "common/err.h"
#include "xenstored/quota.h"

#define CONF_FILE "/etc/xen/xenstore.conf"

enum { CONF_ERROR_MAX = 256 };

struct conf;

/*
 * conf_parse - the configuration in @len bytes of @text
 * @name:	of the file, for messages
 * @error:	says what is wrong, "name:line: ...", if it fails
 *
 * 0, EINVAL or ENOMEM.  The caller frees @conf with conf_free().
 */
int conf_parse(const char *name, const char *text, size_t len,
	struct conf **conf, char error[CONF_ERROR_MAX]) __must_check;

/* The same of the file @name; ENOENT if there is none. */
int conf_read(const char *name, struct conf **conf,
	char error[CONF_ERROR_MAX]) __must_check;

/* The same of what @fd is, from its beginning; it stays open. */
int conf_read_fd(int fd, const char *name, struct conf **conf,
	char error[CONF_ERROR_MAX]) __must_check;

void conf_free(struct conf *conf);

/* Limits of every guest: what the file says, where it says something. */
void conf_apply_all(const struct conf *conf, struct limits *limits);

/* Limits of @domid beyond those. */
void conf_apply(const struct conf *conf, uint16_t domid, struct limits *limits);

#endif
