/* SPDX-License-Identifier: MIT */
/*
 * xsclient.c - Debian's libxenstore against the daemon at argv[1]
 *
 * Each expectation that fails is printed; exit 1 if there was one.
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <xenstore.h>

static int failures;

#define EXPECT(cond)                                                         \
	do {                                                                 \
		if (!(cond)) {                                               \
			printf("%s:%d: %s (errno %d)\n", __FILE__, __LINE__, \
				#cond, errno);                               \
			failures++;                                          \
		}                                                            \
	} while (0)

static void expect_read(
	struct xs_handle *xs, const char *path, const char *want)
{
	unsigned len = 0;
	char *value = xs_read(xs, XBT_NULL, path, &len);

	EXPECT(value && len == strlen(want) && !memcmp(value, want, len));
	free(value);
}

static void nodes(struct xs_handle *xs)
{
	unsigned nr = 0;
	char **list;

	EXPECT(xs_write(xs, XBT_NULL, "/t/b", "value", 5));
	EXPECT(xs_mkdir(xs, XBT_NULL, "/t/a"));
	expect_read(xs, "/t/b", "value");
	expect_read(xs, "/t/a", "");
	list = xs_directory(xs, XBT_NULL, "/t", &nr);
	EXPECT(list && nr == 2 && !strcmp(list[0], "b") &&
		!strcmp(list[1], "a"));
	free(list);
	EXPECT(!xs_read(xs, XBT_NULL, "/t/none", &nr) && errno == ENOENT);
	EXPECT(!xs_read(xs, XBT_NULL, "/t//none", &nr) && errno == EINVAL);
	EXPECT(!xs_rm(xs, XBT_NULL, "/") && errno == EINVAL);
	EXPECT(xs_rm(xs, XBT_NULL, "/t"));
	EXPECT(!xs_directory(xs, XBT_NULL, "/t", &nr) && errno == ENOENT);
}

static void perms(struct xs_handle *xs)
{
	struct xs_permissions want[2] = {{.id = 0, .perms = XS_PERM_NONE},
		{.id = 77, .perms = XS_PERM_READ | XS_PERM_WRITE}};
	struct xs_permissions *have;
	unsigned nr = 0;

	EXPECT(xs_write(xs, XBT_NULL, "/p", "", 0));
	EXPECT(xs_set_permissions(xs, XBT_NULL, "/p", want, 2));
	have = xs_get_permissions(xs, XBT_NULL, "/p", &nr);
	EXPECT(have && nr == 2 && have[1].id == 77 &&
		have[1].perms == want[1].perms);
	free(have);
	want[0].id = 77;
	EXPECT(!xs_set_permissions(xs, XBT_NULL, "/p", want, 1) &&
		errno == ENOENT);
	EXPECT(xs_rm(xs, XBT_NULL, "/p"));
}

static void expect_event(struct xs_handle *xs, const char *path)
{
	unsigned nr = 0;
	char **event = xs_read_watch(xs, &nr);

	EXPECT(event && nr == 2 && !strcmp(event[XS_WATCH_PATH], path) &&
		!strcmp(event[XS_WATCH_TOKEN], "token"));
	free(event);
}

static void watches(struct xs_handle *xs, struct xs_handle *other)
{
	EXPECT(xs_watch(xs, "/w", "token"));
	expect_event(xs, "/w");
	EXPECT(!xs_watch(xs, "/w", "token") && errno == EEXIST);
	EXPECT(xs_write(other, XBT_NULL, "/w/x", "1", 1));
	expect_event(xs, "/w/x");
	EXPECT(xs_rm(xs, XBT_NULL, "/w"));
	expect_event(xs, "/w");
	EXPECT(xs_unwatch(xs, "/w", "token"));
	EXPECT(!xs_unwatch(xs, "/w", "token") && errno == ENOENT);
	EXPECT(xs_write(other, XBT_NULL, "/w", "1", 1));
	EXPECT(!xs_check_watch(xs) && errno == EAGAIN);
}

static void domains(struct xs_handle *xs)
{
	char *path = xs_get_domain_path(xs, 5);

	EXPECT(path && !strcmp(path, "/local/domain/5"));
	free(path);
	EXPECT(xs_is_domain_introduced(xs, 0));
	EXPECT(!xs_is_domain_introduced(xs, 5));
	EXPECT(!xs_introduce_domain(xs, 5, 1, 1) && errno == ENOENT);
	EXPECT(!xs_release_domain(xs, 5) && errno == ENOENT);
	EXPECT(!xs_release_domain(xs, 0) && errno == EINVAL);
}

/* Clients side by side: everybody's own counter counts. */
enum { CLIENTS = 8, ROUNDS = 300 };

static void *count(void *arg)
{
	struct xs_handle *xs = xs_open(0);
	char path[32], value[16];

	EXPECT(xs);
	snprintf(path, sizeof(path), "/c/%d", (int)(intptr_t)arg);
	for (int i = 0; xs && i < ROUNDS; i++) {
		int n = snprintf(value, sizeof(value), "%d", i);

		EXPECT(xs_write(xs, XBT_NULL, path, value, (unsigned)n));
		expect_read(xs, path, value);
	}
	if (xs)
		xs_close(xs);
	return NULL;
}

static void side_by_side(void)
{
	pthread_t thread[CLIENTS];

	for (int i = 0; i < CLIENTS; i++)
		EXPECT(!pthread_create(
			&thread[i], NULL, count, (void *)(intptr_t)i));
	for (int i = 0; i < CLIENTS; i++)
		pthread_join(thread[i], NULL);
}

/* So many at once, each of which is served; then they go in another order. */
static void crowd(int nr)
{
	struct xs_handle **xs = calloc((size_t)nr, sizeof(struct xs_handle *));
	char value[16];

	EXPECT(xs);
	for (int i = 0; xs && i < nr; i++) {
		int n = snprintf(value, sizeof(value), "%d", i);

		xs[i] = xs_open(0);
		EXPECT(xs[i]);
		EXPECT(xs[i] && xs_write(xs[i], XBT_NULL, "/crowd", value,
					(unsigned)n));
	}
	for (int i = nr; xs && i-- > 0;) {
		if (!xs[i])
			continue;
		if (i == nr - 1)
			expect_read(xs[i], "/crowd", value);
		EXPECT(xs_write(xs[i], XBT_NULL, "/crowd", value,
			(unsigned)strlen(value)));
		xs_close(xs[i]);
	}
	free(xs);
}

int main(int argc, char **argv)
{
	struct xs_handle *xs, *other;

	if (argc < 2 || argc > 3 || setenv("XENSTORED_PATH", argv[1], 1)) {
		fprintf(stderr, "usage: xsclient socket [clients]\n");
		return 2;
	}
	if (argc == 3) {
		crowd(atoi(argv[2]));
		return failures != 0;
	}
	xs = xs_open(0);
	other = xs_open(0);
	if (!xs || !other) {
		perror(argv[1]);
		return 1;
	}
	nodes(xs);
	perms(xs);
	watches(xs, other);
	domains(xs);
	side_by_side();
	EXPECT(xs_rm(xs, XBT_NULL, "/c"));
	xs_close(other);
	xs_close(xs);
	return failures != 0;
}
