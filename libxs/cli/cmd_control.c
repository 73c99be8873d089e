/* SPDX-License-Identifier: MIT */
/* cmd_control.c - xs control: a command to the daemon itself */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <talloc.h>

#include "libxs/cli/out.h"
#include "libxs/cli/store.h"

/* Lines and tabs are the reply's; anything else might be a guest's. */
static void show_text(const char *text)
{
	for (const char *p = text; *p; p++) {
		if (*p == '\n' || *p == '\t' || *p == '\\')
			putchar(*p);
		else
			out_text(stdout, p, 1);
	}
	if (!*text || text[strlen(text) - 1] != '\n')
		putchar('\n');
}

static void show(struct cli *cli, const char *reply)
{
	struct json j;

	if (cli_has(cli, OPTION_JSON)) {
		out_json_begin(cli, &j);
		json_bytes(&j, "reply", reply, strlen(reply));
		out_json_end(&j);
	} else if (cli_has(cli, OPTION_QUIET)) {
		return;
	} else if (cli_has(cli, OPTION_RAW)) {
		fputs(reply, stdout);
	} else if (*reply) {
		show_text(reply);
	}
}

int cmd_control(struct cli *cli, char **args, int nr)
{
	char *words = talloc_strdup(cli, ""), *reply;
	size_t len = 0;
	int e, code = store_open(cli);

	if (code)
		return code;
	for (int i = 1; i < nr; i++) {
		size_t n = strlen(args[i]) + 1;

		words = talloc_realloc(cli, words, char, len + n);
		memcpy(words + len, args[i], n);
		len += n;
	}
	reply = xs_control_command(cli->xs, args[0], words, (unsigned int)len);
	e = errno;
	if (!reply) {
		cli_fail(cli, e, "control", args[0]);
		if (e == EINVAL)
			cli_hint(cli, "xs control help lists what the daemon "
				      "knows");
		return cli->failed;
	}
	show(cli, reply);
	free(reply);
	return CLI_OK;
}
