/* SPDX-License-Identifier: MIT */
/* out.h - bytes of the store on a terminal, in a pipe, in JSON */
#ifndef BH_LIBXS_CLI_OUT_H
#define BH_LIBXS_CLI_OUT_H

#include <stdio.h>

#include "common/json.h"
#include "libxs/cli/cli.h"
#include "libxs/cli/node.h"

/* What is known of stdout: a terminal, its width, colours. */
void out_init(struct cli *cli);

/* @len bytes as common/str.h escapes them. */
void out_text(FILE *f, const void *data, size_t len);

/* A line of ours with such bytes in it: our backslashes stay as they are. */
void out_message(FILE *f, const char *text);

/* out_text(), but not more than @columns; returns how many it took. */
size_t out_text_cut(FILE *f, const void *data, size_t len, size_t columns);

enum out_color {
	OUT_PLAIN,
	OUT_NAME,
	OUT_DIM,
};

/* What is written from now on; nothing without colours. */
void out_color(const struct cli *cli, enum out_color color);

/* "n0,r5(work)": permissions as printable text, of talloc context @ctx. */
char *out_perms(struct cli *cli, const void *ctx, const struct node *n);

/* {"xs":1, ...: every answer of a verb starts like this; and its end. */
void out_json_begin(struct cli *cli, struct json *j);
void out_json_end(struct json *j);

/* Members of a node: path, value, len, owner, perms; then its children. */
void out_json_node(struct cli *cli, struct json *j, const struct node *n);

/* {"xs":1,"op":...,"paths":[...]}: what a verb without other answer did. */
void out_json_done(struct cli *cli, char **paths, int nr);

/*
 * out_finish - everything is written
 *
 * Returns false, and records an error, if it could not be.
 */
bool out_finish(struct cli *cli);

#endif
