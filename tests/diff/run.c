/* SPDX-License-Identifier: MIT */
/* run.c: a sequence on both sides, step by step */
#include "tests/diff/run.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "wire/ops.h"
#include "wire/xsmsg.h"

/* What CHAN_CTL is answered, as text. */
static const char *ctl(
	struct side *s, uint32_t type, const void *data, size_t len)
{
	said_clear(s);
	if (!chan_send(s, CHAN_CTL, type, 0, data, len))
		return "-";
	chan_settle(s);
	return said_reply(&s->chan[CHAN_CTL].said);
}

static int ctl_must(
	struct side *s, uint32_t type, const char *one, const char *two)
{
	char data[256];
	size_t len = strlen(one) + 1;
	const char *reply;

	memcpy(data, one, len);
	if (two) {
		memcpy(data + len, two, strlen(two) + 1);
		len += strlen(two) + 1;
	}
	reply = ctl(s, type, data, len);
	if (*reply == '=')
		return 0;
	fprintf(stderr, "diff: %s: %s %s: %s\n", s->name, ops_name(type), one,
		reply);
	return -1;
}

/* All children of @path but @keep. */
static int children_remove(struct side *s, const char *path, const char *keep)
{
	const char *reply = ctl(s, XS_OP_DIRECTORY, path, strlen(path) + 1);
	char *list, *name, child[256];
	int r = 0;

	if (*reply != '=')
		return -1;
	list = strdup(reply + 1);
	for (name = list; name && *name && r == 0;) {
		char *end = strstr(name, "\\x00");

		if (end)
			*end = '\0';
		snprintf(child, sizeof(child), "%s%s%s", path,
			path[1] ? "/" : "", name);
		if (strcmp(name, keep) != 0)
			r = ctl_must(s, XS_OP_RM, child, NULL);
		name = end ? end + 4 : NULL;
	}
	free(list);
	return r;
}

static int introduce(struct side *s, unsigned conn, unsigned domid)
{
	struct dom *d = &s->dom[domid];
	const unsigned c = CHAN_GUEST + domid - 1;
	char data[64];
	int len =
		snprintf(data, sizeof(data), "%u%c0%c%d", domid, 0, 0, d->port);
	const char *reply;

	if (!d->alive)
		return 0;
	/* whoever introduces a guest has made its page */
	chan_ring_fresh(s, c);
	if (!d->introduced)
		xsring_reset(&s->chan[c].ring);
	if (!chan_send(s, conn, XS_OP_INTRODUCE, 0, data, (size_t)len + 1))
		return 0;
	chan_settle(s);
	reply = said_reply(&s->chan[conn].said);
	if (strcmp(reply, "=OK") != 0)
		return 0;
	d->introduced = true;
	/* Debian's does not listen to it for that, and needs no waiting for */
	if (s->xen && s->chan[c].ignored)
		chan_note(s, c, "still ignored");
	else
		s->chan[c].live = true;
	return 0;
}

/* The daemon has no connection of it any more. */
static void gone(struct side *s, unsigned domid)
{
	const unsigned c = CHAN_GUEST + domid - 1;

	s->dom[domid].introduced = false;
	chan_ring_fresh(s, c);
	s->chan[c].ignored = false;
}

static int guest_reset(struct side *s, unsigned domid)
{
	struct dom *d = &s->dom[domid];
	char home[32], perm[8], text[8];
	const char *reply;

	snprintf(text, sizeof(text), "%u", domid);
	ctl(s, XS_OP_RELEASE, text, strlen(text) + 1);
	gone(s, domid);
	if (d->alive && d->shutdown && side_kill(s, domid) < 0)
		return -1;
	if (!d->alive && side_create(s, domid) < 0)
		return -1;
	snprintf(home, sizeof(home), "/local/domain/%u", domid);
	snprintf(perm, sizeof(perm), "n%u", domid);
	said_clear(s);
	introduce(s, CHAN_CTL, domid);
	reply = said_reply(&s->chan[CHAN_CTL].said);
	if (!d->introduced) {
		fprintf(stderr, "diff: %s: INTRODUCE %u: %s\n", s->name, domid,
			reply);
		return -1;
	}
	if (ctl_must(s, XS_OP_MKDIR, home, NULL) < 0)
		return -1;
	return ctl_must(s, XS_OP_SET_PERMS, home, perm);
}

