/* SPDX-License-Identifier: MIT */
/*
 * seq.c: sequences of what clients and domains do, from a seed
 *
 * DOC: Few paths, few tokens and few domains, so that what is done meets.
 * Arguments are mostly right; what is wrong with the others is from a list,
 * or a right argument with a byte changed.
 */
#include "tests/diff/seq.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "common/macro.h"
#include "common/str.h"
#include "tests/diff/side.h"
#include "wire/ops.h"

enum { DATA_MAX = 4096, LONG_NAME = 3000 };

/* xorshift64: the same everywhere */
struct rng {
	uint64_t s;
};

static uint64_t rng_next(struct rng *r)
{
	r->s ^= r->s << 13;
	r->s ^= r->s >> 7;
	return r->s ^= r->s << 17;
}

static unsigned below(struct rng *r, unsigned n)
{
	return (unsigned)(rng_next(r) >> 33) % n;
}

static bool one_in(struct rng *r, unsigned n)
{
	return below(r, n) == 0;
}

#define PICK(r, list) ((list)[below((r), ARRAY_LEN(list))])

/* A payload that is being put together. */
struct data {
	uint8_t bytes[DATA_MAX];
	size_t len;
};

static void data_bytes(struct data *d, const void *p, size_t n)
{
	if (n > DATA_MAX - d->len)
		n = DATA_MAX - d->len;
	memcpy(d->bytes + d->len, p, n);
	d->len += n;
}

static void data_str(struct data *d, const char *s)
{
	data_bytes(d, s, strlen(s) + 1);
}

static void data_fill(struct data *d, char c, size_t n)
{
	while (n-- && d->len < DATA_MAX)
		d->bytes[d->len++] = (uint8_t)c;
}

static struct step *step_add(struct seq *seq, enum step_kind kind)
{
	struct step *step;

	if (seq->nr == STEPS_MAX)
		abort();
	step = &seq->step[seq->nr++];
	*step = (struct step){.kind = kind};
	return step;
}

static struct step *request_add(struct seq *seq, unsigned conn, uint32_t type,
	unsigned slot, const struct data *d)
{
	struct step *step = step_add(seq, STEP_REQUEST);

	step->conn = conn;
	step->type = type;
	step->slot = slot;
	step->len = d->len;
	step->data = malloc(d->len + 1);
	if (!step->data)
		abort();
	memcpy(step->data, d->bytes, d->len);
	return step;
}

static const char *const good_paths[] = {
	"/t",
	"/t/a",
	"/t/a/b",
	"/t/a/b/c",
	"/t/b",
	"/t/c",
	"/t/a",
	"/t/a/d",
	"/t/p",
	"/t/p/q",
	"/t/p/q/r",
	"/local/domain/1",
	"/local/domain/1/data",
	"/local/domain/1/data/x",
	"/local/domain/2/data",
	"/local/domain/2/data/y",
	"/local/domain/3/z",
	"data",
	"data/x",
	"data/y",
	"z",
	"data/sub/deep/deeper",
};

static const char *const odd_paths[] = {
	"/",
	"/tool",
	"/local",
	"/local/domain",
	"/local/domain/9/x",
	"/none",
	"/none/sub",
	"/big",
	"/big/c5",
	"device/vif/0/state",
	"/tool/xenstored",
	"/local/domain/0/x",
	"/t/A-Z_0@9",
};

static const char *const bad_paths[] = {
	"",
	"//",
	"/t/",
	"/t//a",
	"/t/a b",
	"t/",
	"@x",
	"@introduceDomain",
	"@releaseDomain",
	"@releaseDomain/1",
	"/local/domain/",
	"/local/domain//x",
	".",
	"/t/\xff",
	"/t/a\n",
	"/@releaseDomain",
	"/t/a@b",
	"-",
	"/t/a:b",
};

static void long_path(struct rng *r, struct data *d)
{
	static const unsigned sizes[] = {
		255, 256, 1024, 2030, 2047, 2048, 2049, 3071, 3072, 3073};
	static const char *const heads[] = {"/t/", "", "/local/domain/1/"};
	const char *head = PICK(r, heads);
	const size_t at = d->len, n = PICK(r, sizes);

	data_bytes(d, head, strlen(head));
	while (d->len - at + 20 < n) {
		data_fill(d, 'l', 19);
		data_fill(d, '/', 1);
	}
	data_fill(d, 'm', n - (d->len - at));
	data_fill(d, '\0', 1);
}

