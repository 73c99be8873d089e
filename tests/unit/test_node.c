/* SPDX-License-Identifier: MIT */
/* test_node.c - subtrees as xs reads them, against a scripted server */
#include <errno.h>
#include <pthread.h>

#include <talloc.h>

#include "libxs/cli/node.h"
#include "libxs/xsx.h"
#include "tests/unit/xs_server.h"

/*
 * Requests in the order they have to come in, in groups: nothing of a group
 * is answered before all of it was asked.
 */
struct row {
	int group;
	uint32_t type;
	const char *path, *text;
	size_t len; /* of text */
	const char *error;
};

#define SAY(group_, type_, path_, text_)                             \
	{                                                            \
		group_, type_, path_, text_, sizeof(text_) - 1, NULL \
	}
#define FAIL(group_, type_, path_, error_)            \
	{                                             \
		group_, type_, path_, NULL, 0, error_ \
	}

static struct server s;
static const struct row *rows;
static pthread_t thread;

static void *server_main(void *arg)
{
	(void)arg;
	while (rows->path) {
		const struct row *row, *first = rows;
		uint32_t ids[16] = {0};

		for (; rows->path && rows->group == first->group; rows++) {
			ck_assert(server_take(&s));
			ck_assert_uint_eq(s.hdr.type, rows->type);
			ck_assert_str_eq(s.payload, rows->path);
			ck_assert_uint_eq(s.hdr.tx_id, 7);
			ids[rows - first] = s.hdr.req_id;
		}
		for (row = first; row < rows; row++) {
			uint32_t id = ids[row - first];

			if (row->error)
				server_say(&s, XS_ERROR, id, row->error,
					strlen(row->error) + 1);
			else
				server_say(
					&s, row->type, id, row->text, row->len);
		}
	}
	return NULL;
}

static struct node *load(struct cli *cli, const struct row *script,
	unsigned int what, uint64_t depth)
{
	struct xsx_options opts = {.transport = XSX_FD, .fd = server_pair(&s)};
	struct node *n;

	rows = script;
	ck_assert_int_eq(pthread_create(&thread, NULL, server_main, NULL), 0);
	cli->xs = xsx_handle_open(&opts);
	cli->t = 7;
	n = node_load(cli, cli, "/a", what, depth);
	xs_close(cli->xs);
	pthread_join(thread, NULL);
	close(s.fd);
	return n;
}

/* A level takes one round trip, however many nodes it has. */
START_TEST(test_levels)
{
	static const struct row script[] = {
		SAY(0, XS_READ, "/a", ""),
		SAY(0, XS_GET_PERMS, "/a", "n0\0r5\0"),
		SAY(0, XS_DIRECTORY, "/a", "b\0c\0"),
		SAY(1, XS_READ, "/a/b", "x\0y"),
		SAY(1, XS_GET_PERMS, "/a/b", "b1\0"),
		SAY(1, XS_DIRECTORY, "/a/b", "d\0"),
		SAY(1, XS_READ, "/a/c", "z"),
		SAY(1, XS_GET_PERMS, "/a/c", "n0\0"),
		SAY(1, XS_DIRECTORY, "/a/c", ""),
		/* deep enough */
		SAY(2, XS_READ, "/a/b/d", ""),
		SAY(2, XS_GET_PERMS, "/a/b/d", "n0\0"),
		{.path = NULL},
	};
	struct cli *cli = talloc_zero(NULL, struct cli);
	struct node *n =
		load(cli, script, NODE_VALUE | NODE_PERMS | NODE_CHILDREN, 2);

	ck_assert_ptr_nonnull(n);
	ck_assert_str_eq(n->name, "a");
	ck_assert_uint_eq(n->perms_nr, 2);
	ck_assert_uint_eq(n->perms[1].id, 5);
	ck_assert_uint_eq(n->perms[1].perms, XS_PERM_READ);
	ck_assert_uint_eq(n->children_nr, 2);
	ck_assert_str_eq(n->children[0]->path, "/a/b");
	ck_assert_uint_eq(n->children[0]->len, 3);
	ck_assert_mem_eq(n->children[0]->value, "x\0y", 4);
	ck_assert_str_eq(n->children[1]->value, "z");
	ck_assert(n->children[1]->listed);
	ck_assert_uint_eq(n->children[0]->children_nr, 1);
	ck_assert(!n->children[0]->children[0]->listed);
	talloc_free(cli);
}
END_TEST