static int side_reset(struct side *s)
{
	int r = 0;

	s->silent = false;
	for (unsigned c = 0; c < SOCKETS && r == 0; c++)
		r = chan_reopen(s, c);
	for (unsigned d = 1; d <= GUESTS; d++)
		s->chan[CHAN_GUEST + d - 1].live = false;
	if (r == 0)
		r = children_remove(s, "/", "tool");
	if (r == 0)
		r = children_remove(s, "/tool", "xenstored");
	if (r == 0)
		r = ctl_must(s, XS_OP_MKDIR, "/tool/xenstored", NULL);
	if (r == 0)
		r = ctl_must(s, XS_OP_SET_PERMS, "/", "n0");
	if (r == 0)
		r = ctl_must(s, XS_OP_SET_PERMS, "/tool", "n0");
	if (r == 0)
		r = ctl_must(s, XS_OP_SET_PERMS, "/tool/xenstored", "n0");
	if (r == 0)
		r = ctl_must(s, XS_OP_SET_PERMS, "@releaseDomain", "n0");
	if (r == 0)
		r = ctl_must(s, XS_OP_SET_PERMS, "@introduceDomain", "n0");
	for (unsigned d = 1; d <= GUESTS && r == 0; d++)
		r = guest_reset(s, d);
	said_clear(s);
	return r;
}

int run_reset(struct run *run)
{
	for (int k = 0; k < SIDES; k++) {
		if (side_reset(&run->side[k]) < 0)
			return -1;
	}
	return 0;
}

int run_start(struct run *run)
{
	const char *xen = getenv("XEN_DEBS");
	struct side *ours = &run->side[OURS], *c = &run->side[C_XS];

	if (!xen) {
		fputs("diff: XEN_DEBS is not set\n", stderr);
		return -1;
	}
	*ours = (struct side){.name = "ours"};
	*c = (struct side){.name = "C's", .xen = xen};
	for (int k = 0; k < SIDES; k++) {
		if (side_start(&run->side[k]) < 0 ||
			ctl_must(&run->side[k], XS_OP_WATCH, "@releaseDomain",
				"ctl") < 0)
			return -1;
	}
	return 0;
}

void run_stop(struct run *run)
{
	for (int k = 0; k < SIDES; k++)
		side_stop(&run->side[k]);
	for (size_t i = 0; i < STEPS_MAX; i++) {
		for (int k = 0; k < SIDES; k++) {
			free(run->reply[k][i]);
			run->reply[k][i] = NULL;
		}
	}
}

static bool in_order(const struct step *step)
{
	return step->kind == STEP_REQUEST || step->kind == STEP_INTRODUCE;
}

/* Its answer is not waited for yet: the other side can work, too. */
static void do_request(struct run *run, int k, const struct step *step)
{
	struct side *s = &run->side[k];
	const bool start = step->type == XS_OP_TRANSACTION_START;
	const unsigned slot = start ? step->domid : step->slot;

	chan_send(s, step->conn, step->type, run->tx[k][step->conn][slot],
		step->data, step->len);
}

/* A client that is not spoken to any more, if it was at all. */
static void do_too_long(struct side *s, const struct step *step)
{
	const struct xsmsg_hdr hdr = {
		.type = step->type, .len = XSMSG_PAYLOAD_MAX + 1};
	uint8_t bytes[XSMSG_HDR_LEN];

	if (!s->chan[step->conn].live)
		return;
	xsmsg_hdr_emit(bytes, &hdr);
	chan_send_raw(s, step->conn, bytes, sizeof(bytes));
	if (step->conn < SOCKETS) {
		chan_wait_closed(s, step->conn);
		chan_reopen(s, step->conn);
	} else {
		chan_wait_taken(s, step->conn);
		chan_ring_fresh(s, step->conn);
		s->chan[step->conn].ignored = true;
	}
}