static void path_add(struct rng *r, struct data *d)
{
	const unsigned x = below(r, 100);

	if (x < 84)
		data_str(d, PICK(r, good_paths));
	else if (x < 95)
		data_str(d, PICK(r, odd_paths));
	else if (x < 98)
		data_str(d, PICK(r, bad_paths));
	else
		long_path(r, d);
}

static void value_add(struct rng *r, struct data *d)
{
	static const unsigned sizes[] = {100, 700, 1000, 1500, 1800, 1900};
	static const unsigned over[] = {2020, 2044, 2048, 2049, 2100, 4000};
	const unsigned x = below(r, 60);

	if (x < 44)
		data_fill(d, (char)('a' + below(r, 4)), 1 + below(r, 3));
	else if (x < 50)
		data_bytes(d, "\0\1\xff\n", 4);
	else if (x < 55)
		data_fill(d, 'v', PICK(r, sizes));
	else if (x < 56)
		data_fill(d, 'v', PICK(r, over));
}

static const char *const good_perms[] = {
	"n0", "r0", "b0", "n1", "b1", "n2", "n3", "r1", "w2", "r2", "r3", "b3"};
static const char *const bad_perms[] = {"x1", "n", "n1x", "n99", "r99",
	"n32752", "r32752", "n-1", "n65536", "", "N1", "n 1", "n0x1", "n010",
	"n32753", "n32756", "r4294967297"};

static void perms_add(
	struct rng *r, struct data *d, bool owner_only_me, unsigned conn)
{
	unsigned n = 1 + below(r, 3);
	char own[8];

	if (one_in(r, 30))
		n = 4 + below(r, 4);
	for (unsigned i = 0; i < n; i++) {
		if (one_in(r, 25)) {
			data_str(d, PICK(r, bad_perms));
		} else if (i == 0 && owner_only_me && conn >= CHAN_GUEST) {
			own[0] = "nrwb"[below(r, 4)];
			own[1] = (char)('1' + conn - CHAN_GUEST);
			own[2] = '\0';
			data_str(d, own);
		} else {
			data_str(d, PICK(r, good_perms));
		}
	}
	if (one_in(r, 60))
		d->len--;
}

static const char *const domids[] = {"1", "2", "3"};
static const char *const odd_domids[] = {"0", "4", "99", "", "x", "1x", " 1",
	"01", "0x1", "-1", "32751", "32752", "65535", "65536", "4294967296",
	"4294967297"};

static void domid_add(struct rng *r, struct data *d)
{
	data_str(d, one_in(r, 10) ? PICK(r, odd_domids) : PICK(r, domids));
}

static void token_add(struct rng *r, struct data *d)
{
	static const char *const tokens[] = {"t1", "t2", ""};

	if (one_in(r, 80)) {
		data_fill(d, 'T', 4000 + below(r, 90));
		data_fill(d, '\0', 1);
	} else {
		data_str(d, PICK(r, tokens));
	}
}

static void watch_path_add(struct rng *r, struct data *d)
{
	static const char *const special[] = {"@introduceDomain",
		"@releaseDomain", "/", "/t", "/local/domain/1", "data", "/t/a",
		"@releaseDomain", "@introduceDomain"};

	if (one_in(r, 2))
		data_str(d, PICK(r, special));
	else
		path_add(r, d);
}

/* Something else happens to it on the way. */
static void spoil(struct rng *r, struct data *d)
{
	switch (below(r, 6)) {
	case 0:
		if (d->len)
			d->len--;
		break;
	case 1: data_fill(d, '\0', 1); break;
	case 2: d->len = 0; break;
	case 3: data_str(d, "more"); break;
	case 4:
		if (d->len)
			d->bytes[below(r, (unsigned)d->len)] = '\0';
		break;
	case 5: data_fill(d, 'z', 1); break;
	}
}

static const char *const controls[] = {
	"check", "bogus", "", "print", "live-update", "quota\0bogus"};

static void args_add(
	struct rng *r, struct data *d, uint32_t type, unsigned conn)
{
	static const char *const ends[] = {
		"T", "T", "T", "T", "F", "F", "", "x", "t", "TT"};
	static const char *const offsets[] = {"0", "0", "0", "1", "5", "2000",
		"4096", "99999", "x", "-1", ""};
	char own[24];

