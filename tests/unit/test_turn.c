// SPDX-License-Identifier: MIT
/* test_turn.c - transactions that keep losing get their turn (XSA-206) */
#include "tests/unit/tx_fixture.h"

/* Guests 1 to 3, who all may write below /d. */
static void turn_setup(void)
{
	tx_setup();
	for (uint16_t i = 1; i <= 3; i++)
		fx_guest(fx, -k, i);
	steps(k, 0, "W/d/x=0 W/d/y=0 M/d/l P/d=b0 P/d/x=b0 P/d/y=b0 P/d/l=b0");
}

static struct tx *holder(void)
{
	return fx->server->turns.holder;
}

/* @who loses @nr commits in a row. */
static void lose(int who, int nr)
{
	while (nr--) {
		uint32_t tx = begin(who);

		OK(GET(who, tx, "/d/x"));
		OK(put(k, 0, "/d/x", "stolen"));
		OK(put(who, tx, "/d/lost", "1"));
		IS(commit(who, tx), EAGAIN);
	}
}

/* A WRITE whose reply is not waited for. */
static void send_write(int who, const char *path, const char *value)
{
	char buf[256];
	size_t len = strlen(path) + 1;

	memcpy(buf, path, len);
	memcpy(buf + len, value, strlen(value));
	fx_send(fx, who, XS_OP_WRITE, 0, buf, len + strlen(value));
	fx_settle(fx);
}

static bool answered(int who)
{
	return fx_recv(fx, who, &msg) && msg.hdr.type != XS_OP_ERROR;
}

static struct conn *conn_of(uint16_t guest)
{
	return domain_find(fx->server, guest)->ring;
}

/* Guest 1 writes without end what a transaction reads. */
static int attempts(int who)
{
	for (int n = 1; n <= 10; n++) {
		uint32_t tx = begin(who);
		int r;

		for (int i = 0; i < 3; i++)
			send_write(1, "/d/x", "flood");
		OK(GET(who, tx, "/d/x"));
		for (int i = 0; i < 3; i++)
			send_write(1, "/d/x", "flood");
		OK(put(who, tx, "/d/z", "1"));
		r = commit(who, tx);
		fx->dom[1].in_len = 0;
		while (answered(1))
			;
		if (!r)
			return n;
		IS(r, EAGAIN);
	}
	return 0;
}

/* Also after the turn: three more losses, then the next one. */
START_TEST(test_xsa_206)
{
	turn_setup();
	ck_assert_int_eq(attempts(_i ? 2 : k), TURN_LOSSES + 1);
	ck_assert_ptr_null(holder());
	ck_assert_int_eq(attempts(_i ? 2 : k), TURN_LOSSES + 1);
	tx_teardown();
}
END_TEST

START_TEST(test_parked)
{
	uint32_t tx;

	turn_setup();
	lose(k2, 2);
	/* in a row: one that commits, and the count starts again */
	OK(commit(k2, begin(k2)));
	lose(k2, 2);
	tx = begin(k2);
	ck_assert_ptr_null(holder());
	OK(drop(k2, tx));
	lose(k2, 1);
	tx = begin(k2);
	ck_assert_ptr_nonnull(holder());
	OK(GET(k2, tx, "/d/x"));
	send_write(1, "/d/x", "1");
	ck_assert(conn_of(1)->turn.parked);
	ck_assert(!answered(1));
	/* no busy waiting: there is nothing to do */
	ck_assert(!conn_of(1)->work.queued);
	fx_settle(fx);
	ck_assert(!conn_of(1)->work.queued);
	/* others go on, and so do requests that change nothing of it */
	steps(2, 0, "W/d/y=2 R/d/x=stolen M/d/x W/d/n=1");
	steps(3, 0, "L/d=x,y,l,n,");
	READS(k2, tx, "/d/x", "stolen");
	OK(put(k2, tx, "/d/x", "mine"));
	OK(commit(k2, tx));
	ck_assert_ptr_null(holder());
	ck_assert(answered(1));
	READS(k, 0, "/d/x", "1");
	/* the count starts again */
	tx = begin(k2);
	ck_assert_ptr_null(holder());
	OK(drop(k2, tx));
	tx_teardown();
}
END_TEST

