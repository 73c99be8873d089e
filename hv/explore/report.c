/* SPDX-License-Identifier: MIT */
/* report.c - what hv-explore says: tables and ways, as text or JSON */
#include <stdlib.h>
#include <string.h>

#include "hv/explore/job.h"
#include "hv/explore/report.h"
#include "hv/explore/scen.h"
#include "hv/explore/trace.h"
#include "common/err.h"
#include "common/json.h"

struct table {
	struct json j;
	bool json;
	const struct scenario *const *list;
	enum explore_result first; /* that is not ok */
	unsigned int bad;
	uint64_t states, transitions;
	struct job *jobs;
};

static double mib(size_t bytes)
{
	return (double)bytes / 1048576;
}

static void json_report(struct json *j, const struct explore_report *rep)
{
	json_str(j, "result", explore_result_name(rep->result));
	if (rep->result != EXPLORE_OK)
		json_str(j, "text", rep->text);
	json_num(j, "states", rep->states);
	json_num(j, "transitions", rep->transitions);
	json_num(j, "depth", rep->depth);
	json_num(j, "milliseconds", (uint64_t)(rep->seconds * 1000));
	json_num(j, "memory", rep->memory);
}

static void text_report(
	const struct scenario *s, const struct explore_report *rep, bool random)
{
	printf("%s: %s", s->name, explore_result_name(rep->result));
	if (rep->result != EXPLORE_OK)
		printf(": %s", rep->text);
	printf("\n  %llu %s, %llu steps, depth %u, %.2f s, %.0f MiB\n",
		(unsigned long long)rep->states,
		random ? "times set up" : "states",
		(unsigned long long)rep->transitions, rep->depth, rep->seconds,
		mib(rep->memory));
}

void report_one(const struct scenario *s, const struct explore_report *rep,
	bool random, bool json)
{
	struct json j;
	char text[256];

	if (!json) {
		text_report(s, rep, random);
		if (rep->path)
			trace_print(stdout, NULL, s, rep->path, rep->path_nr,
				text, sizeof(text));
		return;
	}
	json_begin(&j, stdout);
	json_open(&j, NULL, '{');
	json_str(&j, "scenario", s->name);
	json_str(&j, "fault", hv_fault_table[hv_fault_on].name);
	json_report(&j, rep);
	if (rep->path)
		trace_print(stdout, &j, s, rep->path, rep->path_nr, text,
			sizeof(text));
	json_close(&j, '}');
	json_end(&j);
}

bool report_way(
	const struct scenario *s, const struct move *path, size_t nr, bool json)
{
	struct json j;
	char text[256];
	bool found;

	if (!json) {
		found = trace_print(
			stdout, NULL, s, path, nr, text, sizeof(text));
		if (!found)
			puts("      nothing is violated");
		return found;
	}
	json_begin(&j, stdout);
	json_open(&j, NULL, '{');
	json_str(&j, "scenario", s->name);
	json_str(&j, "fault", hv_fault_table[hv_fault_on].name);
	found = trace_print(stdout, &j, s, path, nr, text, sizeof(text));
	json_str(&j, "violation", found ? text : NULL);
	json_close(&j, '}');
	json_end(&j);
	return found;
}

static void table_begin(struct table *t, const char *head)
{
	t->first = EXPLORE_OK;
	if (!t->json) {
		puts(head);
		return;
	}
	json_begin(&t->j, stdout);
	json_open(&t->j, NULL, '[');
}

static void table_end(struct table *t)
{
	if (!t->json)
		return;
	json_close(&t->j, ']');
	json_end(&t->j);
}

static void scenario_row(unsigned int i, const struct outcome *out, void *arg)
{
	struct table *t = arg;
	const struct scenario *s = t->list[i];
	const struct explore_report *rep = &out->rep;
	bool ok = !out->died && rep->result == EXPLORE_OK;

	t->states += rep->states;
	t->transitions += rep->transitions;
	t->bad += !ok;
	if (!ok && t->first == EXPLORE_OK)
		t->first = out->died ? EXPLORE_VIOLATION : rep->result;
	if (t->json) {
		json_open(&t->j, NULL, '{');
		json_str(&t->j, "scenario", s->name);
		json_num(&t->j, "vcpus", s->vcpus);
		json_report(&t->j, rep);
		json_close(&t->j, '}');
		return;
	}
	printf("%-12s %5u %10llu %11llu %6u %7.2f %6.0f  %s%s%s\n", s->name,
		s->vcpus, (unsigned long long)rep->states,
		(unsigned long long)rep->transitions, rep->depth, rep->seconds,
		mib(rep->memory),
		out->died ? "died" : explore_result_name(rep->result),
		ok ? "" : ": ", rep->text);
	fflush(stdout);
}

