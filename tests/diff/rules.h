/* SPDX-License-Identifier: MIT */
/*
 * rules.h: the differences that are accepted, each with its reason
 *
 * DOC: A line of the list is
 *
 *	name | key=glob key!=glob ... | reason
 *
 * and accepts a difference if all keys match: the keys are the members of
 * struct unlike, a space of a value is a '?'.  What the text of a reply or
 * an event looks like is in chan.c.  A rule with `then=stop` ends the
 * sequence, since from then on the stores are not the same; `then=replay`
 * means that the transaction is done again on the other side, `then=check`
 * that it must not be committed on both.
 */
#ifndef TESTS_DIFF_RULES_H
#define TESTS_DIFF_RULES_H

#include <stddef.h>

enum { RULES_MAX = 64, RULE_KEYS = 10 };

enum rule_then { RULE_GO, RULE_STOP, RULE_REPLAY, RULE_CHECK };

/* One difference between the two sides. */
struct unlike {
	const char *kind; /* reply, event, order, death, target */
	const char *op;   /* the name of the operation or of the step */
	const char *who;  /* guest, priv: who asked */
	const char *to;   /* guest, priv: who heard it */
	const char *tx;   /* yes, no: asked in a transaction; moved: and since
			   * that began something has changed outside */
	const char *req;  /* the arguments */
	const char *ours, *c; /* what was said; "-": nothing */
};

struct rule {
	char *name, *why;
	struct {
		char *key, *glob;
		int differs;
	} key[RULE_KEYS];
	size_t nr_keys;
	enum rule_then then;
	unsigned long used;
};

struct rules {
	struct rule rule[RULES_MAX];
	size_t nr;
};

/* The list in the file @name.  0, or -1 after a line on stderr. */
int rules_read(struct rules *rules, const char *name);
void rules_free(struct rules *rules);

/* The first rule that accepts it, which is counted; NULL if there is none. */
struct rule *rules_find(struct rules *rules, const struct unlike *unlike);

#endif
