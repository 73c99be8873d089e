/* SPDX-License-Identifier: MIT */
/* compat_ops.c - xenstore-read, -write, -rm, -exists, -list, -chmod, -watch */
#include <err.h>
#include <stdlib.h>
#include <string.h>

#include "libxs/cli/compat.h"
#include "libxs/xenstore_lib.h"

enum { CHILD_PATH_MAX = 256 }; /* of chmod -r; longer ones are cut */

int compat_read(struct compat *c, char **args, int nr)
{
	for (int i = 0; i < nr; i++) {
		unsigned int len;
		char *value = xs_read(c->xs, c->t, args[i], &len), *text;

		if (!value) {
			warnx("couldn't read path %s", args[i]);
			return 1;
		}
		if (c->opts & OPT_PREFIX)
			fprintf(c->out, "%s: ", args[i]);
		if (c->opts & OPT_RAW) {
			fwrite(value, 1, len, c->out);
		} else {
			text = compat_escape(value, len);
			fprintf(c->out, "%s\n", text);
			free(text);
		}
		free(value);
	}
	return 0;
}

int compat_write(struct compat *c, char **args, int nr)
{
	for (int i = 0; i < nr; i += 2) {
		/* a transaction may be tried again: keep the argument */
		char *value = strdup(args[i + 1]);
		size_t len;
		bool ok;

		if (!value)
			err(1, "malloc");
		len = c->opts & OPT_RAW ? strlen(value)
					: compat_unescape(value);
		ok = xs_write(c->xs, c->t, args[i], value, (unsigned int)len);
		free(value);
		if (!ok) {
			warnx("could not write path %s", args[i]);
			return 1;
		}
	}
	return 0;
}

/* There, without a value and without children. */
static bool is_empty(struct compat *c, const char *path)
{
	unsigned int len, nr;
	char **names, *value = xs_read(c->xs, c->t, path, &len);

	free(value);
	if (!value || len)
		return false;
	names = xs_directory(c->xs, c->t, path, &nr);
	free(names);
	return names && !nr;
}

/* Remove @path, and the parents that this leaves empty. */
static bool rm_tidy(struct compat *c, const char *path)
{
	char *p = strdup(path), *slash;

	if (!p)
		err(1, "malloc");
	do {
		if (!xs_rm(c->xs, c->t, p)) {
			warnx("could not remove path %s", p);
			free(p);
			return false;
		}
		slash = strrchr(p, '/');
		if (slash)
			*slash = '\0';
	} while (slash && is_empty(c, p));
	free(p);
	return true;
}

int compat_rm(struct compat *c, char **args, int nr)
{
	for (int i = 0; i < nr; i++) {
		if (c->opts & OPT_TIDY) {
			if (!rm_tidy(c, args[i]))
				return 1;
		} else if (!xs_rm(c->xs, c->t, args[i])) {
			warnx("could not remove path %s", args[i]);
			return 1;
		}
	}
	return 0;
}

int compat_exists(struct compat *c, char **args, int nr)
{
	for (int i = 0; i < nr; i++) {
		char *value = xs_read(c->xs, c->t, args[i], NULL);

		free(value);
		if (!value)
			return 1;
	}
	return 0;
}

int compat_list(struct compat *c, char **args, int nr)
{
	for (int i = 0; i < nr; i++) {
		unsigned int names_nr;
		char **names = xs_directory(c->xs, c->t, args[i], &names_nr);

		if (!names) {
			warnx("could not list path %s", args[i]);
			return 1;
		}
		for (unsigned int k = 0; k < names_nr; k++) {
			if (c->opts & OPT_PREFIX)
				fprintf(c->out, "%s/", args[i]);
			fprintf(c->out, "%s\n", names[k]);
		}
		free(names);
	}
	return 0;
}

struct chmod {
	struct compat *c;
	struct xs_permissions *perms;
	unsigned int nr;
};

static void chmod_set(const struct chmod *m, const char *path)
{
	if (!xs_set_permissions(m->c->xs, m->c->t, path, m->perms, m->nr))
		err(1, "Error occurred setting permissions on '%s'", path);
}

static void chmod_up(const struct chmod *m, const char *path)
{
	char *p = strdup(path), *slash;

	if (!p)
		err(1, "malloc");
	for (;;) {
		slash = strrchr(p, '/');
		if (!slash)
			errx(1, "Unable to locate path separator '%c' in '%s'",
				'/', p);
		*slash = '\0';
		if (!*p)
			break;
		chmod_set(m, p);
	}
	free(p);
}

static void chmod_down(const struct chmod *m, const char *path)
{
	unsigned int nr;
	char child[CHILD_PATH_MAX];
	char **names = xs_directory(m->c->xs, m->c->t, path, &nr);

	if (!names)
		return;
	for (unsigned int i = 0; i < nr; i++) {
		snprintf(child, sizeof(child), "%s/%s", path, names[i]);
		chmod_set(m, child);
		chmod_down(m, child);
	}
	free(names);
}

static void perm_read(struct xs_permissions *perm, const char *s)
{
	switch (*s) {
	case 'n': perm->perms = XS_PERM_NONE; break;
	case 'r': perm->perms = XS_PERM_READ; break;
	case 'w': perm->perms = XS_PERM_WRITE; break;
	case 'b': perm->perms = XS_PERM_READ | XS_PERM_WRITE; break;
	default: errx(1, "Invalid permission specification: '%c'", *s);
	}
	perm->id = (unsigned int)strtol(s + 1, NULL, 10);
}

int compat_chmod(struct compat *c, char **args, int nr)
{
	struct chmod m = {.c = c, .nr = (unsigned int)nr - 1};

	m.perms = calloc((size_t)nr, sizeof(*m.perms));
	if (!m.perms)
		err(1, "malloc");
	for (int i = 1; i < nr; i++)
		perm_read(&m.perms[i - 1], args[i]);
	if (*args[0]) {
		chmod_set(&m, args[0]);
		if (c->opts & OPT_UPTO)
			chmod_up(&m, args[0]);
		if (c->opts & OPT_RECURSE)
			chmod_down(&m, args[0]);
	}
	free(m.perms);
	return 0;
}

int compat_watch(struct compat *c, char **args, int nr)
{
	for (int i = 0; i < nr; i++)
		if (!xs_watch(c->xs, args[i], args[i]))
			errx(1, "Unable to add watch on %s\n", args[i]);
	for (int seen = 0; c->number == -1 || seen < c->number; seen++) {
		unsigned int num;
		char **event = xs_read_watch(c->xs, &num);

		/* the connection is gone: there will be no other event */
		if (!event)
			err(1, "xs_read_watch");
		puts(event[XS_WATCH_PATH]);
		fflush(stdout);
		free(event);
	}
	return 0;
}
