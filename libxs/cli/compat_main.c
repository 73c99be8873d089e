/* SPDX-License-Identifier: MIT */
/* compat_main.c - which xenstore-* command we are, and its options */
#include <err.h>
#include <errno.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>

#include "common/macro.h"
#include "libxs/cli/compat.h"

struct mode {
	const char *name;
	const char *args; /* of the usage line */
	unsigned int opts;
	int operands; /* at least so many */
	/* more operands than this make a transaction; -1: never one */
	int txn_above;
	int (*run)(struct compat *c, char **args, int nr);
};

static const struct mode modes[] = {
	{"read", "[-h] [-p] [-s] [-R] key [...]", OPT_PREFIX | OPT_RAW, 1, 1,
		compat_read},
	{"write", "[-h] [-s] [-R] key value [...]", OPT_RAW, 2, 2,
		compat_write},
	{"rm", "[-h] [-s] [-t] key [...]", OPT_TIDY, 1, 0, compat_rm},
	{"exists", "[-h] [-p] [-s] key [...]", 0, 1, 0, compat_exists},
	{"list", "[-h] [-p] [-s] key [...]", OPT_PREFIX, 1, 0, compat_list},
	{"ls", "[-h] [-f] [-p] [-s] [path]", OPT_FLAT | OPT_PREFIX, 0, -1,
		compat_ls},
	{"chmod", "[-h] [-u] [-r] [-s] key <mode [modes...]>",
		OPT_UPTO | OPT_RECURSE, 1, 0, compat_chmod},
	{"watch", "[-h] [-n NR] key", OPT_NUMBER, 1, -1, compat_watch},
};

static const struct option long_opts[] = {
	{"help", no_argument, NULL, 'h'},
	{"flat", no_argument, NULL, 'f'},
	{"prefix", no_argument, NULL, 'p'},
	{"tidy", no_argument, NULL, 't'},
	{"upto", no_argument, NULL, 'u'},
	{"recurse", no_argument, NULL, 'r'},
	{"number", required_argument, NULL, 'n'},
	{"raw", no_argument, NULL, 'R'},
	{NULL, 0, NULL, 0},
};

static const struct {
	char letter;
	unsigned int bit;
} letters[] = {
	{'f', OPT_FLAT},
	{'p', OPT_PREFIX},
	{'t', OPT_TIDY},
	{'u', OPT_UPTO},
	{'r', OPT_RECURSE},
	{'n', OPT_NUMBER},
	{'R', OPT_RAW},
};

static __attribute__((noreturn)) void usage(
	const struct mode *m, bool word, const char *prog)
{
	errx(1, "Usage: %s %s%s%s", prog, word ? m->name : "", word ? " " : "",
		m->args);
}

static const struct mode *mode_find(const char *name)
{
	for (size_t i = 0; i < ARRAY_LEN(modes); i++)
		if (!strcmp(modes[i].name, name))
			return &modes[i];
	errx(1, "unknown mode %s\n", name);
}

static unsigned int option_bit(int letter)
{
	for (size_t i = 0; i < ARRAY_LEN(letters); i++)
		if (letters[i].letter == letter)
			return letters[i].bit;
	return 0;
}

/*
 * Options into @c; the operands start at optind.  @word: the mode was the
 * first argument, and is argv[0] now.
 */
static void parse(struct compat *c, const struct mode *m, bool word,
	const char *prog, int argc, char **argv)
{
	int letter;

	while ((letter = getopt_long(
			argc, argv, "hfspturn:R", long_opts, NULL)) != -1) {
		unsigned int bit = option_bit(letter);

		/*
		 * -s once chose the transport, and scripts still say it;
		 * after a complaint about others, the tools go on.
		 */
		if (letter == 's' || letter == '?')
			continue;
		if (!(bit & m->opts))
			usage(m, word, prog);
		c->opts |= bit;
		if (letter == 'n')
			c->number = (int)strtol(optarg, NULL, 10);
	}
	if (argc - optind < m->operands ||
		(m->operands == 2 && (argc - optind) % 2))
		usage(m, word, prog);
}

/* Into memory, so that it can be forgotten; and what is there, to stdout. */
static void out_open(struct compat *c, char **buf, size_t *len)
{
	c->out = open_memstream(buf, len);
	if (!c->out)
		err(1, "malloc");
}

static void out_close(
	struct compat *c, char **buf, const size_t *len, bool show)
{
	fclose(c->out);
	if (show)
		fwrite(*buf, 1, *len, stdout);
	free(*buf);
	*buf = NULL;
}

/* One try; false if the transaction lost and all has to be done again. */
static bool try_once(struct compat *c, const struct mode *m, bool txn,
	char **args, int nr, int *status)
{
	size_t len = 0;
	char *buf = NULL;
	bool done = true;

	c->t = XBT_NULL;
	if (txn) {
		c->t = xs_transaction_start(c->xs);
		if (c->t == XBT_NULL)
			errx(1, "couldn't start transaction");
	}
	out_open(c, &buf, &len);
	*status = m->run(c, args, nr);
	if (txn && !xs_transaction_end(c->xs, c->t, *status != 0) &&
		*status == 0) {
		if (errno != EAGAIN)
			errx(1, "couldn't end transaction");
		done = false;
	}
	out_close(c, &buf, &len, done);
	return done;
}

static int mode_run(const struct mode *m, bool word, const char *prog, int argc,
	char **argv)
{
	static char root[] = "/";
	char *only_root[] = {root, NULL};
	struct compat c = {.number = -1};
	char **args;
	int nr, status;

	parse(&c, m, word, prog, argc, argv);
	args = argv + optind;
	nr = argc - optind;
	if (!nr) {
		args = only_root;
		nr = 1;
	}
	c.xs = xs_open(0);
	if (!c.xs)
		err(1, "xs_open");
	while (!try_once(&c, m, m->txn_above >= 0 && nr > m->txn_above, args,
		nr, &status))
		;
	xs_close(c.xs);
	return status;
}

bool compat_main(int argc, char **argv, int *status)
{
	static const char prefix[] = "xenstore-";
	const char *slash = strrchr(argv[0], '/');
	const char *name = slash ? slash + 1 : argv[0];
	bool word = !strcmp(name, "xenstore");

	if (!strcmp(name, "xenstore-control")) {
		*status = compat_control(argc, argv);
		return true;
	}
	if (word) {
		if (argc < 2)
			errx(1, "Usage: %s <mode> [-h] [...]", argv[0]);
		*status = mode_run(
			mode_find(argv[1]), word, argv[0], argc - 1, argv + 1);
		return true;
	}
	if (strncmp(name, prefix, sizeof(prefix) - 1) != 0)
		return false;
	*status = mode_run(mode_find(name + sizeof(prefix) - 1), word, argv[0],
		argc, argv);
	return true;
}