/* What waits, by what the holder depends on. */
static const struct {
	const char *inside, *other;
	bool waits;
} rows[] = {
	{"R/d/x=stolen", "W/d/x=1", true},
	{"R/d/x=stolen", "P/d/x=b0,r3", true},
	{"R/d/x=stolen", "D/d/x", true},
	{"R/d/x=stolen", "D/d", true},
	{"R/d/x=stolen", "M/d/x", false},
	{"R/d/x=stolen", "W/d/x/n=1", false},
	{"R/d/x=stolen", "W/d=1", false},
	{"R/d/x=stolen", "D/d/y", false},
	{"L/d=x,y,l,", "W/d/n=1", true},
	{"L/d=x,y,l,", "M/d/n/m", true},
	{"L/d=x,y,l,", "D/d/y", true},
	{"L/d=x,y,l,", "P/d=b0,r3", true},
	{"L/d=x,y,l,", "W/d/x=1", false},
	{"L/d=x,y,l,", "W/d=1", false},
	{"L/d=x,y,l,", "D/d/none", false},
	{"N/d/n", "W/d/n=1", true},
	{"N/d/n", "M/d/n/m", true},
	{"N/d/n", "W/d/m=1", false},
	{"N/d/n", "D/d/n", false},
	{"D/d/l", "W/d/l/n=1", true},
	{"D/d/l", "W/d/l=1", true},
	{"D/d/l", "W/d/m=1", false},
	{"G/d/x", "W/d/x=1", false},
	{"G/d/x", "P/d/x=b0,r3", true},
	{"R/d/x=stolen", "R/d/x=stolen", false},
	/* whoever has no rights there does not stand in the way */
	{"X/e/own/s", "D/e/own", false},
	{"X/e/own/none", "D/e/own", false},
	{"X/e/own/s", "D/e/own/s", false},
	{"R/e/own/all=1", "D/e/own", true},
	{"X/e/own/s R/e/own/all=1", "D/e/own", true},
};

static void send_step(int who, const char *text)
{
	char buf[64];
	int n = snprintf(buf, sizeof(buf), "%s", text + 1);
	char *value = strchr(buf, '=');
	uint32_t op = *text == 'W'   ? XS_OP_WRITE
		      : *text == 'M' ? XS_OP_MKDIR
		      : *text == 'D' ? XS_OP_RM
		      : *text == 'P' ? XS_OP_SET_PERMS
				     : XS_OP_READ;

	if (op == XS_OP_READ)
		n = (int)(value - buf);
	else if (op == XS_OP_SET_PERMS)
		*strchr(buf, ',') = '\0';
	if (value)
		*value = '\0';
	fx_send(fx, who, op, 0, buf, (size_t)n + (op != XS_OP_WRITE));
	fx_settle(fx);
}

START_TEST(test_what_waits)
{
	int client = fx_client((turn_setup(), fx));
	/* /e is for guests among themselves */
	bool guests = strstr(rows[_i].inside, "/e/");
	int other = guests ? 1 : -client;
	int who = guests ? 2 : k2;
	uint32_t tx;

	steps(k, 0, "W/e/own/s=1 W/e/own/all=1");
	steps(k, 0, "P/e=n1 P/e/own=n1 P/e/own/s=n1 P/e/own/all=b1");
	lose(who, TURN_LOSSES);
	tx = begin(who);
	ck_assert_ptr_nonnull(holder());
	steps(who, tx, rows[_i].inside);
	send_step(other, rows[_i].other);
	ck_assert_msg(answered(other) != rows[_i].waits, "%s, %s",
		rows[_i].inside, rows[_i].other);
	OK(commit(who, tx));
	ck_assert(answered(other) == rows[_i].waits);
	close(client);
	tx_teardown();
}
END_TEST