	switch (type) {
	case XS_OP_CONTROL: data_str(d, PICK(r, controls)); break;
	case XS_OP_WATCH:
	case XS_OP_UNWATCH:
		watch_path_add(r, d);
		token_add(r, d);
		break;
	case XS_OP_TRANSACTION_START: data_str(d, ""); break;
	case XS_OP_TRANSACTION_END: data_str(d, PICK(r, ends)); break;
	case XS_OP_INTRODUCE:
		domid_add(r, d);
		data_str(d, one_in(r, 6) ? "x" : "0");
		data_str(d, one_in(r, 6) ? "77" : "0");
		break;
	case XS_OP_RELEASE:
	case XS_OP_RESUME:
	case XS_OP_GET_DOMAIN_PATH:
	case XS_OP_IS_DOMAIN_INTRODUCED: domid_add(r, d); break;
	case XS_OP_SET_TARGET:
		domid_add(r, d);
		domid_add(r, d);
		break;
	case XS_OP_WRITE:
		path_add(r, d);
		value_add(r, d);
		break;
	case XS_OP_SET_PERMS:
		if (one_in(r, 15))
			data_str(d, one_in(r, 2) ? "@releaseDomain"
						 : "@introduceDomain");
		else
			path_add(r, d);
		/* no guest owns the root: C's 4.17 hangs at its death */
		if (d->len == 2 && *d->bytes == '/')
			data_str(d, one_in(r, 2) ? "n0" : "r0");
		else
			perms_add(r, d, !one_in(r, 4), conn);
		break;
	case XS_OP_RESET_WATCHES:
		if (one_in(r, 2))
			data_str(d, "");
		break;
	case XS_OP_DIRECTORY_PART:
		if (one_in(r, 3))
			data_str(d, "/big");
		else
			path_add(r, d);
		data_str(d, PICK(r, offsets));
		break;
	case XS_OP_DIRECTORY:
	case XS_OP_READ:
	case XS_OP_GET_PERMS:
	case XS_OP_MKDIR:
	case XS_OP_RM: path_add(r, d); break;
	default:
		snprintf(own, sizeof(own), "%u", below(r, 4));
		data_str(d, own);
		break;
	}
}

/* How often each is asked for. */
static const struct {
	uint32_t type;
	unsigned guest, dom0;
} weights[] = {
	{XS_OP_WRITE, 22, 16},
	{XS_OP_READ, 14, 10},
	{XS_OP_DIRECTORY, 8, 7},
	{XS_OP_MKDIR, 8, 6},
	{XS_OP_RM, 8, 7},
	{XS_OP_SET_PERMS, 7, 9},
	{XS_OP_GET_PERMS, 5, 5},
	{XS_OP_WATCH, 8, 8},
	{XS_OP_UNWATCH, 3, 3},
	{XS_OP_TRANSACTION_START, 14, 12},
	{XS_OP_TRANSACTION_END, 12, 10},
	{XS_OP_DIRECTORY_PART, 2, 4},
	{XS_OP_RESET_WATCHES, 1, 1},
	{XS_OP_GET_DOMAIN_PATH, 1, 1},
	{XS_OP_IS_DOMAIN_INTRODUCED, 1, 2},
	{XS_OP_INTRODUCE, 1, 1},
	{XS_OP_RELEASE, 1, 2},
	{XS_OP_RESUME, 1, 1},
	{XS_OP_SET_TARGET, 1, 3},
	{XS_OP_CONTROL, 1, 1},
	{XS_OP_WATCH_EVENT, 1, 1},
	{XS_OP_ERROR, 1, 0},
	{20, 1, 0},
	{XS_OP_GET_FEATURE, 1, 0},
	{99, 1, 1},
	{XS_OP_INVALID, 0, 1},
};

static uint32_t type_pick(struct rng *r, bool guest)
{
	unsigned sum = 0, x;

	for (size_t i = 0; i < ARRAY_LEN(weights); i++)
		sum += guest ? weights[i].guest : weights[i].dom0;
	x = below(r, sum);
	for (size_t i = 0;; i++) {
		const unsigned w = guest ? weights[i].guest : weights[i].dom0;

		if (x < w)
			return weights[i].type;
		x -= w;
	}
}

static void request_random(
	struct seq *seq, struct rng *r, unsigned *open, unsigned conn)
{
	uint32_t type = type_pick(r, conn >= CHAN_GUEST);
	struct data d = {.len = 0};
	unsigned slot = 0, within = 0;

	if (type == XS_OP_TRANSACTION_END && !open[conn] && !one_in(r, 6))
		type = XS_OP_TRANSACTION_START;
	/* as if most of the work were done in transactions */
	if (open[conn] && !one_in(r, 3))
		slot = open[conn];
	else if (one_in(r, 40))
		slot = 1 + below(r, SLOTS);
	if (type == XS_OP_TRANSACTION_START) {
		within = one_in(r, 12) ? slot : 0;
		slot = 1 + below(r, SLOTS - 1);
		open[conn] = slot;
	} else if (type == XS_OP_TRANSACTION_END) {
		slot = open[conn] ? open[conn] : slot;
		open[conn] = 0;
	}
	args_add(r, &d, type, conn);
	if (one_in(r, 80))
		spoil(r, &d);
	request_add(seq, conn, type, slot, &d)->domid = within;
}

