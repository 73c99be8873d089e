/* SPDX-License-Identifier: MIT */
/* main.c - hv-explore: the engine's scenarios in every order */
#include "config.h"

#include <errno.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "hv/explore/job.h"
#include "hv/explore/report.h"
#include "hv/explore/scen.h"
#include "hv/explore/trace.h"

enum { EXIT_OK, EXIT_FOUND, EXIT_USAGE, EXIT_INCOMPLETE };

static const char usage_text[] =
	"usage: hv-explore [options] SCENARIO ... | quick | all | faults\n"
	"       hv-explore --replay FILE\n"
	"       hv-explore --list\n";

struct option_row {
	const char *name;
	char c;
	const char *arg, *what;
};

static const struct option_row rows[] = {
	{"list", 'l', NULL, "the scenarios and the faults"},
	{"fault", 'f', "NAME", "break this rule of the engine"},
	{"save", 's', "FILE", "where the way to a violation is written"},
	{"replay", 'r', "FILE",
		"show a way that was saved (-: standard input)"},
	{"random", 'R', "SEED", "one random order after the other"},
	{"steps", 'n', "N", "of --random (default 1000000)"},
	{"memory", 'm', "MIB", "most memory of a process (default 1536)"},
	{"parallel", 'p', "N", "processes at a time (default: processors)"},
	{"json", 'j', NULL, "JSON on standard output"},
	{"quiet", 'q', NULL, "no progress on standard error"},
	{"help", 'h', NULL, "this text"},
	{"version", 'V', NULL, "which version this is"},
};
enum { ROWS = sizeof(rows) / sizeof(rows[0]) };

struct config {
	enum hv_fault fault;
	const char *save, *replay;
	bool random, list, json, quiet;
	unsigned int parallel;
	struct explore_opts opts;
};

static int usage(void)
{
	fputs(usage_text, stderr);
	fputs("hv-explore --help lists the options\n", stderr);
	return EXIT_USAGE;
}

static int help(void)
{
	fputs(usage_text, stdout);
	puts("\nRuns scenarios of hv's engine in every order of their "
	     "steps.\n");
	for (unsigned int i = 0; i < ROWS; i++)
		printf("  -%c, --%s%s%-*s %s\n", rows[i].c, rows[i].name,
			rows[i].arg ? " " : "",
			(int)(15 - strlen(rows[i].name)),
			rows[i].arg ? rows[i].arg : "", rows[i].what);
	puts("\nquick: the scenarios that take less than a second; all: every\n"
	     "one; faults: each rule broken, to see that a scenario finds it.");
	return EXIT_OK;
}

static bool number(const char *s, uint64_t max, uint64_t *v)
{
	char *end;

	errno = 0;
	*v = strtoull(s, &end, 0);
	return *s >= '0' && *s <= '9' && !*end && !errno && *v <= max;
}

static bool fault_find(const char *name, enum hv_fault *f)
{
	for (unsigned int i = 0; i < HV_NR_FAULTS; i++)
		if (!strcmp(hv_fault_table[i].name, name)) {
			*f = (enum hv_fault)i;
			return true;
		}
	fprintf(stderr, "hv-explore: no fault \"%s\"; --list has them\n", name);
	return false;
}

static const struct scenario *scenario_find(const char *name)
{
	for (unsigned int i = 0; scen_all()[i]; i++)
		if (!strcmp(scen_all()[i]->name, name))
			return scen_all()[i];
	fprintf(stderr, "hv-explore: no scenario \"%s\"; --list has them\n",
		name);
	return NULL;
}

/* 0, or what to exit with + 1. */
static int option(struct config *cf, int c)
{
	uint64_t n;

	switch (c) {
	case 'l': cf->list = true; return 0;
	case 'f': return fault_find(optarg, &cf->fault) ? 0 : EXIT_USAGE + 1;
	case 's': cf->save = optarg; return 0;
	case 'r': cf->replay = optarg; return 0;
	case 'j': cf->json = true; return 0;
	case 'q': cf->quiet = true; return 0;
	case 'R':
		cf->random = true;
		if (number(optarg, UINT64_MAX, &cf->opts.seed))
			return 0;
		break;
	case 'n':
		if (number(optarg, UINT64_MAX, &cf->opts.steps))
			return 0;
		break;
	case 'm':
		if (number(optarg, 1 << 24, &n) && n > 0) {
			cf->opts.memory_max = n << 20;
			return 0;
		}
		break;
	case 'p':
		if (number(optarg, 64, &n) && n > 0) {
			cf->parallel = (unsigned int)n;
			return 0;
		}
		break;
	case 'h': return help() + 1;
	case 'V': puts("hv-explore " PACKAGE_VERSION); return EXIT_OK + 1;
	default: return usage() + 1;
	}
	fprintf(stderr, "hv-explore: \"%s\" is not a number it takes\n",
		optarg);
	return EXIT_USAGE + 1;
}

static int options(struct config *cf, int argc, char **argv)
{
	struct option longs[ROWS + 1] = {{0}};
	char shorts[2 * ROWS + 1], *s = shorts;
	int c, r;

	for (unsigned int i = 0; i < ROWS; i++) {
		longs[i].name = rows[i].name;
		longs[i].has_arg =
			rows[i].arg ? required_argument : no_argument;
		longs[i].val = (unsigned char)rows[i].c;
		*s++ = rows[i].c;
		if (rows[i].arg)
			*s++ = ':';
	}
	*s = '\0';
	while ((c = getopt_long(argc, argv, shorts, longs, NULL)) != -1) {
		r = option(cf, c);
		if (r)
			return r;
	}
	return 0;
}