/* What it comes to later is seen as it is then, with all it has done. */
START_TEST(test_moves_on)
{
	uint32_t tx;

	turn_setup();
	lose(k2, TURN_LOSSES);
	tx = begin(k2);
	ck_assert_ptr_nonnull(holder());
	OK(put(k2, tx, "/d/mine/a", "1"));
	steps(1, 0, "W/d/y=new W/d/n=1");
	steps(k2, tx, "R/d/y=new R/d/mine/a=1 R/d/n=1 D/d/l");
	steps(2, 0, "W/d/x=newer D/d/n/none");
	steps(k2, tx, "R/d/x=newer N/d/l R/d/mine/a=1");
	OK(commit(k2, tx));
	steps(k, 0, "R/d/mine/a=1 R/d/n=1 N/d/l R/d/x=newer");
	tx_teardown();
}
END_TEST

START_TEST(test_ends_in_time)
{
	uint32_t tx;

	turn_setup();
	lose(k2, TURN_LOSSES);
	tx = begin(k2);
	OK(GET(k2, tx, "/d/x"));
	send_write(1, "/d/x", "1");
	ck_assert(!answered(1));
	/* by the clock that counts, not by how slow this machine is */
	usleep(TURN_US + 5000);
	fx_settle(fx);
	ck_assert_ptr_nonnull(holder());
	fake_us += TURN_US;
	usleep(TURN_US + 5000);
	fx_settle(fx);
	ck_assert_ptr_null(holder());
	ck_assert(answered(1));
	/* still open, only nobody waits for it */
	READS(k2, tx, "/d/x", "stolen");
	IS(commit(k2, tx), EAGAIN);
	tx_teardown();
}
END_TEST

/* Whatever ends the holder, or one that waits. */
START_TEST(test_ends_with_its_connection)
{
	uint32_t tx;

	turn_setup();
	lose(2, TURN_LOSSES);
	tx = begin(2);
	OK(GET(2, tx, "/d/x"));
	send_write(1, "/d/x", "1");
	ck_assert(conn_of(1)->turn.parked);
	switch (_i) {
	case 0: fx_dom_die(fx, 2); break;
	case 1: OK(ask(k, 0, XS_OP_RELEASE, "2")); break;
	case 2: OK(ask(2, 0, XS_OP_RESET_WATCHES, "")); break;
	case 3: OK(drop(2, tx)); break;
	case 4:
		fx_dom_die(fx, 1);
		ck_assert(TAILQ_EMPTY(&fx->server->turns.parked));
		OK(commit(2, tx));
		break;
	default:
		OK(ask_raw(k, 0, XS_OP_INTRODUCE, "1\0001\0005", 6));
		ck_assert(TAILQ_EMPTY(&fx->server->turns.parked));
		OK(commit(2, tx));
	}
	fx_settle(fx);
	ck_assert_ptr_null(holder());
	if (_i < 4)
		ck_assert(answered(1));
	tx_teardown();
}
END_TEST

/* The privileged domain does not wait for a guest, and takes its turn. */
START_TEST(test_privileged_first)
{
	uint32_t tx, other;

	turn_setup();
	lose(k2, TURN_LOSSES);
	lose(2, TURN_LOSSES);
	tx = begin(2);
	ck_assert_ptr_nonnull(holder());
	OK(GET(2, tx, "/d/x"));
	OK(put(k, 0, "/d/x", "now"));
	other = begin(k);
	OK(put(k, other, "/d/x", "now, too"));
	OK(commit(k, other));
	ck_assert(holder()->conn == conn_of(2));
	other = begin(k2);
	ck_assert(holder() && holder()->conn != conn_of(2));
	IS(commit(2, tx), EAGAIN);
	ck_assert(holder() && holder()->conn != conn_of(2));
	OK(commit(k2, other));
	tx_teardown();
}
END_TEST

/* A commit of others does not wait, it loses. */
START_TEST(test_commits_of_others)
{
	uint32_t tx, a, b;

	turn_setup();
	lose(2, TURN_LOSSES);
	a = begin(1);
	b = begin(3);
	tx = begin(2);
	steps(2, tx, "R/d/x=stolen L/d/l=");
	steps(1, a,
		_i == 0   ? "W/d/x=1"
		: _i == 1 ? "W/d/l/n=1"
		: _i == 2 ? "D/d/x"
			  : "D/d");
	steps(3, b, "W/d/y=1");
	IS(commit(1, a), EAGAIN);
	OK(commit(3, b));
	OK(commit(2, tx));
	tx_teardown();
}
END_TEST

