/* SPDX-License-Identifier: MIT */
/*
 * compare.c: what was said on both sides in one step
 *
 * DOC: On each connection the reply and the events must be the same, in the
 * same order.  If not, each event that only one side has is a difference of
 * its own, to be found in the list of rules; if both have the same, then the
 * order is.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/str.h"
#include "tests/diff/run.h"
#include "wire/xsmsg.h"

enum { REQ_CAP = 4 * XSMSG_PAYLOAD_MAX + 1 };

const char *said_reply(const struct said *said)
{
	return said->reply < 0 ? "-" : said->line[said->reply];
}

static const char *class_of(unsigned c)
{
	return c >= CHAN_GUEST && c < CHAN_CTL ? "guest" : "priv";
}

static bool judge(struct run *run, unsigned c, const struct unlike *unlike)
{
	struct rule *rule = rules_find(&run->rules, unlike);

	if (run->show)
		fprintf(run->show, "    %-5s %s: ours %.300s, C's %.300s: %s\n",
			conn_name(c), unlike->kind, unlike->ours, unlike->c,
			rule ? rule->name : "NO RULE");
	if (rule && rule->then == RULE_STOP)
		run->stop = true;
	if (rule && rule->then == RULE_CHECK)
		run->check = true;
	return rule;
}

/* Does @said, whose lines before @skip count, have the line? */
static int find(const struct said *said, const char *line, bool *taken)
{
	for (unsigned i = 0; i < said->nr; i++) {
		if (taken[i] || (int)i == said->reply ||
			strcmp(said->line[i], line) != 0)
			continue;
		taken[i] = true;
		return (int)i;
	}
	return -1;
}

static bool same(const struct said *a, const struct said *b)
{
	if (a->nr != b->nr || a->reply != b->reply)
		return false;
	for (unsigned i = 0; i < a->nr; i++) {
		if (strcmp(a->line[i], b->line[i]) != 0)
			return false;
	}
	return true;
}

static void show(const struct run *run, unsigned c)
{
	for (int k = 0; run->show && k < SIDES; k++) {
		const struct said *said = &run->side[k].chan[c].said;
		const bool both = same(&run->side[OURS].chan[c].said,
			&run->side[C_XS].chan[c].said);

		for (unsigned i = 0; i < said->nr; i++)
			fprintf(run->show, "    %-5s %-5s %.300s\n",
				conn_name(c), both ? "" : run->side[k].name,
				said->line[i]);
		if (both)
			break;
	}
}

/* The events of one side that the other has not. */
static bool extra(
	struct run *run, unsigned c, int k, struct unlike *unlike, bool *any)
{
	const struct said *mine = &run->side[k].chan[c].said;
	const struct said *other = &run->side[!k].chan[c].said;
	bool taken[LINES_MAX] = {false}, none[LINES_MAX] = {false}, ok = true;
	char line[REQ_CAP];

	unlike->kind = "event";
	for (unsigned i = 0; i < mine->nr; i++) {
		if ((int)i == mine->reply ||
			find(other, mine->line[i], taken) >= 0)
			continue;
		*any = true;
		/* one more of what the other has, too? */
		snprintf(line, sizeof(line), "%s%s",
			find(other, mine->line[i], none) < 0 ? "" : "again:",
			mine->line[i]);
		memset(none, 0, sizeof(none));
		unlike->ours = k == OURS ? line : "-";
		unlike->c = k == OURS ? "-" : line;
		ok = judge(run, c, unlike) && ok;
	}
	return ok;
}

static bool compare_chan(struct run *run, unsigned c, struct unlike *unlike)
{
	const struct said *ours = &run->side[OURS].chan[c].said;
	const struct said *theirs = &run->side[C_XS].chan[c].said;
	bool any = false, ok = true;

	show(run, c);
	if (same(ours, theirs))
		return true;
	unlike->to = class_of(c);
	unlike->kind = "reply";
	unlike->ours = said_reply(ours);
	unlike->c = said_reply(theirs);
	if (strcmp(unlike->ours, unlike->c) != 0) {
		any = true;
		ok = judge(run, c, unlike);
	}
	/* the stores differ from now on: the events are of that */
	if (run->stop)
		return ok;
	ok = extra(run, c, OURS, unlike, &any) && ok;
	ok = extra(run, c, C_XS, unlike, &any) && ok;
	if (any)
		return ok;
	unlike->kind = "order";
	unlike->ours = ours->nr ? ours->line[0] : "-";
	unlike->c = theirs->nr ? theirs->line[0] : "-";
	return judge(run, c, unlike);
}

/* What was asked, for the rules. */
static void unlike_init(struct run *run, const struct step *step,
	struct unlike *unlike, char *req, size_t cap)
{
	const bool moved =
		step->slot &&
		run->tx_changes[step->conn][step->slot] != run->changes;

	*unlike = (struct unlike){
		.op = step_op(step),
		.who = class_of(step->conn),
		.tx = !step->slot ? "no"
		      : moved     ? "moved"
				  : "yes",
		.req = req,
	};
	str_escape(req, cap, step->data, step->len);
}

bool accepted(struct run *run, const struct step *step, const char *ours,
	const char *c)
{
	char req[REQ_CAP];
	struct unlike unlike;

	unlike_init(run, step, &unlike, req, sizeof(req));
	unlike.to = unlike.who;
	unlike.kind = "reply";
	unlike.ours = ours;
	unlike.c = c;
	return judge(run, step->conn, &unlike);
}

/* A daemon that has ended, or is silent; what ours says if it does not. */
static bool compare_life(struct run *run, unsigned conn, struct unlike *unlike)
{
	const char *state[SIDES];

	for (int k = 0; k < SIDES; k++)
		state[k] = !side_alive(&run->side[k]) ? "dead"
			   : run->side[k].silent      ? "silent"
						      : "alive";
	if (!strcmp(state[OURS], "alive") && !strcmp(state[C_XS], "alive"))
		return true;
	unlike->to = "";
	unlike->kind = "death";
	unlike->ours = strcmp(state[OURS], "alive")
			       ? state[OURS]
			       : said_reply(&run->side[OURS].chan[conn].said);
	unlike->c = state[C_XS];
	return judge(run, CHAN_CTL, unlike);
}

bool compare(struct run *run, const struct step *step)
{
	char req[REQ_CAP];
	struct unlike unlike;
	bool ok;

	unlike_init(run, step, &unlike, req, sizeof(req));
	ok = compare_life(run, step->conn, &unlike);
	if (run->is_target[step_ends(run, step)]) {
		unlike.kind = "target";
		unlike.to = unlike.ours = unlike.c = "";
		ok = judge(run, step->conn, &unlike) && ok;
	}
	if (run->stop)
		return ok;
	/* first of all the reply */
	ok = compare_chan(run, step->conn, &unlike) && ok;
	for (unsigned c = 0; c < CHAN_CTL && !run->stop; c++) {
		if (c != step->conn)
			ok = compare_chan(run, c, &unlike) && ok;
	}
	return ok;
}
