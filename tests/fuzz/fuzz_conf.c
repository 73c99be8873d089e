// SPDX-License-Identifier: MIT
/*
 * fuzz_conf.c - a domain's configuration (hv/init)
 *
 * The first byte chooses between a birth and an exec, the rest is the text.
 * What must hold: what is refused is explained and leaves nothing; what is
 * accepted has only strings that end within the text, absolute paths, and,
 * of an exec, nothing but a command.
 */
#include "tests/fuzz/fuzz.h"

#include <errno.h>
#include <string.h>

#include "hv/init/conf.h"

static void string_check(const struct conf *c, size_t len, const char *s)
{
	if (!s)
		return;
	FUZZ_CHECK(s >= c->text && s < c->text + len);
	FUZZ_CHECK(memchr(s, '\0', (size_t)(c->text + len - s)) != NULL);
}

static void list_check(
	const struct conf *c, size_t len, const struct conf_list *l)
{
	for (size_t i = 0; i < l->n; i++)
		string_check(c, len, l->v[i]);
	FUZZ_CHECK(l->n == 0 || l->v[l->n] == NULL);
}

static void conf_check(const struct conf *c, size_t len, bool exec)
{
	const char *const paths[] = {
		c->kernel, c->cwd, c->libdir, c->bindir, c->rundir, c->logdir};

	for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
		string_check(c, len, paths[i]);
		FUZZ_CHECK(!paths[i] || paths[i][0] == '/');
	}
	string_check(c, len, c->name);
	string_check(c, len, c->uuid);
	list_check(c, len, &c->arg);
	list_check(c, len, &c->env);
	for (size_t i = 0; i < c->n_bind; i++) {
		string_check(c, len, c->bind[i].path);
		FUZZ_CHECK(c->bind[i].path[0] == '/');
	}
	FUZZ_CHECK(!c->has_cpus || CPU_COUNT(&c->cpus) > 0);
	FUZZ_CHECK(!c->has_uid || c->uid != (uid_t)-1);
	FUZZ_CHECK(!exec || (c->arg.n && !c->n_bind && !c->kernel &&
				    !c->control && !c->has_uid));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	char err[CONF_ERR_MAX];
	struct conf c;
	bool exec;
	int r;

	if (!len)
		return 0;
	exec = data[0] & 1;
	r = conf_parse(&c, (const char *)data + 1, len - 1,
		exec ? CONF_EXEC : CONF_BIRTH, err);
	FUZZ_CHECK(r == 0 || r == -EINVAL);
	if (r) {
		FUZZ_CHECK(err[0] && memchr(err, '\0', sizeof(err)));
		FUZZ_CHECK(!c.text && !c.arg.v && !c.bind);
		return 0;
	}
	conf_check(&c, len - 1, exec);
	conf_fini(&c);
	return 0;
}