/* What a guest may not read it cannot keep from others. */
START_TEST(test_commit_over_refused)
{
	uint32_t tx, other;

	turn_setup();
	steps(k, 0, "W/e/own/s=1 P/e=n1 P/e/own=n1 P/e/own/s=n1");
	lose(2, TURN_LOSSES);
	tx = begin(2);
	ck_assert_ptr_nonnull(holder());
	steps(2, tx, "X/e/own/s X/e/own/none");
	other = begin(1);
	steps(1, other, "D/e/own");
	OK(commit(1, other));
	OK(commit(2, tx));
	tx_teardown();
}
END_TEST

/* One after the other, in the order in which they began. */
START_TEST(test_claims)
{
	uint32_t a, b, c;

	turn_setup();
	lose(1, TURN_LOSSES);
	lose(2, TURN_LOSSES);
	lose(3, TURN_LOSSES);
	a = begin(1);
	b = begin(2);
	c = begin(3);
	ck_assert(holder()->conn == conn_of(1));
	OK(GET(1, a, "/d/x"));
	OK(GET(2, b, "/d/x"));
	OK(GET(3, c, "/d/y"));
	OK(put(1, a, "/d/x", "1"));
	OK(commit(1, a));
	fx_settle(fx);
	/* that of 2 is lost already, so it is the turn of 3 */
	ck_assert(holder() && holder()->conn == conn_of(3));
	IS(commit(2, b), EAGAIN);
	/* 2 has lost four in a row, and waits again */
	b = begin(2);
	OK(GET(2, b, "/d/x"));
	ck_assert(holder()->conn == conn_of(3));
	OK(commit(3, c));
	fx_settle(fx);
	ck_assert(holder() && holder()->conn == conn_of(2));
	OK(commit(2, b));
	fx_settle(fx);
	ck_assert_ptr_null(holder());
	tx_teardown();
}
END_TEST

/* At most half of any second. */
START_TEST(test_guests_share)
{
	uint64_t used[40] = {0};
	uint32_t tx;

	turn_setup();
	for (int i = 0; i < 400; i++) {
		conn_of(2)->turn.lost = TURN_LOSSES;
		tx = begin(2);
		if (holder())
			used[i / 10] += 10;
		fake_us += 10 * 1000;
		OK(drop(2, tx));
		ck_assert_ptr_null(holder());
	}
	for (int i = 0; i + 10 <= 40; i++) {
		uint64_t second = 0;

		for (int j = i; j < i + 10; j++)
			second += used[j];
		ck_assert_uint_le(second, 500);
		ck_assert_uint_ge(second, 300);
	}
	/* the privileged domain is not limited */
	for (int i = 0; i < 200; i++) {
		lose(k2, TURN_LOSSES);
		tx = begin(k2);
		ck_assert_ptr_nonnull(holder());
		fake_us += 10 * 1000;
		OK(drop(k2, tx));
	}
	tx_teardown();
}
END_TEST

