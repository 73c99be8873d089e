/* SPDX-License-Identifier: MIT */
/* test_name.c - names of domains as xs reads them, against a server */
#include <pthread.h>

#include <talloc.h>

#include "libxs/cli/name.h"
#include "libxs/xsx.h"
#include "tests/unit/xs_server.h"

enum { DOMS = 300 };

static struct server s;
static pthread_t thread;

/* What is in place of a name; the rest are called "dom-N". */
static const struct {
	unsigned int domid;
	const char *text;
	size_t len;
} odd[] = {{2, "", 0}, {3, "a\0b", 3}, {4, NULL, 0}};
enum { ODD = sizeof(odd) / sizeof(*odd) };

static void answer(uint32_t id, unsigned int domid)
{
	char text[32];

	for (int i = 0; i < ODD; i++) {
		if (odd[i].domid != domid)
			continue;
		if (odd[i].text)
			server_say(&s, XS_READ, id, odd[i].text, odd[i].len);
		else
			server_say(&s, XS_ERROR, id, "ENOENT", 7);
		return;
	}
	snprintf(text, sizeof(text), "dom-%u", domid);
	server_say(&s, XS_READ, id, text, strlen(text));
}

/* No name is said before all have been asked for. */
static void *server_main(void *arg)
{
	static uint32_t ids[DOMS];
	static char list[DOMS * 4 + 8];
	size_t len = 0;

	(void)arg;
	for (unsigned int i = 0; i < DOMS; i++)
		len += (size_t)sprintf(list + len, "%u", i) + 1;
	memcpy(list + len, "xyz", 4); /* is no domain */
	ck_assert(server_take(&s));
	ck_assert_uint_eq(s.hdr.type, XS_DIRECTORY);
	ck_assert_str_eq(s.payload, "/local/domain");
	ck_assert_uint_eq(s.hdr.tx_id, 0);
	server_answer(&s, list, len + 4);
	for (unsigned int i = 0; i < DOMS; i++) {
		char path[64];

		ck_assert(server_take(&s));
		snprintf(path, sizeof(path), "/local/domain/%u/name", i);
		ck_assert_uint_eq(s.hdr.type, XS_READ);
		ck_assert_str_eq(s.payload, path);
		ck_assert_uint_eq(s.hdr.tx_id, 0);
		ids[i] = s.hdr.req_id;
	}
	for (unsigned int i = 0; i < DOMS; i++)
		answer(ids[i], i);
	return NULL;
}

/* One round trip for all, once, and outside of the transaction. */
START_TEST(test_names)
{
	struct xsx_options opts = {.transport = XSX_FD, .fd = server_pair(&s)};
	struct cli *cli = talloc_zero(NULL, struct cli);
	unsigned int domid;

	ck_assert_int_eq(pthread_create(&thread, NULL, server_main, NULL), 0);
	cli->xs = xsx_handle_open(&opts);
	cli->t = 7;
	ck_assert_str_eq(name_of(cli, 0), "dom-0");
	ck_assert_str_eq(name_of(cli, DOMS - 1), "dom-299");
	for (int i = 0; i < ODD; i++)
		ck_assert_ptr_null(name_of(cli, odd[i].domid));
	ck_assert_ptr_null(name_of(cli, DOMS));
	ck_assert(name_domid(cli, "dom-7", &domid));
	ck_assert_uint_eq(domid, 7);
	ck_assert(!name_domid(cli, "a", &domid));
	ck_assert_int_eq(cli->failed, CLI_NOT_FOUND);
	ck_assert_uint_eq(cli->t, 7);
	xs_close(cli->xs);
	pthread_join(thread, NULL);
	close(s.fd);
	talloc_free(cli);
}
END_TEST

/* A store without domains. */
static void *nothing_main(void *arg)
{
	(void)arg;
	ck_assert(server_take(&s));
	server_error(&s, "ENOENT");
	return NULL;
}

START_TEST(test_none)
{
	struct xsx_options opts = {.transport = XSX_FD, .fd = server_pair(&s)};
	struct cli *cli = talloc_zero(NULL, struct cli);

	ck_assert_int_eq(pthread_create(&thread, NULL, nothing_main, NULL), 0);
	cli->xs = xsx_handle_open(&opts);
	ck_assert_ptr_null(name_of(cli, 0));
	xs_close(cli->xs);
	pthread_join(thread, NULL);
	close(s.fd);
	talloc_free(cli);
}
END_TEST

/* What keeps names from us: on the list of domains, or on a name of it. */
static const struct {
	const char *list, *name; /* NULL: the connection ends */
	int code;                /* of "work", which is not found */
} losses[] = {
	{"ENOENT", NULL, CLI_NOT_FOUND},
	{"EACCES", NULL, CLI_DENIED},
	{NULL, NULL, CLI_NO_DAEMON},
	{"", "ENOENT", CLI_NOT_FOUND},
	{"", "EACCES", CLI_NOT_FOUND},
	{"", "EIO", CLI_FAILED},
	{"", NULL, CLI_NO_DAEMON},
};

static void loss_say(const char *error)
{
	ck_assert(server_take(&s));
	if (error && *error)
		server_error(&s, error);
	else if (error)
		server_answer(&s, "5", 2);
	else
		shutdown(s.fd, SHUT_RDWR);
}

static void *losing_main(void *arg)
{
	int i = *(int *)arg;

	loss_say(losses[i].list);
	if (losses[i].list && !*losses[i].list)
		loss_say(losses[i].name);
	return NULL;
}

START_TEST(test_losses)
{
	struct xsx_options opts = {.transport = XSX_FD, .fd = server_pair(&s)};
	struct cli *cli = talloc_zero(NULL, struct cli);
	unsigned int domid;

	ck_assert_int_eq(pthread_create(&thread, NULL, losing_main, &_i), 0);
	cli->xs = xsx_handle_open(&opts);
	ck_assert(!name_domid(cli, "work", &domid));
	ck_assert_int_eq(cli->failed, losses[_i].code);
	xs_close(cli->xs);
	pthread_join(thread, NULL);
	close(s.fd);
	talloc_free(cli);
}
END_TEST

BH_CHECK_MAIN("name", 20, BH_TEST(test_names), BH_TEST(test_none),
	BH_LOOP(test_losses, sizeof(losses) / sizeof(*losses)))
