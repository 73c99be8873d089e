/* SPDX-License-Identifier: MIT */
/*
 * replay.c: transactions that one side commits and the other does not
 *
 * DOC: Ours conflicts over other things than C's: over less, since it knows
 * what was read, and over more, since it sees the store as it was at the
 * start, and C's a node as it was when it was first looked at.  Then what the
 * transaction did is done once more on the side which refused it, alone, as a
 * client would; it must get the answers that the other side gave in the first
 * place, since that side claims that nothing it saw has changed.  So this
 * checks that what is committed is as if it had been done at once, and then
 * both stores are the same again.
 *
 * For the same reason two sides that both commit must have given the same
 * answers on the way.
 */
#include <stdlib.h>
#include <string.h>

#include "tests/diff/run.h"
#include "wire/ops.h"

static bool is_part(const struct seq *seq, size_t i, const struct step *end)
{
	const struct step *step = &seq->step[i];
	const struct ops_row *row;

	if (step->kind != STEP_REQUEST || step->conn != end->conn ||
		step->slot != end->slot ||
		step->type == XS_OP_TRANSACTION_START ||
		step->type == XS_OP_TRANSACTION_END)
		return false;
	row = ops_find(step->type);
	return row && row->tx == OPS_TX_USE;
}

static const char *ask(struct side *s, unsigned c, uint32_t type, uint32_t tx,
	const void *data, size_t len)
{
	said_clear(s);
	if (!chan_send(s, c, type, tx, data, len))
		return "-";
	chan_settle(s);
	return said_reply(&s->chan[c].said);
}

/* One step of it; some answers are accepted to differ in any case. */
static bool again(
	struct run *run, int k, const struct step *step, size_t i, uint32_t tx)
{
	const char *reply = ask(&run->side[k], step->conn, step->type, tx,
		step->data, step->len);
	const char *first = run->reply[!k][i] ? run->reply[!k][i] : "-";

	if (!strcmp(first, reply) ||
		accepted(run, step, k == OURS ? reply : first,
			k == OURS ? first : reply))
		return true;
	if (run->show)
		fprintf(run->show, "    done again, step %zu: %s, not %s\n", i,
			reply, first);
	return false;
}

static bool replay(struct run *run, const struct seq *seq, int k)
{
	const struct step *end = &seq->step[run->at];
	struct side *s = &run->side[k];
	uint32_t tx;
	bool ok = true;

	run->replays++;
	if (*ask(s, end->conn, XS_OP_TRANSACTION_START, 0, "", 1) != '=')
		return false;
	tx = s->chan[end->conn].tx_given;
	for (size_t i = run->tx_start[end->conn][end->slot] + 1; i < run->at;
		i++) {
		if (is_part(seq, i, end))
			ok = again(run, k, &seq->step[i], i, tx) && ok;
	}
	ask(s, end->conn, XS_OP_TRANSACTION_END, tx, "T", 2);
	return ok;
}

bool replay_end(struct run *run, const struct seq *seq)
{
	const struct step *end = &seq->step[run->at];
	const char *reply[SIDES];

	for (int k = 0; k < SIDES; k++) {
		reply[k] = said_reply(&run->side[k].chan[end->conn].said);
		if (strcmp(reply[k], "=OK") && strcmp(reply[k], "!EAGAIN"))
			return true;
	}
	if (end->len < 2 || *end->data != 'T')
		return true;
	if (strcmp(reply[OURS], reply[C_XS]) != 0)
		return accepted(run, end, reply[OURS], reply[C_XS]) &&
		       replay(run, seq, *reply[OURS] == '=' ? C_XS : OURS);
	if (*reply[OURS] == '!' || !run->tx_unlike[end->conn][end->slot])
		return true;
	if (run->show)
		fputs("    committed, but it saw other things\n", run->show);
	return false;
}