/* What a commit costs is of the entries of both, not of their product. */
START_TEST(test_cost_of_commits)
{
	enum { NR = 200, LEVELS = 100 };
	char path[2 * LEVELS + 32], deep[2 * LEVELS + 16];
	uint64_t before;
	uint32_t a, b;
	int n;

	turn_setup();
	steps(k, 0, "M/one P/one=n1 M/two P/two=n2");
	n = sprintf(deep, "/two");
	for (int i = 0; i < LEVELS; i++)
		n += sprintf(deep + n, "/d");
	OK(MKDIR(2, 0, deep));
	for (int i = 0; i < NR; i++) {
		snprintf(path, sizeof(path), "/one/%d", i);
		OK(put(1, 0, path, ""));
	}
	b = begin(1);
	for (int i = 0; i < NR; i++) {
		snprintf(path, sizeof(path), "/one/%d", i);
		OK(RM(1, b, path));
	}
	lose(2, TURN_LOSSES);
	a = begin(2);
	ck_assert_ptr_nonnull(holder());
	for (int i = 0; i < NR; i++) {
		snprintf(path, sizeof(path), "%s/%d", deep, i);
		IS(GET(2, a, path), ENOENT);
	}
	before = fx->server->turns.steps;
	OK(commit(1, b));
	ck_assert_uint_gt(fx->server->turns.steps, before);
	ck_assert_uint_lt(
		fx->server->turns.steps - before, 3 * NR * (LEVELS + 5));
	/* nor one request, of the entries */
	before = fx->server->turns.steps;
	OK(MKDIR(1, 0, "/one/more"));
	OK(RM(1, 0, "/one/more"));
	ck_assert_uint_lt(
		fx->server->turns.steps - before, 2 * NR * (LEVELS + 5));
	OK(commit(2, a));
	tx_teardown();
}
END_TEST

/* Replies that have come, without another turn of the loop. */
static int replies(int client)
{
	struct xsmsg_hdr hdr;
	uint8_t buf[4096];
	ssize_t n = recv(client, buf, sizeof(buf), MSG_PEEK);
	int nr = 0;

	for (ssize_t at = 0; at < n; nr++) {
		memcpy(&hdr, buf + at, sizeof(hdr));
		at += XSMSG_HDR_LEN + (ssize_t)hdr.len;
	}
	return nr;
}

/* Who moves on at its own wish has one move in a turn of the loop. */
START_TEST(test_moves_cost)
{
	uint32_t tx;
	int nr = 0;

	turn_setup();
	steps(k, 0, "W/d/0=0 W/d/1=0 W/d/2=0 W/d/3=0");
	lose(k2, TURN_LOSSES);
	tx = begin(k2);
	ck_assert_ptr_nonnull(holder());
	OK(put(k2, tx, "/d/mine", "1"));
	for (int i = 0; i < 4; i++) {
		char path[] = {'/', 'd', '/', (char)('0' + i), '\0', '1'};

		fx_send(fx, k2, XS_OP_WRITE, 0, path, 6);
		fx_send(fx, k2, XS_OP_READ, tx, path, 5);
	}
	for (int i = 0; i < 20 && nr < 8; i++) {
		fx_turn(fx);
		ck_assert_int_le(replies(-k2), nr + 2);
		nr = replies(-k2);
		ck_assert_ptr_nonnull(holder());
	}
	ck_assert_int_eq(nr, 8);
	for (int i = 0; i < 8; i++)
		ck_assert(answered(k2));
	tx_teardown();
}
END_TEST

/* What that costs is for its time: none is left, no more moves. */
START_TEST(test_moves_in_time)
{
	uint32_t tx;

	turn_setup();
	lose(k2, TURN_LOSSES);
	tx = begin(k2);
	OK(put(k2, tx, "/d/mine", "1"));
	OK(put(k2, 0, "/d/y", "1"));
	fake_us += TURN_US - 1;
	READS(k2, tx, "/d/y", "1");
	ck_assert_ptr_nonnull(holder());
	OK(put(k2, 0, "/d/x", "2"));
	fake_us += 1;
	READS(k2, tx, "/d/x", "stolen");
	ck_assert_ptr_null(holder());
	tx_teardown();
}
END_TEST

BH_CHECK_MAIN("turn", 60, BH_LOOP(test_xsa_206, 2), BH_TEST(test_parked),
	BH_LOOP(test_what_waits, (int)ARRAY_LEN(rows)), BH_TEST(test_moves_on),
	BH_TEST(test_ends_in_time), BH_LOOP(test_ends_with_its_connection, 6),
	BH_TEST(test_privileged_first), BH_LOOP(test_commits_of_others, 4),
	BH_TEST(test_commit_over_refused), BH_TEST(test_claims),
	BH_TEST(test_guests_share), BH_TEST(test_cost_of_commits),
	BH_TEST(test_moves_cost), BH_TEST(test_moves_in_time))
