/* SPDX-License-Identifier: MIT */
/* name.c - domains by name, and paths that start at one */
#include <errno.h>
#include <string.h>

#include <talloc.h>

#include "common/str.h"
#include "libxs/cli/name.h"
#include "libxs/cli/store.h"
#include "libxs/xsx.h"
#include "wire/path.h"
#include "wire/perm.h"

/* Owner: the run.  Read once, outside of any transaction. */
struct name_table {
	int err;          /* what kept names from us; 0: these are all */
	const char *path; /* where */
	size_t nr;
	struct {
		unsigned int domid;
		const char *name; /* no NUL in it, not empty */
	} * rows;
};

static const char domains[] = "/local/domain";

/* The name of one, while it is asked for. */
struct name_ask {
	struct name_table *table;
	unsigned int domid;
	struct iovec iov; /* the path */
};

/* What is not there, or not for us, has no name; that is not an error. */
static void on_name(void *arg, int err, const void *payload, size_t len)
{
	const struct name_ask *a = arg;
	struct name_table *t = a->table;

	if (err && err != ENOENT && err != EACCES && !t->err) {
		t->err = err;
		t->path = talloc_strdup(t, a->iov.iov_base);
	}
	if (err || !len || memchr(payload, '\0', len))
		return;
	t->rows[t->nr].domid = a->domid;
	t->rows[t->nr++].name = talloc_strndup(t, payload, len);
}

/* The names of the @nr domains @ids, in one round trip. */
static void table_load(
	struct cli *cli, struct name_table *t, char **ids, size_t nr)
{
	struct xsx_request *reqs = talloc_zero_array(ids, typeof(*reqs), nr);
	struct name_ask *asks = talloc_zero_array(ids, typeof(*asks), nr);
	unsigned int used = 0;

	t->rows = talloc_zero_size(t, nr * sizeof(*t->rows));
	for (size_t i = 0; i < nr; i++) {
		struct name_ask *a = &asks[used];
		uint64_t domid;
		char *path;

		if (str_to_u64(ids[i], PERM_DOMID_MAX, &domid))
			continue;
		path = talloc_asprintf(ids, "%s/%s/name", domains, ids[i]);
		*a = (struct name_ask){.table = t,
			.domid = (unsigned int)domid,
			.iov = {path, strlen(path) + 1}};
		reqs[used++] = (struct xsx_request){.type = XS_READ,
			.iov = &a->iov,
			.nr = 1,
			.fn = on_name,
			.arg = a};
	}
	store_limit(cli);
	xsx_handle_run(cli->xs, reqs, used);
}

static const struct name_table *table(struct cli *cli)
{
	xs_transaction_t t = cli->t;
	char **ids;
	size_t nr;

	if (cli->names)
		return cli->names;
	cli->names = talloc_zero(cli, struct name_table);
	cli->t = XBT_NULL;
	ids = store_list(cli, cli->names, domains, &nr);
	if (ids) {
		table_load(cli, cli->names, ids, nr);
	} else if (errno != ENOENT) {
		cli->names->err = errno;
		cli->names->path = domains;
	}
	talloc_free(ids);
	cli->t = t;
	return cli->names;
}

void name_each(
	struct cli *cli, void (*fn)(const char *name, void *arg), void *arg)
{
	const struct name_table *t = table(cli);

	for (size_t i = 0; i < t->nr; i++)
		fn(t->rows[i].name, arg);
}

const char *name_of(struct cli *cli, unsigned int domid)
{
	const struct name_table *t = table(cli);

	for (size_t i = 0; i < t->nr; i++)
		if (t->rows[i].domid == domid)
			return t->rows[i].name;
	return NULL;
}

/* Without all names, none is known to be missing, or the only one. */
static bool names_failed(struct cli *cli, const struct name_table *t)
{
	cli_fail(cli, t->err, "names of domains", t->path);
	if (t->err == EACCES)
		cli_hint(cli, "numbers of domains work, too");
	return false;
}

bool name_domid(struct cli *cli, const char *dom, unsigned int *domid)
{
	const struct name_table *t;
	unsigned int found = 0;
	uint64_t v;

	if (!str_to_u64(dom, UINT16_MAX, &v)) {
		*domid = (unsigned int)v;
		return true;
	}
	if (store_open(cli))
		return false;
	t = table(cli);
	if (t->err)
		return names_failed(cli, t);
	for (size_t i = 0; i < t->nr; i++) {
		if (strcmp(t->rows[i].name, dom) != 0)
			continue;
		*domid = t->rows[i].domid;
		found++;
	}
	if (found == 1)
		return true;
	if (found) {
		cli_fail_text(cli, CLI_USAGE, "%u domains have the name \"%s\"",
			found, dom);
		cli_hint(cli, "say the number of the one you mean");
		return false;
	}
	cli_fail_text(cli, CLI_NOT_FOUND, "no domain \"%s\"", dom);
	cli_hint(cli, "names are in /local/domain/N/name; a number works, too");
	return false;
}

char *name_path(struct cli *cli, const void *ctx, const char *arg, bool special)
{
	const char *colon = strchr(arg, ':');
	char *path = NULL;
	struct path parsed;
	unsigned int domid;

	if (colon) {
		char *dom = talloc_strndup(ctx, arg, (size_t)(colon - arg));
		bool ok = name_domid(cli, dom, &domid);

		talloc_free(dom);
		if (!ok)
			return NULL;
		path = talloc_asprintf(ctx, "%s/%u%s%s", domains, domid,
			colon[1] ? "/" : "", colon + 1);
	} else {
		path = talloc_strdup(ctx, arg);
	}
	if (!path_parse(&parsed, path, strlen(path), 0, PATH_ABS_MAX, special))
		return path;
	talloc_free(path);
	cli_fail_text(cli, CLI_USAGE, "\"%s\" cannot be a path", arg);
	cli_hint(cli, "a path has letters, digits and -/_@, no // and no / at "
		      "its end; DOMAIN:PATH starts at a domain");
	return NULL;
}

char **name_paths(struct cli *cli, char **args, int nr, bool special)
{
	char **paths = talloc_zero_array(cli, char *, (size_t)nr + 1);

	for (int i = 0; i < nr; i++) {
		paths[i] = name_path(cli, paths, args[i], special);
		if (!paths[i])
			return NULL;
	}
	return paths;
}

bool name_perm(struct cli *cli, const char *arg, struct xs_permissions *perm)
{
	static const char letters[] = "nrwb";
	static const unsigned int types[] = {XS_PERM_NONE, XS_PERM_READ,
		XS_PERM_WRITE, XS_PERM_READ | XS_PERM_WRITE};
	const char *letter = *arg ? strchr(letters, *arg) : NULL;

	if (!letter || !arg[1]) {
		cli_fail_text(
			cli, CLI_USAGE, "\"%s\" is not a permission", arg);
		cli_hint(cli, "a letter n, r, w or b (none, read, write, both) "
			      "and a domain: r5, r:work");
		return false;
	}
	perm->perms = types[letter - letters];
	return name_domid(cli, arg[1] == ':' ? arg + 2 : arg + 1, &perm->id);
}
