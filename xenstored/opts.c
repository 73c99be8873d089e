/* SPDX-License-Identifier: MIT */
/* opts.c - the command line of xenstored */
#include <errno.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>

#include "common/macro.h"
#include "common/str.h"
#include "wire/perm.h"
#include "xenstored/conf.h"
#include "xenstored/opts.h"
#include "xenstored/trace.h"

/* Options without a letter. */
enum { OPT_TRACE_CONTROL = 256, OPT_NO_CONFINE, OPT_VERSION };

enum { SHOWN = 32, HELP_COLUMN = 30, PORT_MAX = 1 << 20 };

struct opt;
typedef int (*set_fn)(struct opts *opts, const struct opt *opt, const char *s);

struct opt {
	int letter;
	const char *name;
	const char *arg; /* NULL: takes none; "[...]": may be left out */
	set_fn set;
	size_t at; /* of the member, or enum quota */
	const char *help;
};

static int set_true(struct opts *opts, const struct opt *opt, const char *s)
{
	memcpy((char *)opts + opt->at, &(bool){true}, sizeof(bool));
	return 0;
}

static int set_text(struct opts *opts, const struct opt *opt, const char *s)
{
	memcpy((char *)opts + opt->at, &s, sizeof(s));
	return *s ? 0 : EINVAL;
}

static int set_number(
	struct opts *opts, const struct opt *opt, const char *s, uint64_t max)
{
	uint64_t number;
	int r = str_to_u64(s, max, &number);

	if (!r)
		memcpy((char *)opts + opt->at, &number, sizeof(number));
	return r;
}

static int set_domid(struct opts *opts, const struct opt *opt, const char *s)
{
	return set_number(opts, opt, s, PERM_DOMID_MAX);
}

static int set_port(struct opts *opts, const struct opt *opt, const char *s)
{
	return set_number(opts, opt, s, PORT_MAX);
}

static int limit_set(struct opts *opts, enum quota quota, const char *s)
{
	size_t value;
	int r = quota_parse(quota, s, &value);

	if (r)
		return r;
	quota_set(&opts->limits, quota, value);
	opts->limited[quota] = true;
	return 0;
}

static int set_limit(struct opts *opts, const struct opt *opt, const char *s)
{
	return limit_set(opts, (enum quota)opt->at, s);
}

/* NAME=N; returns N, and the name in @name. */
static const char *split(const char *s, char name[SHOWN])
{
	size_t len = strcspn(s, "=");

	if (!s[len] || len >= SHOWN)
		return NULL;
	memcpy(name, s, len);
	name[len] = '\0';
	return s + len + 1;
}

static int set_quota(struct opts *opts, const struct opt *opt, const char *s)
{
	char name[SHOWN];
	enum quota quota;

	s = split(s, name);
	if (!s || quota_find(name, &quota))
		return EINVAL;
	return limit_set(opts, quota, s);
}

static int set_soft(struct opts *opts, const struct opt *opt, const char *s)
{
	char name[SHOWN];

	s = split(s, name);
	if (!s || strcmp(name, "memory") != 0)
		return EINVAL;
	return limit_set(opts, QUOTA_SOFT_MEMORY, s);
}

/* Whoever does not read events delays nobody, so no time is too long. */
static int check_timeout(
	struct opts *opts, const struct opt *opt, const char *s)
{
	char name[SHOWN];
	uint64_t seconds;

	s = split(s, name);
	if (!s || strcmp(name, "watch-event") != 0)
		return EINVAL;
	return str_to_u64(s, UINT32_MAX, &seconds);
}

static int set_trace(struct opts *opts, const struct opt *opt, const char *s)
{
	opts->trace |= TRACE_IO | TRACE_OBJ;
	return set_text(opts, opt, s);
}

static int set_switch(struct opts *opts, const struct opt *opt, const char *s)
{
	return trace_switch(&opts->trace, s);
}

static int set_nothing(struct opts *opts, const struct opt *opt, const char *s)
{
	return 0;
}

#define AT(member) offsetof(struct opts, member)