static void special_random(struct seq *seq, struct rng *r)
{
	static const enum step_kind kinds[] = {STEP_INTRODUCE, STEP_INTRODUCE,
		STEP_INTRODUCE, STEP_REOPEN, STEP_TOO_LONG, STEP_BAD_INDEX,
		STEP_KILL, STEP_SHUTDOWN, STEP_RESUME};
	struct step *step = step_add(seq, PICK(r, kinds));

	step->domid = 1 + below(r, GUESTS);
	switch (step->kind) {
	case STEP_REOPEN:
	case STEP_INTRODUCE: step->conn = below(r, SOCKETS); break;
	case STEP_TOO_LONG: step->conn = below(r, CHAN_CTL); break;
	default: step->conn = CHAN_GUEST + step->domid - 1; break;
	}
	if (step->kind == STEP_TOO_LONG)
		step->type = one_in(r, 2) ? XS_OP_WRITE : XS_OP_INVALID;
}

static void say(struct seq *seq, unsigned conn, uint32_t type, const char *one,
	const char *two)
{
	struct data d = {.len = 0};

	data_str(&d, one);
	if (two)
		data_str(&d, two);
	request_add(seq, conn, type, 0, &d);
}

/* Where everybody may write, so that they meet. */
static void preamble(struct seq *seq, struct rng *r)
{
	static const char *const open[] = {"b0", "b1", "b2", "r0"};

	say(seq, 0, XS_OP_MKDIR, "/t", NULL);
	say(seq, 0, XS_OP_SET_PERMS, "/t", PICK(r, open));
	say(seq, 0, XS_OP_WATCH, "/", "root");
	say(seq, CHAN_GUEST, XS_OP_WATCH, "/t", "t1");
	say(seq, CHAN_GUEST + 1, XS_OP_WATCH, "/", "t2");
	say(seq, CHAN_GUEST + 2, XS_OP_WATCH, "data", "t1");
	if (one_in(r, 12)) {
		struct step *step = step_add(seq, STEP_FILL);

		step->data = (uint8_t *)strdup("/big");
		step->len = strlen("/big");
	}
}

void seq_make(struct seq *seq, uint64_t seed)
{
	struct rng r = {(seed + 1) * 0x9e3779b97f4a7c15u};
	unsigned open[CHAN_CTL] = {0}, first, talkers, n;

	*seq = (struct seq){.seed = seed};
	for (int i = 0; i < 8; i++)
		rng_next(&r);
	preamble(seq, &r);
	/* the fewer speak, the more often they meet */
	first = below(&r, CHAN_CTL);
	talkers = 2 + below(&r, CHAN_CTL - 1);
	n = 30 + below(&r, 60);
	for (unsigned i = 0; i < n; i++) {
		if (one_in(&r, 30))
			special_random(seq, &r);
		else
			request_random(seq, &r, open,
				(first + below(&r, talkers)) % CHAN_CTL);
	}
}

void seq_free(struct seq *seq)
{
	for (size_t i = 0; i < seq->nr; i++)
		free(seq->step[i].data);
	seq->nr = 0;
}

const char *conn_name(unsigned conn)
{
	static const char *const names[CHANS] = {
		"dom0", "dom0'", "d1", "d2", "d3", "ctl"};

	return names[conn];
}

void step_print(FILE *f, const struct step *step)
{
	static const char *const names[] = {
		[STEP_REQUEST] = "request",
		[STEP_INTRODUCE] = "introduce",
		[STEP_REOPEN] = "reopen",
		[STEP_TOO_LONG] = "too-long",
		[STEP_BAD_INDEX] = "bad-index",
		[STEP_KILL] = "kill",
		[STEP_SHUTDOWN] = "shutdown",
		[STEP_RESUME] = "resume",
		[STEP_FILL] = "fill",
	};
	char text[400];

	str_escape(text, sizeof(text), step->data, step->len);
	if (step->kind != STEP_REQUEST) {
		fprintf(f, "%-5s %s %u %s", conn_name(step->conn),
			names[step->kind], step->domid, text);
		return;
	}
	fprintf(f, "%-5s %s(%u)", conn_name(step->conn), ops_name(step->type),
		step->type);
	if (step->slot)
		fprintf(f, " tx%u", step->slot);
	fprintf(f, " %s", text);
	if (step->len > sizeof(text) / 4)
		fprintf(f, " (%zu bytes)", step->len);
}
