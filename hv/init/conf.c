// SPDX-License-Identifier: MIT
/*
 * conf.c: a domain's configuration, from the strings of birth.h
 */
#include "hv/init/conf.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum conf_kind {
	KIND_TEXT,
	KIND_PATH,
	KIND_LIST,
	KIND_BIND,
	KIND_BINDRW,
	KIND_BOOL,
	KIND_DOMID,
	KIND_UID,
	KIND_CPUS,
};

struct conf_key {
	const char *name;
	enum conf_kind kind;
	unsigned use; /* enum conf_use bits */
	size_t at;    /* offset in struct conf */
};

#define AT(member) offsetof(struct conf, member)

static const struct conf_key keys[] = {
	{"domid", KIND_DOMID, CONF_BIRTH, AT(domid)},
	{"name", KIND_TEXT, CONF_BIRTH, AT(name)},
	{"uuid", KIND_TEXT, CONF_BIRTH, AT(uuid)},
	{"control", KIND_BOOL, CONF_BIRTH, AT(control)},
	{"kernel", KIND_PATH, CONF_BIRTH, AT(kernel)},
	{"arg", KIND_LIST, CONF_BIRTH | CONF_EXEC, AT(arg)},
	{"env", KIND_LIST, CONF_BIRTH | CONF_EXEC, AT(env)},
	{"cwd", KIND_PATH, CONF_BIRTH | CONF_EXEC, AT(cwd)},
	{"bind", KIND_BIND, CONF_BIRTH, 0},
	{"bindrw", KIND_BINDRW, CONF_BIRTH, 0},
	{"libdir", KIND_PATH, CONF_BIRTH, AT(libdir)},
	{"bindir", KIND_PATH, CONF_BIRTH, AT(bindir)},
	{"rundir", KIND_PATH, CONF_BIRTH, AT(rundir)},
	{"logdir", KIND_PATH, CONF_BIRTH, AT(logdir)},
	{"iouring", KIND_BOOL, CONF_BIRTH, AT(iouring)},
	{"cpus", KIND_CPUS, CONF_BIRTH, AT(cpus)},
	{"uid", KIND_UID, CONF_BIRTH, AT(uid)},
	{"console", KIND_BOOL, CONF_BIRTH, AT(console)},
};

enum { NR_KEYS = sizeof(keys) / sizeof(keys[0]) };

static int list_add(struct conf_list *l, char *s)
{
	char **v = reallocarray(l->v, l->n + 2, sizeof(*v));

	if (!v)
		return -ENOMEM;
	l->v = v;
	v[l->n++] = s;
	v[l->n] = NULL;
	return 0;
}

static int bind_add(struct conf *c, const char *path, bool writable)
{
	struct conf_bind *v = reallocarray(c->bind, c->n_bind + 1, sizeof(*v));

	if (!v)
		return -ENOMEM;
	c->bind = v;
	v[c->n_bind].path = path;
	v[c->n_bind++].writable = writable;
	return 0;
}

/* Decimal digits only; *end is the first byte that is none. */
static bool number_parse(
	const char *s, const char **end, uint32_t max, uint32_t *out)
{
	uint64_t v = 0;

	if (*s < '0' || *s > '9')
		return false;
	for (; *s >= '0' && *s <= '9'; s++) {
		v = v * 10 + (uint64_t)(*s - '0');
		if (v > max)
			return false;
	}
	*end = s;
	*out = (uint32_t)v;
	return true;
}

static bool number_whole(const char *s, uint32_t max, uint32_t *out)
{
	const char *end;

	return number_parse(s, &end, max, out) && *end == '\0';
}

/* "0,2-3": at least one processor. */
static bool cpus_parse(const char *s, cpu_set_t *set)
{
	uint32_t a, b;

	CPU_ZERO(set);
	for (;;) {
		if (!number_parse(s, &s, CPU_SETSIZE - 1, &a))
			return false;
		b = a;
		if (*s == '-' && !number_parse(s + 1, &s, CPU_SETSIZE - 1, &b))
			return false;
		if (b < a)
			return false;
		for (; a <= b; a++)
			CPU_SET(a, set);
		if (*s == '\0')
			return true;
		if (*s++ != ',')
			return false;
	}
}

/* Absolute, not too long, and it stays below where it says it is. */
static bool path_check(const char *s)
{
	size_t len = strlen(s);

	if (len == 0 || len >= PATH_MAX - 16 || s[0] != '/')
		return false;
	for (const char *p = s; (p = strstr(p, "/..")) != NULL; p += 3) {
		if (p[3] == '\0' || p[3] == '/')
			return false;
	}
	return true;
}

static bool env_check(const char *s)
{
	return s[0] != '=' && strchr(s, '=') != NULL;
}