/* By letter, regardless of case; then those without one. */
static const struct opt table[] = {
	{'A', "perm-nb", "N", set_limit, QUOTA_NODE_PERMS,
		"limit the entries in the permissions of a node"},
	{'C', "config-file", "FILE", set_text, AT(conf_file),
		"limits, instead of " CONF_FILE},
	{'D', "no-domain-init", NULL, set_true, AT(no_domains),
		"no hypervisor: serve the socket only"},
	{'E', "entry-nb", "N", set_limit, QUOTA_NODES,
		"limit the nodes of a guest"},
	{'e', "event", "PORT", set_port, AT(own_port),
		"port of our own domain's ring"},
	{'F', "pid-file", "FILE", set_text, AT(pid_file),
		"write the process id to FILE"},
	{'H', "help", NULL, set_true, AT(help), "print this and exit"},
	{'I', "internal-db", "[=on|off]", set_nothing, 0,
		"accepted: the store is always in memory"},
	{'K', "keep-orphans", NULL, set_true, AT(keep_orphans),
		"keep the nodes of domains that are gone"},
	{'L', "preserve-local", NULL, set_nothing, 0,
		"accepted: there is never an old /local"},
	{'M', "path-max", "BYTES", set_limit, QUOTA_PATH_MAX,
		"limit the length of a path"},
	{'m', "master-domid", "DOMID", set_domid, AT(own_domid),
		"our own domain, whose the socket is"},
	{'N', "no-fork", NULL, set_true, AT(foreground),
		"stay in the foreground"},
	{'n', "check-config", NULL, set_true, AT(check_conf),
		"check the configuration file and exit"},
	{'P', "output-pid", NULL, set_true, AT(print_pid),
		"print the process id"},
	{'p', "priv-domid", "DOMID", set_domid, AT(priv_domid),
		"a guest that may do everything"},
	{'Q', "quota", "NAME=N", set_quota, 0, "limit NAME of a guest"},
	{'q', "quota-soft", "memory=N", set_soft, 0,
		"bytes of a guest from which on the log warns"},
	{'R', "no-recovery", NULL, set_nothing, 0,
		"accepted: there is nothing to recover from"},
	{'S', "entry-size", "BYTES", set_limit, QUOTA_NODE_SIZE,
		"limit the value of a node"},
	{'T', "trace-file", "FILE", set_trace, AT(trace_file),
		"write an access log to FILE"},
	{'t', "transaction", "N", set_limit, QUOTA_TRANSACTIONS,
		"limit the open transactions of a guest"},
	{'v', "verbose", NULL, set_true, AT(verbose),
		"log what is for developers, too; also -V"},
	{'W', "watch-nb", "N", set_limit, QUOTA_WATCHES,
		"limit the watches of a guest"},
	{'w', "timeout", "watch-event=N", check_timeout, 0,
		"accepted: nobody waits for a reader"},
	{OPT_TRACE_CONTROL, "trace-control", "+SWITCH", set_switch, 0,
		"io, obj, values; -SWITCH: off"},
	{OPT_NO_CONFINE, "no-confine", NULL, set_true, AT(no_confine),
		"keep all rights, for debuggers"},
	{OPT_VERSION, "version", NULL, set_true, AT(version),
		"print the version and exit"},
};

static int takes(const struct opt *opt)
{
	if (!opt->arg)
		return no_argument;
	return *opt->arg == '[' ? optional_argument : required_argument;
}

/* As getopt() wants them; there is room for all. */
static void letters_emit(char *s, struct option *longs)
{
	*s++ = ':';
	*s++ = 'V';
	for (size_t i = 0; i < ARRAY_LEN(table); i++) {
		*longs++ = (struct option){
			table[i].name, takes(&table[i]), NULL, table[i].letter};
		if (table[i].letter > UINT8_MAX)
			continue;
		*s++ = (char)table[i].letter;
		for (int colons = takes(&table[i]); colons; colons--)
			*s++ = ':';
	}
	*s = '\0';
	*longs = (struct option){0};
}

static const struct opt *opt_find(int letter)
{
	if (letter == 'V')
		letter = 'v';
	for (size_t i = 0; i < ARRAY_LEN(table); i++)
		if (table[i].letter == letter)
			return &table[i];
	return NULL;
}

/* The word of the command line that is wrong, and why. */
static int refuse(const char *word, const char *why, const char *arg)
{
	char shown[SHOWN];

	fprintf(stderr, "xenstored: %s: %s", word, why);
	if (arg) {
		str_escape(shown, sizeof(shown), arg, strlen(arg));
		fprintf(stderr, " \"%s\"", shown);
	}
	fputs("; see xenstored --help\n", stderr);
	return EINVAL;
}

static int opt_refuse(const struct opt *opt, const char *why, const char *arg)
{
	char word[SHOWN];

	snprintf(word, sizeof(word), "--%s", opt->name);
	return refuse(word, why, arg);
}

/* Neither of the two is in the table: c is what getopt() said. */
static int word_refuse(int c, int argc, char **argv)
{
	const struct opt *opt = optopt ? opt_find(optopt) : NULL;
	char word[] = {'-', (char)optopt, '\0'};

	if (c == ':' && opt)
		return opt_refuse(opt, "needs an argument", NULL);
	if (opt)
		return opt_refuse(opt, "takes no argument", NULL);
	if (optopt)
		return refuse(word, "unknown option", NULL);
	return refuse(argv[optind - 1], "unknown option", NULL);
}

int opts_parse(struct opts *opts, int argc, char **argv)
{
	char letters[3 * ARRAY_LEN(table) + 3];
	struct option longs[ARRAY_LEN(table) + 1];
	const struct opt *opt;
	int c;

	*opts = (struct opts){0};
	letters_emit(letters, longs);
	optind = 0;
	while ((c = getopt_long(argc, argv, letters, longs, NULL)) != -1) {
		opt = c == '?' || c == ':' ? NULL : opt_find(c);
		if (!opt)
			return word_refuse(c, argc, argv);
		if (opt->set(opts, opt, optarg))
			return opt_refuse(opt, "not valid:", optarg);
	}
	if (optind != argc)
		return refuse(argv[optind], "not an option", NULL);
	return 0;
}

void opts_help(FILE *f)
{
	fputs("usage: xenstored [OPTION...]\n", f);
	for (size_t i = 0; i < ARRAY_LEN(table); i++) {
		const struct opt *opt = &table[i];
		int at = opt->letter > UINT8_MAX
				 ? fprintf(f, "      --%s", opt->name)
				 : fprintf(f, "  -%c, --%s", opt->letter,
					   opt->name);

		if (opt->arg)
			at += fprintf(
				f, *opt->arg == '[' ? "%s" : "=%s", opt->arg);
		fprintf(f, "%*s%s\n", at < HELP_COLUMN ? HELP_COLUMN - at : 1,
			"", opt->help);
	}
	fputs("environment: XENSTORED_RUNDIR (/var/run/xenstored),\n"
	      "  XENSTORED_PATH ($XENSTORED_RUNDIR/socket),\n"
	      "  XENSTORED_SYSLOG (/dev/log)\n",
		f);
}
