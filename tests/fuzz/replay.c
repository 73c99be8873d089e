// SPDX-License-Identifier: MIT
/*
 * replay.c - feed a fuzz target its seeds, without libFuzzer
 *
 * DOC: with arguments, every argument is a file or a folder of files, fed as
 * they are: this reproduces a finding.  Without arguments the program takes
 * the seeds of its own name (fuzz_xsmsg: tests/fuzz/seeds/xsmsg below
 * $BH_SRCDIR) and feeds also every prefix and a fixed sequence of one-byte
 * changes of each, so that a plain `make check` walks the error paths.  The
 * sequence depends on the seed alone: a failure repeats.
 *
 * Every input is copied to a heap block of exactly its length, so that a
 * sanitizer or valgrind sees the first byte read past the end.
 */
#include "tests/fuzz/fuzz.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum {
	SEED_MAX = 1 << 20, /* a larger seed is a mistake */
	PREFIX_MAX = 512,   /* prefixes are tried up to here */
	CHANGES = 256,      /* one-byte changes per seed */
};

static unsigned long inputs_nr, seeds_nr;

static void *xmalloc(size_t n)
{
	void *p = malloc(n);

	if (!p && n) {
		perror("malloc");
		exit(99);
	}
	return p;
}

static void feed(const uint8_t *data, size_t len)
{
	uint8_t *copy = xmalloc(len);

	if (len)
		memcpy(copy, data, len);
	if (LLVMFuzzerTestOneInput(copy, len) != 0) {
		fprintf(stderr, "target did not return 0\n");
		exit(1);
	}
	free(copy);
	inputs_nr++;
}

static uint32_t rng_next(uint32_t *state)
{
	uint32_t x = *state;

	x ^= x << 13;
	x ^= x >> 17;
	x ^= x << 5;
	return *state = x;
}

static void feed_variants(uint8_t *data, size_t len)
{
	uint32_t rng = 2463534242u;

	for (size_t n = 0; n < len && n < PREFIX_MAX; n++)
		feed(data, n);
	for (int i = 0; len && i < CHANGES; i++) {
		size_t at = rng_next(&rng) % len;
		uint8_t old = data[at];

		data[at] = rng_next(&rng) & 0xff;
		feed(data, len);
		data[at] = old;
	}
}

static void feed_file(const char *path, int variants)
{
	uint8_t *data = xmalloc(SEED_MAX);
	FILE *f = fopen(path, "rb");
	size_t len;

	if (!f) {
		fprintf(stderr, "%s: %s\n", path, strerror(errno));
		exit(99);
	}
	len = fread(data, 1, SEED_MAX, f);
	if (ferror(f) || len == SEED_MAX) {
		fprintf(stderr, "%s: unreadable or too large\n", path);
		exit(99);
	}
	fclose(f);
	/* the last line of a crashed run names the input that did it */
	fprintf(stderr, "%s (%zu bytes)\n", path, len);
	feed(data, len);
	if (variants)
		feed_variants(data, len);
	free(data);
	seeds_nr++;
}

static int entry_visible(const struct dirent *d)
{
	return d->d_name[0] != '.';
}

static void feed_path(const char *path, int variants)
{
	struct dirent **names;
	struct stat st;
	int n;

	if (stat(path, &st) != 0) {
		fprintf(stderr, "%s: %s\n", path, strerror(errno));
		exit(99);
	}
	if (!S_ISDIR(st.st_mode)) {
		feed_file(path, variants);
		return;
	}
	/* sorted: the same order on every machine */
	n = scandir(path, &names, entry_visible, alphasort);
	if (n < 0) {
		fprintf(stderr, "%s: %s\n", path, strerror(errno));
		exit(99);
	}
	for (int i = 0; i < n; i++) {
		char *file = NULL;

		if (asprintf(&file, "%s/%s", path, names[i]->d_name) < 0)
			exit(99);
		feed_path(file, variants);
		free(file);
		free(names[i]);
	}
	free(names);
}

static void feed_own_seeds(const char *argv0)
{
	const char *src = getenv("BH_SRCDIR"), *name = strrchr(argv0, '/');
	char *path = NULL;

	name = name ? name + 1 : argv0;
	if (!strncmp(name, "lt-", 3)) /* libtool's wrapper */
		name += 3;
	if (!strncmp(name, "fuzz_", 5))
		name += 5;
	if (asprintf(&path, "%s/tests/fuzz/seeds/%s", src ? src : ".", name) <
		0)
		exit(99);
	feed_path(path, 1);
	free(path);
}

int main(int argc, char **argv)
{
	if (argc < 2)
		feed_own_seeds(argv[0]);
	for (int i = 1; i < argc; i++)
		feed_path(argv[i], 0);
	printf("%lu seeds, %lu inputs\n", seeds_nr, inputs_nr);
	return seeds_nr ? 0 : 1;
}
