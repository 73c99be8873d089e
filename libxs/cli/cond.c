/* SPDX-License-Identifier: MIT */
/* cond.c - conditions on nodes, for wait and txn */
#include <errno.h>
#include <string.h>

#include <talloc.h>

#include "common/str.h"
#include "libxs/cli/cond.h"
#include "libxs/cli/name.h"
#include "libxs/cli/store.h"

static int on_free(struct cond *c)
{
	if (c->kind == COND_MATCH)
		regfree(&c->regex);
	return 0;
}

static bool parse_value(struct cli *cli, struct cond *c, const char *value)
{
	c->value = talloc_strdup(c, value);
	c->len = strlen(value);
	if (!str_unescape(c->value, &c->len))
		return true;
	cli_fail_text(cli, CLI_USAGE, "\"%s\" is not well escaped", value);
	cli_hint(cli, "\\\\, \\t, \\n, \\r and \\xNN are escapes");
	return false;
}

static bool parse_regex(struct cli *cli, struct cond *c, const char *text)
{
	char why[128];
	int r = regcomp(&c->regex, text, REG_EXTENDED | REG_NOSUB);

	if (!r) {
		c->kind = COND_MATCH;
		return true;
	}
	regerror(r, &c->regex, why, sizeof(why));
	cli_fail_text(cli, CLI_USAGE, "\"%s\": %s", text, why);
	return false;
}

struct cond *cond_parse(struct cli *cli, const void *ctx, const char *text)
{
	struct cond *c = talloc_zero(ctx, struct cond);
	size_t len = strcspn(text, "=~");
	bool ok = true;
	char *path;

	talloc_set_destructor(c, on_free);
	c->text = text;
	if (text[len] == '=') {
		c->kind = COND_EQUAL;
		ok = parse_value(cli, c, text + len + 1);
	} else if (text[len] == '~') {
		ok = parse_regex(cli, c, text + len + 1);
	} else if (*text == '!') {
		c->kind = COND_ABSENT;
		text++;
		len--;
	}
	path = talloc_strndup(c, text, len);
	if (ok)
		c->path = name_path(cli, c, path, false);
	if (c->path)
		return c;
	talloc_free(c);
	return NULL;
}

int cond_check(struct cli *cli, const struct cond *c)
{
	size_t len;
	char *value = store_read(cli, c, c->path, &len);
	bool holds = false;

	if (!value && errno != ENOENT)
		return cli_fail(cli, errno, "read", c->path);
	switch (c->kind) {
	case COND_EXISTS: holds = value; break;
	case COND_ABSENT: holds = !value; break;
	case COND_EQUAL:
		holds = value && len == c->len && !memcmp(value, c->value, len);
		break;
	case COND_MATCH:
		/* a value with a NUL in it is no text */
		holds = value && strlen(value) == len &&
			!regexec(&c->regex, value, 0, NULL, 0);
		break;
	}
	talloc_free(value);
	return holds ? CLI_OK : CLI_FALSE;
}