static int do_fill(struct side *s, const struct step *step)
{
	char path[64];

	for (int i = 0; i < FILL_NR; i++) {
		snprintf(path, sizeof(path), "%.*s/child-%08d", (int)step->len,
			(const char *)step->data, i);
		if (ctl_must(s, XS_OP_WRITE, path, "") < 0)
			return -1;
	}
	return ctl_must(s, XS_OP_WRITE, "/big/c5", "");
}

static int do_special(struct run *run, int k, const struct step *step)
{
	struct side *s = &run->side[k];
	const unsigned c = CHAN_GUEST + step->domid - 1;
	int r = 0;

	switch (step->kind) {
	case STEP_REQUEST: break;
	case STEP_INTRODUCE: return introduce(s, step->conn, step->domid);
	case STEP_REOPEN: r = chan_reopen(s, step->conn); break;
	case STEP_TOO_LONG: do_too_long(s, step); break;
	case STEP_BAD_INDEX:
		if (!s->chan[c].live)
			break;
		chan_bad_index(s, c);
		chan_ring_fresh(s, c);
		s->chan[c].ignored = true;
		break;
	case STEP_KILL:
		/* C's keeps its page, so that it stays a zombie */
		if (s->xen && run->is_target[step->domid])
			break;
		r = side_kill(s, step->domid);
		gone(s, step->domid);
		/* Nothing tells when a death without a connection was heard:
		 * not to have the number again before it was. */
		for (int i = 0; i < 2; i++)
			chan_settle(s);
		if (r == 0)
			r = side_create(s, step->domid);
		break;
	case STEP_SHUTDOWN: r = side_shutdown(s, step->domid); break;
	case STEP_RESUME: r = side_resume(s, step->domid); break;
	case STEP_FILL: r = do_fill(s, step); break;
	}
	return r;
}

/* What replies say of connections and transactions. */
static void learn(struct run *run, int k, const struct step *step)
{
	struct side *s = &run->side[k];
	struct chan *chan = &s->chan[step->conn];
	const char *reply = said_reply(&chan->said);
	unsigned domid;

	if (step->kind != STEP_REQUEST || *reply != '=')
		return;
	if (step->type == XS_OP_TRANSACTION_START)
		run->tx[k][step->conn][step->slot] = chan->tx_given;
	if (step->type != XS_OP_RELEASE)
		return;
	domid = (unsigned)strtoul((const char *)step->data, NULL, 10);
	if (domid < 1 || domid > GUESTS)
		return;
	gone(s, domid);
}

const char *step_op(const struct step *step)
{
	static const char *const names[] = {
		[STEP_INTRODUCE] = "INTRODUCE",
		[STEP_REOPEN] = "reopen",
		[STEP_TOO_LONG] = "too-long",
		[STEP_BAD_INDEX] = "bad-index",
		[STEP_KILL] = "kill",
		[STEP_SHUTDOWN] = "shutdown",
		[STEP_RESUME] = "resume",
		[STEP_FILL] = "fill",
	};

	return step->kind == STEP_REQUEST ? ops_name(step->type)
					  : names[step->kind];
}

static bool is_change(const struct step *step)
{
	if (step->kind != STEP_REQUEST)
		return true;
	switch (step->type) {
	case XS_OP_WRITE:
	case XS_OP_MKDIR:
	case XS_OP_RM:
	case XS_OP_SET_PERMS: return !step->slot;
	case XS_OP_TRANSACTION_END:
	case XS_OP_INTRODUCE:
	case XS_OP_RELEASE:
	case XS_OP_SET_TARGET: return true;
	default: return false;
	}
}

