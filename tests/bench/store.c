/* SPDX-License-Identifier: MIT */
/*
 * store.c: the store beside Debian's two, and beside an echo server
 *
 *	store [--only NAME] [--rounds N] [-j]
 *
 * Every row is measured in turns, N rounds (5), all processes on one
 * processor.  A figure is the median over the rounds of the ratio of
 * neighbours; what it is a ratio of is in the row's name.  Exit 1 if ours
 * misses a limit.
 */
#include <errno.h>
#include <getopt.h>
#include <math.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "common/json.h"
#include "tests/bench/store.h"

enum { ROUNDS_MAX = 25, VARIANTS = 2 };

/* All that was measured of one row. */
struct result {
	double m[ROUNDS_MAX][KINDS][VARIANTS][METRICS];
};

static unsigned rounds = 5;
static const char *only;
static bool json, have_debian;
static bool missed;

double now_us(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec * 1e6 + (double)ts.tv_nsec / 1e3;
}

static int by_value(const void *a, const void *b)
{
	const double *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

void sort_doubles(double *v, size_t nr)
{
	qsort(v, nr, sizeof(*v), by_value);
}

static bool takes_part(const struct row *row, int kind)
{
	if ((kind == C_XS || kind == OCAML_XS) && !have_debian)
		return false;
	return row->kinds & 1u << kind;
}

static void servers_start(const struct row *row, struct srv srv[][VARIANTS])
{
	for (int k = 0; k < KINDS; k++)
		for (unsigned v = 0; v < row->variants; v++) {
			if (!takes_part(row, k))
				continue;
			srv_start(&srv[k][v], (enum kind)k);
			row->set_up(&srv[k][v], v);
		}
}

static void servers_stop(const struct row *row, struct srv srv[][VARIANTS])
{
	for (int k = 0; k < KINDS; k++)
		for (unsigned v = 0; v < row->variants; v++)
			if (takes_part(row, k))
				srv_stop(&srv[k][v]);
}

/* @back: the other way round, as a machine gets slower or faster. */
static void kind_measure(const struct row *row, struct srv *srv, bool back,
	double (*metric)[METRICS])
{
	for (unsigned n = 0; n < row->variants; n++) {
		unsigned v = back ? row->variants - 1 - n : n;

		fprintf(stderr, " %s", kind_name[srv[v].kind]);
		row->measure(&srv[v], v, metric[v]);
	}
}

static void row_measure(const struct row *row, struct result *res)
{
	static struct srv srv[KINDS][VARIANTS];

	for (unsigned i = 0; i < rounds; i++) {
		if (i == 0 || row->fresh)
			servers_start(row, srv);
		fprintf(stderr, "store: %s %u/%u:", row->name, i + 1, rounds);
		for (int n = 0; n < KINDS; n++) {
			int k = i % 2 ? KINDS - 1 - n : n;

			if (takes_part(row, k))
				kind_measure(row, srv[k], i % 2, res->m[i][k]);
		}
		fputc('\n', stderr);
		if (i == rounds - 1 || row->fresh)
			servers_stop(row, srv);
	}
}

/* The figure of one server in one round. */
static double figure(
	const struct line *line, double m[KINDS][VARIANTS][METRICS], int kind)
{
	unsigned v = line->variant, i = line->metric;
	double own = m[kind][v][i];

	if (!have_debian &&
		(line->against == VS_C || line->against == VS_OCAML))
		return NAN;
	switch (line->against) {
	case VS_ECHO: return own / m[ECHO][v][i];
	case VS_C: return own / m[C_XS][v][i];
	case VS_OCAML: return own / m[OCAML_XS][v][i];
	case VS_SELF: return own / m[kind][!v][i];
	case VS_ALONE: return line->over ? own / m[kind][v][line->over] : own;
	}
	return NAN;
}

static double median_of(
	const struct line *line, struct result *res, int kind, bool raw)
{
	double v[ROUNDS_MAX];

	for (unsigned i = 0; i < rounds; i++)
		v[i] = raw ? res->m[i][kind][line->variant][line->metric]
			   : figure(line, res->m[i], kind);
	sort_doubles(v, rounds);
	return v[rounds / 2];
}

static bool within(const struct line *line, double ours)
{
	return line->against == VS_C ? ours >= line->limit
				     : ours <= line->limit;
}

/* At most 7 characters, whatever it is. */
static const char *number(char *buf, double x)
{
	if (isnan(x))
		snprintf(buf, 16, "-");
	else if (isinf(x))
		snprintf(buf, 16, "stalls");
	else
		snprintf(buf, 16, x < 9.995 ? "%.2f" : "%.0f", x);
	return buf;
}

static void print_line(const struct line *line, struct result *res)
{
	double fig[ECHO];
	char b[6][16];
	const char *verdict = "-";

	for (int k = 0; k < ECHO; k++)
		fig[k] = have_debian || k == OURS
				 ? median_of(line, res, k, false)
				 : NAN;
	if (!isnan(fig[OURS]))
		verdict = within(line, fig[OURS]) ? "ok" : "FAIL";
	printf("%-32s %6s %s%-4s %6s %6s %8.0f %s\n", line->text,
		number(b[0], fig[OURS]),
		line->against == VS_C ? ">=" : "<=", number(b[1], line->limit),
		number(b[2], fig[C_XS]), number(b[3], fig[OCAML_XS]),
		median_of(line, res, OURS, true), verdict);
	fflush(stdout);
}

/* Figures are in thousandths: what is a fraction stays exact enough. */
static void emit_line(struct json *out, const struct row *row,
	const struct line *line, struct result *res)
{
	json_open(out, NULL, '{');
	json_str(out, "name", row->name);
	json_str(out, "what", line->text);
	json_bool(out, "at_least", line->against == VS_C);
	json_num(out, "limit_thousandths", (uint64_t)(line->limit * 1000));
	for (int k = 0; k < ECHO; k++) {
		double x = median_of(line, res, k, false);
		char key[32];

		snprintf(key, sizeof(key), "%s_thousandths", kind_name[k]);
		if (isfinite(x) && takes_part(row, k))
			json_num(out, key, (uint64_t)(x * 1000));
	}
	json_close(out, '}');
}

static void judge(const struct row *row, const struct line *line,
	struct result *res, struct json *out)
{
	double ours = median_of(line, res, OURS, false);

	if (!isnan(ours))
		missed |= !within(line, ours);
	if (json)
		emit_line(out, row, line, res);
	else
		print_line(line, res);
}

static void rows_run(const struct row *all, size_t nr, struct json *out)
{
	static struct result res;

	for (size_t i = 0; i < nr; i++) {
		const struct row *row = &all[i];

		if (only && strcmp(only, row->name))
			continue;
		memset(&res, 0, sizeof(res));
		row_measure(row, &res);
		for (size_t k = 0; k < sizeof(row->line) / sizeof(*row->line) &&
				   row->line[k].text;
			k++)
			judge(row, &row->line[k], &res, out);
	}
}

static void usage(FILE *to)
{
	fputs("usage: store [--only NAME] [--rounds 1..25] [--json]\nrows:",
		to);
	for (size_t i = 0; i < rows_nr; i++)
		fprintf(to, " %s", rows[i].name);
	for (size_t i = 0; i < rows_guest_nr; i++)
		fprintf(to, " %s", rows_guest[i].name);
	fputc('\n', to);
}

static void opts_parse(int argc, char **argv)
{
	static const struct option longopts[] = {
		{"only", required_argument, NULL, 'o'},
		{"rounds", required_argument, NULL, 'r'},
		{"json", no_argument, NULL, 'j'},
		{"help", no_argument, NULL, 'h'},
		{NULL, 0, NULL, 0},
	};
	int opt;

	while ((opt = getopt_long(argc, argv, "o:r:jh", longopts, NULL)) >= 0)
		switch (opt) {
		case 'o': only = optarg; break;
		case 'r': rounds = (unsigned)atoi(optarg); break;
		case 'j': json = true; break;
		case 'h': usage(stdout); exit(0);
		default: usage(stderr); exit(2);
		}
	if (optind != argc || rounds < 1 || rounds > ROUNDS_MAX) {
		usage(stderr);
		exit(2);
	}
}

/* Where Debian's daemons are, if they are; scripts/xen-debs knows. */
static void debian_find(void)
{
	const char *src = getenv("BH_SRCDIR");
	char cmd[512], line[256] = "";
	FILE *f;

	if (!getenv("XEN_DEBS")) {
		snprintf(cmd, sizeof(cmd), "%s/scripts/xen-debs --path",
			src ? src : ".");
		f = popen(cmd, "re");
		if (f && fgets(line, sizeof(line), f))
			line[strcspn(line, "\n")] = '\0';
		if (f && pclose(f) == 0 && *line)
			setenv("XEN_DEBS", line, 1);
	}
	have_debian = getenv("XEN_DEBS") != NULL;
	if (!have_debian)
		fputs("store: without Debian's daemons\n", stderr);
}

static void pin(void)
{
	struct rlimit files;
	cpu_set_t one;

	CPU_ZERO(&one);
	CPU_SET(sched_getcpu(), &one);
	sched_setaffinity(0, sizeof(one), &one);
	getrlimit(RLIMIT_NOFILE, &files);
	files.rlim_cur = files.rlim_max;
	setrlimit(RLIMIT_NOFILE, &files);
}

static void on_end(int signo)
{
	srv_stop_all();
	_exit(2);
}

int main(int argc, char **argv)
{
	struct json out;

	stand_libs(argv);
	opts_parse(argc, argv);
	debian_find();
	pin();
	signal(SIGINT, on_end);
	signal(SIGTERM, on_end);
	if (json) {
		json_begin(&out, stdout);
		json_open(&out, NULL, '[');
	} else {
		printf("%-32s %6s %6s %6s %6s %8s\n", "", "ours", "limit", "C",
			"OCaml", "measured");
	}
	rows_run(rows, rows_nr, &out);
	rows_run(rows_guest, rows_guest_nr, &out);
	if (json) {
		json_close(&out, ']');
		json_end(&out);
	}
	return missed;
}