static int value_set(struct conf *c, const struct conf_key *k, char *value)
{
	void *at = (char *)c + k->at;
	uint32_t n;

	switch (k->kind) {
	case KIND_LIST:
		if (at == &c->env && !env_check(value))
			return -EINVAL;
		return list_add(at, value);
	case KIND_PATH:
		if (!path_check(value))
			return -EINVAL;
		*(const char **)at = value;
		return 0;
	case KIND_TEXT: *(const char **)at = value; return 0;
	case KIND_BIND:
	case KIND_BINDRW:
		/* the root itself would hide what is made for the domain */
		if (!path_check(value) || strspn(value, "/.") == strlen(value))
			return -EINVAL;
		return bind_add(c, value, k->kind == KIND_BINDRW);
	case KIND_BOOL:
		if (!number_whole(value, 1, &n))
			return -EINVAL;
		*(bool *)at = n != 0;
		return 0;
	case KIND_DOMID:
		c->has_domid = true;
		return number_whole(value, 0x7fef, &c->domid) ? 0 : -EINVAL;
	case KIND_UID:
		/* the last value is "no change" to the kernel */
		if (!number_whole(value, UINT32_MAX - 1, &n))
			return -EINVAL;
		c->uid = n;
		c->has_uid = true;
		return 0;
	case KIND_CPUS:
		c->has_cpus = true;
		return cpus_parse(value, &c->cpus) ? 0 : -EINVAL;
	}
	return -EINVAL;
}

static bool key_repeats(const struct conf_key *k)
{
	return k->kind == KIND_LIST || k->kind == KIND_BIND ||
	       k->kind == KIND_BINDRW;
}

static int line_parse(struct conf *c, char *line, enum conf_use use,
	uint32_t *seen, char *err)
{
	char *eq = strchr(line, '=');
	int r;

	for (uint32_t i = 0; eq && i < NR_KEYS; i++) {
		const struct conf_key *k = &keys[i];

		if (strlen(k->name) != (size_t)(eq - line) ||
			strncmp(k->name, line, strlen(k->name)) != 0 ||
			!(k->use & (unsigned)use))
			continue;
		if ((*seen & (1u << i)) && !key_repeats(k)) {
			snprintf(err, CONF_ERR_MAX, "%s= is given twice",
				k->name);
			return -EINVAL;
		}
		*seen |= 1u << i;
		r = value_set(c, k, eq + 1);
		if (r == -EINVAL)
			snprintf(err, CONF_ERR_MAX, "%s= cannot be \"%.200s\"",
				k->name, eq + 1);
		return r;
	}
	snprintf(err, CONF_ERR_MAX, "unknown configuration \"%.200s\"", line);
	return -EINVAL;
}

int conf_parse(struct conf *c, const char *text, size_t len, enum conf_use use,
	char *err)
{
	uint32_t seen = 0;
	int r = 0;

	memset(c, 0, sizeof(*c));
	err[0] = '\0';
	if (len > CONF_MAX || (len && text[len - 1] != '\0')) {
		snprintf(err, CONF_ERR_MAX,
			"configuration of %zu bytes: too long, or its last "
			"string does not end",
			len);
		return -EINVAL;
	}
	c->text = malloc(len + 1);
	if (!c->text)
		r = -ENOMEM;
	else
		memcpy(c->text, text, len);
	for (size_t at = 0; r == 0 && at < len; at += strlen(c->text + at) + 1)
		r = line_parse(c, c->text + at, use, &seen, err);
	if (r == 0 && use == CONF_EXEC && c->arg.n == 0) {
		snprintf(err, CONF_ERR_MAX, "no command: arg= is missing");
		r = -EINVAL;
	}
	if (r == -ENOMEM)
		snprintf(err, CONF_ERR_MAX, "out of memory");
	if (r)
		conf_fini(c);
	return r;
}

void conf_fini(struct conf *c)
{
	free(c->text);
	free(c->arg.v);
	free(c->env.v);
	free(c->bind);
	memset(c, 0, sizeof(*c));
}

int conf_read(struct conf *c, int fd, char *err)
{
	struct stat st;
	char *buf;
	ssize_t n;
	int r;

	memset(c, 0, sizeof(*c));
	if (fstat(fd, &st) < 0 || st.st_size < 0 || st.st_size > CONF_MAX) {
		snprintf(err, CONF_ERR_MAX,
			"descriptor %d holds no configuration", fd);
		return -EINVAL;
	}
	buf = malloc((size_t)st.st_size + 1);
	if (!buf) {
		snprintf(err, CONF_ERR_MAX, "out of memory");
		return -ENOMEM;
	}
	n = pread(fd, buf, (size_t)st.st_size, 0);
	if (n != st.st_size) {
		snprintf(err, CONF_ERR_MAX, "cannot read the configuration");
		r = -EINVAL;
	} else {
		r = conf_parse(c, buf, (size_t)n, CONF_BIRTH, err);
	}
	free(buf);
	return r;
}