/* What is to be known later of this step. */
static void remember(struct run *run, const struct step *step)
{
	const unsigned c = step->conn, t = step->slot;

	for (int k = 0; k < SIDES; k++) {
		free(run->reply[k][run->at]);
		run->reply[k][run->at] =
			strdup(said_reply(&run->side[k].chan[c].said));
	}
	if (step->kind == STEP_REQUEST &&
		step->type == XS_OP_TRANSACTION_START) {
		run->tx_start[c][t] = run->at;
		run->tx_changes[c][t] = run->changes;
		run->tx_unlike[c][t] = false;
	}
}

unsigned step_ends(const struct run *run, const struct step *step)
{
	const struct said *said = &run->side[OURS].chan[step->conn].said;
	unsigned long domid;

	if (step->kind == STEP_KILL)
		return step->domid;
	if (step->kind != STEP_REQUEST || step->type != XS_OP_RELEASE ||
		*said_reply(said) != '=')
		return 0;
	domid = strtoul((const char *)step->data, NULL, 10);
	return domid <= GUESTS ? (unsigned)domid : 0;
}

/* The second argument of a SET_TARGET that worked. */
static void note_target(struct run *run, const struct step *step)
{
	const char *text = (const char *)step->data;
	unsigned long domid;

	if (step->kind != STEP_REQUEST || step->type != XS_OP_SET_TARGET ||
		*run->reply[C_XS][run->at] != '=')
		return;
	run->targets = true;
	if (*run->reply[OURS][run->at] != '=')
		return;
	domid = strtoul(text + strlen(text) + 1, NULL, 10);
	if (domid <= GUESTS)
		run->is_target[domid] = true;
}

static enum verdict step_run(struct run *run, const struct seq *seq)
{
	const struct step *step = &seq->step[run->at];
	bool ok = true;

	for (int k = 0; k < SIDES; k++)
		said_clear(&run->side[k]);
	for (int k = 0; k < SIDES && step->kind == STEP_REQUEST; k++)
		do_request(run, k, step);
	for (int k = 0; k < SIDES && step->kind != STEP_REQUEST; k++) {
		if (do_special(run, k, step) < 0)
			return RUN_BROKEN;
	}
	for (int k = 0; k < SIDES; k++) {
		chan_reply(&run->side[k]);
		learn(run, k, step);
	}
	for (int k = 0; k < SIDES; k++) {
		chan_settle(&run->side[k]);
		if (!in_order(step))
			chan_settle(&run->side[k]);
	}
	if (step->kind == STEP_REQUEST && step->type == XS_OP_TRANSACTION_END)
		ok = replay_end(run, seq);
	remember(run, step);
	run->check = false;
	ok = compare(run, step) && ok;
	if (run->check)
		run->tx_unlike[step->conn][step->slot] = true;
	note_target(run, step);
	run->changes += is_change(step);
	return ok ? RUN_SAME : RUN_DIFFERS;
}

enum verdict run_seq(struct run *run, const struct seq *seq)
{
	enum verdict v = RUN_SAME;

	run->stop = false;
	run->targets = false;
	memset(run->is_target, 0, sizeof(run->is_target));
	for (int k = 0; k < SIDES; k++) {
		for (unsigned c = 0; c < CHAN_CTL; c++) {
			for (unsigned t = 1; t <= SLOTS; t++) {
				run->tx[k][c][t] = 0x7e000000u + t;
				run->tx_unlike[c][t] = false;
			}
		}
	}
	for (run->at = 0; run->at < seq->nr && v == RUN_SAME && !run->stop;
		run->at++) {
		if (run->show) {
			fprintf(run->show, "%3zu ", run->at);
			step_print(run->show, &seq->step[run->at]);
			fputc('\n', run->show);
		}
		v = step_run(run, seq);
		run->steps++;
		if (v != RUN_SAME)
			break;
	}
	return v;
}