/* ---- what it can do -------------------------------------------------------- */

static int list(void)
{
	for (unsigned int i = 0; scen_all()[i]; i++)
		printf("%-12s %u vCPUs  %s\n", scen_all()[i]->name,
			scen_all()[i]->vcpus, scen_all()[i]->shows);
	puts("");
	for (unsigned int i = 1; i < HV_NR_FAULTS; i++)
		printf("%-20s %s\n", hv_fault_table[i].name,
			hv_fault_table[i].text);
	return EXIT_OK;
}

static int replay(const struct config *cf)
{
	FILE *f = strcmp(cf->replay, "-") ? fopen(cf->replay, "re") : stdin;
	const struct scenario *s;
	struct trace t;
	unsigned int line;
	bool found;
	int r;

	if (!f) {
		perror(cf->replay);
		return EXIT_USAGE;
	}
	r = trace_read(f, &t, &line);
	if (f != stdin)
		fclose(f);
	if (r) {
		fprintf(stderr, "hv-explore: %s:%u: not a way\n", cf->replay,
			line);
		trace_fini(&t);
		return EXIT_USAGE;
	}
	s = scenario_find(t.scenario);
	if (!s || !fault_find(t.fault, &hv_fault_on)) {
		trace_fini(&t);
		return EXIT_USAGE;
	}
	found = report_way(s, t.path, t.nr, cf->json);
	trace_fini(&t);
	return found ? EXIT_FOUND : EXIT_OK;
}

static int save(const struct config *cf, const struct scenario *s,
	const struct explore_report *rep)
{
	FILE *f = fopen(cf->save, "we");
	int r;

	if (!f) {
		perror(cf->save);
		return EXIT_USAGE;
	}
	r = trace_write(f, s->name, hv_fault_table[cf->fault].name, rep->path,
		rep->path_nr);
	if (fclose(f) || r) {
		perror(cf->save);
		return EXIT_USAGE;
	}
	return EXIT_FOUND;
}

static int result_exit(enum explore_result r)
{
	if (r == EXPLORE_OK)
		return EXIT_OK;
	return r == EXPLORE_MEMORY ? EXIT_INCOMPLETE : EXIT_FOUND;
}

/* One scenario, in this process; its way is shown. */
static int one(const struct config *cf, const struct scenario *s)
{
	struct explore_report rep;
	int r;

	hv_fault_on = cf->fault;
	if (cf->random)
		explore_random(s, &cf->opts, &rep);
	else
		explore_run(s, &cf->opts, &rep);
	report_one(s, &rep, cf->random, cf->json);
	r = result_exit(rep.result);
	if (rep.path && cf->save)
		r = save(cf, s, &rep);
	explore_report_fini(&rep);
	return r;
}

static int several(const struct config *cf, const struct scenario *const *list)
{
	struct explore_opts o = cf->opts;
	enum explore_result worst;

	/* lines of several processes would be mixed */
	o.progress = false;
	worst = report_scenarios(list, cf->fault, cf->parallel, &o, cf->json);
	return result_exit(worst);
}

static int faults(const struct config *cf)
{
	struct explore_opts o = cf->opts;

	o.progress = false;
	return report_faults(cf->parallel, &o, cf->json) ? EXIT_FOUND : EXIT_OK;
}

static int run(const struct config *cf, int argc, char **argv)
{
	const struct scenario **list;
	int r = EXIT_USAGE;

	if (argc == 1 && !strcmp(argv[0], "faults"))
		return faults(cf);
	if (argc == 1 && !strcmp(argv[0], "all"))
		return several(cf, scen_exhaustive());
	if (argc == 1 && !strcmp(argv[0], "quick"))
		return several(cf, scen_quick());
	list = calloc((size_t)argc + 1, sizeof(const struct scenario *));
	if (!list)
		return EXIT_INCOMPLETE;
	for (int i = 0; i < argc; i++) {
		list[i] = scenario_find(argv[i]);
		if (!list[i])
			goto out;
		if (list[i]->random_only && !cf->random) {
			fprintf(stderr, "hv-explore: %s is for --random only\n",
				argv[i]);
			goto out;
		}
	}
	r = argc == 1 ? one(cf, list[0]) : several(cf, list);
out:
	free(list);
	return r;
}

int main(int argc, char **argv)
{
	long cpus = sysconf(_SC_NPROCESSORS_ONLN);
	struct config cf = {
		.opts = {.memory_max = (size_t)1536 << 20, .steps = 1000000},
		.parallel = cpus > 0 && cpus < 64 ? (unsigned int)cpus : 1,
	};
	int r = options(&cf, argc, argv);

	if (r)
		return r - 1;
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
	fputs("hv-explore: a sanitizer does not know its stacks; build it "
	      "without\n",
		stderr);
	return EXIT_INCOMPLETE;
#endif
	cf.opts.progress = !cf.quiet && isatty(STDERR_FILENO);
	if (cf.list)
		return list();
	if (cf.replay)
		return optind == argc ? replay(&cf) : usage();
	if (optind == argc || (cf.random && argc - optind != 1))
		return usage();
	return run(&cf, argc - optind, argv + optind);
}