/* What is gone or closed is left out, wherever it is among the others. */
START_TEST(test_holes)
{
	static const struct row script[] = {
		SAY(0, XS_READ, "/a", "a"),
		SAY(0, XS_DIRECTORY, "/a", "b\0c\0d\0e\0f\0"),
		FAIL(1, XS_READ, "/a/b", "ENOENT"),
		FAIL(1, XS_DIRECTORY, "/a/b", "ENOENT"),
		SAY(1, XS_READ, "/a/c", "c"),
		FAIL(1, XS_DIRECTORY, "/a/c", "EACCES"),
		SAY(1, XS_READ, "/a/d", "d"),
		FAIL(1, XS_DIRECTORY, "/a/d", "ENOENT"),
		SAY(1, XS_READ, "/a/e", "e"),
		SAY(1, XS_DIRECTORY, "/a/e", ""),
		FAIL(1, XS_READ, "/a/f", "ENOENT"),
		FAIL(1, XS_DIRECTORY, "/a/f", "ENOENT"),
		{.path = NULL},
	};
	struct cli *cli = talloc_zero(NULL, struct cli);
	struct node *n =
		load(cli, script, NODE_VALUE | NODE_CHILDREN, UINT64_MAX);

	ck_assert_ptr_nonnull(n);
	ck_assert_uint_eq(n->children_nr, 2);
	ck_assert_str_eq(n->children[0]->path, "/a/c");
	ck_assert(!n->children[0]->listed);
	ck_assert_str_eq(n->children[1]->path, "/a/e");
	ck_assert_int_eq(cli->failed, 0);
	talloc_free(cli);
}
END_TEST

static const struct {
	struct row rows[3];
	int code;
} failures[] = {
	{{FAIL(0, XS_READ, "/a", "ENOENT"),
		 FAIL(0, XS_DIRECTORY, "/a", "ENOENT")},
		CLI_NOT_FOUND},
	/* what was named is no hole */
	{{FAIL(0, XS_READ, "/a", "EACCES"),
		 FAIL(0, XS_DIRECTORY, "/a", "EACCES")},
		CLI_DENIED},
	{{SAY(0, XS_READ, "/a", ""), FAIL(0, XS_DIRECTORY, "/a", "EACCES")},
		CLI_DENIED},
	{{SAY(0, XS_READ, "/a", ""), FAIL(0, XS_DIRECTORY, "/a", "ENOSPC")},
		CLI_QUOTA},
	/* no end behind the last name */
	{{SAY(0, XS_READ, "/a", ""), SAY(0, XS_DIRECTORY, "/a", "b\0c")},
		CLI_FAILED},
	{{SAY(0, XS_READ, "/a", ""), FAIL(0, XS_DIRECTORY, "/a", "EIO")},
		CLI_FAILED},
};

START_TEST(test_failures)
{
	struct cli *cli = talloc_zero(NULL, struct cli);

	ck_assert_ptr_null(load(cli, failures[_i].rows,
		NODE_VALUE | NODE_CHILDREN, UINT64_MAX));
	ck_assert_int_eq(cli->failed, failures[_i].code);
	talloc_free(cli);
}
END_TEST

/* A list that is too long for one answer. */
START_TEST(test_parts)
{
	static const struct row script[] = {
		FAIL(0, XS_DIRECTORY, "/a", "E2BIG"),
		FAIL(1, XS_DIRECTORY, "/a", "E2BIG"),
		SAY(2, XS_DIRECTORY_PART, "/a", "1\0b\0c\0\0"),
		{.path = NULL},
	};
	struct cli *cli = talloc_zero(NULL, struct cli);
	struct node *n = load(cli, script, NODE_CHILDREN, 1);

	ck_assert_ptr_nonnull(n);
	ck_assert_uint_eq(n->children_nr, 2);
	ck_assert_str_eq(n->children[1]->name, "c");
	talloc_free(cli);
}
END_TEST

BH_CHECK_MAIN("node", 20, BH_TEST(test_levels), BH_TEST(test_holes),
	BH_LOOP(test_failures, sizeof(failures) / sizeof(*failures)),
	BH_TEST(test_parts))