enum explore_result report_scenarios(const struct scenario *const *list,
	enum hv_fault fault, unsigned int parallel,
	const struct explore_opts *o, bool json)
{
	struct table t = {.json = json, .list = list};
	const struct scenario **alone;
	unsigned int n = 0;

	while (list[n])
		n++;
	t.jobs = calloc(n + 1, sizeof(*t.jobs));
	alone = calloc(2 * ((size_t)n + 1), sizeof(const struct scenario *));
	CHECK(t.jobs && alone);
	for (unsigned int i = 0; i < n; i++) {
		alone[2 * (size_t)i] = list[i];
		t.jobs[i].scenarios = &alone[2 * (size_t)i];
		t.jobs[i].fault = fault;
	}
	table_begin(&t, "scenario     vCPUs     states transitions  depth"
			"    time    MiB  result");
	if (jobs_run(t.jobs, n, parallel, o, scenario_row, &t))
		t.first = EXPLORE_MEMORY;
	table_end(&t);
	if (!json)
		printf("%u scenarios, %llu states, %llu transitions: %s\n", n,
			(unsigned long long)t.states,
			(unsigned long long)t.transitions,
			t.first == EXPLORE_OK ? "ok" : "NOT OK");
	free(t.jobs);
	free(alone);
	return t.first;
}

/* ---- faults ---------------------------------------------------------------- */

static void fault_row(unsigned int i, const struct outcome *out, void *arg)
{
	struct table *t = arg;
	const struct hv_fault_info *f = &hv_fault_table[t->jobs[i].fault];
	bool caught =
		!out->died && (out->rep.result == EXPLORE_VIOLATION ||
				      out->rep.result == EXPLORE_DEADLOCK ||
				      out->rep.result == EXPLORE_LIVELOCK);
	const char *by = caught ? t->jobs[i].scenarios[out->last]->name : NULL;

	t->bad += !caught;
	if (t->json) {
		json_open(&t->j, NULL, '{');
		json_str(&t->j, "fault", f->name);
		json_str(&t->j, "text", f->text);
		json_str(&t->j, "caught_by", by);
		json_num(&t->j, "steps", out->steps);
		json_str(&t->j, "how", caught ? out->rep.text : NULL);
		json_num(&t->j, "states", out->rep.states);
		json_close(&t->j, '}');
		return;
	}
	if (caught)
		printf("%-20s %-12s %5zu %10llu  %s\n", f->name, by, out->steps,
			(unsigned long long)out->rep.states, out->rep.text);
	else
		printf("%-20s NOT CAUGHT: %s%s%s\n", f->name, f->text,
			*out->rep.text ? "; " : "", out->rep.text);
	fflush(stdout);
}

static bool names_fault(const struct scenario *s, const char *fault)
{
	for (unsigned int i = 0; s->faults && s->faults[i]; i++)
		if (!strcmp(s->faults[i], fault))
			return true;
	return false;
}

/* Who is there to find @fault first, then everybody else who is quick. */
static void candidates(const struct scenario **to, const char *fault)
{
	const struct scenario *const *all = scen_exhaustive();
	unsigned int n = 0;

	for (unsigned int i = 0; all[i]; i++)
		if (names_fault(all[i], fault))
			to[n++] = all[i];
	for (unsigned int i = 0; all[i]; i++)
		if (!names_fault(all[i], fault) && !all[i]->slow)
			to[n++] = all[i];
}

unsigned int report_faults(
	unsigned int parallel, const struct explore_opts *o, bool json)
{
	struct table t = {.json = json};
	const struct scenario **lists;
	unsigned int n = 0, nr = HV_NR_FAULTS - 1;

	while (scen_all()[n])
		n++;
	n++;
	t.jobs = calloc(nr, sizeof(*t.jobs));
	lists = calloc((size_t)nr * n, sizeof(const struct scenario *));
	CHECK(t.jobs && lists);
	for (unsigned int i = 0; i < nr; i++) {
		t.jobs[i].fault = (enum hv_fault)(i + 1);
		t.jobs[i].scenarios = &lists[(size_t)i * n];
		candidates(&lists[(size_t)i * n], hv_fault_table[i + 1].name);
	}
	table_begin(
		&t, "fault                caught by    steps     states  how");
	if (jobs_run(t.jobs, nr, parallel, o, fault_row, &t))
		t.bad++;
	table_end(&t);
	if (!json)
		printf("%u faults, %u not caught\n", nr, t.bad);
	free(t.jobs);
	free(lists);
	return t.bad;
}
