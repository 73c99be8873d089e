/* SPDX-License-Identifier: MIT */
/*
 * conf.h: a domain's configuration, from the strings of birth.h
 *
 * The same parser takes the configuration a domain is born with and the
 * payload of HVB_EXEC: a table says which keys belong to which.
 */
#ifndef HV_INIT_CONF_H
#define HV_INIT_CONF_H

#include <sched.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define CONF_MAX     (1u << 20) /* bytes of a configuration */
#define CONF_ERR_MAX 512

enum conf_use {
	CONF_BIRTH = 1,
	CONF_EXEC = 2,
};

struct conf_bind {
	const char *path;
	bool writable;
};

/* A growing list of strings, NULL-terminated for execvp(). */
struct conf_list {
	char **v;
	size_t n;
};

/*
 * Owner: whoever called conf_parse(); freed by conf_fini().  The strings lie
 * in `text`.
 */
struct conf {
	char *text;
	const char *name, *uuid, *kernel, *cwd;
	const char *libdir, *bindir, *rundir, *logdir;
	struct conf_list arg, env;
	struct conf_bind *bind;
	size_t n_bind;
	cpu_set_t cpus;
	uint32_t domid;
	uid_t uid;
	bool control, iouring, console, has_uid, has_cpus, has_domid;
};

/*
 * Reads `len` bytes of "key=value\0" strings, which are copied.  Returns 0;
 * or -EINVAL, -ENOMEM with the reason in err (CONF_ERR_MAX bytes), and *c is
 * empty then.  What is refused: an unknown key, one that does not belong to
 * `use`, one given twice that takes one value, a malformed number or list, a
 * path that is not absolute or has a ".." in it, text after the last NUL.
 */
int conf_parse(struct conf *c, const char *text, size_t len, enum conf_use use,
	char *err);
void conf_fini(struct conf *c);

/* Reads a whole descriptor (the sealed memfd) and parses it, as conf_parse().
 */
int conf_read(struct conf *c, int fd, char *err);

#endif
